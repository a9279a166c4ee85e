"""Crawls whose process, disk, power or clock fails: nothing acknowledged is lost, the next one goes on."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator
from mounts import fill, mounted, remount
from sites_for_tests import (
    PATIENCE,
    Crawling,
    NewsSite,
    Reply,
    archived,
    assert_kept,
    command,
    crawl,
    environment,
    in_files,
    make_home,
    outcomes,
    page,
    rows,
    sealed,
    states,
    until,
)

from crawler.room import Room
from storage.errors import StorageError


def assert_goes_on(home: Path, site: NewsSite, *, kept: set[str] | None = None) -> None:
    """The next crawl fetches what no file has, and no article besides; afterwards everything is there, once."""
    kept = in_files(home) if kept is None else kept
    articles = {path for path in site.bodies if path.startswith("/a/")}
    site.visits.clear()
    ended = crawl(home, site)
    assert ended.status == 0, ended.err
    assert ended.crawl["outcome"] == "completed"
    assert sorted(site.articles()) == sorted(articles - kept)
    assert set(states(home).values()) == {"done"}
    assert "running" not in outcomes(home)
    assert sealed(home)
    assert {path for path, bodies in assert_kept(home, site).items() if len(bodies) == 1} >= articles
    assert rows(home, "SELECT count(*) FROM file WHERE sha256 IS NULL") == [(0,)]


# Power


RECORDING = """
import json, os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from luutru.cli import main

log, commits = Path(sys.argv[1]), int(sys.argv[2])
synced = {}

def recording(bring):
    def sync(descriptor):
        name, size = os.readlink(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor).st_size
        bring(descriptor)
        if ".warc.gz" in name:
            synced[name] = size
    return sync

os.fdatasync, os.fsync = recording(os.fdatasync), recording(os.fsync)

@event.listens_for(Engine, "commit")
def committing(connection):
    global commits
    named = connection.exec_driver_sql(
        "SELECT f.name, max(c.offset + c.length) FROM capture c JOIN file f ON f.id = c.file GROUP BY f.id"
    ).all() if connection.dialect.has_table(connection, "capture") else []
    for name, end in named:
        if max(size for path, size in synced.items() if name in path) < end:
            log.write_text("ahead")
            os.kill(os.getpid(), signal.SIGKILL)
    commits -= bool(named)
    if commits < 0:
        log.write_text(json.dumps(synced))
        os.kill(os.getpid(), signal.SIGKILL)

sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.parametrize(("index", "commits"), [("kept", 4), ("lost", 1), ("lost", 9)])
def test_rows_are_never_ahead_of_bytes_when_the_power_fails(tmp_path: Path, index: str, commits: int) -> None:
    """What was not synced is dropped: of the WARC file always, of the index (its log) where it says `lost`."""
    home = make_home(tmp_path / "home", DOWNLOAD_DELAY="0.02", WARC_MAXSIZE="25000")
    (tmp_path / "recording.py").write_text(RECORDING)
    log = tmp_path / "synced.json"
    gates = [Event() for _ in range(25)]  # each opens when another answer has its row, or all would be one commit
    with NewsSite(
        25, {f"/a/{number}": Reply(body=page(number), gate=gate) for number, gate in enumerate(gates, 1)}
    ) as site:
        words = ("--home", str(home), "crawl", "news", "--json", *site.connect_to)
        died = [sys.executable, str(tmp_path / "recording.py"), str(log), str(commits), *words]
        with subprocess.Popen(died, env=environment(), process_group=0) as process:
            while process.poll() is None:
                ((kept,),) = rows(home, "SELECT count(*) FROM capture")
                for gate in gates[:kept]:
                    gate.set()
                sleep(0.01)
        assert process.returncode == -signal.SIGKILL
        for gate in gates:
            gate.set()
        assert log.read_text() != "ahead"
        synced = json.loads(log.read_text())
        for growing in home.glob("warc/**/*.open"):
            os.truncate(growing, synced.get(str(growing), 0))
        if index == "lost":
            for part in ("index.db-wal", "index.db-shm"):
                (home / part).unlink()
        else:
            assert rows(home, "SELECT count(*) FROM capture") != [(0,)]
        assert_goes_on(home, site)


# A disk that is full


LARGE = 60_000


