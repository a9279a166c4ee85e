"""`luutru schedule`."""

import asyncio
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from luutru.commands import Group, Invocation
from luutru.commands.crawl import STATUS
from luutru.output import local, write, write_json, write_table
from storage.config import make

if TYPE_CHECKING:
    from luutru.scheduling import JobShown
    from schedules.jobs import Job
    from storage.collection import Collection
    from storage.index.schedule import Run


@click.group(cls=Group)
def command() -> None:
    """List what is planned, change it, or serve it: crawls of sites, and other work.

    JOB is a name that `luutru schedule list` shows: the key of a site, or the name of other work.
    """


@command.command("list")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List how often everything runs, how its last run ended, and when the next one is due."""
    from luutru import scheduling

    with invocation.collection() as collection:
        shown = scheduling.shown(collection, scheduling.named_jobs(collection))
        if invocation.json:
            for one in shown:
                write_json(one)
            return
        zone = collection.config.zone
        columns = ("job", "cadence", "from", "last run", "outcome", "next run", "")
        rows = (
            (
                *(one.job, one.cadence or "", one.origin if one.cadence else ""),
                *(_local(one.last, zone), one.last_outcome or "", _local(one.next, zone)),
                _pause(one, zone),
            )
            for one in shown
        )
        write_table(columns, rows)


@command.command("next")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.pass_obj
def next_(invocation: Invocation, limit: int) -> None:
    """Show the runs that are to come, in the order in which they are due."""
    from luutru import scheduling

    with invocation.collection() as collection:
        coming = scheduling.coming(collection, scheduling.named_jobs(collection), limit)
        if invocation.json:
            write_json({"runs": coming})
            return
        zone = collection.config.zone
        write_table(("due", "job", "cadence"), ((_local(one.due, zone), one.job, one.cadence) for one in coming))


@command.command("set")
@click.argument("job")
@click.argument("cadence")
@click.pass_obj
def set_(invocation: Invocation, job: str, cadence: str) -> None:
    """Let JOB run as often as CADENCE says: `6h`, `1h 22:00-05:00`, `0 */3 * * *`, or `default`.

    `default` is what its definition says. A daemon that runs notices.
    """
    from schedules.plan import parse

    if cadence != "default":
        parse(cadence)
    _decide(invocation, job, cadence=None if cadence == "default" else " ".join(cadence.split()))


@command.command()
@click.argument("job")
@click.option("--reason", metavar="TEXT", help="Why; it stands with every run that is skipped.")
@click.pass_obj
def pause(invocation: Invocation, job: str, reason: str | None) -> None:
    """Begin no planned run of JOB until it is resumed; one that runs goes on."""
    from luutru.scheduling import now

    _decide(invocation, job, paused=now(), reason=reason)


@command.command()
@click.argument("job")
@click.pass_obj
def resume(invocation: Invocation, job: str) -> None:
    """Let JOB run again as it is planned."""
    _decide(invocation, job, paused=None, reason=None)


@command.command()
@click.argument("job")
@click.pass_obj
def run(invocation: Invocation, job: str) -> None:
    """Run JOB now, whether it is paused or not: by the daemon if one serves the schedule, else here.

    The exit status is that of its outcome, or 0 when the daemon was told.
    """
    from luutru import scheduling
    from luutru.account import user
    from storage import locks

    with invocation.collection() as collection:
        served = locks.daemon(collection.home) is not None
        known = (scheduling.named_jobs if served else scheduling.all_jobs)(collection)
        wanted = scheduling.job(known, job)
        ended = scheduling.ask(collection, wanted, user()) if served else asyncio.run(_run(collection, wanted, user()))
        invocation.status = STATUS.get(ended.outcome, 0)
        if invocation.json:
            write_json(ended)
        elif served:
            write(f"{job}: the daemon runs it as {ended.run}; `luutru runs show {ended.run}` tells how it went")
        else:
            write(told(ended))


@command.command()
@click.option("--max-runs", type=click.IntRange(min=1), metavar="N", help="How many runs at once, at most.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), metavar="N", help="Tell Prometheus here, on loopback.")
@click.pass_obj
def serve(invocation: Invocation, max_runs: int | None, metrics_port: int | None) -> None:
    """Run what is planned when it is due, until it is told to stop; one at a time serves an archive.

    Each run is a process of its own, whose output is a file in the home's logs/. Of each run that has come to an end a
    line is written.
    """
    from luutru import scheduling
    from schedules import alerts
    from schedules.daemon import Daemon

    given = [f"max_runs={max_runs}"] if max_runs else []

    def tell(run: "Run") -> None:
        if invocation.json:
            write_json(run)
        else:
            write(told(run))
        sys.stdout.flush()  # whoever reads along is told at once

    make(invocation.home)
    with invocation.collection(given) as collection:
        alerts.require(collection.config)
        planner = scheduling.planner(collection, scheduling.all_jobs(collection))
        daemon = Daemon(
            collection.home,
            collection.index,
            planner,
            scheduling.supervisor(collection),
            after=(tell, lambda _: alerts.after(collection)),
        )
        with _metrics(collection, metrics_port):
            asyncio.run(daemon.serve())


def _metrics(collection: "Collection", port: int | None) -> AbstractContextManager[object]:
    """What is told to Prometheus while the context is open; nothing without a port."""
    if port is None:
        return nullcontext()
    from luutru.metrics import served

    return served(collection, port)


@command.command("test-alert")
@click.pass_obj
def test_alert(invocation: Invocation) -> None:
    """Send a message to each service of `alerts` in luutru.toml, and say which took it.

    The exit status is 1 if one did not.
    """
    from schedules.alerts import try_out

    with invocation.collection() as collection:
        deliveries = try_out(collection)
    invocation.status = 0 if all(one.delivered for one in deliveries) else 1
    if invocation.json:
        write_json({"deliveries": deliveries})
    else:
        for one in deliveries:
            write(f"service {one.service}: {'delivered' if one.delivered else f'not delivered: {one.reason}'}")


def told(run: "Run") -> str:
    """What became of a run, as a line."""
    return f"{run.job}: {run.outcome.value}" + (f": {run.reason}" if run.reason else "") + f" ({run.run})"


def _decide(invocation: Invocation, name: str, **decided: Any) -> None:
    """Write down what a person decided, and show the job as it now is."""
    from luutru import scheduling
    from luutru.account import user

    with invocation.collection() as collection:
        shown = scheduling.decide(collection, name, user(), **decided)
        if invocation.json:
            write_json(shown)
            return
        zone = collection.config.zone
        pause = _pause(shown, zone)
        coming = f", next {_local(shown.next, zone)}" if shown.next else ""
        write(f"{name}: {pause or (shown.cadence or 'only when a person says so') + coming}")


async def _run(collection: "Collection", job: "Job", by: str) -> "Run":
    """Run it here, in a process of its own that is stopped when this one is told to stop."""
    import signal

    from luutru.scheduling import ask, supervisor
    from storage.index import schedule
    from storage.locks import index_in_use, is_run
    from storage.model import Outcome

    one = supervisor(collection)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, one.stop, "stopped by who began it")
    with index_in_use(collection.home):
        with collection.index.read() as connection:
            left = [run for run in schedule.open_runs(connection) if run.outcome is Outcome.RUNNING]
        for run in left:
            if run.job == job.name and not is_run(collection.home, run.job, run.run):
                await one.adopt(run)  # its process is gone, and nobody has said so
        return await one.run(job, ask(collection, job, by, served=False))


def _pause(shown: "JobShown", zone: Any) -> str:
    if shown.paused is None:
        return ""
    why = f": {shown.reason}" if shown.reason else ""
    return f"paused since {_local(shown.paused, zone)} by {shown.decided_by}{why}"


def _local(moment: Any, zone: Any) -> str:
    return local(moment.isoformat(), zone) if moment else ""
