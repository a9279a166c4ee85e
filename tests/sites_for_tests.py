"""A small site on loopback that remembers what it was asked and when, and the real command that crawls it."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from fastwarc.warc import ArchiveIterator
from homes import since_asked

from storage.collection import Collection
from storage.records import read_payload

HOST = "news.example"
MOBILE = "m.news.example"
PATIENCE = 100.0  # seconds for something that must happen, on a machine that has other things to do
PACE = {
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "false",
    "DERIVE": "off",
    "DERIVE_PROCESSES": "1",
    "RETRY_DELAY": "0.1",
    "FIRST_BYTE_TIMEOUT": "600",  # an answer that is held back is waited for, and for longer than a test has patience
    "DOWNLOAD_TIMEOUT": "600",
}
_SITE = """\
from crawler.sites import Listing, Rule, Site
from storage.model import Kind

HOST = r"(?:m\\.)?news\\.example"

SITE = Site(
    key="news",
    name="News",
    hosts={hosts!r},
    seeds={seeds},
    rules=(
        Rule(HOST + r"/a/(?P<id>\\d+)", Kind.ARTICLE, identity="news/{{id}}"),
        Rule(HOST + r"/(?:list/\\d+)?", Kind.LIST),
    ),
    slot={slot!r},
)
"""


@dataclass(frozen=True)
class Reply:
    """What the server answers, nothing with status 0; it waits for the gate, or for its own end, where there is one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency: float = 0.0
    gate: threading.Event | None = None


@dataclass(slots=True)
class Visit:
    """One request, in seconds of the wall clock: when it came, and the moment before it was answered."""

    host: str
    path: str
    began: float
    answered: float | None = None


Answering = Reply | Callable[[], Reply]


