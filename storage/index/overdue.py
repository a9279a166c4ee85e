"""What of the schedule and of the clock needs a person: each kind of problem is one function."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, select

from storage.index.crawls import CRAWL
from storage.index.problem import Problem
from storage.index.schedule import OPEN, OPEN_RUN
from storage.index.tables import crawl, file, fixity, ledger, schedule
from storage.model import Outcome
from storage.moments import written

_LATE = timedelta(minutes=15)  # after which somebody should have begun what is due
_RUNS = 3  # planned runs in a row that came to no good crawl
_PAUSE = timedelta(days=30)  # after which a pause may have been forgotten
_UNVERIFIED = timedelta(days=45)  # all files are verified each month


_IS_OPEN = select(ledger.c.id).where(ledger.c.job == schedule.c.job, OPEN_RUN).exists()
_DUE = and_(schedule.c.next < bindparam("late"), schedule.c.paused.is_(None), ~_IS_OPEN)
_UNSERVED = select(func.count(), func.min(schedule.c.next)).where(_DUE)


def unserved(connection: Connection, now: datetime) -> Iterator[Problem]:
    """Jobs that are due, and nobody begins them."""
    number, since = connection.execute(_UNSERVED, {"late": written(now - _LATE)}).one()
    if number:
        detail = f"nobody serves the schedule, and {number:,} of its jobs are due: start `luutru schedule serve`"
        yield Problem(None, "schedule", since, detail)


_GOOD = (crawl.c.outcome == Outcome.COMPLETED, crawl.c.kind == CRAWL)
_LAST_GOOD = (
    select(func.max(crawl.c.started))
    .where(crawl.c.site == schedule.c.site, *_GOOD)
    .correlate(schedule)
    .scalar_subquery()
)
_SINCE = (  # by job and moment, so that only what follows the last good crawl is looked at
    ledger.c.job == schedule.c.job,
    ledger.c.due > func.coalesce(_LAST_GOOD, ""),
    ledger.c.asked_by.is_(None),
    ledger.c.outcome.not_in((*OPEN, Outcome.COMPLETED)),
)
_PLANNED_SINCE = (
    select(schedule.c.site)
    .add_columns(select(func.sum(ledger.c.slots)).where(*_SINCE).scalar_subquery().label("runs"))
    .add_columns(select(func.min(ledger.c.due)).where(*_SINCE).scalar_subquery().label("due"))
    .where(schedule.c.planned.is_not(None), schedule.c.paused.is_(None), schedule.c.site.is_not(None))
)


def no_good_crawl(connection: Connection, _now: datetime) -> Iterator[Problem]:
    """Sites of which several planned runs in a row came to no good crawl."""
    for row in connection.execute(_PLANNED_SINCE).all():
        if (row.runs or 0) >= _RUNS:
            detail = f"no good crawl, though {row.runs:,} were planned: `luutru runs list {row.site}` says why"
            yield Problem(row.site, "overdue", row.due, detail)


_PAUSED = (
    select(schedule.c.job, schedule.c.site, schedule.c.paused, schedule.c.reason)
    .where(schedule.c.paused < bindparam("long_ago"))
    .order_by(schedule.c.job)
)


def paused(connection: Connection, now: datetime) -> Iterator[Problem]:
    """Jobs that have been paused for so long that it may have been forgotten."""
    for row in connection.execute(_PAUSED, {"long_ago": written(now - _PAUSE)}).all():
        told = f" ({row.reason})" if row.reason else ""
        detail = f"{row.job} has been paused for more than {_PAUSE.days} days{told}: `luutru schedule resume {row.job}`"
        yield Problem(row.site, "paused", row.paused, detail)


_VERIFIED = func.coalesce(fixity.c.verified, crawl.c.started)
_LONG_AGO: BindParameter[str] = bindparam("long_ago")
_UNVERIFIED_BY_SITE = (
    select(crawl.c.site, func.count().label("number"), func.min(_VERIFIED).label("since"))
    .select_from(file)
    .join(crawl, crawl.c.id == file.c.crawl)
    .outerjoin(fixity, fixity.c.file == file.c.name)
    .where(file.c.sha256.is_not(None), _VERIFIED < _LONG_AGO)
    .where(func.coalesce(crawl.c.finished, crawl.c.started) < _LONG_AGO)
    .group_by(crawl.c.site)
)


def unverified(connection: Connection, now: datetime) -> Iterator[Problem]:
    """Sites with sealed files that nobody has verified for long."""
    for row in connection.execute(_UNVERIFIED_BY_SITE, {"long_ago": written(now - _UNVERIFIED)}).all():
        files = "1 file was" if row.number == 1 else f"{row.number:,} files were"
        detail = f"{files} not verified for more than {_UNVERIFIED.days} days: run `luutru verify`"
        yield Problem(row.site, "unverified", row.since, detail)


CHECKS: tuple[Callable[[Connection, datetime], Iterator[Problem]], ...] = (
    unserved,
    no_good_crawl,
    paused,
    unverified,
)
