"""The ledger as people read it: what became of every run, one after the other, and day by day. Moments are text."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, desc, exists, func, null, select, union_all

from storage.index.tables import BEGAN, crawl, file, ledger
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
    chosen = [_chosen(kind, site, outcomes, before) for kind in _KINDS]
    query = union_all(*chosen).order_by(desc("started"), desc("run")).limit(limit)
    return [_entry(row) for row in connection.execute(query).all()]


def since(connection: Connection, moment: str, site: str | None = None) -> list[Ended]:
    """How the runs of sites ended that began since then, of all sites or of one, the newest first."""
    ended = [
        _chosen(kind, site)
        .where(kind.site.is_not(None), kind.began >= moment)
        .with_only_columns(kind.site, kind.began.label("started"), kind.outcome)
        for kind in _KINDS
    ]
    query = union_all(*ended).order_by(desc("started"))
    return [Ended(*row) for row in connection.execute(query).all()]


def files_of(connection: Connection, run: str) -> list[Named]:
    """The WARC files that a crawl wrote."""
    query = select(file.c.name, file.c.bytes).where(file.c.crawl == run).order_by(file.c.name)
    return [Named(row.name, row.bytes) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Runs of one kind, in the order of an index of their own; what they are chosen by."""

    rows: Select[Any]
    site: ColumnElement[Any]
    outcome: ColumnElement[Any]
    began: ColumnElement[Any]


_COUNTED = [crawl.c[name] for name in (*_COUNTS, "warnings")]
_CRAWLS = _Kind(  # each with its row of the ledger, where it has one
    select(crawl.c.id.label("run"), crawl.c.site, func.coalesce(ledger.c.job, crawl.c.site).label("job"))
    .add_columns(crawl.c.outcome, crawl.c.started.label("started"))  # a name by which two kinds are sorted
    .add_columns(func.coalesce(crawl.c.finished, ledger.c.finished).label("finished"), crawl.c.id.label("crawl"))
    .add_columns(*_COUNTED, ledger.c.reason)
    .outerjoin(ledger, ledger.c.id == crawl.c.id),
    *(crawl.c.site, crawl.c.outcome, crawl.c.started),
)
_OTHERS = _Kind(  # what the ledger has besides
    select(ledger.c.id, ledger.c.site, ledger.c.job, ledger.c.outcome, BEGAN, ledger.c.finished, null())
    .add_columns(*(null() for _ in _COUNTED), ledger.c.reason)
    .where(~exists().where(crawl.c.id == ledger.c.id)),
    *(ledger.c.site, ledger.c.outcome, BEGAN),
)
_KINDS = (_CRAWLS, _OTHERS)


def _chosen(kind: _Kind, site: str | None, outcomes: Collection[str] = (), before: str | None = None) -> Select[Any]:
    """Those of a kind that are asked for: each is narrowed by itself, so that what is sorted already is only merged."""
    rows = kind.rows.where(kind.site == site) if site else kind.rows
    rows = rows.where(kind.outcome.in_(sorted(outcomes))) if outcomes else rows
    return rows.where(kind.began < before) if before else rows


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
