"""Publication dates as Vietnamese pages write them: day first. No date rather than a guessed one.

A date counts in two places only: in a named field (JSON-LD, `meta`, `time`, a layout's selector), or on a line near
the title that says little else. Clocks, dates of events in the text, licences and lists are neither.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

VIETNAM = timezone(timedelta(hours=7))
Moment = date | datetime

_MONTHS = ["một", "hai", "ba", "tư", "năm", "sáu", "bảy", "tám", "chín", "mười", "mười một", "mười hai"]
_MONTH_WORD = "|".join(sorted((name.replace(" ", r"\s+") for name in _MONTHS), key=len, reverse=True))
_YEAR = re.compile(r"(?:19|20)\d\d")
_TIME = (
    r"(?P<hour>[01]?\d|2[0-3])\s*[:hg]\s*(?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d))?"
    r"\s*(?P<half>SA|CH|AM|PM)?(?![\d/])"
)
_DAY = (
    r"(?:"
    r"(?P<day>[0-3]?\d)\s*(?P<sep>[/.\-])\s*(?P<month>[01]?\d)\s*(?P=sep)\s*(?P<year>(?:19|20)\d\d)(?!\d)"
    r"|(?P<day2>[0-3]?\d)\s*tháng\s*(?P<month2>[01]?\d)(?:\s*(?:,|năm|/|-)\s*|\s+)(?P<year2>(?:19|20)\d\d)"
    rf"|(?P<day3>[0-3]?\d)\s*tháng\s*(?P<word3>{_MONTH_WORD})\s*(?:,\s*|năm\s*)+(?P<year3>(?:19|20)\d\d)"
    rf"|tháng\s*(?P<word4>{_MONTH_WORD}|[01]?\d)\s+(?P<day4>[0-3]?\d)\s*,\s*(?P<year4>(?:19|20)\d\d)"
    r"|(?P<day5>[0-3]?\d)\s*Th(?P<month5>[01]?\d)\s+(?P<year5>(?:19|20)\d\d)"
    r"|(?P<year6>(?:19|20)\d\d)-(?P<month6>[01]\d)-(?P<day6>[0-3]\d)"
    r")"
)
_DATE = re.compile(rf"(?<![\d/.\-]){_DAY}", re.IGNORECASE)
_CLOCK = re.compile(rf"(?<![\d/]){_TIME}", re.IGNORECASE)
_NOISE = re.compile(
    r"(?:thứ\s*(?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ\s*nhật|CN)\b"
    r"|\b(?:ngày|đăng|đã|xuất|bản|tạo|viết|phát|hành|cập|nhật|sửa|cuối|lần|lúc|lượt|xem|đọc|số|vào|hồi|giờ|phút|thời|gian|tin|bài|updated?|published|posted|date|on|at)\b"
    r"|\(?(?:GMT|UTC)\s*[+-]?\s*\d{1,2}(?::?\d\d)?\)?|[+-]0?7:?00"
    r"|\d[\d.,]*|\W",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\W{0,3}(?:ngày\s*(?:đăng|tạo|viết|xuất bản|cập nhật)|đăng\s*(?:ngày|lúc)"
    r"|cập\s*nhật(?:\s*(?:lúc|ngày|lần cuối))?|xuất bản|published|posted|updated)\s*(?:on|:)?",
    re.IGNORECASE,
)
_SAYS_PUBLISHED = re.compile(
    r"\b(?:đăng|xuất\s*bản|cập\s*nhật|ngày\s*(?:tạo|viết)|published|posted|updated)\b", re.IGNORECASE
)
_UPDATED = re.compile(r"cập\s*nhật|sửa|updated|modified", re.IGNORECASE)
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
_MERIDIAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AP]M))?", re.IGNORECASE)
_EARLIEST = date(1990, 1, 1)
_CLOCK_TOLERANCE = timedelta(minutes=2)


@dataclass(frozen=True)
class Dated:
    """When an article was published, and where that was read."""

    published: Moment | None = None
    source: str | None = None
    modified: Moment | None = None


def read(text: str) -> Moment | None:
    """The one date in `text`, with its time of day where there is one; None when there is none or more than one."""
    return _moment(text)


@lru_cache(maxsize=8192)  # the same cards stand beside many articles
def on_line(text: str) -> Moment | None:
    """The date of a line that says no more than when, where and by whom: `Thứ năm, 09/03/2023 16:02 (GMT+7)`."""
    if len(text) > 140 or not _YEAR.search(text):
        return None
    moment = _moment(text)
    if moment is None:
        return None
    rest = _NOISE.sub(" ", _CLOCK.sub(" ", _DATE.sub(" ", text))).split()
    return moment if len(rest) <= 4 and all(word[0].isupper() for word in rest) else None


def at_start(text: str) -> tuple[Moment, str] | None:
    """The labelled date with which a line begins, and what is glued to it: `Cập nhật: 02/01/2025Năm 2024, …`."""
    label = _LABEL.match(text)
    found = _DATE.search(text, label.end(), label.end() + 40) if label else None
    if found is None or _NOISE.sub("", text[: found.start()]):
        return None
    day = _day(found)
    return (day, text[found.end() :].strip(" -–|")) if day else None


def shown(text: str) -> Moment | None:
    """The date of a line that is nothing but a date, or that begins with one which is labelled."""
    glued = at_start(text)
    return on_line(text) or (glued[0] if glued else None)


def is_labelled(text: str) -> bool:
    """The line says of what its date is the date: of publication or of a change."""
    return _SAYS_PUBLISHED.search(text) is not None


def is_update(text: str) -> bool:
    """The line says when the text was changed, not when it was published."""
    return _UPDATED.search(text) is not None


def field(value: str) -> Moment | None:
    """A date out of a named field: ISO 8601, or what `read` understands.

    `3/9/2023 4:02:00 PM` is how ASP.NET writes a date, month first in one culture and day first in another: such a
    value counts only when one of both readings is impossible, or both are the same.
    """
    iso = _ISO.match(value.strip())
    if iso:
        return _iso(iso)
    american = _MERIDIAN.fullmatch(value.strip())
    if american and american.group(7):
        return _american(american)
    return _moment(value)


def agrees(value: str, seen: Moment) -> bool:
    """An ASP.NET date can be read as the day that the page shows."""
    found = _MERIDIAN.match(value.strip())
    if not found:
        moment = field(value)
        return moment is not None and as_day(moment) == as_day(seen)
    first, second, year = (int(part) for part in found.groups()[:3])
    return as_day(seen) in (_date(year, second, first), _date(year, first, second))


def as_day(moment: Moment) -> date:
    """The day of a moment, in Vietnam when it carries a time."""
    return moment.astimezone(VIETNAM).date() if isinstance(moment, datetime) else moment


def plausible(moments: Iterable[Moment], captured: datetime) -> list[Moment]:
    """Those that are neither in the future of the capture nor the server's clock."""
    tomorrow = as_day(captured) + timedelta(days=1)
    return [m for m in moments if _EARLIEST <= as_day(m) <= tomorrow and not _is_clock(m, captured)]


