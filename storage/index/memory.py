"""What was learned of sites, and the captures that it is learned from."""

from dataclasses import dataclass
from hashlib import blake2s
from heapq import nlargest, nsmallest
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from storage.index.captures import READABLE, Pending, readable
from storage.index.tables import capture, memory, mention, reading
from storage.model import Kind, RecordType
from storage.moments import now

_NEWEST, _ANY = 60, 180  # captures that are learned from: the newest, and as many of all times


@dataclass(frozen=True, slots=True)
class Remembered:
    """One version of a site's memory, as it is stored."""

    version: str
    learned: str
    captures: int  # article pages that there were when it was learned
    content: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What links to an address say: their texts, and the days beside them."""

    anchors: frozenset[str]
    days: frozenset[str]


def current(connection: Connection, site: str) -> Remembered | None:
    """What was learned last."""
    row = connection.execute(
        select(memory.c.version, memory.c.learned, memory.c.captures, memory.c.content)
        .where(memory.c.site == site)
        .order_by(memory.c.id.desc())
        .limit(1)
    ).first()
    return Remembered(*row) if row else None


def remember(connection: Connection, site: str, version_: str, captures: int, content: str) -> None:
    """Make this the current memory of a site; the others stay for the readings that name them."""
    connection.execute(memory.delete().where(memory.c.site == site, memory.c.version == version_))
    connection.execute(
        memory.insert().values(site=site, version=version_, learned=now(), captures=captures, content=content)
    )


def count(connection: Connection, site: str) -> int:
    """Captures of a site's pages that may be learned from."""
    return connection.scalar(_candidates(site, func.count())) or 0


def samples(connection: Connection, site: str) -> list[Pending]:
    """The captures to learn from: the newest, and some of all times chosen by their addresses; in no order.

    Which they are depends on what was captured alone.
    """
    rows = connection.execute(_candidates(site, capture.c.id, capture.c.url, capture.c.date)).all()
    newest = nlargest(_NEWEST, rows, key=lambda row: (row.date, row.url))
    spread = nsmallest(_ANY, rows, key=lambda row: blake2s(f"{row.date} {row.url}".encode()).digest())
    ids = {row.id for row in newest + spread}
    return readable(connection, READABLE.where(capture.c.id.in_(ids)))


def evidence(connection: Connection, url: str) -> Evidence:
    """What the pages of the archive say of an address."""
    rows = connection.execute(select(mention.c.anchor, mention.c.day).where(mention.c.target == url)).all()
    return Evidence(frozenset(row.anchor for row in rows), frozenset(row.day for row in rows if row.day))


def unrecognised(connection: Connection, crawl: str) -> tuple[int, int]:
    """Of the articles of a crawl, how many were read without definition and memory, and how many there are."""
    read = (
        select(func.count().filter(reading.c.method == "generic"), func.count())
        .select_from(capture)
        .join(reading, reading.c.capture == capture.c.id)
        .where(capture.c.crawl == crawl, reading.c.version.is_not(None), capture.c.kind != Kind.ATTACHMENT)
    )
    return (*connection.execute(read).one(),)


def _candidates(site: str, *columns: Any) -> Select[Any]:
    return select(*columns).where(
        capture.c.site == site,
        capture.c.kind.in_((Kind.ARTICLE, Kind.PAGE)),
        capture.c.type == RecordType.RESPONSE,
        capture.c.status == 200,
        capture.c.truncated.is_(None),
        or_(capture.c.derived.is_(None), capture.c.derived == 1),
    )
