"""`luutru verify`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import counted, write, write_json

if TYPE_CHECKING:
    from storage.fixity import OnProgress, Progress, Report


class _PerCent(click.ParamType[float]):
    name = "N%"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """A share above 0 and up to 100, with or without its sign."""
        try:
            share = float(str(value).removesuffix("%"))
        except ValueError:
            share = 0
        if not 0 < share <= 100:
            self.fail(f"{value!r}: write a share such as 5%", parameter, context)
        return share


@click.command(cls=Command)
@click.option(
    "--sample", type=_PerCent(), default="100%", help="Only this share of the files: those verified longest ago."
)
@click.option(
    "--repair", is_flag=True, help="Mend what can be mended from what is there; sealed files are not written."
)
@click.pass_obj
def command(invocation: Invocation, sample: float, repair: bool) -> None:
    """Verify that what is kept is still what it was.

    Files are held against the manifest and the index, records against their digests and lengths, rows against their
    records, revisits against their originals. Crawls may run meanwhile: the files that they write are left alone.
    """
    from storage.fixity import verify

    with invocation.collection() as collection:
        with _display(shown=sys.stderr.isatty() and not invocation.json) as on_progress:
            report = verify(collection, sample=sample, repair=repair, on_progress=on_progress)
        left = [one for one in report.problems if not getattr(one, "mended", False)]
        invocation.status = 1 if left else 0
        if invocation.json:
            write_json(report)
        else:
            _tell(report, len(left))


def _tell(report: "Report", left: int) -> None:
    for one in report.problems:
        place = one.warc if one.offset is None else f"{one.warc}, offset {one.offset}"
        write(f"{one.kind}{', mended' if getattr(one, 'mended', False) else ''}: {place}\n  {one.detail}")
    write(
        f"{counted(report.files, 'file')}, {counted(report.records, 'record')}, {counted(report.captures, 'capture')} "
        f"verified: {counted(len(report.problems), 'problem')}{f', {left} left' if left < len(report.problems) else ''}"
    )


@contextmanager
def _display(*, shown: bool) -> "Iterator[OnProgress]":
    """A bar on the terminal; nothing where nobody looks."""
    if not shown:
        yield lambda _: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        *(bars.BarColumn(), bars.DownloadColumn(), bars.TransferSpeedColumn(), bars.TimeRemainingColumn()),
        bars.TextColumn("{task.description}"),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("no problems", total=None)

        def show(progress: "Progress") -> None:
            told = counted(progress.problems, "problem") if progress.problems else "no problems"
            bar.update(task, completed=progress.done, total=progress.total, description=told)

        yield show
