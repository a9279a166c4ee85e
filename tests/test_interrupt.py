"""Crawls that are cut off: by a person, by the system, by the kernel. Nothing is torn, and the next one goes on."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from ctypes import c_longlong
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from sites_for_tests import (
    HOST,
    Crawling,
    Ended,
    NewsSite,
    Reply,
    archived,
    assert_kept,
    crawl,
    in_files,
    make_home,
    outcomes,
    page,
    rows,
    sealed,
    states,
    until,
)

import spiders
from crawler import derive
from crawler.derivation import END, NEWS
from storage.index.engine import Index

LINGERING = """
import asyncio
async def linger(loop):  # as where a thread is slow to end
    end = loop.time() + 0.5
    while loop.time() < end:
        await asyncio.sleep(0)
        for one in asyncio.all_tasks() - {asyncio.current_task()}:
            print("begun:", one, file=sys.stderr)
asyncio.BaseEventLoop.shutdown_asyncgens = linger
"""
SLOW = page(1, size=3_000_000)  # takes seconds to read
NEVER = "import crawler.run; crawler.run._GRACE = 3600.0"  # does it let go of what is on the wire by itself


def interrupt(crawling: Crawling, number: signal.Signals = signal.SIGINT, gate: Event | None = None) -> Ended:
    """Tell the crawl once, then open the gate, and wait for its end; whatever else it waited for takes far longer."""
    crawling.tell(number)
    if gate:
        gate.set()
    return crawling.end()


def assert_interrupted(home: Path, site: NewsSite, ended: Ended) -> None:
    assert (ended.status, ended.err) == (130, "")
    assert ended.crawl["outcome"] == "interrupted"
    assert outcomes(home)[-1] == "interrupted"
    assert sealed(home)
    assert_kept(home, site)


def done(home: Path) -> set[str]:
    return {f"/{path}" for path, state in states(home).items() if state == "done"}


def assert_goes_on(home: Path, site: NewsSite, articles: int, *, killed: bool = False) -> Ended:
    """The next crawl asks for the articles that were left, and for no other."""
    left = {f"/a/{number}" for number in range(1, articles + 1)} - (in_files(home) if killed else done(home))
    site.visits.clear()
    ended = crawl(home, site)
    assert (ended.status, ended.err, ended.crawl["outcome"]) == (0, "", "completed")
    assert set(site.articles()) == left
    assert set(states(home).values()) == {"done"}
    assert len(assert_kept(home, site)) == articles + 2
    return ended


@pytest.mark.parametrize(("number", "derive"), [(signal.SIGINT, "on"), (signal.SIGTERM, "off")])
def test_told_to_stop_it_ends_cleanly_and_goes_on_later(tmp_path: Path, number: signal.Signals, derive: str) -> None:
    home, gate = make_home(tmp_path / "home", DERIVE=derive, DOWNLOAD_DELAY="0.05"), Event()
    with NewsSite(30, {f"/a/{one}": Reply(body=page(one), gate=gate) for one in (15, 16)}) as site:
        with Crawling(home, site) as crawling:
            site.asked("/a/5")
            ended = interrupt(crawling, number, gate)
        assert_interrupted(home, site, ended)
        assert 5 <= len(site.articles()) < 30
        assert set(site.articles()) <= set(archived(home))  # also what was on the wire
        assert_goes_on(home, site, 30)
    if derive == "on":
        assert rows(home, "SELECT count(*) FROM document") == [(30,)]


def test_nothing_is_begun_while_the_process_ends(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DOWNLOAD_DELAY="0.1", DOWNLOAD_DELAY_JITTER="0")
    with NewsSite(30) as site:
        with Crawling(home, site, before=LINGERING) as crawling:
            site.asked("/a/5")
            crawling.tell(signal.SIGINT)
            crawling.tell(signal.SIGTERM)  # others wait for their turn
            ended = crawling.end()
        assert_interrupted(home, site, ended)


def test_a_person_at_a_terminal_interrupts_the_whole_group(tmp_path: Path) -> None:
    home, gate = make_home(tmp_path / "home", DERIVE="on", DOWNLOAD_DELAY="0.05"), Event()
    with NewsSite(30, {f"/a/{one}": Reply(body=page(one), gate=gate) for one in (15, 16)}) as site:
        with Crawling(home, site) as crawling:
            site.asked("/")  # the deriving processes are just beginning
            os.killpg(crawling.process.pid, signal.SIGINT)
            gate.set()
            ended = crawling.end()
        assert_interrupted(home, site, ended)


def test_told_to_stop_while_it_begins(tmp_path: Path) -> None:
    home, gate = make_home(tmp_path / "home", DERIVE="on"), Event()
    with NewsSite(30, {"/robots.txt": Reply(404, gate=gate)}) as site:
        with Crawling(home, site) as crawling:
            until(lambda: outcomes(home), "it did not begin")
            ended = interrupt(crawling, gate=gate)
        assert_interrupted(home, site, ended)


def test_nothing_waits_for_its_turn_when_it_is_told_to_stop(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DOWNLOAD_DELAY="3600", DOWNLOAD_DELAY_JITTER="0")
    with NewsSite(200, {"/robots.txt": Reply(404)}) as site, Crawling(home, site) as crawling:
        site.asked("/robots.txt")  # everything else waits
        assert_interrupted(home, site, interrupt(crawling))
        assert site.paths() == ["/robots.txt"]


def test_a_server_that_asked_to_wait_does_not_keep_it(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(20, {"/a/2": Reply(429, headers={"Retry-After": "600"})}) as site, Crawling(home, site) as crawling:
        site.asked("/a/2")
        until(lambda: rows(home, "SELECT id FROM frontier WHERE status = 429"), "the answer has no row")
        assert_interrupted(home, site, interrupt(crawling))


def test_told_twice_it_ends_at_once(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(9, {"/a/4": [Reply(body=page(4), gate=Event()), Reply(body=page(4))]}) as site:
        with Crawling(home, site, before=NEVER) as crawling:
            site.asked("/a/4")
            crawling.tell(signal.SIGINT)
            crawling.tell(signal.SIGTERM)  # two of one kind may come as one
            ended = crawling.end()
        assert_interrupted(home, site, ended)
        assert "/a/4" not in done(home)
        assert_goes_on(home, site, 9)


def test_a_silent_server_does_not_keep_it(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(9, {"/a/4": [Reply(gate=Event()), Reply(body=page(4))]}) as site:
        with Crawling(home, site) as crawling:
            site.asked("/a/4")
            assert_interrupted(home, site, interrupt(crawling))
        assert_goes_on(home, site, 9)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_while_only_reading_is_left(tmp_path: Path, number: signal.Signals) -> None:
    home = make_home(tmp_path / "home", DERIVE="on")
    with NewsSite(3, {"/a/1": Reply(body=SLOW)}) as site:
        with Crawling(home, site) as crawling:
            captured = "SELECT count(*), count(*) FILTER (WHERE state = 'done') FROM frontier"
            until(lambda: rows(home, captured) == [(4, 4)], "not all was captured")
            ended = interrupt(crawling, number)
        assert_interrupted(home, site, ended)
        assert done(home) == {"/", "/a/1", "/a/2", "/a/3"}
        assert_goes_on(home, site, 3)
    assert rows(home, "SELECT count(*) FROM capture WHERE derived IS NULL") == [(0,)]
    assert rows(home, "SELECT count(*) FROM document") == [(3,)]


def test_killed_it_loses_nothing_that_has_a_row(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DERIVE="on", DOWNLOAD_DELAY="0.05")
    gate = Event()
    with NewsSite(30, {f"/a/{one}": Reply(body=page(one), gate=gate) for one in (20, 21)}) as site:
        with Crawling(home, site) as crawling:
            until(lambda: len(done(home)) > 5, "no row came")
            crawling.tell(signal.SIGKILL)
            assert crawling.end().err == ""  # nor do its deriving processes complain
        gate.set()
        assert outcomes(home) == ["running"]
        assert set(assert_kept(home, site)) >= done(home)
        assert_goes_on(home, site, 30, killed=True)
    assert outcomes(home) == ["interrupted", "completed"]
    ((told,),) = rows(home, "SELECT warnings FROM crawl WHERE outcome = 'interrupted'")
    assert json.loads(told)[0] == "the process ended before the crawl did"
    assert rows(home, "SELECT count(*) FROM document") == [(30,)]


def children(crawling: Crawling) -> list[int]:
    """The deriving processes of a crawl."""
    tasks = Path(f"/proc/{crawling.process.pid}/task").glob("*/children")
    ids = [int(word) for task in tasks for word in task.read_text().split()]
    found = []
    for id_ in ids:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            found += [id_] if b"spawn_main" in Path(f"/proc/{id_}/cmdline").read_bytes() else []
    return found


def worked(process: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_deriving_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DERIVE="on")
    gate = Event()
    with NewsSite(5, {"/a/5": Reply(body=page(5), gate=gate)}) as site, Crawling(home, site) as crawling:
        until(lambda: rows(home, "SELECT count(*) FROM document") == [(4,)], "nothing was read")
        (worker,) = children(crawling)  # it has nothing to read now
        os.kill(worker, signal.SIGKILL)
        until(lambda: children(crawling) not in ([], [worker]), "it was not replaced")
        gate.set()
        ended = crawling.end()
    assert (ended.status, ended.crawl["outcome"], ended.crawl["documents_new"]) == (0, "completed", 5)


def test_a_deriving_process_that_is_killed_while_it_reads_reads_again(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DERIVE="on")
    gate = Event()
    with NewsSite(3, {"/a/2": Reply(body=SLOW, gate=gate)}) as site, Crawling(home, site) as crawling:
        until(lambda: rows(home, "SELECT count(*) FROM document") == [(2,)], "nothing was read")
        (worker,) = children(crawling)
        idle = worked(worker)
        gate.set()
        until(lambda: worked(worker) > idle + 0.3, "it does not read")
        os.kill(worker, signal.SIGKILL)
        ended = crawling.end()
    assert (ended.status, ended.crawl["outcome"], ended.crawl["documents_new"]) == (0, "completed", 3)


def test_news_never_pile_up_while_there_is_enough_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = Pipe(duplex=False)
    living, _ = parent = Pipe(duplex=False)
    batches = [["a"], ["b"], ["c"], []]
    read = []

    def settle(_: object, batch: list[str], _read: object) -> None:
        assert not theirs.poll()
        read.extend(batch)
        ours.send_bytes(NEWS if len(read) < 3 else END)

    monkeypatch.setattr(derive, "parent_process", lambda: SimpleNamespace(sentinel=living))
    monkeypatch.setattr(derive, "_readings", lambda *_: batches.pop(0))
    monkeypatch.setattr(derive, "settle", settle)
    ours.send_bytes(NEWS)
    Index.open(tmp_path / "index.db").close()
    derive.work(tmp_path, partial(spiders.load, "thst"), 0, 1, theirs, c_longlong())
    assert (read, batches) == (["a", "b", "c"], [])
    for end in (theirs, ours, *parent):
        end.close()


CRASHING = """
import os, signal, sys
from pathlib import Path
import crawler.derivation
from crawler.run import crawl
from storage.collection import Collection

