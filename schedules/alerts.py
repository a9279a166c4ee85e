"""Alerts: what has changed about the problems of an archive, told once, and a digest a day.

`seen`, `message` and `delivered` are pure: from what is known to have been told, and what is the matter now, to what is
to be told. What no service takes stays due, and goes with the next change.
"""

import fcntl
import logging
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path

from schedules.sending import PATIENCE, Delivery, Message, require_apprise, send
from storage.collection import Collection
from storage.config import Config
from storage.disk import telling
from storage.errors import ArchiveError, UsageError
from storage.health import problems
from storage.index import alerts
from storage.index.alerts import Activity, Alert, Key, State
from storage.index.health import Problem
from storage.moments import written

DIGEST_AT = time(8)  # in the time zone of the archive
_NAMED = 8  # in each part of a message
_LONGEST = 240  # characters of a line: services refuse long messages
_log = logging.getLogger(__name__)


def after(
    collection: Collection, *, moment: datetime | None = None, patience: float = PATIENCE
) -> tuple[Delivery, ...]:
    """Tell what has changed since people were told last, and the digest when it is time; whether services took it.

    To be called when anything has happened, such as the end of a run; returns within `patience` seconds and a little.
    What goes wrong is a line in the log, never an error: it is told with the next change.
    """
    if not collection.config.alerts:
        return ()
    try:
        with _alone(collection.home):
            return _tell(collection, moment or datetime.now(UTC), patience)
    except (ArchiveError, OSError) as error:
        _log.error("no alert was sent: %s", error)
        return ()


def require(config: Config) -> None:
    """Raise UsageError where there are services, and nothing that could reach them."""
    if config.alerts:
        require_apprise()


def try_out(collection: Collection) -> tuple[Delivery, ...]:
    """Send a message that says nothing but that it came; raises UsageError where there is nowhere to send it."""
    if not collection.config.alerts:
        raise UsageError('there is nowhere to send alerts: write alerts = ["tgram://TOKEN/CHAT"] into luutru.toml')
    told = "This is a test. What needs you will be told here, once when it begins and once when it is over."
    return send(collection.config.alerts, Message("luutru: test", f"{told}\n\n{_where(collection.home)}"))


def seen(told: State, found: Iterable[Problem], moment: datetime) -> State:
    """What is known when these problems are there: new ones have begun, those that are missed are over.

    One that comes back before people know that it was over was never over.
    """
    now, standing = written(moment), _by_kind(found)
    known = {key: replace(one, over=one.over or now) for key, one in told.alerts.items() if key not in standing}
    for key, (since, detail) in standing.items():
        before = told.alerts.get(key)
        known[key] = Alert(detail, since, before.begun if before else now, before.told if before else None)
    return State(known, told.digest)


def digest_is_due(told: State, moment: datetime, zone: tzinfo) -> bool:
    """Whether the hour of the digest has come since the last one."""
    here = moment.astimezone(zone)
    hour = datetime.combine(here.date(), DIGEST_AT, zone)
    latest = hour if here >= hour else hour - timedelta(days=1)
    return told.digest is None or datetime.fromisoformat(told.digest) < latest


def message(state: State, zone: tzinfo, activity: Activity | None = None) -> Message | None:
    """What is to be told of this state, with the `activity` of a digest; None when there is nothing."""
    begun = {key: one for key, one in state.alerts.items() if not one.over and not one.told}
    over = {key: one for key, one in state.alerts.items() if one.over}
    still = {key: one for key, one in state.alerts.items() if not one.over and one.told}
    if not (begun or over or activity):
        return None
    parts = [*_part("New:", begun, zone), *_part("Over:", over, zone)]
    if activity:
        parts += [*_part("Still there:", still, zone), _told_activity(activity)]
    kind = "failure" if begun else "success" if over else "warning" if still else "info"
    return Message(f"luutru: {_title(begun, over, still)}", "\n\n".join(parts), kind)


