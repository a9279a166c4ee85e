"""`luutru serve`."""

import os
import signal
import socket
import sys
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import write, write_json
from storage.config import Config
from storage.errors import UsageError

if TYPE_CHECKING:
    import uvicorn


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the reading room is open, and the host names by which it may be called."""

    url: str
    hosts: tuple[str, ...]


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address of this machine to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--public", is_flag=True, help="Also listen to other machines: needed for a --host beyond loopback.")
@click.pass_obj
def command(invocation: Invocation, host: str, port: int, public: bool) -> None:
    """Open the reading room: search, read, compare and cite in a browser, and the same by HTTP.

    It answers only requests to the host names that it knows: those of loopback, and `hosts` of luutru.toml.
    """
    import uvicorn

    from luutru.room import LOOPBACK
    from luutru.server import application

    with invocation.collection() as collection:
        names = (*LOOPBACK, *collection.config.hosts)
        _refuse_unasked(host, public, collection.config)
        with closing(_listening(host, port)) as listening:
            serving = Serving(_url(listening), names)
            app = application(collection, hosts=names)
            config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=5)
            _tell(invocation, serving)
            _until_stopped(uvicorn.Server(config), listening)


def _refuse_unasked(host: str, public: bool, config: Config) -> None:
    """Raise UsageError where others could read what nobody said they may, or would be answered under no name."""
    if _is_loopback(host):
        return
    if not public:
        raise UsageError(f"--host {host} lets other machines read the archive: add --public if they may")
    if not config.hosts:
        raise UsageError(
            f'--host {host} needs the names by which others call this machine: write hosts = ["archive.example.org"] '
            "into luutru.toml"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}, port {port}: {_reason(error)}; choose another with --port or --host"
        ) from error


def _reason(error: OSError) -> str:
    """What the system says, without what Python adds to it; a name that is not found has a number below 0."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return (error.strerror or str(error)).partition(" (while ")[0]


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _tell(invocation: Invocation, serving: Serving) -> None:
    if invocation.json:
        write_json(serving)
    else:
        write(f"the reading room is open at {serving.url} (Ctrl-C closes it)")
    sys.stdout.flush()  # whoever started it reads where it is


def _until_stopped(server: "uvicorn.Server", listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, which uvicorn raises again when it has let everybody finish."""

    def stop(*_: object) -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.run(sockets=[listening])
