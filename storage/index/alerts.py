"""What was told to people of what needs them, so that each change is told once; and what a digest counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from sqlalchemy import Connection, delete, func, insert, select

from storage.index.crawls import CRAWL
from storage.index.tables import alert, crawl

Key = tuple[str, str]  # site, "" where it is the archive's; kind
_DIGEST = "digest"  # the kind of the row that says when one was told last


@dataclass(frozen=True, slots=True)
class Alert:
    """A problem that was seen, until people know that it is over."""

    detail: str
    since: str | None  # as the problem says it
    begun: str  # when it was first seen
    told: str | None = None  # when a service took the message of it
    over: str | None = None  # when it was first missed


@dataclass(frozen=True, slots=True)
class State:
    """All alerts, and when the last digest was told."""

    alerts: Mapping[Key, Alert] = field(default_factory=dict)
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """What crawls did in some time, by how they ended."""

    outcomes: Mapping[str, int]
    captures: int
    documents_new: int
    documents_changed: int


def state(connection: Connection) -> State:
    """What is known to have been told."""
    rows = {(row.site, row.kind): row for row in connection.execute(select(alert).order_by(alert.c.site, alert.c.kind))}
    digest = rows.pop(("", _DIGEST), None)
    return State(
        {key: Alert(row.detail, row.since, row.begun, row.told, row.over) for key, row in rows.items()},
        digest.told if digest else None,
    )


def keep(connection: Connection, new: State) -> None:
    """Let this state be the one that is known."""
    rows = [{"site": site, "kind": kind} | asdict(one) for (site, kind), one in new.alerts.items()]
    if new.digest:
        told = Alert("", None, begun=new.digest, told=new.digest)
        rows.append({"site": "", "kind": _DIGEST} | asdict(told))
    connection.execute(delete(alert))
    if rows:
        connection.execute(insert(alert), rows)


def activity(connection: Connection, since: str) -> Activity:
    """What the crawls did that have ended since a moment."""
    rows = connection.execute(
        select(
            crawl.c.outcome,
            func.count(),
            *(func.coalesce(func.sum(crawl.c[name]), 0) for name in ("captures", "documents_new", "documents_changed")),
        )
        .where(crawl.c.kind == CRAWL, crawl.c.finished > since)
        .group_by(crawl.c.outcome)
        .order_by(crawl.c.outcome)
    ).all()
    return Activity({row[0]: row[1] for row in rows}, *(sum(row[number] for row in rows) for number in (2, 3, 4)))
