"""`luutru runs`."""

from collections.abc import Iterable
from datetime import tzinfo

import click

from luutru.commands import Group, Invocation
from luutru.output import local, size, write, write_json, write_table
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
            write_runs(runs, collection.config.zone)


@command.command()
@click.argument("crawl")
@click.pass_obj
def show(invocation: Invocation, crawl: str) -> None:
    """Show the crawl whose id begins with CRAWL, with its warnings."""
    from storage.index import holdings

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            run = holdings.run(connection, crawl)
        if invocation.json:
            write_json(run)
            return
        write_runs([run], collection.config.zone)
        for warning in run.warnings:
            write(f"\n{warning}")


def write_runs(runs: Iterable[Crawl], zone: tzinfo) -> None:
    """Crawls as a table for people."""
    write_table(_COLUMNS, (_row(one, zone) for one in runs))


_COLUMNS = (
    *("crawl", "site", "outcome", "started", "seconds", "captures", "revisits", "requisites", "size"),
    *("new", "changed", "unchanged", "errors"),
)


def _row(run: Crawl, zone: tzinfo) -> tuple[object, ...]:
    return (
        run.crawl,
        run.site,
        run.outcome.value,
        local(run.started.isoformat(), zone),
        round((run.finished - run.started).total_seconds()) if run.finished else None,
        run.captures,
        run.revisits,
        run.requisites,
        size(run.bytes),
        run.documents_new,
        run.documents_changed,
        run.documents_unchanged,
        run.errors,
    )
