"""What a person or a machine may do wrong: one line, the right exit status, and nothing lost."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from mounts import mounted, remount
from ports import kept_free
from sites_for_tests import (
    HOST,
    PATIENCE,
    Crawling,
    NewsSite,
    Reply,
    assert_kept,
    crawl,
    make_home,
    outcomes,
    page,
    rows,
    run,
    sealed,
    states,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


def test_an_unknown_site_is_told_with_its_neighbours(home: Path) -> None:
    ended = run(home, "crawl", "thts")
    assert (ended.status, ended.out) == (2, "")
    assert ended.line == "luutru: unknown site 'thts': did you mean thst?"


def test_a_broken_site_file_is_named_with_its_line(home: Path) -> None:
    broken = home / "spiders" / "broken.py"
    broken.write_text("from crawler.sites import Site\n\nSITE = Site(key='b', nam='B')\n")
    ended = run(home, "crawl", "news")
    assert ended.status == 2
    assert ended.line.startswith(f"luutru: site file {broken}, line 3: TypeError: ")
    broken.write_text("SITE = (\n")
    assert run(home, "crawl", "news").line.startswith(f"luutru: site file {broken}, line 1: SyntaxError: ")


def test_an_unreachable_host_may_allow_nothing(home: Path) -> None:
    with kept_free() as port:
        options = ("--connect-to", f"{HOST}:80:127.0.0.1:{port}", "--set", "RETRY_TIMES=0")
        ended = run(home, "crawl", "news", "--json", *options)
    assert (ended.status, ended.err, ended.crawl["outcome"]) == (1, "", "refused")
    assert "robots.txt gave no answer" in ended.crawl["warnings"][0]


def test_an_unreachable_host_is_a_failed_crawl(home: Path) -> None:
    settings = ("--set", "ROBOTSTXT_OBEY=false", "--set", "RETRY_TIMES=0")
    with kept_free() as port:
        ended = run(home, "crawl", "news", "--json", "--connect-to", f"{HOST}:80:127.0.0.1:{port}", *settings)
    assert (ended.status, ended.crawl["outcome"], ended.crawl["errors"]) == (1, "failed", 1)
    assert f"1 page without an answer: http://{HOST}/ (" in ended.crawl["warnings"][0]
    (error,) = rows(home, "SELECT error FROM frontier WHERE state = 'failed'")
    assert error[0]


def test_a_stranger_is_not_crawled_without_a_contact(home: Path) -> None:
    (home / "luutru.toml").write_text("own_sites = true\n")
    ended = run(home, "crawl", "news")
    assert (ended.status, ended.out) == (2, "")
    assert f"http://{HOST}/ is not crawled without a contact: write contact = " in ended.line
    assert outcomes(home) == []


def test_a_home_below_a_file_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    ended = run(tmp_path / "file" / "home", "crawl", "thst")
    assert ended.status == 4
    assert str(tmp_path / "file" / "home") in ended.line


def test_a_read_only_home_is_told(tmp_path: Path, mounting: bool) -> None:
    if not mounting:
        return
    with mounted(tmp_path / "disk", "size=8m"):
        home = make_home(tmp_path / "disk" / "home")
        remount(tmp_path / "disk", "ro")
        ended = run(home, "crawl", "news")
        assert ended.status == 4
        assert str(home) in ended.line
        assert run(tmp_path / "disk" / "new", "crawl", "thst").status == 4


def test_a_directory_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    ended = run(tmp_path, "crawl", "thst")
    assert ended.status == 2
    assert f"{tmp_path} is not an archive of luutru" in ended.line
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_an_index_of_a_newer_version_is_left_alone(home: Path) -> None:
    with closing(sqlite3.connect(home / "index.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = (home / "index.db").read_bytes()
    ended = run(home, "crawl", "news")
    assert ended.status == 2
    assert f"{home / 'index.db'} was written by a newer luutru (schema 9999)" in ended.line
    assert (home / "index.db").read_bytes() == before


@pytest.mark.parametrize("torn", [slice(0, 5000), slice(100, None)])
def test_a_corrupt_index_is_told(home: Path, torn: slice) -> None:
    index = home / "index.db"
    index.write_bytes(index.read_bytes()[torn])
    before = index.read_bytes()
    ended = run(home, "crawl", "news")
    assert ended.status == 4
    assert str(index) in ended.line
    assert index.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--connect-to", "news.example"), "HOST:PORT:HOST2:PORT2"),
        (("--connect-to", "a:1:b:99999"), "a:1:b:99999"),
        (("--set", "DERIVE=maybe"), "DERIVE=maybe"),
        (("--set", "DERIV=on"), "DERIVE"),
        (("--set", "DERIVE"), "NAME=VALUE"),
        (("--set", "DOWNLOAD_DELAY=soon"), "DOWNLOAD_DELAY"),
        (("--set", "ROBOTSTXT_OBEY=perhaps"), "ROBOTSTXT_OBEY"),
        (("--set", "DERIVE=on", "--set", "DERIVE_PROCESSES=0"), "DERIVE_PROCESSES"),
        (("--set", "WARC_MAXSIZE=big"), "WARC_MAXSIZE"),
        (("--set", "CONCURRENT_REQUESTS=0"), "CONCURRENT_REQUESTS=0"),
        (("--set", "CONCURRENT_REQUESTS_PER_DOMAIN=0"), "CONCURRENT_REQUESTS_PER_DOMAIN=0"),
        (("--max-pages", "0"), "--max-pages"),
    ],
)
def test_a_bad_option_is_told(home: Path, options: tuple[str, ...], told: str) -> None:
    with NewsSite(1) as site:
        ended = crawl(home, site, *options)
        assert site.visits == []
    assert ended.status == 2
    assert told in ended.line
    assert outcomes(home) == []
    assert not list(home.glob("warc/**/*.gz*"))


@pytest.mark.parametrize("address", ["http://", "ftp://news.example/", "http://news.example:port/", "http://a b/"])
def test_a_bad_address_is_told(home: Path, address: str) -> None:
    ended = run(home, "crawl", address)
    assert ended.status == 2
    assert address in ended.line


def test_a_second_crawl_names_the_first(home: Path) -> None:
    gate = Event()
    with NewsSite(1, {"/a/1": Reply(body=page(1), gate=gate)}) as site, Crawling(home, site) as first:
        site.asked("/a/1")
        ended = crawl(home, site)
        assert ended.status == 3
        (begun,) = rows(home, "SELECT id FROM crawl")
        holder = f"process {first.process.pid} on {socket.gethostname()}, crawl {begun[0]}, since "
        assert f"news is being crawled by {holder}" in ended.line
        gate.set()
        assert first.end().crawl["outcome"] == "completed"
    assert outcomes(home)[0] == "completed"
    assert sealed(home)


@pytest.mark.parametrize("derive", ["off", "on"])
def test_a_full_disk_ends_the_crawl_and_loses_nothing(tmp_path: Path, mounting: bool, derive: str) -> None:
    if not mounting:
        return
    numbers = range(1, 71)
    large = {f"/a/{number}": Reply(body=page(number) + noise(number)) for number in numbers}
    with NewsSite(len(numbers), large) as site, mounted(tmp_path / "disk", "size=3m"):
        home = make_home(tmp_path / "disk" / "home", DERIVE=derive, DISK_FLOOR="0")
        ended = crawl(home, site)
        assert ended.status == 4
        assert "disk is full" in ended.line
        kept = assert_kept(home, site)
        assert 5 < len(kept) < len(numbers)
        before = {f"/{path}" for path, state in states(home).items() if state == "done"} - {"/"}
        assert before <= set(kept)

        remount(tmp_path / "disk", "size=64m")
        site.visits.clear()
        again = crawl(home, site)
        assert (again.status, again.crawl["outcome"]) == (0, "completed")
        assert outcomes(home)[-2] in ("failed", "interrupted")
        assert before.isdisjoint(site.articles())
        assert set(states(home).values()) == {"done"}
        assert set(assert_kept(home, site)) >= set(large)
        if derive == "on":
            assert rows(home, "SELECT count(*) FROM document") == [(len(numbers),)]


def noise(number: int) -> bytes:
    """What cannot be made smaller, as a comment of a page."""
    import random

    return b"<!--" + random.Random(number).randbytes(60_000).hex().encode() + b"-->"


FAULTY = """
import os, sys
from pathlib import Path
from luutru.cli import main
from storage.errors import StorageError
from storage.index import captures, frontier

