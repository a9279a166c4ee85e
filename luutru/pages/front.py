"""The first page: what is held, how it came, what is new, and how the archive stands."""

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from luutru.pages import changed, rendering, states
from luutru.pages.changed import Changed
from luutru.pages.naming import defined
from luutru.pages.states import Card, Months
from luutru.responses import JsonResponse
from luutru.room import Asked, Room
from storage.index import fixity, holdings, latest, rhythm
from storage.index.fixity import Summary
from storage.index.health import Problem
from storage.index.holdings import Stats
from storage.index.latest import Newest
from storage.model import Outcome
from storage.moments import written

router = APIRouter()
_NEWEST, _CHANGED, _NIGHT, _PROBLEMS = 5, 4, timedelta(hours=24), 5


@dataclass(frozen=True, slots=True)
class Front:
    """What the first page tells; months are (YYYY-MM, captures), `night` counts the outcomes of the last 24 hours."""

    stats: Stats
    sites: tuple[Card, ...]
    months: Months
    newest: tuple[Newest, ...]
    changed: tuple[Changed, ...]
    night: tuple[tuple[str, int], ...]
    running: tuple[str, ...]
    problems: tuple[Problem, ...]
    fixity: Summary
    free: int

    @property
    def first_month(self) -> str:
        """The month of the earliest capture of all."""
        return self.months[0][0]

    @property
    def last_month(self) -> str:
        """The month of the latest capture of all."""
        return self.months[-1][0]

    @property
    def examples(self) -> tuple[str, ...]:
        """Questions that the archive answers."""
        site = max(self.sites, key=lambda one: one.documents).site if self.sites else "thst"
        return '"bờ kênh"', "ghe ngo after:2024", f"site:{site} has:pdf"


@router.get("/")
def html(request: Request, room: Asked) -> Response:
    """The page."""
    return room.kept.page(request, lambda: rendering.page(request, room, "front.html", front(room), current="front"))


@router.get("/en")
def english() -> Response:
    """The English page, where its address is typed without the slash."""
    return RedirectResponse("/en/", 308)


@router.get("/.json")
def json(room: Asked) -> Response:
    """The same for machines."""
    return JsonResponse(front(room))


def front(room: Room) -> Front:
    """What the first page tells."""
    since = written(datetime.now(UTC) - _NIGHT)
    with room.read() as connection:
        stats = holdings.stats(connection)
        sites = holdings.sites(connection, defined(room.collection))
        captured = rhythm.months(connection)
        newest = tuple(latest.newest(connection, limit=_NEWEST))
        changes = latest.changes(connection, limit=_CHANGED)
        crawls = holdings.lately(connection)
        verified = fixity.summary(connection)
    problems = states.problems(room)
    night = Counter[Any](one.outcome for one in crawls if one.started >= since)
    return Front(
        stats=stats,
        sites=states.cards(sites, captured, problems, crawls),
        months=states.by_month(captured),
        newest=newest,
        changed=changed.shown(changes),
        night=tuple((str(outcome), count) for outcome, count in night.most_common()),
        running=tuple(sorted({one.site for one in crawls if one.outcome == Outcome.RUNNING})),
        problems=problems[:_PROBLEMS],
        fixity=verified,
        free=shutil.disk_usage(room.collection.home).free,
    )