def load():
    import spiders
    from crawler.extraction import article
    home = Path(os.environ["HOME_OF_TEST"])
    read = article.read
    def bad(body, *, url, **known):
        if url.endswith("/a/2"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if url.endswith("/a/3"):
            signal.pause()
        if url.endswith("/a/4"):
            raise RecursionError("too deep")
        return read(body, url=url, **known)
    article.read = bad
    return spiders.site("news", home, own=True)

if __name__ == "__main__":
    crawler.derivation._PATIENCE = 5.0
    collection = Collection.open(Path(os.environ["HOME_OF_TEST"]))
    ended = crawl(load, collection, connect_to=tuple(sys.argv[1:]))
    collection.close()
    print(ended.outcome, *ended.warnings, sep="\\n")
"""


def test_pages_that_break_reading_cost_their_reading(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DERIVE="on")
    (tmp_path / "crashing.py").write_text(CRASHING)
    with NewsSite(6) as site:
        done = subprocess.run(
            [sys.executable, str(tmp_path / "crashing.py"), *site.connect_to[1::2]],
            capture_output=True,
            text=True,
            env=os.environ | {"HOME_OF_TEST": str(home)},
            timeout=120,
        )
        assert_kept(home, site)
    outcome, warning = done.stdout.splitlines()
    assert outcome == "partial"
    assert warning.startswith("3 captures that could not be read: ")
    assert f"http://{HOST}/a/2 (failed: reading ended the process with status -11)" in warning
    assert f"http://{HOST}/a/3 (failed: reading took too long)" in warning
    assert f"http://{HOST}/a/4 (failed: RecursionError: too deep)" in warning
    assert rows(home, "SELECT count(*) FROM document") == [(3,)]
    assert rows(home, "SELECT count(*) FROM capture WHERE derived IS NULL") == [(0,)]