def noise(number: int) -> bytes:
    """What cannot be made smaller, as a comment of a page."""
    return page(number) + b"<!--" + random.Random(number).randbytes(LARGE).hex().encode() + b"-->"


@pytest.mark.parametrize("moment", ["start", "capture", "index"])
def test_a_disk_that_fills_at_any_moment(tmp_path: Path, mounting: bool, moment: str) -> None:
    """`start`: it is full already; `capture`: while an answer is awaited; `index`: that of the index alone."""
    if not mounting:
        return
    disk, gate = tmp_path / "disk", Event()
    with NewsSite(20) as site, mounted(disk, "size=6m"):
        site.bodies |= {f"/a/{number}": noise(number) for number in range(1, 21)}
        site.replies["/a/8"] = [Reply(body=noise(8), gate=gate)]
        home = make_home(disk / "home", DISK_FLOOR="0", DERIVE="on")
        if moment == "index":
            (tmp_path / "elsewhere").mkdir()
            (home / "warc").symlink_to(tmp_path / "elsewhere")
        if moment == "start":
            gate.set()
            ballast = fill(disk)
            ended = crawl(home, site)
        else:
            with Crawling(home, site) as crawling:
                site.asked("/a/8")
                ballast = fill(disk)
                gate.set()
                ended = crawling.end()
        assert (ended.status, ended.out) == (4, "")
        assert "disk" in ended.line
        if moment != "start":
            assert_kept(home, site)
        ballast.unlink()
        assert_goes_on(home, site)


def test_nearly_full_it_pauses_and_goes_on_when_there_is_room(tmp_path: Path, mounting: bool) -> None:
    if not mounting:
        return
    disk = tmp_path / "disk"
    with NewsSite(12) as site, mounted(disk, "size=12m"):
        home = make_home(disk / "home", DISK_FLOOR="8000000", DISK_CEILING="9000000")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(5_000_000))
        with Crawling(home, site) as crawling:
            until(lambda: list(home.glob("warc/**/*.open")), "it did not begin")
            assert crawling.process.stderr is not None
            assert "paused until there are 9 MB" in crawling.process.stderr.readline()
            assert site.visits == []
            os.truncate(ballast, 3_500_000)  # above the floor, below the ceiling
            ballast.unlink()
            ended = crawling.end()
        assert (ended.status, ended.crawl["outcome"]) == (0, "completed")
        assert any("paused for" in warning for warning in ended.crawl["warnings"])


def test_nearly_full_for_too_long_it_ends_cleanly(tmp_path: Path, mounting: bool) -> None:
    if not mounting:
        return
    disk, gate = tmp_path / "disk", Event()
    with NewsSite(12, {"/a/3": [Reply(body=page(3), gate=gate)]}) as site, mounted(disk, "size=12m"):
        settings = {"DISK_FLOOR": "8000000", "DISK_CEILING": "9000000", "DISK_PATIENCE": "0.5"}
        home = make_home(disk / "home", CONCURRENT_REQUESTS="1", **settings)
        with Crawling(home, site) as crawling:
            site.asked("/a/3")
            (disk / "ballast").write_bytes(bytes(5_000_000))
            gate.set()
            ended = crawling.end()
        assert (ended.status, ended.out) == (4, "")
        assert "the disk is nearly full" in ended.err.splitlines()[-1]
        assert outcomes(home) == ["failed"]
        assert sealed(home)
        assert "/a/3" in archived(home)
        (disk / "ballast").unlink()
        assert_goes_on(home, site)


def test_room_has_a_floor_and_a_ceiling() -> None:
    free, now = [5, 3, 5, 7, 9, 5, 3, 3, 3, 3], iter(range(100))
    looked = []

    async def sleep(seconds: float) -> None:
        looked.append(seconds)

    room = Room(lambda: free.pop(0), 4, 8, 3, clock=lambda: next(now), sleep=sleep)
    asyncio.run(room.turn())
    assert free[0] == 3
    asyncio.run(room.turn())
    assert (free, len(looked), room.paused) == ([5, 3, 3, 3, 3], 3, 3)
    asyncio.run(room.turn())
    with pytest.raises(StorageError, match="nearly full"):
        asyncio.run(room.turn())


# A disk that goes


