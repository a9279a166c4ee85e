"""Captures: their rows, and the one transaction in which a capture, its address and the found addresses are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from storage.index import entries, frontier, revisits
from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.entries import Entry
from storage.index.tables import capture, file
from storage.model import Capture, Found, Kind, Original, RecordType
from storage.moments import written
from storage.surt import surt

LISTS = frozenset({Kind.LIST, Kind.PAGE})  # what may name what is new
BAD_ROW = (SQLAlchemyError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Observation:
    """All that one exchange tells the index."""

    kind: Kind
    capture: Capture | None
    visited: frontier.Visited | None = None
    found: tuple[Found, ...] = ()
    streams: tuple[Found, ...] = ()
    onward: tuple[Found, ...] = ()  # lists of interest if this one has news: its next page
    overlap: bool = False  # they are asked again in any case, should they be known
    entries: tuple[Entry, ...] = ()
    derivable: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch of observations came to."""

    new: int = 0  # addresses that were not known before
    lost: tuple[str, ...] = ()  # why a row could not be written, one sentence a row


@dataclass(frozen=True, slots=True)
class Pending:
    """A capture to be read."""

    id: int
    site: str
    url: str
    date: str
    kind: Kind
    warc: str
    offset: int
    original: "Place | None"  # where the payload lies of a revisit

    @property
    def as_of(self) -> datetime:
        """The moment as of which it is read: a revisit like its original."""
        return datetime.fromisoformat(self.original.date if self.original else self.date)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the original of a revisit lies, and when it was captured."""

    warc: str
    offset: int
    date: str


def record(connection: Connection, crawl: str, site: str, batch: Sequence[Observation], since: str = "") -> int:
    """Write a batch; returns how many addresses were new. The bytes it refers to must be on the disk already.

    A page of lists that has news, an address or a sign of change that was not known, leads on to its next page. Known
    addresses that a batch gives a reason to fetch wait again, but for those that were visited `since` then.
    """
    _insert(connection, crawl, site, [(one, one.capture) for one in batch if one.capture])
    new, visits, again = 0, [], []
    for one in batch:
        if one.kind not in LISTS:
            visits += [one.visited] if one.visited else []
            continue
        fresh = frontier.discover(connection, site, [each for each in one.found if each.kind is not Kind.REQUISITE])
        changed = entries.note(connection, site, one.entries)
        again += changed
        if fresh:
            new += frontier.discover(connection, site, one.onward)
        if fresh or changed or one.overlap:
            again += [each.url for each in one.onward]
        if one.visited:
            visits.append(replace(one.visited, news=bool(fresh or changed)))
        new += fresh
    rest = (each for one in batch for each in one.found if one.kind not in LISTS or each.kind is Kind.REQUISITE)
    new += frontier.discover(connection, site, rest)
    frontier.visit(connection, crawl, visits)
    frontier.skip(connection, site, [found for one in batch for found in one.streams], "a stream is not fetched")
    revisits.rouse(connection, site, again, since)
    return new


def record_batch(index: Index, crawl: str, site: str, batch: Sequence[Observation], since: str = "") -> Recorded:
    """Write a batch in one transaction; when a row of it cannot be written, that row is lost and no other."""
    try:
        with index.write() as connection:
            return Recorded(record(connection, crawl, site, batch, since))
    except OperationalError:
        raise
    except BAD_ROW:
        with index.write() as connection:
            return _record_each(connection, crawl, site, batch, since)


def _record_each(connection: Connection, crawl: str, site: str, batch: Sequence[Observation], since: str) -> Recorded:
    new, lost = 0, []
    for one in batch:
        try:
            with connection.begin_nested():
                new += record(connection, crawl, site, [one], since)
        except OperationalError:
            raise
        except BAD_ROW as error:
            address = one.capture.url if one.capture else "an address"
            reason = str(error).splitlines()[0]
            lost.append(f"{address}: {reason}")
            if one.visited:  # else it would wait, be fetched and be lost again for ever
                frontier.visit(connection, crawl, [frontier.given_up(one.visited, f"its row is lost: {reason}")])
    return Recorded(new, tuple(lost))


_point_to_original = (
    update(capture)
    .where(capture.c.file == bindparam("revisit_file"), capture.c.offset == bindparam("revisit_offset"))
    .values(
        original=select(capture.c.id)
        .join(file, file.c.id == capture.c.file)
        .where(file.c.name == bindparam("original_warc"), capture.c.offset == bindparam("original_offset"))
        .scalar_subquery()
    )
)


def _insert(connection: Connection, crawl: str, site: str, batch: Sequence[tuple[Observation, Capture]]) -> None:
    files = {name: _file(connection, crawl, name) for name in {kept.warc for _, kept in batch}}
    rows = [
        {
            "crawl": crawl,
            "site": site,
            "url": kept.url,
            "urlkey": surt(kept.url),
            "date": written(kept.date),
            "kind": one.kind,
            "type": kept.type,
            "status": kept.status,
            "mime": kept.mime,
            "file": files[kept.warc],
            "offset": kept.offset,
            "length": kept.length,
            "record_id": kept.record_id,
            "payload_digest": kept.payload_digest,
            "payload_length": kept.payload_length,
            "ip": kept.ip,
            "truncated": kept.truncated,
            "error": kept.error,
            "original": None,
            "derived": None if one.derivable else 0,
        }
        for one, kept in batch
    ]
    if rows:
        connection.execute(capture.insert(), rows)
    revisits = [
        {
            "revisit_file": files[kept.warc],
            "revisit_offset": kept.offset,
            "original_warc": kept.refers_to.warc,
            "original_offset": kept.refers_to.offset,
        }
        for _, kept in batch
        if kept.refers_to
    ]
    if revisits:
        connection.execute(_point_to_original, revisits)


_file_named = select(file.c.id).where(file.c.name == bindparam("name"))


def _file(connection: Connection, crawl: str, name: str) -> int:
    known = connection.execute(_file_named, {"name": name}).scalar()
    if known is None:
        known = connection.execute(file.insert().returning(file.c.id), {"name": name, "crawl": crawl}).scalar_one()
    return int(known)


def name_original(connection: Connection, warc: str, offset: int, original: Original, *, readable: bool) -> None:
    """Let the row of a revisit point to what it repeats, which was indexed later; it may be read like that."""
    number = connection.scalar(_file_named, {"name": warc})
    named = {"revisit_file": number, "revisit_offset": offset}
    place = {"original_warc": original.warc, "original_offset": original.offset}
    connection.execute(_point_to_original, named | place)
    if readable:
        mine = (capture.c.file == number, capture.c.offset == offset, capture.c.kind != Kind.REQUISITE)
        connection.execute(update(capture).where(*mine, capture.c.kind != Kind.ROBOTS).values(derived=None))


def seal(connection: Connection, crawl: str, name: str, size: int, sha256: str) -> None:
    """Write down that a file is sealed; its records may be revisited from other files from now on."""
    id_ = _file(connection, crawl, name)
    connection.execute(update(file).where(file.c.id == id_).values(bytes=size, sha256=sha256))


_original = (
    select(capture.c.url, capture.c.date, capture.c.record_id, file.c.name, capture.c.offset)
    .join(file, file.c.id == capture.c.file)
    .where(capture.c.payload_digest == bindparam("payload_digest"))
    .where(capture.c.type == RecordType.RESPONSE, capture.c.status == 200, capture.c.truncated.is_(None))
    .where(file.c.sha256.is_not(None))
    .limit(1)
)


def original_of(connection: Connection, payload_digest: str) -> Original | None:
    """A whole 200 response with this payload in a sealed file."""
    row = connection.execute(_original, {"payload_digest": payload_digest}).first()
    if row is None:
        return None
    return Original(row.url, datetime.fromisoformat(row.date), row.record_id, row.name, row.offset)


def any_sealed(connection: Connection) -> bool:
    """Whether there is any sealed file, so that revisits of its records are possible."""
    return connection.execute(select(file.c.id).where(file.c.sha256.is_not(None)).limit(1)).first() is not None


def pending(connection: Connection, site: str, part: int, parts: int, limit: int) -> list[Pending]:
    """Captures that wait for derivation, oldest first: those whose id leaves `part` when divided by `parts`."""
    waiting = READABLE.where(capture.c.site == site, capture.c.derived.is_(None), capture.c.id % parts == part)
    return readable(connection, waiting.limit(limit))


def of_ids(connection: Connection, ids: Sequence[int]) -> list[Pending]:
    """Some captures, read already or not, by id."""
    return readable(connection, READABLE.where(capture.c.id.in_(dialect_of(connection).among(ids))))


_first, _first_file = capture.alias("first"), file.alias("first_file")
READABLE = (  # what `readable` takes, with more conditions
    select(capture.c.id, capture.c.site, capture.c.url, capture.c.date, capture.c.kind, file.c.name, capture.c.offset)
    .add_columns(
        _first_file.c.name.label("first_name"),
        _first.c.offset.label("first_offset"),
        _first.c.date.label("first_date"),
    )
    .join(file, file.c.id == capture.c.file)
    .outerjoin(_first, _first.c.id == capture.c.original)
    .outerjoin(_first_file, _first_file.c.id == _first.c.file)
    .order_by(capture.c.id)
)


def readable(connection: Connection, wanted: Select[Any]) -> list[Pending]:
    """Captures as derivation needs them."""
    return [
        Pending(
            id=row.id,
            site=row.site,
            url=row.url,
            date=row.date,
            kind=Kind(row.kind),
            warc=row.name,
            offset=row.offset,
            original=Place(row.first_name, row.first_offset, row.first_date) if row.first_name else None,
        )
        for row in connection.execute(wanted)
    ]
