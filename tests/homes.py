"""Homes in which the real command crawls, read back by nothing of ours; and a small server for it to crawl."""

import json
import os
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from storage.moments import written

HASTE = {
    "DOWNLOAD_DELAY": 0,
    "AUTOTHROTTLE_ENABLED": False,
    "CONCURRENT_REQUESTS": 16,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    "RETRY_DELAY": 0.01,
    "DERIVE_PROCESSES": 1,
}
NO_ROBOTS = "Disabled crawler.robots.RobotsMiddleware: ROBOTSTXT_OBEY is off"  # on standard error, as it should be


@dataclass(frozen=True)
class Member:
    """One gzip member of a WARC file, which must be one record: its header lines by lower-case name, and its block."""

    warc: str
    offset: int
    length: int
    lines: tuple[tuple[str, str], ...]
    block: bytes

    def __getitem__(self, name: str) -> str:
        (value,) = (value for key, value in self.lines if key == name.lower())
        return value

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.lines if key == name.lower()), None)

    @property
    def type(self) -> str:
        return self["WARC-Type"]

    @property
    def uri(self) -> str:
        return self.get("WARC-Target-URI") or ""


@dataclass(frozen=True)
class Home:
    """An archive on the disk."""

    path: Path

    @classmethod
    def of(cls, path: Path, **spiders: str) -> Self:
        """A home with site files of its own, by name."""
        (path / "spiders").mkdir(parents=True)
        (path / "luutru.toml").write_text('contact = "luutru@example.org"\nown_sites = true\n')
        for name, source in spiders.items():
            (path / "spiders" / f"{name}.py").write_text(SITE_FILE + source)
        return cls(path)

    def crawl(
        self,
        site: str,
        *connect_to: str,
        full: bool = False,
        environment: Mapping[str, str] | None = None,
        **given: Any,
    ) -> Any:
        """What `luutru crawl --json` tells about one crawl, made in haste unless `given` settings say otherwise."""
        command = [sys.executable, "-m", "luutru", "--home", str(self.path), "crawl", site, "--json"]
        command += ["--full"] if full else []
        command += [word for mapping in connect_to for word in ("--connect-to", mapping)]
        command += [word for name, value in (HASTE | given).items() for word in ("--set", f"{name}={value}")]
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | dict(environment or {}), timeout=300, check=False
        )
        assert [line for line in done.stderr.splitlines() if not line.endswith(NO_ROBOTS)] == []
        told = json.loads(done.stdout)
        assert done.returncode == (0 if told["outcome"] == "completed" else 1)
        return told

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database answers."""
        with closing(sqlite3.connect(self.path / "index.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def tell(self, *words: str) -> Any:
        """What a command answers with `--json`, as one object."""
        (told,) = self.tell_lines(*words)
        return told

    def tell_lines(self, *words: str) -> list[Any]:
        """What a command answers with `--json`, an object a line."""
        command = [sys.executable, "-m", "luutru", "--home", str(self.path), *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the database."""
        with closing(sqlite3.connect(self.path / "index.db")) as connection, connection:
            yield connection

    def pass_days(self, days: float) -> None:
        """Let the frontier be as it is when so many days have passed."""
        self._let_pass(days, "frontier", ("found", "visited", "due", "changed"))

    def put_back_crawls(self, days: float) -> None:
        """Let all crawls have been so many days earlier: how often there is one is no matter of how long one takes."""
        self._let_pass(days, "crawl", ("started", "finished"))

    def _let_pass(self, days: float, table: str, moments: tuple[str, ...]) -> None:
        with self.write() as connection:
            for name in moments:
                rows = connection.execute(f"SELECT id, {name} FROM {table} WHERE {name} != ''").fetchall()
                earlier = [
                    (written(datetime.fromisoformat(moment) - timedelta(days=days)), id_) for id_, moment in rows
                ]
                connection.executemany(f"UPDATE {table} SET {name} = ? WHERE id = ?", earlier)

    def warcs(self) -> list[Path]:
        """All files below `warc/`, whatever their names, in the order of these."""
        return sorted(path for path in (self.path / "warc").rglob("*") if path.is_file())

    def members(self) -> list[Member]:
        """All records of all files, in order."""
        return [one for path in self.warcs() for one in members(path, self.path)]

    def account(self, crawl: str) -> Any:
        """What the closing records of a crawl tell, and which addresses never answered."""
        told = [json.loads(one.block) for one in self.members() if one.uri == f"urn:luutru:crawl:{crawl}"]
        (account,) = (one for one in told if "outcome" in one)
        addresses = [address for one in told for address in one.get("addresses", ())]
        return account | {"unanswered": [one for one in addresses if one["state"] in ("failed", "refused")]}