@contextmanager
def image(folder: Path) -> Iterator[Path]:
    """An ext4 file system in a file, or a visible skip."""
    folder.mkdir()
    subprocess.run(["truncate", "-s", "24M", f"{folder}.img"], check=True)
    for words in (["mkfs.ext4", "-q", f"{folder}.img"], ["mount", "-o", "loop", f"{folder}.img", str(folder)]):
        if not shutil.which(words[0]) or subprocess.run(words, capture_output=True).returncode:
            pytest.skip("needs the right to mount an image of ext4")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_file_system_that_becomes_read_only_in_mid_crawl(tmp_path: Path) -> None:
    gate, disk = Event(), tmp_path / "disk"
    with NewsSite(20, {"/a/8": [Reply(body=page(8), gate=gate)]}) as site:
        with image(disk):
            home = make_home(disk / "home", DISK_FLOOR="0")
            subprocess.run(["sync", "--file-system", str(disk)], check=True)
            with Crawling(home, site) as crawling:
                site.asked("/a/8")
                remount(disk, "abort")  # what the kernel does after an error of the device
                gate.set()
                ended = crawling.end()
            assert (ended.status, ended.out) == (4, "")
            assert ended.err.startswith("luutru: ")
        subprocess.run(["fsck.ext4", "-p", f"{disk}.img"], capture_output=True, check=False)
        subprocess.run(["mount", "-o", "loop", f"{disk}.img", str(disk)], check=True)
        try:
            assert_goes_on(home, site)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_mount_that_vanishes(tmp_path: Path, mounting: bool) -> None:
    if not mounting:
        return
    gate, home, real = Event(), tmp_path / "home", tmp_path / "real"
    home.mkdir()
    make_home(real, DISK_FLOOR="0", DERIVE="on")
    bind = ["mount", "--bind", str(real), str(home)]
    with NewsSite(20, {"/a/8": [Reply(body=page(8), gate=gate)]}) as site:
        subprocess.run(bind, check=True)
        with Crawling(home, site) as crawling:
            site.asked("/a/8")
            subprocess.run(["umount", "-l", str(home)], check=True)
            gate.set()
            ended = crawling.end()
        assert (ended.status, ended.out) == (4, "")
        assert len(ended.err.splitlines()) == 1, ended.err
        assert list(real.glob("warc/**/*.open"))
        shutil.rmtree(home)
        home.mkdir()
        subprocess.run(bind, check=True)
        try:
            assert_goes_on(home, site)
        finally:
            subprocess.run(["umount", "-l", str(home)], check=True)


def test_a_disk_of_files_that_is_not_mounted_is_told(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(2) as site:
        crawl(home, site)
        (home / "warc").rename(tmp_path / "warc")
        (home / "warc").mkdir()
        ended = crawl(home, site)
        assert ended.status == 4
        assert "mount their disk" in ended.line
        assert not list((home / "warc").rglob("*.gz*"))


# A clock that is set back


def test_a_clock_that_jumps_back_stops_nothing(tmp_path: Path) -> None:
    library, flag = tmp_path / "clock.so", tmp_path / "set-back"
    source = (
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <time.h>\n#include <unistd.h>\n"
        "int clock_gettime(clockid_t id, struct timespec *now) {\n"
        "  static int (*real)(clockid_t, struct timespec *);\n"
        '  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");\n'
        "  int failed = real(id, now);\n"
        f'  if (id == CLOCK_REALTIME && access("{flag}", F_OK) == 0) now->tv_sec -= 7200;\n'
        "  return failed;\n}\n"
    )
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-xc", "-"], input=source, text=True, check=True)
    gate = Event()
    home = make_home(tmp_path / "home", DERIVE="on", WARC_MAXSIZE="25000", RETRY_DELAY="0.1")
    failing = [Reply(503, b"busy"), Reply(body=page(12))]
    with NewsSite(20, {"/a/8": [Reply(body=page(8), gate=gate)], "/a/12": failing}) as site:
        words = command(home, "crawl", "news", "--json", *site.connect_to)
        preload = environment() | {"LD_PRELOAD": str(library)}
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=preload, process_group=0) as process:
            site.asked("/a/8")
            flag.touch()
            gate.set()
            out, _ = process.communicate(timeout=PATIENCE)
        told = json.loads(out)
        assert (process.returncode, told["outcome"]) == (0, "completed")
        assert rows(home, "SELECT count(*) FROM document") == [(20,)]
        assert told["finished"] < told["started"]  # it did jump
        assert sealed(home)
        assert set(states(home).values()) == {"done"}
        assert len(assert_kept(home, site)) == 22


