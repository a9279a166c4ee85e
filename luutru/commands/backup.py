"""`luutru backup`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import counted, size, write, write_json

if TYPE_CHECKING:
    from storage.backup import OnProgress


@click.command(cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_obj
def command(invocation: Invocation, directory: Path) -> None:
    """Bring the backup in DIR up to date, or make it.

    Crawls may run meanwhile. The backup is an archive itself: `luutru verify --home DIR` verifies it, and copied to
    another place it goes on from there. Only what is new is copied.
    """
    from storage.backup import back_up

    with _display(shown=sys.stderr.isatty() and not invocation.json) as on_progress:
        told = back_up(invocation.home, directory, on_progress)
    invocation.status = 1 if told.problems else 0
    if invocation.json:
        write_json(told)
        return
    for one in told.problems:
        write(f"{one.file}: {one.detail}")
    write(
        f"{told.directory}: {counted(told.files, 'WARC file')}, {told.copied:,} of them copied now ({size(told.bytes)})"
    )


@contextmanager
def _display(*, shown: bool) -> "Iterator[OnProgress]":
    """A bar on the terminal; nothing where nobody looks."""
    if not shown:
        yield lambda *_: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (bars.BarColumn(), bars.DownloadColumn(), bars.TransferSpeedColumn(), bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
