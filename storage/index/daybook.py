"""The ledger as people read it: what became of every run, one after the other, and day by day. Moments are text."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Subquery, bindparam, func, literal, select, union_all

from storage.index.tables import crawl, file, ledger
from storage.model import Outcome

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
class Ended:
    """What became of a run, in a word."""

    site: str
    started: str  # when it was due, where it did not begin
    outcome: str


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
    limit: int,
) -> list[Entry]:
    """The runs that began before a moment, the newest first."""
    query = _NEWEST
    if site:
        query = query.where(_RUNS.c.site == site)
    if outcomes:
        query = query.where(_RUNS.c.outcome.in_(sorted(outcomes)))
    if before:
        query = query.where(_RUNS.c.started < before)
    return [_entry(row) for row in connection.execute(query.limit(limit)).all()]


def since(connection: Connection, moment: str, site: str | None = None) -> list[Ended]:
    """How the runs of sites ended that began since then, of all sites or of one, the newest first."""
    query = _SINCE.where(_RUNS.c.site == site) if site else _SINCE
    return [Ended(*row) for row in connection.execute(query, {"moment": moment}).all()]


def files_of(connection: Connection, run: str) -> list[Named]:
    """The WARC files that a crawl wrote."""
    query = select(file.c.name, file.c.bytes).where(file.c.crawl == run).order_by(file.c.name)
    return [Named(row.name, row.bytes) for row in connection.execute(query)]


def _all() -> Subquery:
    """The rows of the ledger, each with its crawl where it is one, and the crawls that are in no ledger."""
    counts = [crawl.c[name] for name in (*_COUNTS, "warnings")]
    crawled = (crawl.c.started, crawl.c.finished, crawl.c.id.label("crawl"), *counts, literal(None).label("reason"))
    started = func.coalesce(crawl.c.started, ledger.c.started, ledger.c.due)
    finished = func.coalesce(crawl.c.finished, ledger.c.finished)
    planned = (
        select(ledger.c.id.label("run"), ledger.c.site, ledger.c.job)
        .add_columns(func.coalesce(crawl.c.outcome, ledger.c.outcome).label("outcome"))
        .add_columns(started.label("started"), finished.label("finished"), crawl.c.id.label("crawl"), *counts)
        .add_columns(ledger.c.reason)
        .outerjoin(crawl, crawl.c.id == ledger.c.id)
    )
    others = (
        select(crawl.c.id.label("run"), crawl.c.site, crawl.c.site.label("job"), crawl.c.outcome)
        .add_columns(*crawled)
        .where(crawl.c.id.not_in(select(ledger.c.id)))
    )
    return union_all(planned, others).subquery()


_RUNS = _all()
_NEWEST: Select[Any] = select(_RUNS).order_by(_RUNS.c.started.desc(), _RUNS.c.run.desc())
_SINCE: Select[Any] = (
    select(_RUNS.c.site, _RUNS.c.started, _RUNS.c.outcome)
    .where(_RUNS.c.site.is_not(None), _RUNS.c.started >= bindparam("moment"))
    .order_by(_RUNS.c.started.desc(), _RUNS.c.run.desc())
)


def _entry(row: _Row) -> Entry:
    said = tuple(json.loads(row.warnings)) if row.warnings else ()
    return Entry(
        run=row.run,
        site=row.site,
        job=row.job,
        outcome=row.outcome,
        started=row.started,
        finished=row.finished,
        ran=row.crawl is not None and row.outcome not in (Outcome.SKIPPED, Outcome.MISSED),
        captures=row.captures or 0,
        documents_new=row.documents_new,
        documents_changed=row.documents_changed,
        documents_unchanged=row.documents_unchanged,
        errors=row.errors or 0,
        warnings=(row.reason, *said) if row.reason and row.reason not in said else said,
    )
