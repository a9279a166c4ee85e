"""What the pages say: the texts of one language, and dates and figures as that language writes them.

All texts of the interface stand in `luutru/texts/`, one file a language. A text may have placeholders (`{site}`); one
that counts has `{n}`, and where a language needs it, two forms (`one`, `other`). Texts are plain: what is put into them
is escaped unless it is markup.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

LANGUAGES = ("vi", "en")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPACE = "\u00a0"
Text = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; moments are shown in `zone`."""

    language: str
    zone: ZoneInfo

    def __call__(self, key: str, **values: object) -> Markup:
        """The text of a key, its placeholders filled; raises KeyError where there is none."""
        text = _markup(self.language)[key]
        if isinstance(text, Markup):
            return text
        if not isinstance(text, str):
            text = text["one" if values["n"] == 1 else "other"]
        shown = {name: escape(self.number(one) if type(one) is int else one) for name, one in values.items()}
        return Markup(str.format(text, **shown))  # noqa: S704  # text and values are escaped

    def known(self, key: str, otherwise: str, **values: object) -> Markup:
        """The text of a key that what was archived may not have, else those words as they are."""
        return self(key, **values) if key in texts(self.language) else escape(otherwise)

    def number(self, number: int) -> str:
        """A figure with its thousands parted."""
        shown = f"{number:,}"
        return shown.replace(",", ".") if self.language == "vi" else shown

    def decimal(self, number: float, places: int = 2) -> str:
        """A figure with a fraction."""
        shown = f"{number:,.{places}f}"
        return shown.translate(str.maketrans(",.", ".,")) if self.language == "vi" else shown

    def percent(self, share: float) -> str:
        """A share of one, in hundredths; what is not all is never 100."""
        shown = str(min(round(share * 100), 99) if share < 1 else 100)
        return f"{shown}{_SPACE}%" if self.language == "vi" else f"{shown}%"

    def size(self, count: int) -> str:
        """A number of bytes."""
        amount, unit = float(count), "B"
        for unit in ("B", "kB", "MB", "GB", "TB"):
            if amount < 1000 or unit == "TB":
                break
            amount /= 1000
        places = 1 if unit in ("MB", "GB", "TB") and amount < 100 else 0
        return f"{self.decimal(amount, places)}{_SPACE}{unit}"

    def day(self, moment: str | date) -> str:
        """The day of a date or a moment; of a moment, here."""
        when = self._local(moment)
        return when if isinstance(when, str) else self._day(when)

    def moment(self, moment: str | date) -> str:
        """Day and minute, here; a date has no minute."""
        return self._with_clock(moment, "%H:%M")

    def second(self, moment: str | date) -> str:
        """Day and second, here."""
        return self._with_clock(moment, "%H:%M:%S")

    def short(self, moment: str | date) -> str:
        """Day and month, where the year is plain."""
        when = self._local(moment)
        if isinstance(when, str):
            return when
        return f"{when:%d/%m}" if self.language == "vi" else f"{when.day} {_MONTHS[when.month - 1]}"

    def month(self, month: str) -> str:
        """A month (YYYY-MM) of a year."""
        year, _, number = month.partition("-")
        return f"{number}/{year}" if self.language == "vi" else f"{_MONTHS[int(number) - 1]} {year}"

    def month_name(self, number: int) -> str:
        """A month as a heading of an axis names it."""
        return str(number) if self.language == "vi" else _MONTHS[number - 1]

    def lasted(self, started: str | datetime, finished: str | datetime) -> Markup:
        """How long something took."""
        seconds = round((_parsed(finished) - _parsed(started)).total_seconds())
        if seconds < 90:
            return self("time.seconds", n=seconds)
        return self("time.minutes", n=round(seconds / 60)) if seconds < 5400 else self("time.hours", n=seconds // 3600)

    def here(self, moment: str | datetime) -> datetime:
        """A moment in the time zone of the archive."""
        return _parsed(moment).astimezone(self.zone)

    @property
    def offset(self) -> str:
        """How far the clock here is from UTC: GMT+7."""
        hours = (datetime.now(self.zone).utcoffset() or timedelta()) / timedelta(hours=1)
        return f"GMT{hours:+g}" if hours else "GMT"

    def _with_clock(self, moment: str | date, pattern: str) -> str:
        when = self._local(moment)
        if not isinstance(when, datetime):
            return self.day(moment)
        clock = when.strftime(pattern)
        return f"{clock}, {self._day(when)}" if self.language == "vi" else f"{self._day(when)}, {clock}"

    def _day(self, when: date) -> str:
        return f"{when:%d/%m/%Y}" if self.language == "vi" else f"{when.day} {_MONTHS[when.month - 1]} {when.year}"

    def _local(self, moment: str | date) -> date | str:
        """The date, or the moment here; what is neither, as it is: it was archived so."""
        if isinstance(moment, datetime):
            return self.here(moment)
        if isinstance(moment, date):
            return moment
        try:
            return self.here(moment) if len(moment) > len("2025-01-02") else date.fromisoformat(moment)
        except ValueError:
            return moment


def _parsed(moment: str | datetime) -> datetime:
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return when if when.tzinfo else when.replace(tzinfo=UTC)


@cache
def texts(language: str) -> Mapping[str, Text]:
    """All texts of a language, by key (`table.name`), in the order of their file."""
    source = resources.files("luutru").joinpath("texts", f"{language}.toml").read_text("utf-8")
    tables = tomllib.loads(source)
    return {f"{table}.{name}": text for table, named in tables.items() for name, text in named.items()}


@cache
def _markup(language: str) -> Mapping[str, Text]:
    """The same, escaped; what has no placeholders is markup already."""
    return {key: _escaped(text) for key, text in texts(language).items()}


def _escaped(text: Text) -> Text:
    if isinstance(text, str):
        return str(escape(text)) if "{" in text else escape(text)
    return {form: str(escape(one)) for form, one in text.items()}
