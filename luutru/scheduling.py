"""The schedule of an archive as commands show it, and what they decide about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from heapq import merge
from itertools import islice
from secrets import token_hex
from typing import Any

import spiders
from schedules.jobs import Job, jobs
from schedules.plan import in_force, next_run, parse, slots
from schedules.planner import Planner
from schedules.supervisor import Limits, Supervisor
from storage.collection import Collection
from storage.config import Config
from storage.errors import AlreadyRunning, UnknownJob
from storage.index import schedule
from storage.index.schedule import Planned, Run
from storage.keys import seconds
from storage.locks import index_in_use
from storage.model import Outcome


@dataclass(frozen=True, slots=True)
class JobShown:
    """A job, how often it runs and where that is said, its pause, its last run and its next."""

    job: str
    site: str | None
    cadence: str | None
    origin: str  # `definition`, or `set` by a person
    paused: datetime | None
    decided_by: str | None
    reason: str | None
    last: datetime | None
    last_outcome: str | None
    last_reason: str | None
    next: datetime | None


@dataclass(frozen=True, slots=True)
class Coming:
    """A run that is to come."""

    due: datetime
    job: str
    cadence: str


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def all_jobs(collection: Collection) -> dict[str, Job]:
    """All jobs; the site files of the home are executed where the configuration lets them."""
    return jobs(spiders.sites(collection.home, collection.config.own_sites))


def named_jobs(collection: Collection) -> dict[str, Job]:
    """All jobs, without executing the site files of the home: those have the cadence by which they are planned."""
    known = jobs(spiders.sites())
    with collection.index.read() as connection:
        rows = schedule.planned(connection)
    own = (collection.home / "spiders").glob("[!_]*.py") if collection.config.own_sites else iter(())
    keys = {path.stem.replace("_", "-") for path in own} | {row.job for row in rows.values() if row.site}
    for key in sorted(keys - known.keys()):
        row = rows.get(key)
        known[key] = Job(key, ("crawl", key), row.planned if row and not row.cadence else None, key)
    return known


def job(known: Mapping[str, Job], name: str) -> Job:
    """The job of this name; raises UnknownJob."""
    if name not in known:
        raise UnknownJob(name, get_close_matches(name, known, n=3))
    return known[name]


def planner(collection: Collection, known: Mapping[str, Job]) -> Planner:
    """Who plans this archive."""
    return Planner(collection.index, known, collection.config.zone, now)


def supervisor(collection: Collection) -> Supervisor:
    """Who runs what is planned in this archive."""
    return Supervisor(collection.home, collection.index, limits(collection.config), now)


def limits(config: Config) -> Limits:
    """The limits of planned runs by the configuration."""
    from crawler.settings import DISK_FLOOR, check

    floor = config.settings.get("DISK_FLOOR", str(DISK_FLOOR))
    check(DISK_FLOOR, f"{config.origins.get('DISK_FLOOR')}: DISK_FLOOR", floor)
    disk = int(floor)
    return Limits(config.max_runs, seconds(config.time_limit), seconds(config.stall_limit), disk=disk)


def decide(collection: Collection, name: str, by: str, **decided: Any) -> JobShown:
    """Let what is decided of a job be in force: `cadence`, or `paused` and its `reason`; raises UnknownJob."""
    known = named_jobs(collection)
    wanted = job(known, name)
    with index_in_use(collection.home):
        planner(collection, known).decide(wanted, decided_by=by, **decided)
        (answer,) = shown(collection, {name: wanted})
    return answer


def ask(collection: Collection, wanted: Job, by: str, *, served: bool = True) -> Run:
    """Write down that a job is to be run now; raises AlreadyRunning where a run of it is under way.

    Where no daemon serves, one that waits is the one.
    """
    asked = Run(token_hex(6), wanted.name, wanted.site, now(), asked_by=by)
    with index_in_use(collection.home), collection.index.write() as connection:
        under_way = [one for one in schedule.open_runs(connection) if one.job == wanted.name]
        if under_way and under_way[0].outcome is Outcome.WAITING and not served:
            return under_way[0]
        if under_way:
            doing = "runs" if under_way[0].outcome is Outcome.RUNNING else "waits for its turn"
            raise AlreadyRunning(f"{wanted.name} {doing} already, as {under_way[0].run}: `luutru runs show` tells more")
        schedule.add(connection, [asked])
    return asked


def shown(collection: Collection, known: Mapping[str, Job]) -> list[JobShown]:
    """All jobs as they are planned, sites first, by name."""
    with collection.index.read() as connection:
        rows, last = schedule.planned(connection), schedule.last_runs(connection)
    answers = []
    for one in sorted(known.values(), key=lambda one: (one.site is None, one.name)):
        row, run = rows.get(one.name), last.get(one.name)
        answers.append(
            JobShown(
                job=one.name,
                site=one.site,
                cadence=in_force(one, row),
                origin="set" if row and row.cadence else "definition",
                paused=row.paused if row else None,
                decided_by=row.decided_by if row else None,
                reason=row.reason if row else None,
                last=run.started or run.due if run else None,
                last_outcome=run.outcome.value if run else None,
                last_reason=run.reason if run else None,
                next=next_run(one, row, now(), collection.config.zone),
            )
        )
    return answers


def coming(collection: Collection, known: Mapping[str, Job], limit: int) -> list[Coming]:
    """The next runs of all jobs in the order in which they are due."""
    with collection.index.read() as connection:
        rows = schedule.planned(connection)
    each = [_coming(one, rows.get(one.name), collection) for one in known.values()]
    return list(islice(merge(*each, key=lambda one: (one.due, one.job)), limit))


def _coming(one: Job, row: Planned | None, collection: Collection) -> Iterator[Coming]:
    first, cadence = next_run(one, row, now(), collection.config.zone), in_force(one, row)
    if first and cadence:
        yield Coming(first, one.name, cadence)
        for due in slots(parse(cadence), one.name, collection.config.zone, first):
            yield Coming(due, one.name, cadence)