def delivered(state: State, moment: datetime, *, digest: bool) -> State:
    """What is known when a service has taken the message of this state."""
    now = written(moment)
    standing = {key: replace(one, told=one.told or now) for key, one in state.alerts.items() if not one.over}
    return State(standing, now if digest else state.digest)


def _tell(collection: Collection, moment: datetime, patience: float) -> tuple[Delivery, ...]:
    home, index, zone = collection.home, collection.index, collection.config.zone
    found = problems(collection, moment)
    with index.write() as connection:
        before = alerts.state(connection)
        state = seen(before, found, moment)
        if state != before:
            alerts.keep(connection, state)
    digest = digest_is_due(state, moment, zone)
    with index.read() as connection:
        since = state.digest or written(moment - timedelta(days=1))
        activity = alerts.activity(connection, since) if digest else None
    told = message(state, zone, activity)
    if told is None:
        return ()
    signed = replace(told, body=f"{told.body}\n\n`luutru health` says more. {_where(home)}")
    deliveries = send(collection.config.alerts, signed, patience)
    for one in deliveries:
        if not one.delivered:
            _log.warning("alert not delivered to service %s of alerts: %s", one.service, one.reason)
    if any(one.delivered for one in deliveries):
        with index.write() as connection:
            alerts.keep(connection, delivered(state, moment, digest=digest))
    return deliveries


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Nobody else tells meanwhile, or it would be told twice."""
    path = home / "locks" / "alerts"
    with telling(path):
        path.parent.mkdir(exist_ok=True)
        file = path.open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _by_kind(found: Iterable[Problem]) -> dict[Key, tuple[str | None, str]]:
    """Since when, and the detail, of each kind of problem of each site."""
    grouped: dict[Key, list[Problem]] = {}
    for one in found:
        grouped.setdefault((one.site or "", one.kind), []).append(one)
    return {key: (_earliest(some), _detail(some)) for key, some in grouped.items()}


def _earliest(some: Sequence[Problem]) -> str | None:
    return min((one.since for one in some if one.since), default=None)


def _detail(some: Sequence[Problem]) -> str:
    return some[0].detail + (f"; and {len(some) - 1} more" if len(some) > 1 else "")


def _title(begun: Mapping[Key, Alert], over: Mapping[Key, Alert], still: Mapping[Key, Alert]) -> str:
    if begun:
        return _few(begun, "new problems")
    if over:
        return f"over: {_few(over, 'problems')}"
    return f"daily digest: {_few(still, 'problems') if still else 'nothing needs you'}"


def _few(some: Mapping[Key, Alert], what: str) -> str:
    return ", ".join(map(_name, some)) if len(some) == 1 else f"{len(some)} {what}"


def _name(key: Key) -> str:
    site, kind = key
    return f"{site}: {kind}" if site else kind


def _part(head: str, some: Mapping[Key, Alert], zone: tzinfo) -> Iterator[str]:
    if some:
        lines = [_line(key, one, zone) for key, one in list(some.items())[:_NAMED]]
        more = [f"- and {len(some) - _NAMED} more"] if len(some) > _NAMED else []
        yield "\n".join((head, *lines, *more))


def _line(key: Key, one: Alert, zone: tzinfo) -> str:
    since = f"since {_local(one.since or one.begun, zone)}"
    when = f"{since}, until {_local(one.over, zone)}" if one.over else since
    told = f"- {_name(key)} ({when}): {one.detail}"
    told = "".join(letter if letter.isprintable() else "�" for letter in told)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _told_activity(activity: Activity) -> str:
    crawls = sum(activity.outcomes.values())
    ended = ", ".join(f"{number} {outcome}" for outcome, number in activity.outcomes.items())
    return (
        f"Since the last digest: {crawls} crawl{'' if crawls == 1 else 's'}{f' ({ended})' if ended else ''}, "
        f"{activity.captures:,} captures, {activity.documents_new:,} documents new, "
        f"{activity.documents_changed:,} changed."
    )


def _local(moment: str, zone: tzinfo) -> str:
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _where(home: Path) -> str:
    return f"Archive {home.resolve()} on {socket.gethostname()}."
