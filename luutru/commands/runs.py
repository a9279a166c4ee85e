"""`luutru runs`."""

from datetime import tzinfo

import click

from luutru.commands import Group, Invocation
from luutru.output import counted, local, size, write, write_json, write_table
from storage.model import Crawl


@click.group(cls=Group)
def command() -> None:
    """List crawls, or show one."""


@command.command("list")
@click.argument("site", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.pass_obj
def list_(invocation: Invocation, site: str | None, limit: int) -> None:
    """List the newest crawls, of SITE or of all sites."""
    from storage.index import holdings

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            runs = holdings.runs(connection, site, limit)
        if invocation.json:
            for one in runs:
                write_json(one)
        else:
            columns = ("crawl", "site", "outcome", "started", "captures", "new", "changed", "errors")
            write_table(columns, (_row(one, collection.config.zone) for one in runs))


@command.command()
@click.argument("crawl")
@click.pass_obj
def show(invocation: Invocation, crawl: str) -> None:
    """Show the crawl whose id begins with CRAWL, with its warnings and the addresses that it gave up."""
    from storage.index import frontier, holdings

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            run = holdings.run(connection, crawl)
            given_up = frontier.failures(connection, run.crawl)
        if invocation.json:
            write_json(run)
            return
        write_run(run, collection.config.zone)
        for url, _, reason in given_up:
            write(f"  {'given up':<12}{url} ({reason})")


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


def _row(run: Crawl, zone: tzinfo) -> tuple[object, ...]:
    return (
        run.crawl,
        run.site,
        run.outcome.value,
        local(run.started.isoformat(), zone),
        run.captures,
        run.documents_new,
        run.documents_changed,
        run.errors,
    )
