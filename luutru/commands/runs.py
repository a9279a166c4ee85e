"""`luutru runs`."""

from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from luutru.commands import Group, Invocation
from luutru.output import counted, local, size, write, write_json, write_table
from storage.model import Crawl

if TYPE_CHECKING:
    from storage.index.runs import AnyRun


@click.group(cls=Group)
def command() -> None:
    """List runs: crawls and other planned work, also what was missed or skipped; or show one."""


@command.command("list")
@click.argument("site", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.pass_obj
def list_(invocation: Invocation, site: str | None, limit: int) -> None:
    """List the newest runs, of SITE or all of them."""
    from storage.index import runs

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            newest = runs.newest(connection, site, limit)
        if invocation.json:
            for one in newest:
                write_json(one)
        else:
            columns = ("run", "job", "outcome", "started or due", "captures", "new", "changed", "errors", "reason")
            write_table(columns, (_row(one, collection.config.zone) for one in newest))


@command.command()
@click.argument("run")
@click.pass_obj
def show(invocation: Invocation, run: str) -> None:
    """Show the run whose id begins with RUN; of a crawl, its warnings and the addresses that it gave up."""
    from storage.index import frontier, runs

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            wanted = runs.find(connection, run)
            given_up = frontier.failures(connection, wanted.crawl)
        if invocation.json:
            write_json(wanted)
            return
        _write(wanted, collection.config.zone)
        for url, _, reason in given_up:
            write(f"  {'given up':<12}{url} ({reason})")


def _write(run: "AnyRun", zone: tzinfo) -> None:
    """A run for people: what was planned, then what was captured."""
    if run.captured:
        write_run(run.captured, zone)
    else:
        write(f"{run.job}: {run.outcome}")
        write(f"  {'run':<12}{run.crawl}")
    for name, value in (
        ("reason", run.reason),
        ("due", local(run.due, zone)),
        ("stands for", counted(run.slots, "planned run") if run.slots > 1 else ""),
        ("asked by", run.asked_by),
        ("exit status", run.status),
        ("log", run.log),
    ):
        if value not in (None, ""):
            write(f"  {name:<12}{value}")


def write_run(run: Crawl, zone: tzinfo) -> None:
    """A crawl as a short table for people, and its warnings."""
    seconds = f" in {(run.finished - run.started).total_seconds():,.0f} s" if run.finished else ""
    write(f"{run.site}: {run.outcome.value}{seconds}")
    for name, value in (
        ("started", local(run.started.isoformat(), zone)),
        ("captures", f"{run.captures:,}, of these {counted(run.revisits, 'revisit')}"),
        ("requisites", f"{run.requisites:,}"),
        ("documents", _documents(run)),
        ("received", f"{size(run.bytes)} in {counted(run.attempts, 'attempt')}"),
        ("errors", f"{run.errors:,}"),
        ("crawl", run.crawl),
        *(("warning", one) for one in run.warnings),
    ):
        write(f"  {name:<12}{value}")


def _documents(run: Crawl) -> str:
    if run.documents_new is None:
        return "not derived"
    return f"{run.documents_new:,} new, {run.documents_changed:,} changed, {run.documents_unchanged:,} unchanged"


def _row(run: "AnyRun", zone: tzinfo) -> tuple[object, ...]:
    many = f" ({run.slots:,})" if run.slots > 1 else ""
    return (
        run.crawl,
        run.job,
        f"{run.outcome}{many}",
        local(run.started or run.due, zone),
        *(run.captures, run.documents_new, run.documents_changed, run.errors),
        run.reason or "",
    )