def _is_clock(moment: Moment, captured: datetime) -> bool:
    return isinstance(moment, datetime) and abs(moment - captured) < _CLOCK_TOLERANCE


def _moment(text: str) -> Moment | None:
    found = list(_DATE.finditer(text))
    days = {day for day in map(_day, found) if day}
    if len(days) != 1:
        return None
    day = days.pop()
    span = found[0].span()
    clocks = [c for c in _CLOCK.finditer(text) if not span[0] <= c.start() < span[1]]
    return _at(day, clocks[0]) if len(clocks) == 1 else day


def _at(day: date, clock: re.Match[str]) -> datetime:
    hour = int(clock["hour"])
    half = (clock["half"] or "").upper()
    if half in ("CH", "PM") and hour < 12:
        hour += 12
    if half in ("SA", "AM") and hour == 12:
        hour = 0
    return datetime.combine(day, time(hour, int(clock["minute"]), int(clock["second"] or 0)), VIETNAM)


def _day(found: re.Match[str]) -> date | None:
    part = found.groupdict()
    for n in ("", "2", "3", "4", "5", "6"):
        if part.get(f"year{n}"):
            month = part.get(f"month{n}") or part.get(f"word{n}") or ""
            return _date(int(part[f"year{n}"]), _month(month), int(part[f"day{n}"]))
    return None


def _month(name: str) -> int:
    return int(name) if name.isdecimal() else _MONTHS.index(" ".join(name.lower().split())) + 1


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _iso(found: re.Match[str]) -> Moment | None:
    year, month, day, hour, minute, second, zone = found.groups()
    when = _date(int(year), int(month), int(day))
    if when is None or hour is None:
        return when
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
        return when
    return datetime.combine(when, time(int(hour), int(minute), int(second or 0)), _zone(zone))


def _zone(name: str | None) -> timezone:
    if name is None:
        return VIETNAM
    if name.upper() == "Z":
        return UTC
    digits = name[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if name[0] == "-" else offset) if offset < timedelta(hours=24) else VIETNAM


def _american(found: re.Match[str]) -> Moment | None:
    first, second, year = (int(part) for part in found.groups()[:3])
    readings = {day for day in (_date(year, second, first), _date(year, first, second)) if day}
    if len(readings) != 1:
        return None
    hour = int(found.group(4)) % 12 + (12 if found.group(7).upper() == "PM" else 0)
    return datetime.combine(readings.pop(), time(hour, int(found.group(5)), int(found.group(6) or 0)), VIETNAM)
