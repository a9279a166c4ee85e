"""The addresses that were discovered: where found, in which state, when due."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Row,
    String,
    Text,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from storage.index.dialects import dialect_of
from storage.index.tables import capture, file, frontier
from storage.model import Found, Kind, Original, RecordType
from storage.moments import now


class State(StrEnum):
    """What is to be done with an address."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # tried as often as is decent
    REFUSED = "refused"  # by robots.txt, the address guard or the server
    SKIPPED = "skipped"  # on purpose: too large, a stream


@dataclass(frozen=True, slots=True)
class Condition:
    """What a request may ask about: whether the answer is still the one that `original` is."""

    etag: str | None
    last_modified: str | None
    original: Original
    is_readable: bool  # it has a reading, or waits for one


@dataclass(frozen=True, slots=True)
class Waiting:
    """An address that may be fetched now; with a condition where its last whole answer can be asked about."""

    id: int
    url: str
    kind: Kind
    hops: int
    via: str | None
    attempts: int
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Visited:
    """What became of an address in one attempt; `place` is that of its capture, where that is a whole answer.

    `payload` is given where another digest than that of the answer before means that something has changed.
    """

    id: int
    state: State
    attempts: int
    due: str
    status: int | None = None
    error: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    place: tuple[str, int] | None = None  # WARC file and offset
    payload: str | None = None
    news: bool = False  # it named what was not known


_WAITING = (frontier.c.id, frontier.c.url, frontier.c.kind, frontier.c.hops, frontier.c.via, frontier.c.attempts)

UNJUDGED = ""  # the due time of what was visited and what the policy has not looked at yet


def _waiting(row: Row[*tuple[Any, ...]], condition: Condition | None = None) -> Waiting:
    return Waiting(row.id, row.url, Kind(row.kind), row.hops, row.via, row.attempts, condition)


def _by_id(site: str) -> ColumnElement[bool]:
    """The rows of a site, for statements that page by id: an index by site would be read and sorted for each page."""
    return func.coalesce(frontier.c.site, "") == site


def discover(connection: Connection, site: str, found: Iterable[Found]) -> int:
    """Add the addresses that are not known yet; returns how many were new."""
    return _add(connection, site, found, State.WAITING, None)


def skip(connection: Connection, site: str, found: Iterable[Found], reason: str) -> None:
    """Add addresses that are known and deliberately not fetched."""
    _add(connection, site, found, State.SKIPPED, reason)


def _add(connection: Connection, site: str, found: Iterable[Found], state: State, reason: str | None) -> int:
    moment = now()
    rows = [
        {
            "site": site,
            "url": one.url,
            "kind": one.kind,
            "priority": one.priority,
            "hops": one.hops,
            "via": one.via,
            "state": state,
            "error": reason,
            "found": moment,
            "due": moment,
        }
        for one in found
    ]
    return dialect_of(connection).insert_ignore(connection, frontier, rows) if rows else 0


_KEPT = ("state", "attempts", "due", "status", "error")
_moment = bindparam("moment", type_=String)
_is_whole = bindparam("is_whole", type_=Boolean)
_said = case((frontier.c.status == 304, 200), else_=frontier.c.status)
_digest = select(capture.c.payload_digest).where(capture.c.id == frontier.c.capture).scalar_subquery()
_id_of_capture = (
    select(capture.c.id)
    .join(file, file.c.id == capture.c.file)
    .where(file.c.name == bindparam("warc"), capture.c.offset == bindparam("offset"))
    .scalar_subquery()
)
_is_other = or_(
    bindparam("news", type_=Boolean),
    and_(_said < 500, _said != bindparam("answer", type_=Integer)),
    _digest != bindparam("payload", type_=String),
)
_visited = (
    update(frontier)
    .where(frontier.c.id == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in _KEPT})
    .values(
        visited=_moment,
        crawl=bindparam("new_crawl"),
        capture=case((_is_whole, _id_of_capture), else_=frontier.c.capture),
        changed=case((and_(frontier.c.visited.is_not(None), _is_other), _moment), else_=frontier.c.changed),
        **{
            name: case(
                (_is_whole, bindparam(f"new_{name}", type_=Text)),
                else_=func.coalesce(bindparam(f"new_{name}", type_=Text), frontier.c[name]),
            )
            for name in ("etag", "last_modified")
        },
    )
)


def given_up(visited: Visited, reason: str) -> Visited:
    """The same visit, of which nothing could be kept."""
    return Visited(visited.id, State.FAILED, visited.attempts + 1, visited.due, error=reason)


