"""The language of questions: words, "phrases", -exclusions, prefix* and fields such as `site:thst` or `after:2024-05`.

Whatever does not read as a field is words; nothing that a user types is syntax to the database. Words are what the full
text counts as such, letters and digits, so that `PT&TH` and `02/01/2025` are phrases. Within quotation marks one is
written as two.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from storage.errors import UsageError
from storage.folding import INVISIBLE, MARKS


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand one after the other; with `prefix`, the last one may go on."""

    words: tuple[str, ...]
    prefix: bool = False

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Filter:
    """A field and what it must be, or with `excluded` must not; `after` and `before` have ISO dates, inclusive."""

    field: str
    value: str
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A question: all of `terms`, none of `excluded`, and the filters; an empty one asks for everything.

    Filters of one field with `site`, `section` or `author` are alternatives; all others must hold together.
    """

    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    filters: tuple[Filter, ...] = ()


_PIECE = re.compile(
    r"""(?P<minus>-*)
        (?:(?P<field>[A-Za-z]+):(?="(?:[^"\w]|"")*\w|[^\s"]))?
        (?:"(?P<quoted>[^"]*(?:""[^"]*)*)(?:"|$)(?P<star>\*?)|(?P<bare>[^\s"]+))""",
    re.VERBOSE,
)
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{MARKS}])*")
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_QUOTES = str.maketrans("“”„‟", '""""') | dict.fromkeys(map(ord, INVISIBLE))
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def parse(text: str) -> Query:
    """What the text asks for; only a date that is none is refused, with UsageError."""
    readable = straight(_UNREADABLE.sub(" ", text))
    terms: dict[Term, None] = {}
    excluded: dict[Term, None] = {}
    filters: dict[Filter, None] = {}
    for piece in _PIECE.finditer(readable):
        if found := _filter(piece):
            filters[found] = None
        elif term := _term(piece):
            (excluded if piece["minus"] else terms)[term] = None
    return Query(tuple(terms), tuple(excluded), tuple(filters))


def straight(text: str) -> str:
    """The text as questions have it: composed, every quotation mark the plain one, nothing that cannot be seen."""
    return unicodedata.normalize("NFC", text.translate(_QUOTES))


def quoted(value: str) -> str:
    """The value as it is written within quotation marks; `parse` reads it again, however it is spelled."""
    doubled = straight(value).replace('"', '""')
    return f'"{doubled}"'


def _filter(piece: re.Match[str]) -> Filter | None:
    field = (piece["field"] or "").lower()
    read = _FIELDS.get(field)
    value = read(_value(piece).strip()) if read else None
    return Filter(field, value, bool(piece["minus"])) if value else None


def _term(piece: re.Match[str]) -> Term | None:
    words = _WORD.findall(f"{piece['field'] or ''} {_value(piece)}")
    prefix = bool(piece["star"]) or (piece["bare"] or "").endswith("*")
    return Term(tuple(words), prefix) if words else None


def _value(piece: re.Match[str]) -> str:
    return piece["bare"] if piece["quoted"] is None else piece["quoted"].replace('""', '"')


def _one_of(*values: str) -> Callable[[str], str | None]:
    return lambda value: value.lower() if value.lower() in values else None


def _first_day(value: str) -> str:
    return _period(value)[0].isoformat()


def _last_day(value: str) -> str:
    return _period(value)[1].isoformat()


def _period(value: str) -> tuple[date, date]:
    match = _DAY.fullmatch(value)
    try:
        if match is None:
            raise ValueError(value)
        year, month, day = int(match[1]), match[2], match[3]
        first = date(year, int(month or 1), int(day or 1))
    except ValueError:
        raise UsageError(f"{value[:40]!r} is not a date: write YYYY, YYYY-MM or YYYY-MM-DD") from None
    last_month = first.month if month else 12
    return first, first if day else date(year, last_month, monthrange(year, last_month)[1])


_FIELDS: dict[str, Callable[[str], str | None]] = {
    "site": str.lower,
    "section": str,
    "author": str,
    "after": _first_day,
    "before": _last_day,
    "has": _one_of("pdf", "attachment", "changes"),
    "in": _one_of("latest"),
    "gone": _one_of("yes", "no"),
}
