"""Whether anything is lost or done twice when a crawl is killed again and again, at random instants.

    python benchmarks/kill.py [--kills 100] [--articles 500] [--seed 1] [--work DIR]

A site on loopback, of lists, articles and what they need to be shown, is crawled by the real command. The capturing
process, a deriving one, or all of them at once get SIGKILL: a random time after the start, or after a random number of
requests. Then the command is started again, until nothing is left to crawl; the archive is held against what the
server said, by its own log, `warcio check`, `fastwarc check -p`, `gzip -t` and `sha256sum -c`.
"""

import argparse
import json
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from fastwarc.warc import ArchiveIterator

from storage.records import read_payload

HOST = "news.example"
CONCURRENCY = 8
PATIENCE = 300.0  # seconds for one crawl
_AHEAD = 4  # answers that a crawl is given beyond those after which it is to be killed
_LISTED = 20  # articles on a list page
_PICTURES = 40  # distinct ones: the others are revisits
_BIN = Path(sys.executable).parent
_HOME = """\
contact = "luutru@example.org"
own_sites = true

[settings]
DOWNLOAD_DELAY = "0"
AUTOTHROTTLE_ENABLED = "false"
CONCURRENT_REQUESTS = "{concurrency}"
CONCURRENT_REQUESTS_PER_DOMAIN = "{concurrency}"
WARC_MAXSIZE = "100000"
DERIVE_PROCESSES = "{deriving}"
"""
_SITE = """\
from crawler.sites import Listing, Rule, Site
from storage.model import Kind

SITE = Site(
    key="news",
    name="News",
    hosts=("news.example",),
    seeds=(Listing("http://news.example/list/{page}"),),
    rules=(
        Rule(r"news\\.example/a/(?P<id>\\d+)", Kind.ARTICLE, identity="news/{id}"),
        Rule(r"news\\.example/list/\\d+", Kind.LIST),
    ),
)
"""


