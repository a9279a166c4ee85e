"""How fast the reading room answers, and how much memory it takes: a server with a large archive, and eight readers.

    python benchmarks/reading.py [--home DIR] [--documents 100000] [--seconds 120] [--requests 10000] [--anew]

The archive is made where it is not there yet (`holdings.py`). A rare phrase is three or four words that follow each
other in one of its texts, another one each time. Each reader waits a second between two requests; times are the
server's own, from a request's arrival to the first byte of its answer. Then the readers ask without waiting, and the
memory of the server is looked at, without the index that it has mapped. With `--anew` no page is kept for those who ask
for it again, as if somebody wrote to the index all the time.
"""

import argparse
import asyncio
import itertools
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import holdings
import httpx
from sqlalchemy import bindparam, select

from storage.index.tables import document, version

READERS = 8
TARGETS = {"common search": 100, "rare phrase": 30, "document": 20, "calendar": 20, "front": 100}  # p95, milliseconds
_COMMON = 40  # words of the vocabulary that stand in most texts
_LOOKS = 10  # at the memory
_STANDING = (
    select(version.c.text)
    .join(document, document.c.version == version.c.id)
    .where(document.c.identity == bindparam("identity"))
)
Texts = Callable[[int], str]


@dataclass
class Measured:
    """The milliseconds of each kind of request, and the memory (MiB) after each part of the requests."""

    times: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in TARGETS})
    memory: list[float] = field(default_factory=list)

    def p95(self, kind: str) -> float:
        """The time that 95 of 100 requests of a kind do not exceed."""
        return percentile(self.times[kind], 95)


@contextmanager
def written(home: Path) -> Iterator[Texts]:
    """The texts of the archive's documents by number."""
    from storage.collection import Collection

    with closing(Collection.open(home)) as collection, collection.index.read() as connection:
        yield lambda number: str(connection.scalar(_STANDING, {"identity": holdings.identity(number)}))


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * share // 100) - 1)]


def requests(documents: int, texts: Texts, seed: int) -> Iterator[tuple[str, str]]:
    """What one reader asks of an archive with so many documents and these texts, kind by kind, without end."""
    chance = random.Random(seed)
    common = holdings.Writer().syllables[:_COMMON]
    for kind in itertools.islice(itertools.cycle(TARGETS), seed % len(TARGETS), None):
        number = chance.randrange(documents)
        if kind == "common search":
            yield kind, f"/search?{urlencode({'q': ' '.join(chance.sample(common, 2))})}"
        elif kind == "rare phrase":
            words = texts(number).split()
            first, count = chance.randrange(len(words) - 4), chance.choice((3, 4))
            phrase = '"{}"'.format(" ".join(words[first : first + count]))
            yield kind, f"/search?{urlencode({'q': phrase})}"
        elif kind == "document":
            yield kind, f"/d/{quote(holdings.identity(number))}"
        elif kind == "calendar":
            yield kind, f"/address?{urlencode({'url': holdings.address(number)})}"
        else:
            yield kind, "/"


async def read(url: str, documents: int, texts: Texts, seconds: float, count: int, server: int) -> Measured:
    """Let the readers ask, first for so many seconds with a pause between, then so many requests without."""
    found = Measured()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        asking = [requests(documents, texts, seed) for seed in range(READERS)]
        for kind, path in itertools.islice(
            requests(documents, texts, READERS), len(TARGETS)
        ):  # everything is loaded once
            await _ask(client, kind, path)
        end = time.monotonic() + seconds
        await asyncio.gather(*(_pausing(client, one, end, found) for one in asking))
        found.memory.append(memory(server))
        for _ in range(_LOOKS if count else 0):
            await asyncio.gather(*(_hurrying(client, one, count // _LOOKS // READERS) for one in asking))
            found.memory.append(memory(server))
    return found


async def _pausing(client: httpx.AsyncClient, asking: Iterator[tuple[str, str]], end: float, found: Measured) -> None:
    await asyncio.sleep(random.random())
    for kind, path in asking:
        found.times[kind].append(await _ask(client, kind, path))
        if time.monotonic() > end:
            return
        await asyncio.sleep(1)


async def _hurrying(client: httpx.AsyncClient, asking: Iterator[tuple[str, str]], count: int) -> None:
    for kind, path in itertools.islice(asking, count):
        await _ask(client, kind, path)


async def _ask(client: httpx.AsyncClient, kind: str, path: str) -> float:
    response = await client.get(path)
    if response.status_code != 200:
        raise RuntimeError(f"{kind}: {path} answers {response.status_code}: {response.text[:300]}")
    return float(response.headers["Server-Timing"].partition("dur=")[2])


def memory(process: int) -> float:
    """The MiB that a process holds for itself."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


@contextmanager
def serving(home: Path, anew: bool) -> Iterator[tuple[str, int]]:
    """A reading room in a process of its own: its address and the number of the process."""
    command = [sys.executable, __file__, "--serve", "--home", str(home), *(["--anew"] if anew else [])]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip(), server.pid
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def serve(home: Path, anew: bool) -> None:
    """What `luutru serve` serves, without limits for one visitor, and with the time of each answer in its head."""
    import uvicorn

    from luutru.kept import Kept
    from luutru.limits import Limits, Rate
    from luutru.server import application
    from storage.collection import Collection

    unlimited = Limits(searches=Rate(10**9, 10**9))
    app = application(Collection.open(home), limits=unlimited)
    if anew:
        app.state.room.kept = Kept(most=0)

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        begun = time.perf_counter()

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                took = (time.perf_counter() - begun) * 1000
                message["headers"] = [*message["headers"], (b"server-timing", b"total;dur=%.3f" % took)]
            await send(message)

        await app(scope, receive, told)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(timed, log_level="warning")).run([listening])


def report(found: Measured) -> None:
    """A line for each kind of request, and one for the memory."""
    print(f"{'':16} {'requests':>8} {'median':>8} {'p95':>8} {'at most':>8}  milliseconds at the server")
    for kind, most in TARGETS.items():
        times = found.times[kind]
        if times:
            print(f"{kind:16} {len(times):8} {percentile(times, 50):8.1f} {found.p95(kind):8.1f} {most:8}")
    if found.memory[1:]:
        print(f"memory: {' '.join(f'{one:.0f}' for one in found.memory)} MiB, after each tenth of the requests")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "luutru-reading")
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--anew", action="store_true")
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.home, chosen.anew)
        return
    holdings.make(chosen.home, chosen.documents)
    with serving(chosen.home, chosen.anew) as (url, process), written(chosen.home) as texts:
        report(asyncio.run(read(url, chosen.documents, texts, chosen.seconds, chosen.requests, process)))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
