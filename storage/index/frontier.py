"""The addresses that were discovered: where found, in which state, when due."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, not_, or_, select, update

from storage.index.dialects import dialect_of
from storage.index.tables import frontier
from storage.model import Found, Kind
from storage.moments import now


class State(StrEnum):
    """What is to be done with an address."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # tried as often as is decent
    REFUSED = "refused"  # by robots.txt, the address guard or the server
    SKIPPED = "skipped"  # on purpose: too large, a stream


@dataclass(frozen=True, slots=True)
class Waiting:
    """An address that may be fetched now."""

    id: int
    url: str
    kind: Kind
    hops: int
    via: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An address that a crawl could not get, and why."""

    id: int
    url: str
    state: str
    status: int | None
    error: str | None
    via: str | None


@dataclass(frozen=True, slots=True)
class Visited:
    """What became of an address in one attempt."""

    id: int
    state: State
    attempts: int
    due: str
    status: int | None = None
    error: str | None = None
    etag: str | None = None
    last_modified: str | None = None


_AGAIN = 50  # added to the priority of what is visited again; seeds, with 0, stay first
_SAID = ("state", "attempts", "due", "status", "error", "etag", "last_modified")
_WAITING = (frontier.c.id, frontier.c.url, frontier.c.kind, frontier.c.hops, frontier.c.via, frontier.c.attempts)

_UNANSWERED = tuple(frontier.c[one.name] for one in fields(Unanswered))


def _waiting(row: Row[*tuple[Any, ...]]) -> Waiting:
    return Waiting(row.id, row.url, Kind(row.kind), row.hops, row.via, row.attempts)


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


_visited = (
    update(frontier)
    .where(frontier.c.id == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in (*_SAID, "visited", "crawl")})
)


def given_up(visited: Visited, reason: str) -> Visited:
    """The same visit, of which nothing could be kept."""
    return Visited(visited.id, State.FAILED, visited.attempts + 1, visited.due, error=reason)


def visit(connection: Connection, crawl: str, visits: Sequence[Visited]) -> None:
    """Write down what became of addresses; the last of several visits to one address stands."""
    if not visits:
        return
    moment = now()
    said = ({f"new_{name}": getattr(one, name) for name in _SAID} | {"row": one.id} for one in visits)
    connection.execute(_visited, [{**row, "new_visited": moment, "new_crawl": crawl} for row in said])


def waiting(
    connection: Connection, site: str, kinds: Collection[Kind], limit: int, without: Collection[int]
) -> list[Waiting]:
    """Up to `limit` addresses that are due, in the order in which they should be fetched.

    What was never seen comes before what is visited again, and that before what was visited later. Only an attempt
    that failed makes an address wait for its time: a clock that is set back stops nothing.
    """
    ready = or_(frontier.c.attempts == 0, frontier.c.due <= now())
    rows = connection.execute(
        select(*_WAITING)
        .where(frontier.c.site == site, frontier.c.state == State.WAITING, ready)
        .where(frontier.c.kind.in_(kinds))
        .order_by(frontier.c.priority, frontier.c.visited.nulls_first(), frontier.c.id)
        .limit(limit + len(without))
    )
    return [_waiting(row) for row in rows if row.id not in without][:limit]


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


def wake(
    connection: Connection, site: str, until: str, after: int, begun: str | None = None, limit: int = 2000
) -> int | None:
    """Let up to `limit` known addresses wait again that are due; returns where to go on, None at the end.

    Where a crawl that began at `begun` is continued, what has been done since then rests, but for seeds and lists.
    """
    resting: ColumnElement[bool] = frontier.c.state.in_((State.SKIPPED, State.WAITING))
    if begun:
        leaf = and_(frontier.c.kind != Kind.LIST, frontier.c.hops > 0)
        resting = or_(resting, and_(frontier.c.state == State.DONE, leaf, frontier.c.visited >= begun))
    asleep = and_(_by_id(site), frontier.c.due <= until, not_(resting))
    ids = connection.scalars(
        select(frontier.c.id).where(asleep, frontier.c.id > after).order_by(frontier.c.id).limit(limit)
    ).all()
    if not ids:
        return None
    span = frontier.c.id.between(ids[0], ids[-1])
    again = case((frontier.c.priority.between(1, _AGAIN - 1), frontier.c.priority + _AGAIN), else_=frontier.c.priority)
    connection.execute(update(frontier).where(span, asleep).values(state=State.WAITING, attempts=0, priority=again))
    return int(ids[-1])


def failures(connection: Connection, crawl: str) -> list[tuple[str, Kind, str]]:
    """Address, kind and reason of what this crawl gave up, in the order of discovery."""
    rows = connection.execute(
        select(frontier.c.url, frontier.c.kind, frontier.c.error)
        .where(frontier.c.crawl == crawl, frontier.c.state == State.FAILED)
        .order_by(frontier.c.id)
    )
    return [(row.url, Kind(row.kind), row.error or "") for row in rows]


def unanswered(connection: Connection, crawl: str, after: int, limit: int = 1000) -> list[Unanswered]:
    """Addresses which this crawl could not get, with the reason, by id."""
    rows = connection.execute(
        select(*_UNANSWERED)
        .where(frontier.c.crawl == crawl, frontier.c.state.in_([State.FAILED, State.REFUSED]), frontier.c.id > after)
        .order_by(frontier.c.id)
        .limit(limit)
    )
    return [Unanswered(*row) for row in rows]


def left(connection: Connection, site: str, after: int, limit: int = 1000) -> list[Waiting]:
    """Addresses that still wait, due or not, by id."""
    rows = connection.execute(
        select(*_WAITING)
        .where(_by_id(site), frontier.c.state == State.WAITING, frontier.c.id > after)
        .order_by(frontier.c.id)
        .limit(limit)
    )
    return [_waiting(row) for row in rows]
