"""The captures of one address: a calendar of a year, and a list."""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from luutru.pages import rendering
from luutru.responses import JsonResponse
from luutru.room import Asked
from storage.index.brief import briefs
from storage.index.calendar import Calendar, Found, Visit, calendar

router = APIRouter()
KINDS = (Found.NEW, Found.SAME, Found.NOT_MODIFIED, Found.MOVED, Found.ERROR)  # what a day shows: the first that it has

_STATES = {Found.NEW: "new", Found.SAME: "same", Found.NOT_MODIFIED: "304", Found.MOVED: "moved", Found.ERROR: "failed"}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month, and the numbers of its captures in the year's list; `day` is 0 where it is of another month."""

    day: int
    kind: Found | None = None
    captures: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """A week that begins on Monday; one without captures has its `cells` instead of its days, as most have."""

    days: tuple[Day, ...]
    cells: Markup | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A month, by weeks."""

    number: int
    count: int
    weeks: tuple[Week, ...]


@router.get("/address.json")
def json(room: Asked, url: str, year: int | None = None) -> Response:
    """The same for machines."""
    with room.read() as connection:
        return JsonResponse(calendar(connection, url, year, room.collection.config.zone))


@router.get("/address")
def html(request: Request, room: Asked, url: str, year: int | None = None) -> Response:
    """The page."""
    with room.read() as connection:
        found = calendar(connection, url, year, room.collection.config.zone)
        documents = briefs(connection, {one.document for one in found.visits if one.document})
    more: dict[str, Any] = {
        "months": tuple(months(found)),
        "documents": documents.values(),
        "kinds": KINDS,
        "found": _STATES,
        "cdx": f"/cdx?{urlencode({'url': found.url})}",
    }
    return rendering.page(request, room, "address.html", found, **more)


def months(found: Calendar) -> Iterator[Month]:
    """The months of the year that is shown."""
    numbered: dict[str, list[int]] = {}
    for number, one in enumerate(found.visits):
        numbered.setdefault(one.day, []).append(number)
    days: dict[int, dict[int, Day]] = {}
    for day, numbers in numbered.items():
        days.setdefault(int(day[5:7]), {})[int(day[-2:])] = _day(int(day[-2:]), numbers, found.visits)
    for month in range(1, 13):
        its = days.get(month, {})
        weeks = tuple(_week(numbers, its) for numbers in _weeks(*monthrange(found.year, month)))
        yield Month(month, sum(len(one.captures) for one in its.values()), weeks)


def _day(day: int, numbers: Sequence[int], visits: Sequence[Visit]) -> Day:
    there = {visits[number].found for number in numbers}
    return Day(day, next(kind for kind in KINDS if kind in there), tuple(numbers))


def _week(numbers: tuple[int, ...], days: Mapping[int, Day]) -> Week:
    if days.keys().isdisjoint(numbers):
        return _empty(numbers)
    return Week(tuple(days.get(number) or Day(number) for number in numbers))


@cache
def _weeks(first: int, days: int) -> tuple[tuple[int, ...], ...]:
    """The weeks of a month of so many days that begins on this day of the week; 0 is a day of another month."""
    month = [*(0 for _ in range(first)), *range(1, days + 1), *(0 for _ in range(-(first + days) % 7))]
    return tuple(tuple(month[at : at + 7]) for at in range(0, len(month), 7))


@cache
def _empty(numbers: tuple[int, ...]) -> Week:
    return Week((), Markup().join(Markup("<td>{}</td>").format(number or "") for number in numbers))
