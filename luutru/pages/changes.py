"""What became of a site within a week: articles that changed, that were new, that were gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fastapi import APIRouter, Request, Response

from luutru.pages import changed, rendering
from luutru.pages.changed import Changed
from luutru.pages.naming import defined
from luutru.responses import JsonResponse
from luutru.room import Asked, Room
from storage.errors import NotFound, UsageError
from storage.index import holdings, latest
from storage.index.latest import Gone
from storage.moments import written

router = APIRouter()
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Week:
    """What a week brought, of one site or of all; `week` is its ISO name, `since` and `until` its outer days."""

    site: str | None
    week: str
    since: str
    until: str
    week_before: str
    week_after: str | None
    changed: tuple[Changed, ...]
    gone: tuple[Gone, ...]
    new_total: int
    changed_total: int
    gone_total: int
    capped: bool


@router.get("/changes.json")
def json(room: Asked, site: str | None = None, week: str | None = None) -> Response:
    """The same for machines."""
    return JsonResponse(changes(room, site, week))


@router.get("/changes")
def html(request: Request, room: Asked, site: str | None = None, week: str | None = None) -> Response:
    """The page."""
    return rendering.page(request, room, "changes.html", changes(room, site, week))


def changes(room: Room, site: str | None, named: str | None) -> Week:
    """What a week brought, this one unless another is named; raises UsageError, NotFound."""
    zone = room.collection.config.zone
    today = datetime.now(zone).date()
    monday = _monday(named) if named else today - timedelta(days=today.weekday())
    since, until = (written(datetime.combine(monday + timedelta(days=days), time(), zone)) for days in (0, 7))
    with room.read() as connection:
        known = [one.site for one in holdings.sites(connection, defined(room.collection))]
        if site and site not in known:
            raise NotFound(f"no site {site[:100]!r} is defined or archived: `luutru sites` lists those there are")
        found = [latest.changes_between(connection, key, since, until, limit=_SHOWN) for key in _of(site, known)]
    latest_first = sorted((one for each in found for one in each.changed), key=lambda one: one.when, reverse=True)
    gone = sorted((one for each in found for one in each.gone), key=lambda one: one.since, reverse=True)
    following = monday + timedelta(days=7)
    return Week(
        site=site,
        week=_name(monday),
        since=monday.isoformat(),
        until=(following - timedelta(days=1)).isoformat(),
        week_before=_name(monday - timedelta(days=7)),
        week_after=_name(following) if following <= today else None,
        changed=changed.shown(latest_first[:_SHOWN]),
        gone=tuple(gone[:_SHOWN]),
        new_total=sum(each.new_total for each in found),
        changed_total=sum(each.changed_total for each in found),
        gone_total=sum(each.gone_total for each in found),
        capped=len(latest_first) > _SHOWN or any(each.capped for each in found),
    )


def _of(site: str | None, known: list[str]) -> Iterator[str]:
    yield from [site] if site else known


def _monday(named: str) -> date:
    try:
        return datetime.strptime(f"{named}-1", "%G-W%V-%u").date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        raise UsageError(f"{named[:40]!r} is not a week: write it as 2026-W47") from None


def _name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"