def failing(answer, error, after=2):
    def ask(*given, **named):
        nonlocal after
        after -= 1
        if after < 0:
            raise error
        return answer(*given, **named)
    return ask

if sys.argv[1] == "reading":
    frontier.waiting = failing(frontier.waiting, StorageError("the index cannot be read"))
else:
    captures.record = failing(captures.record, RuntimeError("a mistake of ours"))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("fault", "told"), [("reading", "the index cannot be read"), ("writing", "RuntimeError: a mistake of ours")]
)
def test_an_index_that_fails_in_mid_crawl_ends_it(home: Path, fault: str, told: str) -> None:
    (home.parent / "faulty.py").write_text(FAULTY)
    with NewsSite(20) as site:
        words = [fault, "--home", str(home), "crawl", "news", "--json", *site.connect_to]
        done = subprocess.run(
            [sys.executable, str(home.parent / "faulty.py"), *words], capture_output=True, text=True, timeout=PATIENCE
        )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("luutru: ")
    assert told in done.stderr
    assert outcomes(home) == ["failed"]


def test_a_lost_index_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(1) as site:
        crawl(home, site)
    for path in home.glob("index.db*"):
        path.unlink()
    ended = run(home, "stats")
    assert ended.status == 4
    assert "index.db is gone" in ended.line
    assert not (home / "index.db").exists()


def test_two_homes_never_share_an_index(tmp_path: Path) -> None:
    first, second = make_home(tmp_path / "first"), make_home(tmp_path / "second")
    index = second / "index.db"
    index.unlink()
    index.symlink_to(first / "index.db")
    ended = run(second, "stats")
    assert ended.status == 2
    assert f"is the index of the archive {first}" in ended.line

    index.unlink()
    index.hardlink_to(first / "index.db")
    assert "has a second name" in run(second, "stats").line

    index.unlink()
    (tmp_path / "fast").mkdir()
    (first / "index.db").rename(tmp_path / "fast" / "index.db")
    for home in first, second:
        (home / "index.db").symlink_to(tmp_path / "fast" / "index.db")
    assert [run(first, "stats").status for _ in range(2)] == [0, 0]
    assert f"is the index of the archive {first}" in run(second, "stats").line
