"""The ledger: four weeks at a glance, what comes next, and every run, also those that never came to be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fastapi import APIRouter, Request, Response

from luutru.pages import rendering
from luutru.responses import JsonResponse
from luutru.room import Asked, Room
from storage.errors import UsageError
from storage.index import daybook, schedule
from storage.index.daybook import Entry
from storage.index.schedule import Planned
from storage.model import Outcome
from storage.moments import written

router = APIRouter()
_DAYS, _SHOWN = 28, 50
_NO_RUN = frozenset({Outcome.MISSED, Outcome.SKIPPED})
_TROUBLE = frozenset({Outcome.PARTIAL, Outcome.FAILED, Outcome.INTERRUPTED, Outcome.REFUSED}) | _NO_RUN
CHOICES: dict[str, frozenset[Outcome]] = {"": frozenset(), "trouble": _TROUBLE, "missed": _NO_RUN}
_WORST_LAST = ("waiting", "completed", "running", "skipped", "missed", "partial", "interrupted", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Coming:
    """A run that is planned."""

    when: str
    job: str
    site: str | None


@dataclass(frozen=True, slots=True)
class Runs:
    """What the page of the ledger tells; `weeks` has each site's outcomes by day, "none" where nothing ran."""

    site: str | None
    chosen: str
    days: tuple[date, ...]
    weeks: tuple[tuple[str, tuple[str, ...]], ...]
    coming: tuple[Coming, ...]
    runs: tuple[Entry, ...]
    next: str | None


@router.get("/runs.json")
def json(room: Asked, site: str | None = None, outcome: str = "", before: str | None = None) -> Response:
    """The same for machines."""
    return JsonResponse(ledger(room, site, outcome, before))


@router.get("/runs")
def html(
    request: Request, room: Asked, site: str | None = None, outcome: str = "", before: str | None = None
) -> Response:
    """The page."""
    return rendering.page(request, room, "runs.html", ledger(room, site, outcome, before), current="runs")


def ledger(room: Room, site: str | None, chosen: str, before: str | None) -> Runs:
    """The ledger before a moment, of a site, of the outcomes that are chosen; raises UsageError."""
    if chosen not in CHOICES:
        raise UsageError(f"outcome is {' or '.join(filter(None, CHOICES))}, not {chosen[:40]!r}")
    zone = room.collection.config.zone
    today = datetime.now(zone).date()
    days = tuple(today - timedelta(days=back) for back in range(_DAYS - 1, -1, -1))
    since = written(datetime.combine(days[0], time(), zone))
    with room.read() as connection:
        found = daybook.entries(connection, site=site, outcomes=CHOICES[chosen], before=before, limit=_SHOWN + 1)
        recent = daybook.since(connection, since, site)
        planned = schedule.planned(connection)
    by_day: dict[tuple[str, date], list[str]] = {}
    for one in recent:
        day = datetime.fromisoformat(one.started).astimezone(zone).date()
        by_day.setdefault((one.site, day), []).append(one.outcome)
    sites = sorted({key for key, _ in by_day})
    return Runs(
        site=site,
        chosen=chosen,
        days=days,
        weeks=tuple((key, tuple(_worst(by_day.get((key, day), ())) for day in days)) for key in sites),
        coming=tuple(_coming(planned, site)),
        runs=tuple(found[:_SHOWN]),
        next=found[_SHOWN - 1].started if len(found) > _SHOWN else None,
    )


def _coming(planned: Mapping[str, Planned], site: str | None) -> Iterator[Coming]:
    """What is due next, the earliest first."""
    due = [
        Coming(written(one.next), one.job, one.site)
        for one in planned.values()
        if one.next and not one.paused and site in (None, one.site)
    ]
    yield from sorted(due, key=lambda one: (one.when, one.job))


def _worst(outcomes: Sequence[str]) -> str:
    """What a day shows: the worst of what happened on it."""
    return max(outcomes, key=_WORST_LAST.index, default="none")
