"""What in the index needs a person: each kind of problem is one function. Moments are text, as the index keeps them."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, case, exists, func, select, text

from storage.index import overdue, schedule
from storage.index.crawls import CRAWL, SITES, newest, since_newest
from storage.index.expectations import TELLS
from storage.index.problem import Problem as Problem
from storage.index.tables import capture, crawl, file, frontier, reading
from storage.model import Kind, Outcome
from storage.moments import written

_BAD = (Outcome.FAILED, Outcome.PARTIAL, Outcome.REFUSED, Outcome.INTERRUPTED, Outcome.RUNNING)
_NO_CRAWL = (Outcome.SKIPPED, Outcome.MISSED)
_LAG = timedelta(hours=1)
_LOOKED_AT = 60  # crawls of a site
_UNREAD = text("capture.derived IS NULL")  # in the words of their partial indexes
_GIVEN_UP = text("frontier.state = 'failed'")
_PAGES = text("capture.kind IN ('article', 'page')")
_UNREADABLE = text("reading.reason LIKE 'failed: %'")


@dataclass(frozen=True, slots=True)
class File:
    """A WARC file as the index knows it; `bytes` is None until it is sealed."""

    name: str
    site: str
    started: str
    bytes: int | None


_BEGUN = select(crawl.c.site).distinct().where(crawl.c.outcome == Outcome.RUNNING)


def begun(connection: Connection) -> list[str]:
    """The sites that are being crawled, by their rows; the processes may be gone."""
    return list(connection.scalars(_BEGUN))


_OF_SITE = (crawl.c.site == bindparam("site"), crawl.c.drift.is_not(None))
_DRIFT = select(crawl.c.started, crawl.c.drift).where(*_OF_SITE).order_by(crawl.c.started.desc())
_DRIFTING = (
    select(SITES.c.site)
    .select_from(SITES.join(crawl, crawl.c.id == newest(crawl.c.drift.is_not(None))))
    .where(crawl.c.drift != "[]")
)


def drift(connection: Connection, _running: Collection[str]) -> Iterator[Problem]:
    """Sites that have left their own range, until a crawl finds them within it."""
    for site in connection.scalars(_DRIFTING).all():
        judged = connection.execute(_DRIFT, {"site": site})
        told = ((row.started, {one["kind"]: one["detail"] for one in json.loads(row.drift)}) for row in judged)
        for since, detail in _lasting(told):
            yield Problem(site, "drift", since, f"the site has changed: {detail}")


_JUDGED = (
    select(crawl.c.started, crawl.c.expected)
    .where(crawl.c.site == bindparam("site"), crawl.c.expected.is_not(None))
    .order_by(crawl.c.started.desc())
    .limit(_LOOKED_AT)
)
_LOOKED_INTO = crawl.c.started >= since_newest(_LOOKED_AT, crawl.c.expected.is_not(None))
_UNEXPECTED = select(SITES.c.site).where(exists().where(crawl.c.site == SITES.c.site, _LOOKED_INTO, TELLS))


def unexpected(connection: Connection, _running: Collection[str]) -> Iterator[Problem]:
    """Sites whose crawls are not as expected, until one is of which the same can be told."""
    for site in connection.scalars(_UNEXPECTED).all():
        judged = connection.execute(_JUDGED, {"site": site}).all()
        crawls = [(row.started, {one["kind"]: one["detail"] for one in json.loads(row.expected)}) for row in judged]
        for kind in dict.fromkeys(kind for _, told in crawls for kind in told):
            of_kind = ((started, {kind: told[kind]} if told[kind] else {}) for started, told in crawls if kind in told)
            for since, detail in _lasting(of_kind):
                yield Problem(site, "expectations", since, f"not as expected: {detail}")


def _lasting(crawls: Iterator[tuple[str, dict[str, str]]]) -> Iterator[tuple[str, str]]:
    """What the newest crawl says, and when the first crawl started since which each kind is said; newest first."""
    newest, lasting = next(crawls, ("", {}))
    since = dict.fromkeys(lasting, newest)
    going = set(lasting)
    for started, told in crawls:
        going &= told.keys()
        if not going:
            break
        since |= dict.fromkeys(going, started)
    for kind, detail in lasting.items():
        yield since[kind], detail


_ENDED = and_(crawl.c.outcome.not_in(_NO_CRAWL), crawl.c.kind == CRAWL)
_LAST = (
    select(crawl.c.started, crawl.c.outcome, crawl.c.warnings, crawl.c.drift, crawl.c.expected)
    .where(crawl.c.site == bindparam("site"), _ENDED)
    .order_by(crawl.c.started.desc())
)
_ENDED_BADLY = (
    select(SITES.c.site).select_from(SITES.join(crawl, crawl.c.id == newest(_ENDED))).where(crawl.c.outcome.in_(_BAD))
)


def last_crawl(connection: Connection, running: Collection[str]) -> Iterator[Problem]:
    """Sites whose last crawl did not go well; drift and expectations are told by themselves."""
    for site in connection.scalars(_ENDED_BADLY).all():
        ended = connection.execute(_LAST, {"site": site})
        found: Problem | None = None
        for row in ended:
            if row.outcome == Outcome.RUNNING and site in running:
                continue
            elsewhere = [*json.loads(row.drift or "[]"), *json.loads(row.expected or "[]")]
            told = _told(row.outcome, json.loads(row.warnings), [one["detail"] for one in elsewhere if one["detail"]])
            if told is None:
                break
            found = Problem(site, "crawl", row.started, found.detail if found else told)
        if found:
            yield found


def _told(outcome: str, warnings: list[str], elsewhere: list[str]) -> str | None:
    if outcome not in _BAD:
        return None
    if outcome == Outcome.RUNNING:
        return "the last crawl was cut off: its process ended before it did; crawl again"
    others = [one for one in warnings if not any(one.endswith(detail) for detail in elsewhere)]
    if outcome == Outcome.PARTIAL and elsewhere and not others:
        return None
    more = f", and {len(others) - 1} more" if len(others) > 1 else ""
    return f"the last crawl was {outcome}" + (f": {others[0]}{more}" if others else "")


_GIVEN_UP_BY_SITE = (
    select(
        frontier.c.site,
        func.count().label("number"),
        func.min(frontier.c.visited).label("since"),
        func.min(frontier.c.id).label("first"),
    )
    .where(_GIVEN_UP, frontier.c.kind != Kind.REQUISITE)
    .group_by(frontier.c.site)
)
_ADDRESS = select(frontier.c.url, frontier.c.error).where(frontier.c.id == bindparam("first"))


def given_up(connection: Connection, _running: Collection[str]) -> Iterator[Problem]:
    """Addresses of pages and attachments that never answered, after all attempts."""
    for row in connection.execute(_GIVEN_UP_BY_SITE).all():
        one = connection.execute(_ADDRESS, {"first": row.first}).one()
        detail = f"{_counted(row.number, 'address', 'es')} given up after all attempts, such as {one.url} ({one.error})"
        yield Problem(row.site, "given up", row.since, detail)


_UNREAD_BY_SITE = (
    select(capture.c.site, func.count().label("number"), func.min(capture.c.date).label("since"))
    .where(_UNREAD)
    .group_by(capture.c.site)
)


def unread(connection: Connection, running: Collection[str], now: datetime) -> Iterator[Problem]:
    """Captures that wait for reading although nobody crawls their site, or who crawls it does not get on with it."""
    for row in connection.execute(_UNREAD_BY_SITE).all():
        if row.site not in running:
            detail = f"{_counted(row.number, 'capture')} not read yet, and no crawl runs: the next crawl reads them"
            yield Problem(row.site, "unread", row.since, detail)
        elif row.since < written(now - _LAG):
            detail = f"{_counted(row.number, 'capture')} not read for more than an hour, though a crawl runs: end it"
            yield Problem(row.site, "unread", row.since, detail)


_later, _later_reading = capture.alias(), reading.alias()
_READ_LATER = (
    exists()
    .where(_later.c.urlkey == capture.c.urlkey, _later.c.url == capture.c.url, _later.c.date > capture.c.date)
    .where(_later_reading.c.capture == _later.c.id, _later_reading.c.rules != "")
)
_UNREADABLE_BY_SITE = (
    select(
        capture.c.site,
        func.count().label("number"),
        func.min(capture.c.date).label("since"),
        func.min(capture.c.id).label("first"),
    )
    .join(reading, reading.c.capture == capture.c.id)
    .where(_UNREADABLE, ~_READ_LATER)
    .group_by(capture.c.site)
)
_CAPTURE = select(capture.c.url, reading.c.reason).join(reading, reading.c.capture == capture.c.id)
_CAPTURE = _CAPTURE.where(capture.c.id == bindparam("first"))


def unreadable(connection: Connection, _running: Collection[str]) -> Iterator[Problem]:
    """Captures whose reading failed, but for those whose address was captured again and read."""
    for row in connection.execute(_UNREADABLE_BY_SITE).all():
        one = connection.execute(_CAPTURE, {"first": row.first}).one()
        detail = f"{_counted(row.number, 'capture')} that could not be read, such as {one.url} ({one.reason})"
        yield Problem(row.site, "unreadable", row.since, detail)


_RULES = select(reading.c.rules).where(reading.c.rules.like("%/%")).limit(1)
_OLDEST = (
    _RULES.join_from(reading, capture, capture.c.id == reading.c.capture)
    .where(capture.c.site == SITES.c.site, _PAGES)
    .order_by(capture.c.date)
)
_READ_BY = select(
    SITES.c.site,
    _OLDEST.correlate(SITES).scalar_subquery().label("oldest"),
    _RULES.order_by(reading.c.capture.desc()).scalar_subquery().label("newest"),
)


def outdated(connection: Connection) -> Iterator[Problem]:
    """Sites whose oldest pages were read by an older code than the newest page of all."""
    for site, oldest, newest_of_all in connection.execute(_READ_BY).all():
        if oldest and newest_of_all and _code(oldest) < _code(newest_of_all):
            told = f"read by older rules ({_code(oldest)}, now {_code(newest_of_all)})"
            yield Problem(site, "rules", None, f"{told}: `luutru rederive --site {site}` reads it again, in its time")


def _code(rules: str) -> int:
    return int(rules.partition("/")[0])


def runs(connection: Connection, told: Collection[str | None]) -> Iterator[Problem]:
    """Jobs whose last run did not go well; not those of sites of which it is `told` already, nor what is paused."""
    rows = schedule.planned(connection)
    for job, run in schedule.last_runs(connection).items():
        paused = (job in rows and rows[job].paused) or (run.reason or "").startswith("paused")
        if run.outcome is Outcome.COMPLETED or (run.site and run.site in told) or paused:
            continue
        kind = "run" if run.site else job
        detail = f"the last run was {run.outcome}: {run.reason}; `luutru runs show {run.run}` tells more"
        yield Problem(run.site, kind, written(run.due), detail)


_FILES = (
    select(file.c.name, crawl.c.site, crawl.c.started, case((file.c.sha256.is_not(None), file.c.bytes)))
    .join(crawl, crawl.c.id == file.c.crawl)
    .order_by(file.c.name)
)


def files(connection: Connection) -> list[File]:
    """All WARC files, by name."""
    return [File(*row) for row in connection.execute(_FILES).all()]


_Check = Callable[[Connection, Collection[str]], Iterator[Problem]]
_CHECKS: tuple[_Check, ...] = (drift, unexpected, last_crawl, given_up, unreadable)


def problems(connection: Connection, running: Collection[str], now: datetime) -> list[Problem]:
    """All problems that the index knows of; `running` are the sites that are being crawled."""
    found = [problem for check in _CHECKS for problem in check(connection, running)]
    found += [problem for at in overdue.CHECKS for problem in at(connection, now)]
    return [*found, *unread(connection, running, now)]


def _counted(number: int, thing: str, plural: str = "s") -> str:
    return f"{number:,} {thing}{'' if number == 1 else plural}"
