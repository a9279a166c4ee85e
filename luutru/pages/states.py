"""How sites stand, as several pages show it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from luutru.room import Room
from storage import health
from storage.index.health import Problem
from storage.index.holdings import Latest, SiteState
from storage.index.rhythm import Month

Months = tuple[tuple[str, int], ...]  # YYYY-MM and captures


@dataclass(frozen=True, slots=True)
class Card:
    """A site as a card shows it; `drift` is since when it drifts, `last_started` when its last crawl began."""

    site: str
    name: str
    hosts: tuple[str, ...]
    captures: int
    documents: int
    versions: int
    first: str | None
    last: str | None
    last_outcome: str | None
    last_started: str | None
    drift: str | None
    months: Months


def cards(
    sites: Iterable[SiteState], months: Sequence[Month], problems: Iterable[Problem], crawls: Sequence[Latest]
) -> tuple[Card, ...]:
    """The sites, those that hold most first; months are in the order of sites, crawls the newest first."""
    drift = {one.site: one.since for one in problems if one.kind == "drift"}
    started = {one.site: one.started for one in reversed(crawls)}
    of_site = {key: by_month(some) for key, some in groupby(months, key=lambda one: one.site)}
    found = (
        Card(
            site=one.site,
            name=one.name,
            hosts=tuple(host for host in one.hosts if host.removeprefix("www.") not in set(one.hosts) - {host}),
            captures=one.captures,
            documents=one.documents,
            versions=one.versions,
            first=one.first,
            last=one.last,
            last_outcome=one.last_outcome,
            last_started=started.get(one.site),
            drift=drift.get(one.site),
            months=of_site.get(one.site, ()),
        )
        for one in sites
    )
    return tuple(sorted(found, key=lambda one: (-one.documents, -one.captures, one.site)))


def by_month(months: Iterable[Month]) -> Months:
    """Captures by month, of all sites together, the earliest first."""
    counts = Counter[str]()
    for one in months:
        counts[one.month] += one.captures
    return tuple(sorted((month, count) for month, count in counts.items() if count))


def problems(room: Room) -> tuple[Problem, ...]:
    """What needs a person."""
    return tuple(health.problems(room.collection))
