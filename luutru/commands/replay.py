"""`luutru replay`."""

import json
import os
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import click

from luutru.commands import Command, Invocation
from storage.errors import UsageError


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: of replay_url, else 8081]")
@click.option(
    "--room",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="ORIGIN",
    help="Where the reading room of this archive answers on this machine.",
)
@click.option("--shown-in", metavar="ORIGIN", help="The reading room as browsers call it.  [default: as --room]")
@click.pass_obj
def command(invocation: Invocation, host: str, port: int | None, room: str, shown_in: str | None) -> None:
    """Show archived pages as they were, by pywb, on an origin of their own.

    The reading room (`luutru serve`) must run: captures are found by its CDX endpoint, so that what is withheld is not
    shown. At its first start pywb is installed, in an environment of its own. It listens on loopback unless told
    otherwise.
    """
    from luutru import replay
    from luutru.replay.environment import environment

    config = invocation.config()
    port = port or _port(config.replay_url) or replay.PORT
    url = replay.origin(config.replay_url or f"http://localhost:{port}")
    room, shown_in = _origin("--room", room), _origin("--shown-in", shown_in or room)
    if urlsplit(url).hostname == urlsplit(shown_in).hostname:
        raise UsageError(
            f"{url} and the reading room {shown_in} have one host name, and a port does not part cookies: "
            "let replay_url have another"
        )
    python = environment(lambda text: click.echo(f"luutru: {text}", err=True)) / "bin" / "python"
    if not _answers(room):
        click.echo(f"luutru: no reading room answers at {room}: start `luutru serve`, or name it with --room", err=True)
    replay.announce(invocation.home, f"{url}/")
    said = {"home": str(invocation.home.absolute()), "room": room, "shown_in": shown_in, "url": f"{url}/"}
    app = Path(replay.__file__).parent / "inside" / "app.py"
    sys.stdout.flush()
    os.execv(python, [str(python), "-I", "-W", "ignore", str(app), json.dumps(said | {"host": host, "port": port})])  # noqa: S606


def _answers(room: str) -> bool:
    """Whether the reading room is there already; it may come later."""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{room}/cdx?url=luutru.invalid", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def _port(url: str | None) -> int | None:
    """The port of a replay on this machine; behind another server it is not ours."""
    parts = urlsplit(url or "")
    return parts.port if parts.hostname in ("localhost", "127.0.0.1", "::1") else None


def _origin(option: str, given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise click.UsageError(f"{option} {given!r}: write scheme, host and port, such as http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
