"""What the archive answers about itself: how much it holds, of which sites, and from which crawls.

The fields of the answers, in their order, are the keys of the JSON that `docs/cli.md` documents. Captures are counted
without requisites, documents and versions without attachments. Moments are text, as the index keeps them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, distinct, func, select, tuple_

from storage.errors import NotFound
from storage.index import crawls
from storage.index.tables import capture, crawl, document, file, frontier, schedule, tally, version
from storage.model import Crawl


@dataclass(frozen=True, slots=True)
class Stats:
    """How much the archive holds; `bytes` are those of its WARC files."""

    sites: int
    captures: int
    revisits: int
    documents: int
    versions: int
    files: int
    bytes: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class SiteState:
    """One site and what the archive holds of it."""

    site: str
    name: str
    hosts: tuple[str, ...]
    captures: int
    documents: int
    versions: int
    first: str | None
    last: str | None
    last_outcome: str | None
    next: str | None


def stats(connection: Connection) -> Stats:
    """How much the whole archive holds."""
    counts = (func.coalesce(func.sum(tally.c[name]), 0) for name in ("captures", "revisits", "documents", "versions"))
    counted: tuple[Any, ...] = tuple(
        connection.execute(select(*counts, func.min(tally.c.first), func.max(tally.c.last))).one()
    )
    captures, revisits, documents, versions, first, last = counted
    open_size = select(func.coalesce(func.sum(capture.c.length), 0)).where(capture.c.file == file.c.id)
    files, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(func.coalesce(file.c.bytes, open_size.scalar_subquery())), 0))
    ).one()
    return Stats(
        sites=connection.scalar(select(func.count(distinct(crawl.c.site)))) or 0,
        captures=captures,
        revisits=revisits,
        documents=documents,
        versions=versions,
        files=files,
        bytes=size,
        first=first,
        last=last,
    )


def runs(connection: Connection, site: str | None = None, limit: int = 20, *, before: str | None = None) -> list[Crawl]:
    """The newest crawls, of all sites or of one, newest first; with `before`, those that follow the one of this id."""
    query = select(crawl).order_by(crawl.c.started.desc(), crawl.c.id.desc()).limit(limit)
    if before is not None:
        started = select(crawl.c.started).where(crawl.c.id == before).scalar_subquery()
        query = query.where(tuple_(crawl.c.started, crawl.c.id) < tuple_(started, before))
    rows = connection.execute(query.where(crawl.c.site == site) if site else query).mappings()
    return [crawls.of_row(row) for row in rows]


def run(connection: Connection, wanted: str) -> Crawl:
    """The crawl whose id begins so; raises NotFound."""
    query = select(crawl).where(crawl.c.id.startswith(wanted, autoescape=True)).limit(2)
    rows = connection.execute(query).mappings().all()
    if len(rows) != 1 or not wanted:
        reason = "more than one crawl begins" if rows else "no crawl has an id that begins"
        raise NotFound(f"{reason} with {wanted!r}: `luutru runs` lists them")
    return crawls.of_row(rows[0])


def sites(connection: Connection, defined: Mapping[str, tuple[str, Sequence[str]]]) -> list[SiteState]:
    """The defined sites (key: name and hosts) and those that were archived without a definition, by key."""
    held, ended = _held(connection), _last_outcomes(connection)
    due = _by_site(connection.execute(select(schedule.c.site, schedule.c.next).where(schedule.c.site.is_not(None))))
    answers = []
    for key in sorted(defined.keys() | held.keys() | ended.keys()):
        name, hosts = defined.get(key, (key, ()))
        captures, documents, versions, first, last = held.get(key, (0, 0, 0, None, None))
        (outcome,) = ended.get(key, (None,))
        (next_,) = due.get(key, (None,))
        answers.append(SiteState(key, name, tuple(hosts), captures, documents, versions, first, last, outcome, next_))
    return answers


def _held(connection: Connection) -> dict[str, tuple[Any, ...]]:
    counts = (func.sum(tally.c[name]) for name in ("captures", "documents", "versions"))
    query = select(tally.c.site, *counts, func.min(tally.c.first), func.max(tally.c.last))
    return _by_site(connection.execute(query.group_by(tally.c.site)))


def _last_outcomes(connection: Connection) -> dict[str, tuple[Any, ...]]:
    newest = select(crawl.c.site, func.max(crawl.c.started).label("started")).group_by(crawl.c.site).subquery()
    query = select(crawl.c.site, crawl.c.outcome).join(
        newest, and_(newest.c.site == crawl.c.site, newest.c.started == crawl.c.started)
    )
    return _by_site(connection.execute(query))


def _by_site(rows: Iterable[Row[Any]]) -> dict[str, tuple[Any, ...]]:
    return {row[0]: tuple(row[1:]) for row in rows}


def totals(connection: Connection) -> dict[str, int]:
    """How many WARC files, crawls, captures (requisites among them), addresses, documents and versions there are."""
    tables = {
        "files": file,
        "crawls": crawl,
        "captures": capture,
        "addresses": frontier,
        "documents": document,
        "versions": version,
    }
    return {name: connection.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()}
