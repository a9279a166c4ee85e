"""What is planned, and the ledger: what became of every run that was planned or asked for.

A run that is a crawl has the id of that crawl. Whether it is time is told elsewhere: here are rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, insert, or_, select, text, update

from storage.index.crawls import CRAWL
from storage.index.dialects import dialect_of
from storage.index.distinct import values_of
from storage.index.engine import Index
from storage.index.tables import crawl, ledger, schedule
from storage.model import Outcome
from storage.moments import written

OPEN = (Outcome.WAITING, Outcome.RUNNING)
_AT_THE_END = ("outcome", "reason", "finished", "status")
OPEN_RUN = text("ledger.outcome IN ('waiting', 'running')")  # in the words of its partial index


@dataclass(frozen=True, slots=True)
class Planned:
    """A job as it is planned: the cadence in force and the one that a person set, and its pause.

    Every run that was due up to `told` is in the ledger.
    """

    job: str
    site: str | None
    told: datetime
    planned: str | None = None
    cadence: str | None = None
    next: datetime | None = None
    paused: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was planned, or that a person asked for; `slots` is for how many planned ones it stands.

    `status` is the exit status of its process, a signal's number, negative; None where nobody could learn it.
    """

    run: str
    job: str
    site: str | None
    due: datetime
    outcome: Outcome = Outcome.WAITING
    reason: str | None = None
    slots: int = 1
    asked_by: str | None = None  # None: the clock
    started: datetime | None = None
    finished: datetime | None = None
    status: int | None = None
    pid: int | None = None
    log: str | None = None


_PLANNED = select(schedule).order_by(schedule.c.job)


def planned(connection: Connection) -> dict[str, Planned]:
    """Everything that is planned, by job."""
    rows = connection.execute(_PLANNED).mappings().all()
    return {row["job"]: Planned(**_moments(row, "told", "next", "paused")) for row in rows}


def put(connection: Connection, row: Planned) -> None:
    """Let this be what is planned of a job; read it in the same transaction, for others decide too."""
    values = _values(asdict(row))
    others = [name for name in values if name != "job"]
    dialect_of(connection).insert_replacing(connection, schedule, [values], keys=("job",), columns=others)


def untried(connection: Connection, sites: Iterable[str]) -> set[str]:
    """Those of these sites that were never crawled, and of which no run was planned."""
    crawled = connection.scalars(select(crawl.c.site).distinct().where(crawl.c.kind == CRAWL))
    return set(sites).difference(crawled, connection.scalars(select(ledger.c.job).distinct()))


_jobs = values_of(ledger.c.job, "jobs")
_ended = ledger.alias("ended")
_LAST = (
    select(_ended.c.id)
    .where(_ended.c.job == _jobs.c.job, _ended.c.outcome.not_in(OPEN))
    .order_by(func.coalesce(_ended.c.started, _ended.c.due).desc(), _ended.c.id)
    .limit(1)
    .correlate(_jobs)
)
_LAST_RUNS = select(ledger).select_from(_jobs).join(ledger, ledger.c.id == _LAST.scalar_subquery())


def last_runs(connection: Connection) -> dict[str, Run]:
    """By job, the run that began last, else was due last, of those that have come to an end."""
    return {one.job: one for one in _runs(connection, _LAST_RUNS)}


def open_runs(connection: Connection) -> list[Run]:
    """Runs that wait or run, those that are due first before others."""
    return _runs(connection, select(ledger).where(OPEN_RUN).order_by(ledger.c.due, ledger.c.id))


def add(connection: Connection, runs: Iterable[Run]) -> None:
    """Write down runs."""
    rows = [_values(asdict(one)) for one in runs]
    if rows:
        connection.execute(insert(ledger), [{"id": row.pop("run"), **row} for row in rows])


def change(connection: Connection, row: Planned, runs: Iterable[Run], unwanted: Iterable[Run]) -> list[Run]:
    """Put a row, add runs, and let waiting ones end as they are given; the runs that have come to an end by that."""
    put(connection, row)
    runs = tuple(runs)
    add(connection, runs)
    return [*(one for one in runs if one.outcome not in OPEN), *(one for one in unwanted if finish(connection, one))]


def begin(connection: Connection, run: str, started: datetime, log: str) -> None:
    """The process of a run is about to begin."""
    values = {"outcome": Outcome.RUNNING, "started": written(started), "log": log}
    connection.execute(update(ledger).where(ledger.c.id == run).values(values))


def note_process(connection: Connection, run: str, pid: int | None) -> None:
    """The process of a run has begun."""
    connection.execute(update(ledger).where(ledger.c.id == run).values(pid=pid))


def finish(connection: Connection, ended: Run) -> bool:
    """Write down what became of a run; False, and nothing is changed, where somebody has done so before."""
    values = {name: value for name, value in _values(asdict(ended)).items() if name in _AT_THE_END}
    return bool(connection.execute(update(ledger).where(ledger.c.id == ended.run, OPEN_RUN).values(values)).rowcount)


def pages(index: Index, size: int) -> Iterator[list[Run]]:
    """All runs, by the moments at which they were due, so many at once."""
    due, id_ = "", ""
    while True:
        with index.read() as connection:
            behind = or_(ledger.c.due > due, and_(ledger.c.due == due, ledger.c.id > id_))
            page = _runs(connection, select(ledger).where(behind).order_by(ledger.c.due, ledger.c.id).limit(size))
        if not page:
            return
        yield page
        due, id_ = written(page[-1].due), page[-1].run


def _runs(connection: Connection, query: Select[Any]) -> list[Run]:
    return [run_of_row(row) for row in connection.execute(query).mappings()]


def run_of_row(row: RowMapping | Mapping[str, Any]) -> Run:
    """A row of the ledger as a value."""
    values = _moments(row, "due", "started", "finished")
    return Run(run=values.pop("id"), **values | {"outcome": Outcome(row["outcome"])})


def _moments(row: RowMapping | Mapping[str, Any], *names: str) -> dict[str, Any]:
    return dict(row) | {name: datetime.fromisoformat(row[name]) if row[name] else None for name in names}


def _values(row: dict[str, Any]) -> dict[str, Any]:
    return {name: written(value) if isinstance(value, datetime) else value for name, value in row.items()}