SITE_FILE = """
from crawler.sites import Feed, Layout, Listing, Rule, Site, Sitemap
from storage.model import Kind

"""


def members(path: Path, home: Path) -> Iterator[Member]:
    """The records of a file; fails where one is not a gzip member of its own or not as long as it says."""
    data, offset = path.read_bytes(), 0
    while offset < len(data):
        reader = zlib.decompressobj(wbits=31)
        plain = reader.decompress(data[offset:])
        assert reader.eof
        end = len(data) - len(reader.unused_data)
        head, _, rest = plain.partition(b"\r\n\r\n")
        version, *lines = head.decode().split("\r\n")
        assert version == "WARC/1.1"
        pairs = tuple((name.lower(), value) for name, _, value in (line.partition(": ") for line in lines))
        block = rest[:-4]
        assert rest[-4:] == b"\r\n\r\n"
        assert dict(pairs)["content-length"] == str(len(block))
        yield Member(path.relative_to(home).as_posix(), offset, end - offset, pairs, block)
        offset = end


@dataclass(frozen=True)
class Page:
    """What the server answers."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


NOT_THERE = Page(status=404)
Answer = Callable[[str, str], Page]


class Listening(ThreadingHTTPServer):
    """Takes as many connections at once as a crawl opens, however busy it is: one that is dropped costs a second."""

    daemon_threads = True
    request_queue_size = 128


def since_asked(connection: socket.socket) -> float:
    """Seconds since the last bytes came to a connection: as the kernel has it, however late this process is told."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8 + 4 * 12)
    (milliseconds,) = struct.unpack_from("I", told, 8 + 4 * 11)  # tcpi_last_data_recv
    return milliseconds / 1000


class Web:
    """Every host of a small web, behind one port of loopback: `answer(host, path)`; `asked` is its log, in order.

    Whoever asks on condition for a page with an ETag or a Last-Modified is told that it has not changed, if so.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []
        self.unchanged: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = self.headers["Host"]
                web.asked.append((host, self.path))
                page = web.answer(host, self.path)
                if self.is_known(page):
                    page = Page(b"", 304, {"ETag": page.headers["ETag"]} if "ETag" in page.headers else {})
                    web.unchanged.append(self.path)
                self.send_response_only(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                if page.status != 304:
                    self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

            def is_known(self, page: Page) -> bool:
                asked = self.headers["If-None-Match"], self.headers["If-Modified-Since"]
                held = page.headers.get("ETag"), page.headers.get("Last-Modified")
                return page.status == 200 and any(
                    ours and ours == theirs for ours, theirs in zip(asked, held, strict=True)
                )

            def log_message(self, *_: object) -> None:
                pass

        self._http = Listening(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def at(self, host: str, port: int = 80) -> str:
        """The mapping by which a crawl finds this server under a name."""
        return f"{host}:{port}:127.0.0.1:{self._http.server_port}"

    def paths(self, host: str) -> list[str]:
        """What was asked of a host, without robots.txt."""
        return [path for name, path in self.asked if name == host and path != "/robots.txt"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def article(title: str, *paragraphs: str, links: str = "") -> bytes:
    """A page that reads as an article."""
    text = "".join(f"<p>{one}</p>" for one in paragraphs)
    return (
        f"<html><head><meta charset=utf-8><title>{title}</title></head>"
        f"<body><article><h1>{title}</h1>{text}</article>{links}</body></html>"
    ).encode()
