"""`luutru rederive`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Day, Invocation
from luutru.output import counted, write, write_json, write_table

if TYPE_CHECKING:
    from luutru.rebuild import OnProgress, Rederived

_SHOWN = 20  # changes in a table for people


@click.command(cls=Command)
@click.option("--site", metavar="SITE", help="Only captures of this site.")
@click.option(
    "--since",
    type=Day(["%Y-%m-%d", "%Y-%m", "%Y"]),
    metavar="DAY",
    help="Only captures since YYYY-MM-DD, YYYY-MM or YYYY, and the earlier ones of their documents.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would change.")
@click.pass_obj
def command(invocation: Invocation, site: str | None, since: datetime | None, dry_run: bool) -> None:
    """Read the archive again by today's rules.

    What was read by them already is left alone, so it goes on where it was ended. Texts that today's rules read
    otherwise take the place of the old ones, marked so; none of them is a new version.
    """
    from luutru.rebuild import rederive
    from storage.moments import written

    with invocation.collection() as collection:
        moment = written(since.replace(tzinfo=collection.config.zone)) if since else None
        with _display(shown=sys.stderr.isatty() and not invocation.json) as on_progress:
            told = rederive(collection, site, since=moment, dry_run=dry_run, on_progress=on_progress)
    invocation.status = 1 if told.failed or told.skipped or told.problems else 0
    if invocation.json:
        write_json(told)
    else:
        _page(told)


def _page(told: "Rederived") -> None:
    would = "would be " if told.dry_run else ""
    if not told.captures:
        write("nothing to do: all captures were read by today's rules")
    else:
        write(
            f"{counted(told.captures, 'capture')} read again: {counted(told.documents, 'document')}, "
            f"{counted(told.versions, 'version')}"
        )
    for number, what in (
        (told.new, "read for the first time"),
        (told.text, f"{would}read as another text"),
        (told.moved, f"{would}of another document"),
        (told.gained, f"{would}an article now"),
        (told.lost, f"{would}no article any more{_why(told.reasons)}"),
        (told.failed, "could not be read; what was known of them stays"),
    ):
        if number:
            write(f"{number:>9,} {what}")
    if told.changes:
        write()
        rows = [(one.change, one.document or one.before, one.url, one.reason) for one in told.changes[:_SHOWN]]
        write_table(("change", "document", "address", "reason"), rows)
        if len(told.changes) > _SHOWN:
            write("…")
    for one in told.skipped:
        write(f"{one.site} was skipped: {one.reason}")
    for problem in told.problems:
        write(f"not all was read: {problem}")


def _why(reasons: dict[str, int]) -> str:
    return f" ({', '.join(f'{reason}: {number:,}' for reason, number in reasons.items())})" if reasons else ""


@contextmanager
def _display(*, shown: bool) -> "Iterator[OnProgress]":
    """One line on the terminal that says how far it is; nothing where nobody looks."""
    if not shown:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield lambda captures: live.update(f"{counted(captures, 'capture')} read", refresh=True)
