"""`luutru doctor`: a home that is well, and one thing wrong at a time."""

import fcntl
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from archives import at, crawled

from storage.config import Config, make
from storage.doctor import Check, examine, file_system
from storage.index.engine import HEAD
from storage.locks import crawl_lock


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("well") / "home"
    make(home, {"contact": "luutru@example.org"})
    crawled(home, "first000", [(at(0, "a"), None)])
    return home


@pytest.fixture
def home(well: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(well, tmp_path / "home"))


def wrong(home: Path, **options: Any) -> list[Check]:
    return [one for one in examine(home, Config.load(home), **options) if not one.ok]


def write(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "index.db")) as connection, connection:
        connection.execute(statement)


def only(found: list[Check]) -> Check:
    (one,) = found
    assert one.advice
    return one


def test_nothing_is_wrong(home: Path) -> None:
    before = sorted(home.rglob("*"))
    checks = examine(home, Config.load(home))
    assert [one for one in checks if not one.ok] == []
    assert [one.name for one in checks] == [
        *("contact", "sqlite", "writing", "space", "file system", "index", "crawls", "files", "clock")
    ]
    assert [path for path in sorted(home.rglob("*")) if "-wal" not in path.name and "-shm" not in path.name] == before


def test_a_home_that_was_never_crawled(tmp_path: Path) -> None:
    assert only(wrong(tmp_path / "new")).name == "contact"


def test_a_crawl_that_ended_without_a_word(home: Path) -> None:
    write(home, "UPDATE crawl SET outcome = 'running'")
    found = only(wrong(home))
    assert (found.name, found.detail) == ("crawls", "ended without a word: soctrang")
    assert "luutru crawl soctrang" in (found.advice or "")
    with crawl_lock(home, "soctrang", "5f3a9c01"):
        assert wrong(home) == []
        running = next(one for one in examine(home, Config.load(home)) if one.name == "crawls")
        holder = f"process {os.getpid()} on {socket.gethostname()}, crawl 5f3a9c01, since"
        assert f"soctrang by {holder}" in running.detail


def test_a_lock_that_nobody_here_holds(home: Path) -> None:
    """What is left when a crawl's child keeps its file open, and what a crawl in another container looks like."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with (home / "locks" / "soctrang.lock").open("w") as file:
        file.write(f"process {ended.pid} since 2026-01-01T00:00:00+00:00")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert only(wrong(home)).name == "locks"


def test_a_lock_file_that_nobody_holds_is_no_lock(home: Path) -> None:
    with crawl_lock(home, "soctrang", "5f3a9c01"):
        pass
    assert (home / "locks" / "soctrang.lock").read_text()
    assert wrong(home) == []
    with crawl_lock(home, "soctrang", "5f3a9c01"):
        pass


def test_a_look_at_a_lock_stops_no_crawl(home: Path) -> None:
    """A look holds the lock for a moment, together with others; a crawl that begins then must not be refused."""
    looking = os.open(home / "locks" / "soctrang.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)
    code = (
        "import sys; from pathlib import Path; from storage.locks import crawl_lock\n"
        "with crawl_lock(Path(sys.argv[1]), 'soctrang', '5f3a9c01'): print('held')"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) as crawl:
        while not _is_waiting(crawl.pid):
            assert crawl.poll() is None
            os.sched_yield()
        os.close(looking)
        assert crawl.communicate() == ("held\n", None)


def _is_waiting(process: int) -> bool:
    """Whether a process waits for a lock that another one holds."""
    waiting = [line for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(line.split()[5] == str(process) for line in waiting)


def test_a_file_that_was_not_sealed(home: Path) -> None:
    (path,) = home.rglob("*.warc.gz")
    path.rename(path.with_name(path.name + ".open"))
    assert only(wrong(home)).detail == f"unsealed: {path.relative_to(home)}.open"
    with crawl_lock(home, "soctrang", "5f3a9c01"):
        assert wrong(home) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema 9999"),
        ("PRAGMA journal_mode = delete", "its journal is delete"),
    ],
)
def test_an_index_that_is_not_as_it_should_be(home: Path, statement: str, told: str) -> None:
    with closing(sqlite3.connect(home / "index.db")) as connection:
        connection.execute(statement)
        connection.commit()
    found = only(wrong(home))
    assert found.name == "index"
    assert told in found.detail


def test_an_older_index_is_told_and_nothing_wrong(home: Path) -> None:
    write(home, "UPDATE alembic_version SET version_num = '0000'")
    assert wrong(home) == []
    (index,) = [one for one in examine(home, Config.load(home)) if one.name == "index"]
    assert index.detail == f"schema 0000: the next command copies it, then brings it to {HEAD}"


def test_an_index_that_is_gone_or_none(home: Path) -> None:
    (home / "index.db").write_bytes(b"x" * 4096)
    assert only(wrong(home)).name == "index"
    (home / "index.db").unlink()
    assert "gone" in only(wrong(home)).detail


def test_secrets_that_everybody_may_read(home: Path) -> None:
    config = home / "luutru.toml"
    config.write_text('alerts = ["json://h/hush"]\ntoken = "hush"\n' + config.read_text())
    config.chmod(0o644)
    found = only(wrong(home))
    assert (found.name, found.advice) == ("secrets", f"run `chmod o= {config}`")
    assert found.detail.startswith("luutru.toml holds token and alerts")
    config.chmod(0o640)
    assert wrong(home) == []


def test_a_clock_that_is_behind(home: Path) -> None:
    assert "newest capture is of 2026-01-02" in only(wrong(home, now=lambda: 1_750_000_000.0)).detail
    assert "before this luutru was made" in only(wrong(home, now=lambda: 0.0)).detail


def test_a_clock_that_is_set_meanwhile(home: Path) -> None:
    jumps = iter([time.time()])
    found = only(wrong(home, now=lambda: next(jumps, time.time() + 3600)))
    assert "was set while" in found.detail


MOUNTS = """\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:40 / {home} rw shared:5 - {kind} server:/export rw
23 22 0:41 / {home}/not/here rw - tmpfs none rw
"""


@pytest.mark.parametrize(("kind", "ok"), [("nfs4", False), ("cifs", False), ("fuse.sshfs", False), ("xfs", True)])
def test_the_file_system(tmp_path: Path, kind: str, ok: bool) -> None:
    home = tmp_path / "a home"
    home.mkdir()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(home=str(home).replace(" ", "\\040"), kind=kind))
    found = file_system(home, mounts)
    assert found.ok is ok
    assert found.detail.startswith(f"{kind} at {home}")
    assert (found.advice is None) is ok


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_home_that_cannot_be_written(home: Path) -> None:
    home.chmod(0o500)
    try:
        assert "writing" in [one.name for one in wrong(home)]
    finally:
        home.chmod(0o700)


def test_the_command(home: Path) -> None:
    command = [sys.executable, "-m", "luutru", "doctor", "--home", str(home)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["ok"], list(told)) == (True, ["ok", "versions", "checks"])
    assert {"luutru", "python", "sqlite", "scrapy", "warcio"} <= told["versions"].keys()
    assert all(list(one) == ["name", "ok", "detail", "advice"] for one in told["checks"])
    (home / "luutru.toml").write_text("")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "NOT  contact" in done.stdout
