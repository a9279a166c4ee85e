"""`luutru reindex`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import counted, write, write_json

if TYPE_CHECKING:
    from luutru.reindex import OnProgress, Reindexed


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Make the index anew from the WARC files.

    The old index stays in its place until the new one is whole. No crawl can run meanwhile; reading goes on.
    """
    from luutru.reindex import reindex

    config = invocation.config()
    with _display(shown=sys.stderr.isatty() and not invocation.json) as on_progress:
        told = reindex(invocation.home, config, on_progress=on_progress)
    invocation.status = 1 if told.problems else 0
    if invocation.json:
        write_json(told)
    else:
        _page(told)


def _page(told: "Reindexed") -> None:
    write(
        f"{counted(told.files, 'file')}, {counted(told.crawls, 'crawl')}, {counted(told.captures, 'capture')}, "
        f"{counted(told.documents, 'document')}, {counted(told.versions, 'version')}"
    )
    for one in told.problems:
        where = "" if one.offset is None else f", offset {one.offset}"
        write(f"{one.warc}{where}: {one.detail}" if one.warc else one.detail)


@contextmanager
def _display(*, shown: bool) -> "Iterator[OnProgress]":
    """One line on the terminal that says how far it is; nothing where nobody looks."""
    if not shown:
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield lambda what, captures: live.update(f"{counted(captures, 'capture')} {what}", refresh=True)
