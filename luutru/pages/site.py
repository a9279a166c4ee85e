"""A site: how it was captured, what it holds, how it stands, and what is planned."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response

from luutru.pages import changed, rendering, states
from luutru.pages.changed import Changed
from luutru.pages.links import Links
from luutru.pages.naming import defined
from luutru.pages.states import Card
from luutru.responses import JsonResponse
from luutru.room import Asked, Room
from storage.errors import NotFound
from storage.index import daybook, holdings, latest, legibility, rhythm, schedule
from storage.index.daybook import Entry
from storage.index.health import Problem
from storage.index.legibility import Week
from storage.index.rhythm import Section
from storage.moments import written

router = APIRouter()
_WEEK = timedelta(days=7)
_RUNS, _SECTIONS, _CHANGED = 8, 12, 6


@dataclass(frozen=True, slots=True)
class SitePage(Card):
    """What the page of a site tells."""

    sections: tuple[Section, ...]
    runs: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    changed: tuple[Changed, ...]
    weeks: tuple[Week, ...]
    next: str | None
    cadence: str | None
    paused: str | None
    paused_because: str | None

    def period_link(self, to: Links) -> Callable[[str, str], str]:
        """Where a period of the chart leads: to the documents from one month to another."""
        return lambda first, last: to.search(f"site:{self.site} after:{first} before:{last}")


@router.get("/site/{key}.json")
def json(room: Asked, key: str) -> Response:
    """The same for machines."""
    return JsonResponse(site(room, key))


@router.get("/site/{key}")
def html(request: Request, room: Asked, key: str) -> Response:
    """The page."""
    may_act = room.collection.config.token is not None
    return rendering.page(request, room, "site.html", site(room, key), may_act=may_act, current="sites")


def site(room: Room, key: str) -> SitePage:
    """What the page of a site tells; raises NotFound."""
    now = datetime.now(UTC)
    with room.read() as connection:
        known = {one.site: one for one in holdings.sites(connection, defined(room.collection))}
        if key not in known:
            raise NotFound(f"no site {key[:100]!r} is defined or archived: `luutru sites` lists those there are")
        months = rhythm.months(connection, key)
        sections = tuple(rhythm.sections(connection, key)[:_SECTIONS])
        runs = tuple(daybook.entries(connection, site=key, limit=_RUNS))
        crawls = holdings.last_of(connection, key)
        weeks = legibility.weeks(connection, key, now)
        planned = schedule.planned(connection).get(key)
        changes = latest.changes_between(connection, key, written(now - _WEEK), written(now), limit=_CHANGED)
    problems = states.problems(room)
    (card,) = states.cards([known[key]], months, problems, crawls)
    return SitePage(
        **{one.name: getattr(card, one.name) for one in fields(card)},
        sections=sections,
        runs=runs,
        problems=tuple(one for one in problems if one.site == key),
        changed=changed.shown(changes.changed),
        weeks=weeks,
        next=planned.next.isoformat() if planned and planned.next and not planned.paused else None,
        cadence=planned.planned if planned else None,
        paused=planned.paused.isoformat() if planned and planned.paused else None,
        paused_because=planned.reason if planned and planned.paused else None,
    )
