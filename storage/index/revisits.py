"""Known addresses that are fetched again: because they are due, or because of a sign; and when they are due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, and_, bindparam, case, func, not_, or_, select, update

from storage.index.frontier import UNJUDGED, State
from storage.index.tables import address, document, frontier, version
from storage.model import Kind

FRONT_HOPS = {Kind.LIST: 1, Kind.PAGE: 0}  # what is at most so many steps from a seed is asked by every crawl
_AGAIN = 50  # added to the priority of what is visited again; seeds, with 0, stay first
_CHUNK = 200  # values in one list of a statement


@dataclass(frozen=True, slots=True)
class Unjudged:
    """An address whose last visit the policy has not looked at yet, and what is known of it."""

    id: int
    url: str
    kind: Kind
    hops: int
    found: datetime
    visited: datetime
    changed: datetime | None  # when it was last seen to have changed; None: never
    published: str | None
    is_document: bool


@dataclass(frozen=True, slots=True)
class DueCount:
    """How many addresses of one kind are due when: those that wait or are due now, then until the end of each time."""

    kind: str
    addresses: int
    now: int
    day: int
    week: int
    month: int
    later: int


def wake(connection: Connection, site: str, until: str | None, begun: str | None = None, limit: int = 500) -> int:
    """Let up to `limit` known addresses wait again that are due, or all where no moment is given; says how many did.

    Where a crawl that began at `begun` is continued, what has been done since then rests, but for seeds and lists.
    What the policy has not looked at yet rests too, but for the lists that every crawl asks.
    """
    asleep = and_(frontier.c.site == site, frontier.c.state != State.WAITING, frontier.c.state != State.SKIPPED)
    if until:
        front = or_(*(and_(frontier.c.kind == kind, frontier.c.hops <= hops) for kind, hops in FRONT_HOPS.items()))
        asleep = and_(asleep, frontier.c.due <= until, or_(frontier.c.due != UNJUDGED, front))
    if begun:
        leaf = and_(frontier.c.kind != Kind.LIST, frontier.c.hops > 0)
        asleep = and_(asleep, not_(and_(frontier.c.state == State.DONE, leaf, frontier.c.visited >= begun)))
    ids = connection.scalars(select(frontier.c.id).where(asleep).limit(limit)).all()
    again = case((frontier.c.priority.between(1, _AGAIN - 1), frontier.c.priority + _AGAIN), else_=frontier.c.priority)
    for some in (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK)):
        changes = update(frontier).where(frontier.c.id.in_(some))
        connection.execute(changes.values(state=State.WAITING, attempts=0, priority=again))
    return len(ids)


def rouse(connection: Connection, site: str, urls: Sequence[str], since: str) -> int:
    """Let known addresses wait again before they are due, unless they were visited since then; says how many did.

    They come with what is new: a sign has been seen that there is something to fetch.
    """
    soon = case((frontier.c.priority > _AGAIN, frontier.c.priority - _AGAIN), else_=frontier.c.priority)
    roused = 0
    for some in (urls[at : at + _CHUNK] for at in range(0, len(urls), _CHUNK)):
        known = and_(frontier.c.site == site, frontier.c.url.in_(some), frontier.c.state == State.DONE)
        changes = update(frontier).where(known, frontier.c.visited < since)
        roused += connection.execute(changes.values(state=State.WAITING, attempts=0, priority=soon)).rowcount
    return roused


_another = (
    select(func.max(version.c.last_seen))
    .where(version.c.document == document.c.id, version.c.id != document.c.version)
    .scalar_subquery()
)
_current = select(version.c.first_seen).where(version.c.id == document.c.version).scalar_subquery()
_text_changed = case((_another > _current, _another), (_another.is_not(None), _current))  # NULL: never
_unjudged = (
    select(
        *(frontier.c[name] for name in ("id", "url", "kind", "hops", "found", "visited", "status", "changed")),
        document.c.id.label("document"),
        document.c.published,
        _text_changed.label("text_changed"),
    )
    .select_from(frontier)
    .outerjoin(address, address.c.url == frontier.c.url)
    .outerjoin(document, document.c.id == address.c.document)
    .where(frontier.c.site == bindparam("site"), frontier.c.state == State.DONE, frontier.c.due == UNJUDGED)
    .where(frontier.c.state != State.WAITING)  # the words of the index
    .limit(bindparam("limit"))
)


def unjudged(connection: Connection, site: str, limit: int = 500) -> list[Unjudged]:
    """Addresses that were visited and whose next visit is not planned yet.

    A document has changed when its text did, not when its page did: counters change at every visit. Where its address
    says now that there is no text, that is what changed.
    """
    return [
        Unjudged(
            id=row.id,
            url=row.url,
            kind=Kind(row.kind),
            hops=row.hops,
            found=datetime.fromisoformat(row.found),
            visited=datetime.fromisoformat(row.visited),
            changed=_moment(row.text_changed if row.document and row.status in (200, 304) else row.changed),
            published=row.published,
            is_document=row.document is not None,
        )
        for row in connection.execute(_unjudged, {"site": site, "limit": limit})
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


_planned = (
    update(frontier)
    .where(frontier.c.id == bindparam("row"), frontier.c.due == UNJUDGED, frontier.c.state == State.DONE)
    .values(due=bindparam("new_due"))
)


def plan(connection: Connection, dues: Iterable[tuple[int, str]]) -> None:
    """Write down when addresses are due again."""
    connection.execute(_planned, [{"row": id_, "new_due": due} for id_, due in dues])


def due_counts(connection: Connection, site: str, ends: Sequence[str]) -> list[DueCount]:
    """How many addresses of each kind are due by each of four moments, and later: now, in a day, a week, a month.

    Those that were skipped on purpose are not counted.
    """
    when = case((frontier.c.state == State.WAITING, ""), else_=frontier.c.due)
    until = [when <= end for end in ends]
    counted = [func.count().filter(until[0])]
    counted += [func.count().filter(later, not_(earlier)) for earlier, later in pairwise(until)]
    counted.append(func.count().filter(not_(until[-1])))
    rows = connection.execute(
        select(frontier.c.kind, func.count(), *counted)
        .where(frontier.c.site == site, frontier.c.state != State.SKIPPED)
        .group_by(frontier.c.kind)
        .order_by(frontier.c.kind)
    )
    return [DueCount(*row) for row in rows]
