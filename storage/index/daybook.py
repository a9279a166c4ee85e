"""The ledger as people read it: what became of every run, one after the other, and day by day. Moments are text."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from storage.index.tables import crawl, file

_Row = Row[*tuple[Any, ...]]
_COUNTS = ("captures", "documents_new", "documents_changed", "documents_unchanged", "errors")


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one run. `ran` is False where it never began; the counts are those of its crawl."""

    run: str
    site: str | None
    job: str
    outcome: str
    started: str  # when it was due, where it did not begin
    finished: str | None
    ran: bool
    captures: int
    documents_new: int | None
    documents_changed: int | None
    documents_unchanged: int | None
    errors: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A WARC file of a crawl; `bytes` is None until it is sealed."""

    name: str
    bytes: int | None


def entries(
    connection: Connection,
    *,
    site: str | None = None,
    outcomes: Collection[str] = (),
    before: str | None = None,
    since: str | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """The runs that began before a moment and not before another, the newest first."""
    query = _all().order_by(crawl.c.started.desc(), crawl.c.id.desc()).limit(limit)
    if site:
        query = query.where(crawl.c.site == site)
    if outcomes:
        query = query.where(crawl.c.outcome.in_(sorted(outcomes)))
    if before:
        query = query.where(crawl.c.started < before)
    if since:
        query = query.where(crawl.c.started >= since)
    return list(_entries(connection, query))


def files_of(connection: Connection, run: str) -> list[Named]:
    """The WARC files that a crawl wrote."""
    query = select(file.c.name, file.c.bytes).where(file.c.crawl == run).order_by(file.c.name)
    return [Named(row.name, row.bytes) for row in connection.execute(query)]


def _all() -> Select[Any]:
    return select(*(crawl.c[name] for name in ("id", "site", "outcome", "started", "finished", "warnings", *_COUNTS)))


def _entries(connection: Connection, query: Select[Any]) -> Iterator[Entry]:
    for row in connection.execute(query):
        yield Entry(
            run=row.id,
            site=row.site,
            job=row.site,
            outcome=row.outcome,
            started=row.started,
            finished=row.finished,
            ran=row.outcome not in ("skipped", "missed"),
            warnings=tuple(json.loads(row.warnings)),
            **{name: getattr(row, name) for name in _COUNTS},
        )
