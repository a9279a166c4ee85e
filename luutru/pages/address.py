"""The captures of one address: a calendar of a year, and a list."""

from calendar import Calendar as Grid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from luutru.pages import rendering
from luutru.responses import JsonResponse
from luutru.room import Asked
from storage.index.brief import briefs
from storage.index.calendar import Calendar, Found, Visit, calendar

router = APIRouter()
KINDS = (Found.NEW, Found.SAME, Found.NOT_MODIFIED, Found.MOVED, Found.ERROR)  # what a day shows: the first that it has

_GRID = Grid()
_STATES = {Found.NEW: "new", Found.SAME: "same", Found.NOT_MODIFIED: "304", Found.MOVED: "moved", Found.ERROR: "failed"}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month, and the numbers of its captures in the year's list."""

    day: int
    kind: Found | None
    captures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """A month, by weeks that begin on Monday; None where a day is of another month."""

    number: int
    count: int
    weeks: tuple[tuple[Day | None, ...], ...]


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
    days = {day: _day(int(day[-2:]), numbers, found.visits) for day, numbers in numbered.items()}
    for month in range(1, 13):
        name = f"{found.year:04}-{month:02}-"
        weeks = tuple(
            tuple((days.get(f"{name}{day:02}") or Day(day, None, ())) if day else None for day in week)
            for week in _GRID.monthdayscalendar(found.year, month)
        )
        yield Month(month, sum(len(one.captures) for day, one in days.items() if day.startswith(name)), weeks)


def _day(day: int, numbers: Sequence[int], visits: Sequence[Visit]) -> Day:
    there = {visits[number].found for number in numbers}
    return Day(day, next(kind for kind in KINDS if kind in there), tuple(numbers))
