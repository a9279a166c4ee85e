"""What the archive answers about itself: how much it holds, of which sites, and from which crawls.

The fields of the answers, in their order, are the keys of the JSON that `docs/cli.md` documents. Captures are counted
without requisites, documents and versions without attachments. Moments are text, as the index keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, true, tuple_

from storage.errors import NotFound
from storage.index import crawls
from storage.index.crawls import SITES, newest
from storage.index.tables import capture, crawl, document, file, frontier, schedule, tally, version
from storage.model import Crawl, Outcome

_LATEST = 200


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


@dataclass(frozen=True, slots=True)
class Latest:
    """A crawl in a line."""

    site: str
    outcome: Outcome
    started: str


_KEPT = ("captures", "revisits", "documents", "versions")
_OPEN_SIZE = select(func.coalesce(func.sum(capture.c.length), 0)).where(capture.c.file == file.c.id).scalar_subquery()
_FILES = select(
    func.count().label("files"), func.coalesce(func.sum(func.coalesce(file.c.bytes, _OPEN_SIZE)), 0).label("bytes")
).subquery()
_TALLIED = select(
    *(func.coalesce(func.sum(tally.c[name]), 0).label(name) for name in _KEPT),
    func.min(tally.c.first).label("first"),
    func.max(tally.c.last).label("last"),
).subquery()
_CRAWLED = select(func.count().label("sites")).select_from(SITES).subquery()
_STATS = select(
    _CRAWLED.c.sites,
    *(_TALLIED.c[name] for name in _KEPT),
    *(_FILES.c.files, _FILES.c.bytes, _TALLIED.c.first, _TALLIED.c.last),
).select_from(_CRAWLED.join(_TALLIED, true()).join(_FILES, true()))


def stats(connection: Connection) -> Stats:
    """How much the whole archive holds."""
    return Stats(**connection.execute(_STATS).mappings().one())


def runs(connection: Connection, site: str | None = None, limit: int = 20, *, before: str | None = None) -> list[Crawl]:
    """The newest crawls, of all sites or of one, newest first; with `before`, those that follow the one of this id."""
    query = select(crawl).order_by(crawl.c.started.desc(), crawl.c.id.desc()).limit(limit)
    if before is not None:
        started = select(crawl.c.started).where(crawl.c.id == before).scalar_subquery()
        query = query.where(tuple_(crawl.c.started, crawl.c.id) < tuple_(started, before))
    rows = connection.execute(query.where(crawl.c.site == site) if site else query).mappings()
    return [crawls.of_row(row) for row in rows]


_LATELY = (
    select(crawl.c.site, crawl.c.outcome, crawl.c.started)
    .order_by(crawl.c.started.desc(), crawl.c.id.desc())
    .limit(_LATEST)
)


def lately(connection: Connection) -> list[Latest]:
    """The newest 200 crawls of all sites, newest first, and fewer where there are no more."""
    return [Latest(site, Outcome(outcome), started) for site, outcome, started in connection.execute(_LATELY).all()]


_LAST_OF = (
    select(crawl.c.site, crawl.c.outcome, crawl.c.started)
    .where(crawl.c.site == bindparam("of"))
    .order_by(crawl.c.started.desc(), crawl.c.id.desc())
    .limit(1)
)


def last_of(connection: Connection, site: str) -> list[Latest]:
    """The newest crawl of a site, where there is any."""
    return [
        Latest(key, Outcome(outcome), started)
        for key, outcome, started in connection.execute(_LAST_OF, {"of": site}).all()
    ]


def run(connection: Connection, wanted: str) -> Crawl:
    """The crawl whose id begins so; raises NotFound."""
    query = select(crawl).where(crawl.c.id.startswith(wanted, autoescape=True)).limit(2)
    rows = connection.execute(query).mappings().all()
    if len(rows) != 1 or not wanted:
        reason = "more than one crawl begins" if rows else "no crawl has an id that begins"
        raise NotFound(f"{reason} with {wanted!r}: `luutru runs` lists them")
    return crawls.of_row(rows[0])


_SUMS = (func.sum(tally.c[name]) for name in ("captures", "documents", "versions"))
_HELD = select(tally.c.site, *_SUMS, func.min(tally.c.first), func.max(tally.c.last)).group_by(tally.c.site)
_ENDED = select(SITES.c.site, crawl.c.outcome).select_from(SITES.join(crawl, crawl.c.id == newest()))
_DUE = select(schedule.c.site, schedule.c.next).where(schedule.c.site.is_not(None))


def sites(connection: Connection, defined: Mapping[str, tuple[str, Sequence[str]]]) -> list[SiteState]:
    """The defined sites (key: name and hosts) and those that were archived without a definition, by key."""
    held, ended, due = (_by_site(connection, query) for query in (_HELD, _ENDED, _DUE))
    answers = []
    for key in sorted(defined.keys() | held.keys() | ended.keys()):
        name, hosts = defined.get(key, (key, ()))
        captures, documents, versions, first, last = held.get(key, (0, 0, 0, None, None))
        (outcome,) = ended.get(key, (None,))
        (next_,) = due.get(key, (None,))
        answers.append(SiteState(key, name, tuple(hosts), captures, documents, versions, first, last, outcome, next_))
    return answers


def _by_site(connection: Connection, query: Select[Any]) -> dict[str, tuple[Any, ...]]:
    return {row[0]: tuple(row[1:]) for row in connection.execute(query).all()}


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
