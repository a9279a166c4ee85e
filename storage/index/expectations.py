"""What is kept of expectations, and what they are judged by."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, exists, func, select

from storage.index.crawls import CRAWL
from storage.index.tables import capture, crawl, document
from storage.model import Expected, Judged, Kind, Outcome
from storage.moments import written

_NEVER_RAN = (Outcome.SKIPPED, Outcome.MISSED)
TELLS = crawl.c.expected.like('%"detail": "%')
"""Whether anything that a crawl was held against was not as expected: in the words of `as_text`."""


def as_text(told: Sequence[Expected]) -> str:
    """As a row keeps it."""
    return json.dumps([asdict(one) for one in told], ensure_ascii=False)


def of_text(told: str | None) -> tuple[Expected, ...]:
    """What a row keeps."""
    return tuple(Expected(**one) for one in json.loads(told or "[]"))


def judged(connection: Connection, site: str, number: int, before: str = "~") -> list[Judged]:
    """Crawls of a site that were held against what was expected and met no drift, the newest first."""
    rows = connection.execute(
        select(crawl.c.started, crawl.c.attempts, crawl.c.expected)
        .where(crawl.c.site == site, crawl.c.started < before, crawl.c.expected.is_not(None))
        .where(func.coalesce(crawl.c.drift, "[]") == "[]")
        .order_by(crawl.c.started.desc())
        .limit(number)
    )
    return [
        Judged(datetime.fromisoformat(row.started), row.attempts, {one.kind: one for one in of_text(row.expected)})
        for row in rows
    ]


def last(connection: Connection, site: str, before: str) -> str | None:
    """When the crawl of a site before that moment started, however it ended."""
    mine = (crawl.c.site == site, crawl.c.kind == CRAWL, crawl.c.outcome.not_in(_NEVER_RAN))
    started: str | None = connection.scalar(select(func.max(crawl.c.started)).where(*mine, crawl.c.started < before))
    return started


def new_by_week(connection: Connection, site: str, started: str, new: int | None, weeks: int) -> list[int | None]:
    """New articles of a site in so many weeks, the newest first, which a crawl ends that `started` then and has `new`.

    None for a week in which it was not crawled, or not all was read, or the first crawl found everything new.
    """
    mine = (crawl.c.site == site, crawl.c.kind == CRAWL, crawl.c.outcome.not_in(_NEVER_RAN))
    first = connection.scalar(select(func.min(crawl.c.started)).where(*mine)) or started
    ends = [written(datetime.fromisoformat(started) - timedelta(days=7 * week)) for week in range(weeks + 1)]
    rows = connection.execute(
        select(crawl.c.started, crawl.c.documents_new).where(
            *mine, crawl.c.started > ends[-1], crawl.c.started < started
        )
    ).all()
    counted = [(row.started, row.documents_new) for row in rows if row.started > first] + [(started, new)]
    return [_in_week(counted, after, upto) if after >= first else None for upto, after in pairwise(ends)]


def _in_week(counted: Sequence[tuple[str, int | None]], after: str, upto: str) -> int | None:
    numbers = [new for moment, new in counted if after < moment <= upto]
    known = [new for new in numbers if new is not None]
    return sum(known) if known and len(known) == len(numbers) else None


def unchanged(connection: Connection, id_: str) -> int:
    """How many captures of a crawl say only that nothing has changed."""
    not_modified = (capture.c.crawl == id_, capture.c.status == 304, capture.c.kind != Kind.REQUISITE)
    return connection.scalar(select(func.count()).where(*not_modified)) or 0


def has_articles(connection: Connection, site: str) -> bool:
    """Whether any article of a site is known."""
    known = exists().where(document.c.site == site, document.c.kind == Kind.ARTICLE)
    return bool(connection.scalar(select(known)))