class NewsSite:
    """Lists of articles, each with a picture and a style sheet that all share; logs what it is asked."""

    def __init__(self, articles: int) -> None:
        self.bodies = dict(_pages(articles))
        self.asked: list[str] = []
        self._changed = threading.Condition()
        self._answering = math.inf
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with site._changed:
                    site.asked.append(self.path)
                    number = len(site.asked)
                    site._changed.notify_all()
                    site._changed.wait_for(lambda: number <= site._answering)
                kind, body = site.bodies.get(self.path, ("text/plain", None))
                with suppress(OSError):  # the crawler was killed
                    self.send_response(404 if body is None else 200)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body or b"")))
                    self.end_headers()
                    self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                if not isinstance(sys.exc_info()[1], OSError):
                    super().handle_error(*_)

        self._http = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def connect_to(self) -> str:
        return f"{HOST}:80:127.0.0.1:{self._http.server_port}"

    def answer(self, number: float = math.inf) -> None:
        """Answer so many requests in all; others wait until more are answered."""
        with self._changed:
            self._answering = number
            self._changed.notify_all()

    def wait(self, number: int, seconds: float) -> None:
        """Returns when so many requests have come, at the latest after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.asked) >= number, seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answer()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _pages(articles: int) -> Iterator[tuple[str, tuple[str, bytes]]]:
    html = "text/html; charset=utf-8"
    yield "/style.css", ("text/css", b"body { background: url(/ground.png) }")
    yield "/ground.png", ("image/png", b"ground" * 20)
    lists = -(-articles // _LISTED)
    for number in range(1, lists + 1):
        on_it = range((number - 1) * _LISTED + 1, min(number * _LISTED, articles) + 1)
        links = "".join(f"<p><a href='/a/{one}'>Bài {one}</a></p>" for one in on_it)
        yield f"/list/{number}", (html, f"<!DOCTYPE html><html><title>News</title>{links}</html>".encode())
    for number in range(1, articles + 1):
        sentence = f"Hội đồng nhân dân phường {number} họp kỳ thứ {number * 7} và thông qua nghị quyết {number * 13}. "
        text = f"<p>{sentence * 3}</p>" * 4
        head = f"<title>Bài {number}</title><link rel=stylesheet href=/style.css>"
        body = f"<h1>Bài {number}</h1>{text}<img src='/i/{number}.png'>"
        yield f"/a/{number}", (html, f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode())
        yield f"/i/{number}.png", ("image/png", b"picture %d " % (number % _PICTURES) * 30)


def make_home(home: Path, deriving: int = 2) -> Path:
    """An archive with the site `news` in it."""
    (home / "spiders").mkdir(parents=True)
    (home / "luutru.toml").write_text(_HOME.format(concurrency=CONCURRENCY, deriving=deriving))
    (home / "spiders" / "news.py").write_text(_SITE)
    return home


@dataclass
class Killing:
    """Crawls of one site, killed at random instants until enough of them were."""

    home: Path
    site: NewsSite
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    startup: float = 1.0  # seconds until the first request, as it was last time
    _kept: set[str] = field(default_factory=set)  # paths of which a whole record is in a file
    _read: set[str] = field(default_factory=set)  # files that are sealed
    _spared: int = 0

    def run(self, kills: int) -> None:
        """Kill so often, then let the crawl come to its end."""
        while self.kills.total() < kills:
            if self._crawl(killed=True):
                break  # nothing was left
        else:
            self._crawl(killed=False)

    def _crawl(self, *, killed: bool) -> bool:
        """One crawl; whether it came to its end."""
        known, before = self._known(), len(self.site.asked)
        self._spared = 2  # deriving processes killed so often that it is given up are another matter
        process = self._start()
        try:
            while killed and process.poll() is None:
                self._wait_for_the_instant(process, before)
                killed = self._kill(process)
            self.site.answer()
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            self._end(process)
        asked = [path for path in self.site.asked[before:] if _is_content(path)]
        self.problems += [f"{path} was fetched again" for path in asked if path in known]
        flying = set(asked) - self._known()
        if process.returncode == -signal.SIGKILL:
            if len(flying) > CONCURRENCY:
                self.problems.append(f"{len(flying)} exchanges were lost at once: {sorted(flying)}")
            return False
        if process.returncode != 0 or flying:
            self.problems.append(f"status {process.returncode}: {out} {err} {sorted(flying)}")
        return True

    def _start(self) -> "subprocess.Popen[str]":
        words = ("--home", str(self.home), "crawl", "news", "--json", "--connect-to", self.site.connect_to)
        return subprocess.Popen(
            [sys.executable, "-m", "luutru", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("LUUTRU_")},
            process_group=0,
        )

    def _wait_for_the_instant(self, process: "subprocess.Popen[str]", before: int) -> None:
        """A moment of the start, or one of the crawl, when some requests have come; it gets no further meanwhile."""
        began, number = time.monotonic(), self.chance.randrange(1, 14)
        self.site.answer(len(self.site.asked) + number + _AHEAD)
        if self.chance.random() < 0.25:
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.chance.uniform(0, 1.5 * self.startup))
            return
        while len(self.site.asked) == before and process.poll() is None:
            self.site.wait(before + 1, 0.2)
        self.startup = time.monotonic() - began
        self.site.wait(len(self.site.asked) + number, self.chance.uniform(0, 2))
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.chance.uniform(0, 0.03))

    def _kill(self, process: "subprocess.Popen[str]") -> bool:
        """Kill one process or all; whether the crawl goes on and is to be killed again."""
        if process.poll() is not None:
            return False
        what = self.chance.choice(("capturing", "capturing", "all", "deriving")[: 4 if self._spared else 3])
        if what == "all":
            os.killpg(process.pid, signal.SIGKILL)
        elif what == "capturing":
            process.kill()
        else:
            workers = _deriving(process.pid)
            if not workers:
                return True
            self._spared -= 1
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(workers), signal.SIGKILL)
        self.kills[what] += 1
        return what == "deriving"

    def _end(self, process: "subprocess.Popen[str]") -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # orphans end by themselves; what starts next must not wait for it
        process.communicate()

    def _known(self) -> set[str]:
        """The paths of all responses that are whole in some file."""
        for file in sorted(self.home.glob("warc/*/*/*.warc.gz*")):
            if file.name not in self._read:
                self._kept |= {path for path, _ in _responses(file)}
            if file.suffix == ".gz":
                self._read.add(file.name)
        return self._kept


def _is_content(path: str) -> bool:
    return path != "/robots.txt" and not path.startswith("/list/")


def _deriving(parent: int) -> list[int]:
    """The deriving processes of a crawl."""
    try:
        tasks = Path(f"/proc/{parent}/task").glob("*/children")
        ids = [int(word) for task in tasks for word in task.read_text().split()]
        return [id_ for id_ in ids if b"spawn_main" in Path(f"/proc/{id_}/cmdline").read_bytes()]
    except OSError:  # it has just ended
        return []


def _responses(file: Path) -> Iterator[tuple[str, int]]:
    """Path and offset of each capture in a file, up to where it is torn."""
    with file.open("rb") as stream, suppress(EOFError, OSError):
        for record in ArchiveIterator(stream, parse_http=False):
            if record.headers.get("WARC-Type") in ("response", "revisit", "resource"):
                yield "/" + record.headers["WARC-Target-URI"].split("/", 3)[3], record.stream_pos


def check(home: Path, site: NewsSite) -> Iterator[str]:
    """What is wrong with an archive whose site was crawled to its end, one sentence each."""
    articles = sorted(path for path in site.bodies if path.startswith("/a/"))
    with closing(sqlite3.connect(home / "index.db")) as index:

        def rows(query: str) -> list[Any]:
            return index.execute(query).fetchall()

        found = rows("SELECT d.url, count(v.id) FROM document d JOIN version v ON v.document = d.id GROUP BY d.id")
        if sorted(found) != sorted((f"http://{HOST}{path}", 1) for path in articles):
            yield f"{len(found)} documents of {len(articles)}, or not one version each"
        yield from (f"{url} is {state}" for url, state in rows("SELECT url, state FROM frontier WHERE state != 'done'"))
        yield from (f"unread: {url}" for (url,) in rows("SELECT url FROM capture WHERE derived IS NULL"))
        yield from (f"{one[0]}" for one in rows("SELECT reason FROM reading WHERE reason LIKE 'failed: %'"))
        twice = rows("SELECT record_id FROM capture GROUP BY 1 HAVING count(*) > 1")
        yield from (f"two rows of {one[0]}" for one in twice)
        yield from (f"a crawl is {one[0]}" for one in rows("SELECT outcome FROM crawl WHERE outcome = 'running'"))
        yield from (f"{one[0]} is not sealed" for one in rows("SELECT name FROM file WHERE sha256 IS NULL"))
        places = set(rows("SELECT f.name, c.offset FROM capture c JOIN file f ON f.id = c.file"))
        captures = rows(_PLACES)
    files = sorted(home.glob("warc/*/*/*"))
    records = {(file.relative_to(home).as_posix(), at) for file in files for _, at in _responses(file)}
    yield from (f"no row for the record {name}:{at}" for name, at in sorted(records - places))
    yield from (f"no record for the row {name}:{at}" for name, at in sorted(places - records))
    yield from _altered(home, site, captures)
    yield from (f"{file} is not sealed" for file in files if file.suffix != ".gz")
    yield from _validated(home, files)


_PLACES = """SELECT c.id, c.url, f.name, c.offset, g.name, o.offset FROM capture c JOIN file f ON f.id = c.file
    LEFT JOIN capture o ON o.id = c.original LEFT JOIN file g ON g.id = o.file WHERE c.kind != 'robots'"""


def _altered(home: Path, site: NewsSite, captures: list[Any]) -> Iterator[str]:
    """Captures whose payload is not, byte for byte, what the server sent."""
    for _, url, warc, offset, first, first_offset in captures:
        original = SimpleNamespace(warc=first, offset=first_offset) if first else None
        payload = read_payload(home, SimpleNamespace(warc=warc, offset=offset), original)
        if payload.body != site.bodies.get("/" + url.split("/", 3)[3], ("", b""))[1]:
            yield f"{url} is not what the server sent"


def _validated(home: Path, files: list[Path]) -> Iterator[str]:
    for file in files:
        for command in (["gzip", "-t", str(file)], [str(_BIN / "warcio"), "check", str(file)]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                yield f"{' '.join(command)}: {done.stdout}{done.stderr}"
        yield from _fastwarc(file)
    manifest = ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"]
    done = subprocess.run(manifest, cwd=home, capture_output=True, text=True)
    if done.returncode:
        yield f"sha256sum: {done.stdout}{done.stderr}"
    listed = {line[66:] for line in (home / "manifest-sha256.txt").read_text().splitlines()}
    if listed != {file.relative_to(home).as_posix() for file in files}:
        yield "the manifest does not list the files that there are"


def _fastwarc(file: Path) -> Iterator[str]:
    """`fastwarc check -p`, which fails every revisit: an empty block has not the payload's digest."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        subprocess.run([str(_BIN / "fastwarc"), "check", "-p", "-q", "-o", str(report), str(file)], capture_output=True)
        told = report.read_text()
    verdicts = dict(line.rsplit(": ", 1) for line in told.splitlines())
    with file.open("rb") as stream:
        for record in ArchiveIterator(stream, parse_http=False):
            verdict = verdicts.pop(record.headers["WARC-Record-ID"], "not checked")
            revisit = record.headers.get("WARC-Type") == "revisit"
            if not verdict.startswith("OK") or ("FAIL" in verdict and not revisit):
                yield f"fastwarc: {file.name}, {record.record_id}: {verdict}"
    yield from (f"fastwarc: {file.name}, {id_}: {verdict}" for id_, verdict in verdicts.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--articles", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, NewsSite(given.articles) as site:
        home = make_home((given.work or Path(folder)) / "home")
        killing = Killing(home, site, random.Random(given.seed))
        began = time.monotonic()
        killing.run(given.kills)
        problems = [*killing.problems, *check(home, site)]
        with closing(sqlite3.connect(home / "index.db")) as index:
            crawls = dict(index.execute("SELECT outcome, count(*) FROM crawl GROUP BY 1").fetchall())
            torn = index.execute("SELECT count(*) FROM crawl WHERE warnings LIKE '%was torn%'").fetchone()[0]
            behind = index.execute("SELECT count(*) FROM crawl WHERE warnings LIKE '%without a row%'").fetchone()[0]
            captures = index.execute("SELECT count(*), count(original) FROM capture").fetchone()
        times = Counter(path for path in site.asked if _is_content(path))
        told = {
            "kills": killing.kills.total(),
            "of": dict(killing.kills),
            "seconds": round(time.monotonic() - began),
            "crawls": crawls,
            "torn files cut": torn,
            "crawls with captures that had no row": behind,
            "files": len(list(home.glob("warc/*/*/*.warc.gz"))),
            "captures": captures[0],
            "revisits": captures[1],
            "articles and requisites": len(times),
            "fetched twice, in flight at a kill": sum(count - 1 for count in times.values()),
            "problems": problems,
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    return 1 if problems or killing.kills.total() < given.kills else 0


if __name__ == "__main__":
    sys.exit(main())
