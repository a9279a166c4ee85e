"""`luutru demo`."""

import io
import json
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from luutru.commands import Command, Invocation, crawl, runs, search, show, stats
from luutru.output import write, write_json
from storage.config import Config, make
from storage.errors import UsageError
from storage.manifest import MANIFEST

if TYPE_CHECKING:
    from luutru.demo.server import DemoSites

_HOME = Path("luutru-demo")
_OPERATOR = "luutru demo: made-up sites on loopback"
_SITES = ("soctrang-city", "thst")
_SETTINGS = {"DOWNLOAD_DELAY": "0"}
_QUERY = "do thi loai i"
_ARTICLE = "vnpt:soctrang/384008"  # the first article that the query finds; its PDF comes before it


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo did and shows: `runs`, `stats`, `search` and `show` as these commands answer."""

    home: Path
    seconds: float
    settings: dict[str, str]
    runs: list[Any]
    stats: Any
    search: Any
    show: Any
    files: list[str]


@click.command(cls=Command)
@click.pass_context
def command(context: click.Context) -> None:
    """Crawl two made-up sites on this machine, search them and show the proof.

    A small city portal and a broadcaster are served on loopback and crawled as the real ones are; nothing leaves this
    machine. The archive is ./luutru-demo, or what --home names; when it is there already, it is crawled again.
    """
    from luutru.demo.server import DemoSites

    began = monotonic()
    invocation: Invocation = context.obj
    invocation.home = _home(context)
    with DemoSites() as sites:
        if not invocation.json:
            _introduce(invocation)
        invocation.status = _crawl(invocation, sites)
    if invocation.status > 1:
        return
    if invocation.json:
        write_json(_told(context, began))
    else:
        _shown(context, began)


def _home(context: click.Context) -> Path:
    """The demo's own archive: `$LUUTRU_HOME` is not asked, and what is invented never gets among what is not."""
    named = any(
        one.get_parameter_source("home") is ParameterSource.COMMANDLINE for one in (context, context.find_root())
    )
    home: Path = context.obj.home if named else _HOME
    if not make(home, {"operator": _OPERATOR}) and Config.load(home, environment={}).operator != _OPERATOR:
        raise UsageError(f"{home} is an archive of other sites, and the demo's are made up: name a new directory")
    return home


def _crawl(invocation: Invocation, sites: "DemoSites") -> int:
    options = ["--home", str(invocation.home), *_settings(), *(f"--connect-to={one}" for one in sites.connect_to)]
    options += (["--json"] if invocation.json else []) + (["--debug"] if invocation.debug else [])
    sys.stdout.flush()
    return crawl.one_by_one(_SITES, options, subprocess.DEVNULL if invocation.json else None)


def _settings() -> list[str]:
    return [f"--set={name}={value}" for name, value in _SETTINGS.items()]


def _told(context: click.Context, began: float) -> Demo:
    home: Path = context.obj.home
    return Demo(
        home=home,
        seconds=round(monotonic() - began, 1),
        settings=_SETTINGS,
        runs=_answers(context, runs.list_, site=None, limit=2)[::-1],
        stats=_answers(context, stats.command)[0],
        search=_answers(context, search.command, words=(_QUERY,), limit=20, cursor=None)[0],
        show=_answers(context, show.command, document=_ARTICLE)[0],
        files=_files(home),
    )


def _answers(context: click.Context, asked: click.Command, **parameters: object) -> list[Any]:
    """The objects that a command writes, in their order."""
    with redirect_stdout(io.StringIO()) as out:
        context.invoke(asked, **parameters)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def _introduce(invocation: Invocation) -> None:
    write("A city portal and a broadcaster, both made up, are served on this machine and crawled as the real ones are:")
    write("by the same definitions, with robots.txt obeyed. Nothing leaves this machine.\n")
    write(f"Archive:  {invocation.home}")
    for name, value in _SETTINGS.items():
        write(f"Changed:  {name}={value}, since nobody is bothered here")
    _typed("crawl", *_SITES, "--home", str(invocation.home), *_settings(), "--connect-to", "…")


def _shown(context: click.Context, began: float) -> None:
    home = str(context.obj.home)
    _typed("search", _QUERY, "--home", home)
    context.invoke(search.command, words=(_QUERY,), limit=20, cursor=None)
    _typed("show", _ARTICLE, "--home", home)
    context.invoke(show.command, document=_ARTICLE)
    write("\nEvery exchange lies, byte for byte, in these WARC files:")
    for name in _files(context.obj.home):
        write(f"  {home}/{name}")
    write("Check them with tools that are not ours:")
    write(f"  (cd {shlex.quote(home)} && sha256sum -c {MANIFEST})")
    write(f"  {_program('warcio')} check {shlex.quote(home)}/warc/*/*/*.warc.gz")
    write("Go on with:")
    for words in _NEXT:
        write(f"  {_line(*words, '--home', home)}")
    write(f"\nRead, compare and cite it in a browser:\n  {_line('serve', '--home', home)}")
    write(f"\nThe demo took {monotonic() - began:.0f} seconds; run again, it crawls the same archive again.")


_NEXT = (
    ("search", '"ghe Ngo" -site:thst after:2024'),
    ("history", _ARTICLE),
    ("runs",),
    ("stats",),
    ("sql", "SELECT published, title FROM documents ORDER BY published DESC LIMIT 5"),
)


def _files(home: Path) -> list[str]:
    """The sealed WARC files by name below the home."""
    lines = (home / MANIFEST).read_text("utf-8").splitlines()
    return [line.split("  ", 1)[1] for line in lines]


def _typed(*words: str) -> None:
    write(f"\n$ {_line(*words)}\n")


def _line(*words: str) -> str:
    return " ".join([_program("luutru"), *(word if word == "…" else shlex.quote(word) for word in words)])


def _program(name: str) -> str:
    """What a person types to run one of our programs: where it is not on the path, where it lies."""
    if shutil.which(name):
        return name
    path = Path(sys.executable).with_name(name)
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
