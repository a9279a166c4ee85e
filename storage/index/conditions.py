"""How each site is, at a glance."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from storage.index.crawls import CRAWL, SITES, newest
from storage.index.expectations import of_text
from storage.index.tables import crawl, file, fixity, schedule
from storage.model import Drift, Expected, Outcome

_NO_CRAWL = (Outcome.SKIPPED, Outcome.MISSED, Outcome.RUNNING)


@dataclass(frozen=True, slots=True)
class Condition:
    """One site: its crawls, what the newest told that was judged, its files, and when it is crawled next.

    `unverified_since` is the moment of the file that was verified longest ago, of one that never was its crawl's start.
    """

    site: str
    last_good: str | None  # start of the newest crawl that was completed
    last: str | None
    last_outcome: Outcome | None
    next: str | None
    paused: str | None
    expectations: tuple[Expected, ...]
    drift: tuple[Drift, ...]
    bytes: int
    unverified_since: str | None


_last, _good, _expected, _drift = (crawl.alias(name) for name in ("last", "good", "judged", "watched"))
_CRAWLED = (
    select(SITES.c.site, _good.c.started.label("last_good"), _last.c.started.label("last"), _last.c.outcome)
    .add_columns(_expected.c.expected, _drift.c.drift)
    .select_from(SITES)
    .outerjoin(_last, _last.c.id == newest(crawl.c.kind == CRAWL, crawl.c.outcome.not_in(_NO_CRAWL)))
    .outerjoin(_good, _good.c.id == newest(crawl.c.kind == CRAWL, crawl.c.outcome == Outcome.COMPLETED))
    .outerjoin(_expected, _expected.c.id == newest(crawl.c.kind == CRAWL, crawl.c.expected.is_not(None)))
    .outerjoin(_drift, _drift.c.id == newest(crawl.c.kind == CRAWL, crawl.c.drift.is_not(None)))
)
_PLANNED = select(schedule.c.site, schedule.c.next, schedule.c.paused).where(schedule.c.site.is_not(None))
_HELD = (
    select(
        crawl.c.site,
        func.coalesce(func.sum(file.c.bytes), 0).label("bytes"),
        func.min(func.coalesce(fixity.c.verified, crawl.c.started)).label("since"),
    )
    .select_from(file)
    .join(crawl, crawl.c.id == file.c.crawl)
    .outerjoin(fixity, fixity.c.file == file.c.name)
    .where(file.c.sha256.is_not(None))
    .group_by(crawl.c.site)
)


def conditions(connection: Connection) -> Iterator[Condition]:
    """All sites that were crawled or are planned, by name."""
    crawled, planned, held = (
        {row.site: row for row in connection.execute(query).all()} for query in (_CRAWLED, _PLANNED, _HELD)
    )
    for site in sorted(crawled.keys() | planned.keys()):
        told, plan, files = crawled.get(site), planned.get(site), held.get(site)
        yield Condition(
            site=site,
            last_good=told.last_good if told else None,
            last=told.last if told else None,
            last_outcome=Outcome(told.outcome) if told and told.outcome else None,
            next=plan.next if plan else None,
            paused=plan.paused if plan else None,
            expectations=of_text(told.expected) if told else (),
            drift=tuple(Drift(**one) for one in json.loads(told.drift or "[]")) if told else (),
            bytes=files.bytes if files else 0,
            unverified_since=files.since if files else None,
        )
