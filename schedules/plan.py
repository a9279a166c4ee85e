"""When a job is due: pure. Moments are aware; those that are returned are in UTC.

A cadence is written in one of three ways:
- `30m`, `6h`, `7d`: every day from midnight on, as often as the period fits in; whole days: on every nth day;
- `1h 22:00-05:00`: the same from the opening of a window until it closes, which may be on the next day;
- `0 */3 * * *`: the five fields of cron(5); 0 and 7 are Sunday, and of two restricted day fields either is enough.

Windows and cron's fields are read on the clock on the wall of a time zone; within a day, periods count the hours that
pass. So that jobs with equal periods do not start together, each is late by a time of its own, always the same: up to
a quarter of its period or window, and no more than half an hour. Jobs with cron's fields start on the minute.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from schedules.jobs import Job
from storage.errors import UsageError
from storage.index.schedule import Planned

TOLD = 50  # missed runs of one stop that are told one by one
_DAY = timedelta(days=1)
_JITTER = timedelta(minutes=30)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": _DAY}
_PERIOD = re.compile(r"(\d{1,4})([mhd])")
_WINDOW = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_HOW = "write a period (`6h`), a period with a window (`1h 22:00-05:00`) or five fields of cron (`0 */3 * * *`)"


@dataclass(frozen=True, slots=True)
class Every:
    """Every so often, from `opens` until `closes` on the clock on the wall; the whole day where they are equal."""

    period: timedelta
    opens: time = time()
    closes: time = time()

    @property
    def days(self) -> int:
        """On every nth day."""
        return max(1, self.period // _DAY)

    @property
    def length(self) -> timedelta:
        """How long the window is on an ordinary day."""
        opens, closes = (timedelta(hours=one.hour, minutes=one.minute) for one in (self.opens, self.closes))
        return (closes - opens) % _DAY or _DAY


@dataclass(frozen=True, slots=True)
class Cron:
    """When the clock on the wall shows what five fields of cron say."""

    fields: str


Cadence = Every | Cron


@dataclass(frozen=True, slots=True)
class Missed:
    """Runs that were due and did not come to be: the last ones, oldest first, and how many there were before them."""

    due: tuple[datetime, ...] = ()
    earlier: int = 0
    first: datetime | None = None  # of the earlier ones


@lru_cache(maxsize=1000)
def parse(text: str) -> Cadence:
    """The cadence that a text is; raises UsageError, which says what to write."""
    words = text.split()
    if len(words) == 5:
        return _cron(" ".join(words))
    period = _PERIOD.fullmatch(words[0]) if words else None
    window = _WINDOW.fullmatch(words[1]) if len(words) == 2 else None
    if period is None or len(words) > 2 or (len(words) == 2 and window is None):
        raise UsageError(f"{text!r} is no cadence: {_HOW}")
    every = int(period[1]) * _UNITS[period[2]]
    if not every or (every > _DAY and every % _DAY):
        raise UsageError(f"{text!r} is no cadence: a period is at least 1m, and above 24h it is whole days (`2d`)")
    if window is None:
        return Every(every)
    try:
        opens, closes = map(time.fromisoformat, window.groups())
    except ValueError as error:
        raise UsageError(f"{text!r} is no cadence: a window is two times of the day (`22:00-05:00`)") from error
    if opens == closes:
        raise UsageError(f"{text!r} is no cadence: the window is empty; leave it out for the whole day")
    return Every(every, opens, closes)


def next_run(job: Job, row: Planned | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the job is due next, later than `now`; None where it never is: paused, or without a cadence.

    What is in the ledger is not due again when the clock is set back.
    """
    cadence = in_force(job, row)
    if cadence is None or (row and row.paused):
        return None
    after = max(row.told, now) if row and not is_ahead(row, now) else now
    return next(slots(parse(cadence), job.name, zone, after), None)


def missed(job: Job, row: Planned, now: datetime, zone: ZoneInfo) -> Missed:
    """The runs that were due up to `now` and are not in the ledger.

    No more than TOLD of them are told one by one, the newest, so that a long stop does not fill the ledger.
    """
    cadence = in_force(job, row)
    if cadence is None:
        return Missed()
    due: deque[datetime] = deque(maxlen=TOLD)
    count, first = 0, None
    for slot in slots(parse(cadence), job.name, zone, row.told):
        if slot > now:
            break
        count, first = count + 1, first or slot
        due.append(slot)
    earlier = count - len(due)
    return Missed(tuple(due), earlier, first if earlier else None)


def is_ahead(row: Planned, now: datetime) -> bool:
    """Whether the ledger reaches so far into the future that the clock was wrong then: it was no hour of summer."""
    return row.told - now > _DAY


def in_force(job: Job, row: Planned | None) -> str | None:
    """The cadence that counts: the one that a person set, else that of the definition."""
    return (row.cadence if row else None) or job.cadence


def is_open(cadence: Cadence, moment: datetime, zone: ZoneInfo) -> bool:
    """Whether a run that is late may begin at this moment: within its window, where it has one."""
    if isinstance(cadence, Cron) or cadence.opens == cadence.closes:
        return True
    wall = moment.astimezone(zone).time()
    if cadence.opens < cadence.closes:
        return cadence.opens <= wall < cadence.closes
    return wall >= cadence.opens or wall < cadence.closes


def slots(cadence: Cadence, name: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments at which a job of this name is due, in order, all of them after the given one."""
    if isinstance(cadence, Cron):
        yield from _cron_slots(cadence, zone, after)
        return
    late = _late(cadence, name)
    day = after.astimezone(zone).date() - 2 * _DAY  # a window may have opened yesterday, and a day has up to 26 hours
    while day.year < date.max.year:
        if (day.toordinal() - _number(name)) % cadence.days == 0:
            for slot in _on(day, cadence, zone, late):
                if slot > after:
                    yield slot
        day += _DAY


def _on(day: date, cadence: Every, zone: ZoneInfo, late: timedelta) -> Iterator[datetime]:
    """The moments of the window that opens on this day."""
    closing = day if cadence.opens < cadence.closes else day + _DAY
    start = datetime.combine(day, cadence.opens, zone).astimezone(UTC)
    end = datetime.combine(closing, cadence.closes, zone).astimezone(UTC)
    slot = start + late
    while slot < end:
        yield slot
        slot += cadence.period


def _late(cadence: Every, name: str) -> timedelta:
    """By how much the job of this name is late: the same everywhere and always."""
    most = min(cadence.period / 4, cadence.length / 4, _JITTER)
    return timedelta(seconds=_number(name) % max(1, int(most.total_seconds())))


def _number(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:6])


def _cron(fields: str) -> Cron:
    try:
        next(CronSim(fields, datetime(2024, 1, 1)))  # noqa: DTZ001  # in no time zone
    except CronSimError as error:
        raise UsageError(f"{fields!r} is no cadence: {error}; {_HOW}") from error
    except StopIteration:
        raise UsageError(f"{fields!r} is no cadence: there is no such day") from None
    return Cron(fields)


def _cron_slots(cadence: Cron, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    last = after
    for slot in CronSim(cadence.fields, after.astimezone(zone)):
        moment = slot.astimezone(UTC)
        if moment > last:  # two moments of the clock on the wall may be one where it is put forward
            yield moment
            last = moment