def page(number: int, *, size: int = 800) -> bytes:
    """An article whose text no other article has."""
    sentence = f"Hội đồng nhân dân phường {number} họp kỳ thứ {number * 7} và thông qua nghị quyết số {number * 13}. "
    text = "".join(f"<p>{sentence * 3}</p>\n" for _ in range(max(1, size // 300)))
    return f"<!DOCTYPE html><html><title>Bài {number}</title><h1>Bài {number}</h1>\n{text}</html>".encode()


def links(*paths: str) -> bytes:
    """A page that leads to others."""
    return b"<!DOCTYPE html><html><title>News</title>%b</html>" % b"".join(
        f"<p><a href='{path}'>{path}</a></p>".encode() for path in paths
    )


class NewsSite:
    """A home page, its articles `/a/1` to `/a/N` and whatever else `replies` says, the last of several for ever.

    `replies` are by path, or by host and path. There is no robots.txt, unless it is among them.
    """

    def __init__(self, articles: int = 3, replies: Mapping[str, Answering | Sequence[Answering]] | None = None) -> None:
        self.visits: list[Visit] = []
        self.sent: dict[str, set[bytes]] = {}  # bodies by path, also of answers that were cut off
        self.bodies = {"/": links(*(f"/a/{number}" for number in range(1, articles + 1)))}
        self.bodies |= {f"/a/{number}": page(number) for number in range(1, articles + 1)}
        self.replies = {
            path: list(given) if isinstance(given, Sequence) else [given] for path, given in (replies or {}).items()
        }
        self._ending = threading.Event()
        self._changed = threading.Condition()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = PATIENCE

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def connect_to(self) -> list[str]:
        """The options that lead the hosts here."""
        port = self._http.server_port
        return [word for host in (HOST, MOBILE) for word in ("--connect-to", f"{host}:80:127.0.0.1:{port}")]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        visit = Visit(handler.headers.get("Host", ""), handler.path, time.time() - since_asked(handler.connection))
        with self._changed:
            self.visits.append(visit)
            reply = self._reply(visit)
            self.sent.setdefault(visit.path, set()).add(reply.body)
            self._changed.notify_all()
        if reply.gate:
            while not (reply.gate.wait(0.05) or self._ending.is_set()):
                pass
        self._ending.wait(reply.latency)
        if not reply.status:
            handler.close_connection = True
            return
        visit.answered = time.time()
        handler.send_response(reply.status)
        for name, value in {
            "Content-Type": "text/html",
            "Content-Length": str(len(reply.body)),
            **reply.headers,
        }.items():
            handler.send_header(name, value)
        try:
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:  # the crawler has left
            handler.close_connection = True

    def asked(self, path: str, times: int = 1) -> Visit:
        """Returns as soon as a path was asked for so often."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.paths().count(path) >= times, PATIENCE), (
                f"{path} was not asked for"
            )
            return [visit for visit in self.visits if visit.path == path][times - 1]

    def paths(self) -> list[str]:
        return [visit.path for visit in self.visits]

    def articles(self) -> list[str]:
        return [path for path in self.paths() if path.startswith("/a/")]

    def began(self, host: str | None = None) -> list[float]:
        """When requests came, in order, without those for robots.txt."""
        return sorted(one.began for one in self.visits if one.path != "/robots.txt" and host in (None, one.host))

    def _reply(self, visit: Visit) -> Reply:
        for name in (visit.host + visit.path, visit.path):
            if name in self.replies:
                given = self.replies[name]
                one = given.pop(0) if len(given) > 1 else given[0]
                return one() if callable(one) else one
        body = self.bodies.get(visit.path)
        return Reply(404, b"not here") if body is None else Reply(body=body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a connection that is kept alive would hold the end up
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # the crawler has left
            super().handle_error(request, client_address)


@cache
def _index() -> bytes:
    """An empty index: making one takes longer than a crawl."""
    with tempfile.TemporaryDirectory() as folder:
        Collection.open(Path(folder) / "home").close()
        return (Path(folder) / "home" / "index.db").read_bytes()


def make_home(
    home: Path, *, slot: str | None = None, seeds: Sequence[str] = (f"http://{HOST}/",), **settings: str
) -> Path:
    """An archive with the site `news` in it, and these settings besides the quick ones."""
    home.mkdir(parents=True, exist_ok=True)
    lines = [f'{name} = "{value}"\n' for name, value in (PACE | settings).items()]
    (home / "luutru.toml").write_text('contact = "a@example.org"\nown_sites = true\n[settings]\n' + "".join(lines))
    (home / "index.db").write_bytes(_index())
    (home / "spiders").mkdir()
    listings = "".join(f"Listing({seed!r}), " for seed in seeds)
    (home / "spiders" / "news.py").write_text(_SITE.format(hosts=(HOST, MOBILE), seeds=f"({listings})", slot=slot))
    return home


def command(home: Path | str, *words: str) -> list[str]:
    return [sys.executable, "-m", "luutru", "--home", str(home), *words]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LUUTRU_")}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def crawl(self) -> dict[str, Any]:
        """What it said of the crawl as JSON."""
        told: dict[str, Any] = json.loads(self.out)
        return told

    @property
    def line(self) -> str:
        """Its error, which must be one line."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("luutru: ")
        return lines[0]


def run(home: Path | str, *words: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(command(home, *words), capture_output=True, text=True, env=environment(), timeout=PATIENCE)
    return Ended(done.returncode, done.stdout, done.stderr)


def crawl(home: Path, site: NewsSite, *options: str, name: str = "news") -> Ended:
    """Crawl the site to its end."""
    return run(home, "crawl", name, "--json", *site.connect_to, *options)


class Crawling:
    """A crawl that runs beside the test, and is gone when the context is left; it does first what `before` says."""

    def __init__(self, home: Path, site: NewsSite, *options: str, before: str = "") -> None:
        words = ("--home", str(home), "crawl", "news", "--json", *site.connect_to, *options)
        program = f"import sys\n{before}\nfrom luutru.cli import main\nsys.exit(main(sys.argv[1:]))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *words] if before else [sys.executable, "-m", "luutru", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            process_group=0,
        )

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout: float = PATIENCE) -> Ended:
        out, err = self.process.communicate(timeout=timeout)
        return Ended(self.process.returncode, out, err)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def until(happened: Callable[[], object], what: str) -> None:
    """Return as soon as something has happened that only looking can tell."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def rows(home: Path, query: str, *values: object) -> list[Any]:
    """What the index says."""
    connection = sqlite3.connect(f"file:{home / 'index.db'}?mode=ro", uri=True)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def outcomes(home: Path) -> list[str]:
    return [outcome for (outcome,) in rows(home, "SELECT outcome FROM crawl ORDER BY started")]


def states(home: Path) -> dict[str, str]:
    """The path of each address and what is to be done with it."""
    return {url.split("/", 3)[3]: state for url, state in rows(home, "SELECT url, state FROM frontier")}


def archived(home: Path) -> dict[str, list[bytes]]:
    """By path, the bodies of every capture that the index names, read from its file."""
    found: dict[str, list[bytes]] = {}
    told = rows(
        home,
        "SELECT c.url, f.name, c.offset, g.name, o.offset FROM capture c JOIN file f ON f.id = c.file"
        " LEFT JOIN capture o ON o.id = c.original LEFT JOIN file g ON g.id = o.file ORDER BY c.id",
    )
    for url, warc, offset, first, first_offset in told:
        original = SimpleNamespace(warc=first, offset=first_offset) if first else None
        payload = read_payload(home, SimpleNamespace(warc=warc, offset=offset), original)
        found.setdefault("/" + url.split("/", 3)[3], []).append(payload.body)
    return found


def in_files(home: Path) -> set[str]:
    """The paths of all captures in the WARC files, up to where a file is torn."""
    found = set()
    for file in home.glob("warc/**/*.warc.gz*"):
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, parse_http=False):
                if record.headers.get("WARC-Type") in ("response", "revisit"):
                    found.add("/" + record.headers["WARC-Target-URI"].split("/", 3)[3])
    return found


def assert_kept(home: Path, site: NewsSite) -> dict[str, list[bytes]]:
    """All captures in the index are answers of this server, byte for byte, and every file holds whole records only."""
    kept = archived(home)
    for path, bodies in kept.items():
        assert site.sent[path].issuperset(bodies), path
    for file in home.glob("warc/**/*.warc.gz*"):
        assert_whole(file)
    return kept


def assert_whole(file: Path) -> None:
    """A WARC file passes `warcio check` and `gzip -t`."""
    assert gzip.decompress(file.read_bytes()).startswith(b"WARC/1.1\r\n")
    with file.open("rb") as stream:
        for record in ArchiveIterator(stream, verify_digests=False, parse_http=False):
            record.reader.read()
    warcio = [str(Path(sys.executable).with_name("warcio")), "check", str(file)]
    checked = subprocess.run(warcio, capture_output=True, text=True, timeout=PATIENCE)
    assert checked.returncode == 0, checked.stdout


def sealed(home: Path) -> bool:
    """Whether there are files and all of them are sealed and in the manifest as they are."""
    if list(home.glob("warc/**/*.open")):
        return False
    manifest = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"], cwd=home, capture_output=True
    )
    return manifest.returncode == 0
