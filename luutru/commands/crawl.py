"""`luutru crawl`."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.commands.runs import write_run
from luutru.output import write_json
from storage.config import Config, make
from storage.errors import UsageError
from storage.model import Outcome

_RUN = re.compile(r"[0-9a-f]{8,16}")
_Handler = Callable[[int, FrameType | None], None]

if TYPE_CHECKING:
    from crawler.run import OnProgress
    from crawler.session import Progress

STATUS = {
    Outcome.COMPLETED: 0,
    Outcome.PARTIAL: 1,
    Outcome.FAILED: 1,
    Outcome.REFUSED: 1,
    Outcome.SKIPPED: 3,
    Outcome.INTERRUPTED: 130,
}


@click.command(cls=Command)
@click.argument("sites", metavar="SITE… | URL", nargs=-1, required=True)
@click.option(
    "--connect-to",
    multiple=True,
    metavar="HOST:PORT:HOST2:PORT2",
    help="Where HOST:PORT is asked for, connect to HOST2:PORT2, as in curl; may be repeated.",
)
@click.option("--full", is_flag=True, help="Fetch everything again, whether it is due or not.")
@click.option("--max-pages", type=click.IntRange(min=1), metavar="N", help="Stop after so many pages.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How its log in the home's logs/ is written.")
@click.option("--run", metavar="ID", help="The run of the schedule that this crawl is; the daemon says so.")
@click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE", help="Any setting, such as DERIVE=off; may be repeated."
)
@click.pass_obj
def command(
    invocation: Invocation,
    sites: tuple[str, ...],
    connect_to: tuple[str, ...],
    full: bool,
    max_pages: int | None,
    log_format: str | None,
    run: str | None,
    given: tuple[str, ...],
) -> None:
    """Archive sites, one after the other, or one address by generic rules.

    SITE is a name that `luutru sites` lists. Each site is crawled in a process of its own; the worst exit status is
    that of the command.
    """
    import spiders

    given += (f"log_format={log_format}",) if log_format else ()
    make(invocation.home)
    config = invocation.config(given)
    _refuse_unknown_settings(config)
    if run and (len(sites) > 1 or not _RUN.fullmatch(run)):
        raise UsageError("--run names the run of one site, by 8 to 16 hexadecimal digits")
    loaders = [partial(spiders.load, name, invocation.home, config.own_sites) for name in sites]
    for load in loaders:
        load()
    if len(sites) > 1:
        invocation.status = one_by_one(sites, _passed_on(invocation, connect_to, full, max_pages, given))
        return
    from crawler.run import crawl

    with invocation.collection(given) as collection:
        with _display(sites[0], shown=sys.stderr.isatty() and not invocation.json) as on_progress:
            ended = crawl(
                loaders[0],
                collection,
                connect_to=connect_to,
                max_pages=max_pages,
                full=full,
                id_=run,
                on_progress=on_progress,
            )
        invocation.status = STATUS[ended.outcome]
    if invocation.json:
        write_json(ended)
    else:
        write_run(ended, config.zone)


def _refuse_unknown_settings(config: Config) -> None:
    from difflib import get_close_matches

    from scrapy.settings import Settings

    known = Settings()
    known.setmodule("crawler.settings")
    for name in config.settings:
        if name not in known:
            near = get_close_matches(name, list(known), n=1)
            hint = f": did you mean {near[0]}?" if near else ": `luutru config` shows where it comes from"
            raise UsageError(f"{config.origins[name]}: there is no setting {name}{hint}")


def _passed_on(
    invocation: Invocation, connect_to: Sequence[str], full: bool, max_pages: int | None, given: Sequence[str]
) -> list[str]:
    options = ["--home", str(invocation.home)]
    options += ["--json"] if invocation.json else []
    options += ["--debug"] if invocation.debug else []
    options += ["--full"] if full else []
    options += ["--max-pages", str(max_pages)] if max_pages else []
    options += [word for mapping in connect_to for word in ("--connect-to", mapping)]
    return options + [word for assignment in given for word in ("--set", assignment)]


def one_by_one(sites: Sequence[str], options: Sequence[str], output: int | None = None) -> int:
    """Crawl each site in a child process; the worst exit status, 130 at once when it is told to stop.

    What the children write goes where this process writes, or to `output`, as `subprocess` takes it.
    """
    worst = 0
    for site in sites:
        status = _child([sys.executable, "-m", "luutru", "crawl", *options, "--", site], output)
        worst = max(worst, status)
        if status == STATUS[Outcome.INTERRUPTED]:
            break
    return worst


def _child(command_line: Sequence[str], output: int | None = None) -> int:
    """The exit status of a child that is told, once each, what this process is told.

    The child has a process group of its own: Ctrl-C reaches it through this process, and not a second time from the
    terminal.
    """
    with subprocess.Popen(command_line, stdout=output, process_group=0) as child:  # noqa: S603  # this program itself
        kept = {number: signal.signal(number, _teller(child)) for number in _TOLD}
        try:
            status = child.wait()
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
    return status if status >= 0 else 128 - status


_TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _teller(child: "subprocess.Popen[bytes]") -> _Handler:
    return lambda number, _frame: child.send_signal(number)


@contextmanager
def _display(site: str, *, shown: bool) -> Iterator["OnProgress | None"]:
    """One line on the terminal that says how far a crawl is; nothing where nobody looks."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield lambda progress: live.update(Text(_line(site, progress), no_wrap=True, overflow="ellipsis"), refresh=True)


def _line(site: str, progress: "Progress") -> str:
    rate = progress.pages / progress.seconds if progress.seconds else 0.0
    minutes, seconds = divmod(round(progress.seconds), 60)
    return (
        f"{site}  {minutes}:{seconds:02}  {progress.pages:,} pages  {rate:.1f}/s  {progress.new:,} new addresses  "
        f"{progress.requisites:,} requisites  {progress.errors:,} errors"
    )
