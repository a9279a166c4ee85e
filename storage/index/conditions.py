"""How each site is, at a glance."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from storage.index.crawls import CRAWL
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


def conditions(connection: Connection) -> Iterator[Condition]:
    """All sites that were crawled or are planned, by name."""
    crawled = set(connection.scalars(select(crawl.c.site).distinct()))
    planned = {
        row.site: row
        for row in connection.execute(
            select(schedule.c.site, schedule.c.next, schedule.c.paused).where(schedule.c.site.is_not(None))
        )
    }
    held = {
        row.site: row
        for row in connection.execute(
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
    }
    for site in sorted(crawled | planned.keys()):
        last = _newest(connection, site, crawl.c.outcome.not_in(_NO_CRAWL))
        good = _newest(connection, site, crawl.c.outcome == Outcome.COMPLETED)
        expected = _newest(connection, site, crawl.c.expected.is_not(None))
        drift = _newest(connection, site, crawl.c.drift.is_not(None))
        plan, files = planned.get(site), held.get(site)
        yield Condition(
            site=site,
            last_good=good and good.started,
            last=last and last.started,
            last_outcome=Outcome(last.outcome) if last else None,
            next=plan.next if plan else None,
            paused=plan.paused if plan else None,
            expectations=of_text(expected.expected) if expected else (),
            drift=tuple(Drift(**one) for one in json.loads(drift.drift)) if drift else (),
            bytes=files.bytes if files else 0,
            unverified_since=files.since if files else None,
        )


def _newest(connection: Connection, site: str, *which: Any) -> Any:
    columns = (crawl.c.started, crawl.c.outcome, crawl.c.expected, crawl.c.drift)
    query: Select[Any] = select(*columns).where(crawl.c.site == site, crawl.c.kind == CRAWL, *which)
    return connection.execute(query.order_by(crawl.c.started.desc()).limit(1)).first()
