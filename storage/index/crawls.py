"""Crawls: their rows while they run and when they have ended."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, ScalarSelect, and_, case, func, select, update

from storage.index.distinct import values_of
from storage.index.tables import capture, crawl, document, reading, version
from storage.model import Crawl, Kind, Outcome, RecordType
from storage.moments import now, written

_PLAIN = (
    "site",
    "captures",
    "revisits",
    "requisites",
    "attempts",
    "bytes",
    "documents_new",
    "documents_changed",
    "documents_unchanged",
    "errors",
)

CRAWL, IMPORT = "crawl", "import"  # kinds
_NEVER = "~"  # later than every moment

_WHOLE = (Outcome.COMPLETED, Outcome.PARTIAL, Outcome.REFUSED)
_CUT_OFF = (Outcome.INTERRUPTED, Outcome.FAILED)

SITES = values_of(crawl.c.site, "sites")
"""The sites that were crawled."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a crawl has captured so far."""

    captures: int
    revisits: int
    requisites: int


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents that a crawl met, by what it found about them."""

    new: int
    changed: int
    unchanged: int


def begin(connection: Connection, id_: str, site: str, definition: str) -> None:
    """The row of a crawl that starts now."""
    connection.execute(
        crawl.insert().values(id=id_, site=site, outcome=Outcome.RUNNING, started=now(), definition=definition)
    )


def begin_import(connection: Connection, id_: str, site: str, definition: str) -> None:
    """The row of an import: of captures of one site that a file of others holds."""
    row = {"id": id_, "site": site, "outcome": Outcome.COMPLETED, "definition": definition, "kind": IMPORT}
    connection.execute(crawl.insert().values(row | {"started": _NEVER}))


def extend_import(connection: Connection, id_: str, date: datetime) -> None:
    """Let an import reach to the moment of one more capture."""
    moment = written(date)
    connection.execute(
        update(crawl)
        .where(crawl.c.id == id_)
        .values(
            started=case((crawl.c.started > moment, moment), else_=crawl.c.started),
            finished=case((crawl.c.finished > moment, crawl.c.finished), else_=moment),
        )
    )


def end_import(connection: Connection, id_: str) -> None:
    """Count the captures of an import."""
    told = counts(connection, id_)
    values = {"captures": told.captures, "revisits": told.revisits, "requisites": told.requisites}
    connection.execute(update(crawl).where(crawl.c.id == id_).values(values))


def newest(*which: ColumnElement[bool]) -> ScalarSelect[Any]:
    """The id of the newest crawl of a row of SITES of which these hold."""
    of_site = select(crawl.c.id).where(crawl.c.site == SITES.c.site, *which)
    return of_site.order_by(crawl.c.started.desc()).limit(1).correlate(SITES).scalar_subquery()


def since_newest(number: int, *which: ColumnElement[bool]) -> ColumnElement[str]:
    """When the first of so many newest crawls of a row of SITES began of which these hold; "" where there are fewer."""
    of_site = select(crawl.c.started).where(crawl.c.site == SITES.c.site, *which)
    nth = of_site.order_by(crawl.c.started.desc()).limit(1).offset(number - 1).correlate(SITES)
    return func.coalesce(nth.scalar_subquery(), "")


def unfinished_since(connection: Connection, site: str) -> str | None:
    """When the first crawl began that was cut off since one last came to its end; None when none was."""
    mine = and_(crawl.c.site == site, crawl.c.kind == CRAWL)
    whole = select(func.max(crawl.c.started)).where(mine, crawl.c.outcome.in_(_WHOLE)).scalar_subquery()
    cut_off = select(func.min(crawl.c.started)).where(mine, crawl.c.outcome.in_(_CUT_OFF))
    began: str | None = connection.scalar(cut_off.where(crawl.c.started > func.coalesce(whole, "")))
    return began


def started(connection: Connection, id_: str) -> str:
    """When a crawl began."""
    return str(connection.execute(select(crawl.c.started).where(crawl.c.id == id_)).scalar_one())


def end(connection: Connection, id_: str, **counted: object) -> Crawl:
    """Write down how a crawl ended, by the names of the row's columns; returns the row."""
    connection.execute(update(crawl).where(crawl.c.id == id_).values(finished=now(), **counted))
    return of_row(connection.execute(select(crawl).where(crawl.c.id == id_)).mappings().one())


def find(connection: Connection, id_: str) -> Crawl | None:
    """The crawl of this id; None where it never began."""
    row = connection.execute(select(crawl).where(crawl.c.id == id_)).mappings().first()
    return of_row(row) if row else None


def counts(connection: Connection, id_: str) -> Counts:
    """Captures of pages and their requisites, counted apart."""
    requisite = capture.c.kind == Kind.REQUISITE
    row = connection.execute(
        select(
            func.count().filter(~requisite),
            func.count().filter(and_(~requisite, capture.c.type == RecordType.REVISIT)),
            func.count().filter(requisite),
        ).where(capture.c.crawl == id_)
    ).one()
    return Counts(*row)


def documents(connection: Connection, id_: str) -> Documents:
    """How many articles this crawl found new, changed and unchanged."""
    started = select(crawl.c.started).where(crawl.c.id == id_).scalar_subquery()
    met = (
        select(
            func.min(case((document.c.first_seen < started, 1), else_=0)).label("known"),
            func.min(case((version.c.first_seen < started, 1), else_=0)).label("same"),
        )
        .select_from(capture)
        .join(reading, reading.c.capture == capture.c.id)
        .join(version, version.c.id == reading.c.version)
        .join(document, document.c.id == version.c.document)
        .where(capture.c.crawl == id_, document.c.kind == Kind.ARTICLE)
        .group_by(document.c.id)
        .subquery()
    )
    row = connection.execute(
        select(
            func.count().filter(met.c.known == 0),
            func.count().filter(and_(met.c.known == 1, met.c.same == 0)),
            func.count().filter(and_(met.c.known == 1, met.c.same == 1)),
        ).select_from(met)
    ).one()
    return Documents(*row)


def of_row(row: RowMapping) -> Crawl:
    """A row of the table as a value."""
    finished = row["finished"]
    return Crawl(
        crawl=row["id"],
        outcome=Outcome(row["outcome"]),
        started=datetime.fromisoformat(row["started"]),
        finished=datetime.fromisoformat(finished) if finished else None,
        warnings=tuple(json.loads(row["warnings"])),
        **{name: row[name] for name in _PLAIN},
    )
