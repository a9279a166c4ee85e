"""What is due becomes a row of the ledger, whoever looks: the daemon, or a command while there is none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

from schedules.jobs import Job
from schedules.plan import in_force, is_ahead, is_open, missed, next_run, parse
from storage.errors import UsageError
from storage.index import schedule
from storage.index.engine import Index
from storage.index.schedule import Planned, Run
from storage.model import Outcome

Now = Callable[[], datetime]
_UNSERVED = "nobody served the schedule when it was due"


@dataclass(frozen=True, slots=True)
class Change:
    """What a look at one job comes to: its row, new runs, and how waiting ones end that are not wanted."""

    row: Planned
    runs: tuple[Run, ...] = ()
    unwanted: tuple[Run, ...] = ()


class Planner:
    """The plan of one home: several may look at once, each look is one transaction."""

    def __init__(self, index: Index, jobs: Mapping[str, Job], zone: ZoneInfo, now: Now) -> None:
        """Raises UsageError where the definition of a job has no cadence that can be read."""
        for one in jobs.values():
            try:
                parse(one.cadence or "1d")
            except UsageError as error:
                raise UsageError(f"{one.name}: {error}") from error
        self.jobs = jobs
        self._index = index
        self._zone = zone
        self.now = now

    def look(self) -> list[Run]:
        """Write down what was due up to now and when what is due next; the runs that will never run, in their order.

        Of runs that were due while nobody looked, the last one waits for its turn and the others are missed.
        """
        with self._index.read() as connection:
            rows, open_ = schedule.planned(connection), schedule.open_runs(connection)
            fresh = {job.name for job in self.jobs.values() if job.site and _is_fresh(job, rows.get(job.name))}
            untried = schedule.untried(connection, fresh) if fresh else set()
        if not any(self._changes(rows, open_, untried)):
            return []
        ended: list[Run] = []
        with self._index.write() as connection:
            rows, open_ = schedule.planned(connection), schedule.open_runs(connection)
            for change in self._changes(rows, open_, untried):
                ended += schedule.change(connection, change.row, change.runs, change.unwanted)
        return ended

    def decide(self, job: Job, **decided: Any) -> None:
        """Let what a person decided be in force; what was due before is told by what was in force then.

        What nobody has looked at yet is not begun by this: the daemon does.
        """
        with self._index.write() as connection:
            row = schedule.planned(connection).get(job.name)
            mine = [one for one in schedule.open_runs(connection) if one.job == job.name]
            now = self.now()
            if row is None or row.planned is None:
                schedule.put(connection, replace(row or Planned(job.name, job.site, now), **decided))
                return
            before = bring(job, row, mine, now, self._zone)
            mine = [one for one in (*mine, *before.runs) if one.outcome in schedule.OPEN]
            after = bring(job, replace(before.row, **decided), mine, now, self._zone)
            for change in (before, after):
                schedule.change(connection, change.row, change.runs, change.unwanted)

    def _changes(self, rows: Mapping[str, Planned], open_: Sequence[Run], untried: set[str]) -> Iterator[Change]:
        now = self.now()
        for job in self.jobs.values():
            mine = [one for one in open_ if one.job == job.name]
            row = rows.get(job.name)
            change = bring(job, row, mine, now, self._zone, at_once=job.name in untried)
            if change != Change(row) if row else True:
                yield change
        for row in rows.values():
            if row.job not in self.jobs and (row.planned, row.next) != (None, None):
                yield Change(replace(row, planned=None, next=None))


def bring(
    job: Job, row: Planned | None, mine: Sequence[Run], now: datetime, zone: ZoneInfo, *, at_once: bool = False
) -> Change:
    """What a look at a job comes to at this moment; `mine` are its runs that wait or run. Pure, but for new ids.

    `at_once`: a site that was never crawled is due now, when its cadence comes into force.
    """
    fresh = _is_fresh(job, row)
    row = row or Planned(job.name, job.site, now)
    cadence = in_force(job, row)
    runs: tuple[Run, ...] = ()
    if fresh or is_ahead(row, now):
        row = replace(row, planned=cadence, told=now)
        if fresh and at_once and cadence and not row.paused and not mine and is_open(parse(cadence), now, zone):
            runs = (_run(job, now),)
    elif row.next is None or row.next <= now:
        runs = tuple(_due(job, row, mine, now, zone))
        row = replace(row, told=max(row.told, runs[-1].due)) if runs else row
    row = replace(row, next=next_run(job, row, now, zone))
    planned = (one for one in mine if one.outcome is Outcome.WAITING and one.asked_by is None)
    skipped = (replace(one, outcome=Outcome.SKIPPED, reason=_paused(row, zone), finished=now) for one in planned)
    return Change(row, runs, tuple(skipped) if row.paused else ())


def _is_fresh(job: Job, row: Planned | None) -> bool:
    """Whether another cadence came into force than was planned by."""
    return row is None or row.planned != in_force(job, row)


def _due(job: Job, row: Planned, mine: Sequence[Run], now: datetime, zone: ZoneInfo) -> Iterator[Run]:
    """The runs that were due since the last look, the last one to be run now unless something is against it."""
    due = missed(job, row, now, zone)
    if due.first and row.paused and due.first >= row.paused:
        yield _ended(job, due.first, Outcome.SKIPPED, _paused(row, zone), now, due.earlier)
    elif due.first:
        told = (
            f"{due.earlier:,} planned runs share this row: nobody served the schedule since {_local(due.first, zone)}"
        )
        yield _ended(job, due.first, Outcome.MISSED, told, now, due.earlier)
    for slot in due.due:
        last = slot is due.due[-1]
        if row.paused and slot >= row.paused:
            yield _ended(job, slot, Outcome.SKIPPED, _paused(row, zone), now)
        elif not last or row.paused:
            yield _ended(job, slot, Outcome.MISSED, _UNSERVED, now)
        elif mine:
            doing = "runs" if mine[0].outcome is Outcome.RUNNING else "waits for its turn"
            told = f"the run that was due {_local(mine[0].due, zone)} still {doing}"
            yield _ended(job, slot, Outcome.SKIPPED, told, now)
        elif not is_open(parse(in_force(job, row) or ""), now, zone):
            yield _ended(job, slot, Outcome.MISSED, f"{_UNSERVED}, and now its window is closed", now)
        else:
            yield _run(job, slot)


def _run(job: Job, due: datetime) -> Run:
    return Run(token_hex(6), job.name, job.site, due)


def _ended(job: Job, due: datetime, outcome: Outcome, reason: str, now: datetime, slots: int = 1) -> Run:
    return replace(_run(job, due), outcome=outcome, reason=reason, finished=now, slots=slots)


def _paused(row: Planned, zone: ZoneInfo) -> str:
    since = f"paused since {_local(row.paused, zone)}" if row.paused else "paused"
    return f"{since} by {row.decided_by or 'nobody known'}" + (f": {row.reason}" if row.reason else "")


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