def visit(connection: Connection, crawl: str, visits: Sequence[Visited]) -> None:
    """Write down what became of addresses; the last of several visits to one address stands."""
    if not visits:
        return
    moment = now()
    connection.execute(_visited, [_row(one) | {"moment": moment, "new_crawl": crawl} for one in visits])


def _row(one: Visited) -> dict[str, object]:
    warc, offset = one.place or (None, None)
    said = {f"new_{name}": getattr(one, name) for name in (*_KEPT, "etag", "last_modified")}
    answer = 200 if one.status == 304 else one.status
    return said | {
        "row": one.id,
        "is_whole": one.place is not None,
        "warc": warc,
        "offset": offset,
        "payload": one.payload,
        "news": one.news,
        "answer": answer if one.state is State.DONE else None,
    }


_answer, _first, _first_file = capture.alias("answer"), capture.alias("first"), file.alias("first_file")
_may_be_asked_about = and_(  # a whole response of the same address in a sealed file: what a revisit may refer to
    _first.c.id == func.coalesce(_answer.c.original, _answer.c.id),
    _first.c.url == frontier.c.url,
    _first.c.type == RecordType.RESPONSE,
    _first.c.status == 200,
    _first.c.payload_length > 0,
    _first.c.truncated.is_(None),
    _first.c.error.is_(None),
    or_(frontier.c.etag.is_not(None), frontier.c.last_modified.is_not(None)),
)
_with_condition = (
    frontier.outerjoin(_answer, _answer.c.id == frontier.c.capture)
    .outerjoin(_first, _may_be_asked_about)
    .outerjoin(_first_file, and_(_first_file.c.id == _first.c.file, _first_file.c.sha256.is_not(None)))
)
_CONDITION = (
    frontier.c.etag,
    frontier.c.last_modified,
    _first.c.url.label("first_url"),
    _first.c.date,
    _first.c.record_id,
    _first.c.derived,
    _first.c.offset,
    _first_file.c.name,
)


def _condition(row: Row[*tuple[Any, ...]]) -> Condition | None:
    if row.name is None:
        return None
    original = Original(row.first_url, datetime.fromisoformat(row.date), row.record_id, row.name, row.offset)
    return Condition(row.etag, row.last_modified, original, row.derived != 0)


def waiting(
    connection: Connection, site: str, kinds: Collection[Kind], limit: int, without: Collection[int]
) -> list[Waiting]:
    """Up to `limit` addresses that are due, in the order in which they should be fetched.

    What was never seen comes before what is visited again, and that before what was visited later. Only an attempt
    that failed makes an address wait for its time: a clock that is set back stops nothing.
    """
    ready = or_(frontier.c.attempts == 0, frontier.c.due <= now())
    rows = connection.execute(
        select(*_WAITING, *_CONDITION)
        .select_from(_with_condition)
        .where(frontier.c.site == site, frontier.c.state == State.WAITING, ready)
        .where(frontier.c.kind.in_(kinds))
        .order_by(frontier.c.priority, frontier.c.visited.nulls_first(), frontier.c.id)
        .limit(limit + len(without))
    )
    return [_waiting(row, _condition(row)) for row in rows if row.id not in without][:limit]


def known(connection: Connection, site: str, url: str) -> Waiting | None:
    """The row of an address, whatever its state."""
    row = connection.execute(select(*_WAITING).where(frontier.c.site == site, frontier.c.url == url)).first()
    return _waiting(row) if row else None


def next_due(connection: Connection, site: str, kinds: Collection[Kind], without: Collection[int]) -> str | None:
    """When the earliest waiting address is due; None when nothing waits."""
    rows = connection.execute(
        select(frontier.c.id, frontier.c.due)
        .where(frontier.c.site == site, frontier.c.state == State.WAITING, frontier.c.kind.in_(kinds))
        .order_by(frontier.c.due)
        .limit(len(without) + 1)
    )
    return next((row.due for row in rows if row.id not in without), None)


def count_waiting(connection: Connection, site: str) -> int:
    """How many addresses wait, due or not."""
    query = select(func.count()).where(frontier.c.site == site, frontier.c.state == State.WAITING)
    return int(connection.execute(query).scalar_one())


def failures(connection: Connection, crawl: str) -> list[tuple[str, Kind, str]]:
    """Address, kind and reason of what this crawl gave up, in the order of discovery."""
    rows = connection.execute(
        select(frontier.c.url, frontier.c.kind, frontier.c.error)
        .where(frontier.c.crawl == crawl, frontier.c.state == State.FAILED)
        .order_by(frontier.c.id)
    )
    return [(row.url, Kind(row.kind), row.error or "") for row in rows]
