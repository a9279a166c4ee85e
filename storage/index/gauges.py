"""What is counted for those who watch an archive by numbers: sums of rows and of small indexes, no scan of captures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from storage.index.crawls import CRAWL
from storage.index.tables import capture, crawl, file, fixity, frontier, ledger, reading, schedule, tally
from storage.model import Outcome

_WAITING = text("frontier.state = 'waiting'")  # in the words of their partial indexes
_GIVEN_UP = text("frontier.state = 'failed'")
_UNREAD = text("capture.derived IS NULL")
_UNREADABLE = text("reading.reason LIKE 'failed: %'")
_HELD = ("captures", "revisits", "requisites", "documents", "versions")
_DONE = ("attempts", "bytes", "errors")


@dataclass(frozen=True, slots=True)
class Number:
    """One number, and what it is of: names and values of labels."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def numbers(connection: Connection, now: datetime) -> list[Number]:
    """All numbers that the index knows; moments are seconds since 1970."""
    return [
        *_held(connection),
        *_crawls(connection),
        *_errors(connection),
        *_reading(connection, now),
        *_files(connection),
        *_schedule(connection),
    ]


_SUMS = select(tally.c.site, *(func.sum(tally.c[name]) for name in _HELD)).group_by(tally.c.site)
_WAITING_BY_SITE = select(frontier.c.site, func.count()).where(_WAITING).group_by(frontier.c.site)


def _held(connection: Connection) -> Iterable[Number]:
    for site, *sums in connection.execute(_SUMS).all():
        for name, value in zip(_HELD, sums, strict=True):
            yield Number(name, value, (("site", site),))
    for site, value in connection.execute(_WAITING_BY_SITE).all():
        yield Number("frontier_waiting", value, (("site", site),))


_DONE_BY_SITE = select(crawl.c.site, *(func.sum(crawl.c[name]) for name in _DONE)).group_by(crawl.c.site)
_ENDED = (
    select(crawl.c.site, crawl.c.outcome, func.count(), func.max(crawl.c.started))
    .where(crawl.c.kind == CRAWL)
    .group_by(crawl.c.site, crawl.c.outcome)
)


def _crawls(connection: Connection) -> Iterable[Number]:
    for site, *values in connection.execute(_DONE_BY_SITE).all():
        for name, value in zip(_DONE, values, strict=True):
            yield Number(name, value, (("site", site),))
    for site, outcome, value, started in connection.execute(_ENDED).all():
        yield Number("crawls", value, (("site", site), ("outcome", outcome)))
        if outcome == Outcome.COMPLETED:
            yield Number("last_good_crawl_timestamp_seconds", _seconds(started), (("site", site),))


_GIVEN_UP_BY_KIND = (
    select(frontier.c.site, frontier.c.kind, func.count()).where(_GIVEN_UP).group_by(frontier.c.site, frontier.c.kind)
)
_UNREADABLE_BY_SITE = (
    select(capture.c.site, func.count())
    .join(reading, reading.c.capture == capture.c.id)
    .where(_UNREADABLE)
    .group_by(capture.c.site)
)


def _errors(connection: Connection) -> Iterable[Number]:
    for site, kind, value in connection.execute(_GIVEN_UP_BY_KIND).all():
        yield Number("given_up", value, (("site", site), ("kind", kind)))
    for site, value in connection.execute(_UNREADABLE_BY_SITE).all():
        yield Number("unreadable", value, (("site", site),))


_UNREAD_BY_SITE = select(capture.c.site, func.count(), func.min(capture.c.date)).where(_UNREAD).group_by(capture.c.site)


def _reading(connection: Connection, now: datetime) -> Iterable[Number]:
    for site, value, since in connection.execute(_UNREAD_BY_SITE).all():
        yield Number("unread", value, (("site", site),))
        yield Number("derive_lag_seconds", max(0.0, now.timestamp() - _seconds(since)), (("site", site),))


_SEALED = (
    select(
        crawl.c.site,
        func.count(),
        func.sum(file.c.bytes),
        func.min(func.coalesce(fixity.c.verified, crawl.c.started)),
    )
    .select_from(file)
    .join(crawl, crawl.c.id == file.c.crawl)
    .outerjoin(fixity, fixity.c.file == file.c.name)
    .where(file.c.sha256.is_not(None))
    .group_by(crawl.c.site)
)


def _files(connection: Connection) -> Iterable[Number]:
    for site, files, size, since in connection.execute(_SEALED).all():
        yield Number("files", files, (("site", site),))
        yield Number("file_bytes", size or 0, (("site", site),))
        yield Number("unverified_since_timestamp_seconds", _seconds(since), (("site", site),))


_RUNS = select(ledger.c.job, ledger.c.outcome, func.sum(ledger.c.slots)).group_by(ledger.c.job, ledger.c.outcome)
_JOBS = select(schedule.c.job, schedule.c.next, schedule.c.paused)


def _schedule(connection: Connection) -> Iterable[Number]:
    for job, outcome, value in connection.execute(_RUNS).all():
        yield Number("runs", value, (("job", job), ("outcome", outcome)))
    for job, due, paused in connection.execute(_JOBS).all():
        yield Number("paused", float(paused is not None), (("job", job),))
        if due:
            yield Number("next_run_timestamp_seconds", _seconds(due), (("job", job),))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