# Others at the same time


def test_only_the_dead_crawl_is_taken_up_while_another_site_is_crawled(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DOWNLOAD_DELAY="0.05")
    other = (home / "spiders" / "news.py").read_text().replace('key="news"', 'key="other"')
    (home / "spiders" / "other.py").write_text(other)
    gate, held = Event(), Event()
    late = {f"/a/{one}": Reply(body=page(one), gate=held) for one in (15, 16)}  # it does not end before it is killed
    with NewsSite(20, late) as site, NewsSite(5, {"/a/2": Reply(body=page(2), gate=gate)}) as beside:
        words = command(home, "crawl", "other", "--json", *beside.connect_to)
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(), process_group=0) as living:
            others = "SELECT count(*) FROM frontier WHERE site = 'other' AND state = 'done'"
            until(lambda: rows(home, others) == [(5,)], "not everything else has a row")
            with Crawling(home, site) as crawling:
                site.asked("/a/9")
                crawling.tell(signal.SIGKILL)
                crawling.end()
            held.set()
            (growing,) = home.glob("warc/other/**/*.open")
            before = growing.stat()
            site.visits.clear()
            assert crawl(home, site).crawl["outcome"] == "completed"
            assert (growing.stat().st_ino, growing.stat().st_size) == (before.st_ino, before.st_size)
            assert rows(home, "SELECT outcome FROM crawl WHERE site = 'other'") == [("running",)]
            gate.set()
            out, _ = living.communicate(timeout=PATIENCE)
        assert json.loads(out)["outcome"] == "completed"
        assert set(states(home).values()) == {"done"}
        assert sealed(home)


def test_deriving_processes_end_with_their_crawl(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DERIVE="on", DERIVE_PROCESSES="2")
    gate = Event()
    with NewsSite(5, {"/a/5": Reply(body=page(5), gate=gate)}) as site, Crawling(home, site) as crawling:
        until(lambda: rows(home, "SELECT count(*) FROM document") == [(4,)], "nothing was read")
        tasks = Path(f"/proc/{crawling.process.pid}/task").glob("*/children")
        children = [Path(f"/proc/{word}") for task in tasks for word in task.read_text().split()]
        assert len(children) >= 2
        crawling.tell(signal.SIGKILL)
        crawling.end()
        until(lambda: not any(child.exists() and _lives(child) for child in children), "they live on")


def _lives(process: Path) -> bool:
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_was_recovered_is_told_where_people_look(tmp_path: Path) -> None:
    home, gate = make_home(tmp_path / "home", DERIVE="on", DOWNLOAD_DELAY="0.02"), Event()
    with NewsSite(20, {f"/a/{one}": Reply(body=page(one), gate=gate) for one in (12, 13)}) as site:
        with Crawling(home, site) as crawling:
            until(lambda: rows(home, "SELECT count(*) FROM capture") >= [(9,)], "nine captures have rows")
            crawling.tell(signal.SIGKILL)
            crawling.end()
        gate.set()
        (growing,) = home.glob("warc/**/*.open")
        os.truncate(growing, growing.stat().st_size - 5)
        assert_goes_on(home, site)
        ((id_, counted, new, told),) = rows(
            home, "SELECT id, captures, documents_new, warnings FROM crawl WHERE outcome = 'interrupted'"
        )
    warnings = json.loads(told)
    assert warnings[0] == "the process ended before the crawl did"
    assert "was torn: cut behind its last whole record" in warnings[1]
    assert counted >= 9
    assert 0 < new <= counted
    accounts = [one for one in descriptions(home) if one["crawl"] == id_ and "outcome" in one]
    told = [(one["outcome"], one["warnings"], one["captures"], one["documents_new"]) for one in accounts]
    assert told == [("interrupted", warnings, counted, number) for number in (None, new)]  # told again once it was read


def descriptions(home: Path) -> list[dict[str, Any]]:
    found = []
    for file in home.glob("warc/**/*.warc.gz"):
        with file.open("rb") as stream:
            found += [
                json.loads(record.reader.read())
                for record in ArchiveIterator(stream, parse_http=False)
                if (record.headers.get("WARC-Target-URI") or "").startswith("urn:luutru:crawl:")
            ]
    return found
