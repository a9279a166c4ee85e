"""Backups, made while crawls run: what was acknowledged is in them, and an archive goes on from there."""

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from sites_for_tests import (
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
    run,
    sealed,
    states,
    until,
)

from storage.backup import Backup, back_up
from storage.errors import AlreadyRunning, StorageError, UsageError

CAPTURES = "SELECT c.url, c.date, f.name, c.offset FROM capture c JOIN file f ON f.id = c.file"
UNSETTLED = {"file-unsealed", "row-missing"}  # what a crawl that runs is about to settle


def captured(home: Path) -> set[tuple[object, ...]]:
    return set(rows(home, CAPTURES))


def paths(home: Path) -> set[str]:
    return {"/" + str(url).split("/", 3)[3] for url, *_ in captured(home)}


def problems(home: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(run(home, "verify", "--json").out)["problems"]
    return found


def restored(backup: Path, home: Path) -> Path:
    """As a person does it."""
    subprocess.run(["cp", "-a", str(backup), str(home)], check=True)
    return home


def test_a_backup_of_a_running_crawl_goes_on_elsewhere(tmp_path: Path) -> None:
    gate, backup = Event(), tmp_path / "backup"
    late = {f"/a/{number}": Reply(body=page(number), gate=gate) for number in (11, 12)}
    with NewsSite(12, late) as site:
        home = make_home(tmp_path / "home")
        with Crawling(home, site) as crawling:
            site.asked("/a/11")
            until(lambda: paths(home) >= {f"/a/{number}" for number in range(1, 11)}, "ten articles have rows")
            acknowledged = captured(home)
            done = run(home, "backup", str(backup), "--json")
            assert (done.status, done.err) == (0, "")
            told = json.loads(done.out)
            assert (told["files"], told["copied"], told["problems"]) == (1, 1, [])
            gate.set()
            assert crawling.end().status == 0  # nobody has disturbed it

        again = restored(backup, tmp_path / "again")
        assert acknowledged <= captured(again)
        assert outcomes(again) == ["running"]
        assert archived(again).keys() >= {"/a/1", "/a/10"}  # each row refers to bytes that were copied
        assert {one["kind"] for one in problems(again)} <= UNSETTLED
        checks = json.loads(run(again, "doctor", "--json").out)["checks"]
        assert {one["name"] for one in checks if not one["ok"]} == {"crawls", "files"}
        site.visits.clear()
        kept = in_files(again)
        ended = crawl(again, site)
        assert (ended.status, ended.crawl["outcome"]) == (0, "completed")
        assert sorted(site.articles()) == sorted({"/a/11", "/a/12"} - kept)
        assert acknowledged <= captured(again)
        assert set(states(again).values()) == {"done"}
        assert set(assert_kept(again, site)) >= {f"/a/{number}" for number in range(1, 13)}
        assert problems(again) == []
        assert sealed(again)

        told = json.loads(run(home, "backup", str(backup), "--json").out)  # the file is sealed now
        assert (told["files"], told["copied"]) == (1, 1)
        assert captured(backup) == captured(home)
        assert problems(backup) == []
        assert sealed(backup)
        told = json.loads(run(home, "backup", str(backup), "--json").out)
        assert (told["copied"], told["bytes"]) == (0, 0)


def test_backups_at_any_moment_of_a_crawl_are_whole(tmp_path: Path) -> None:
    """Files are sealed and begun all the time: whatever the backup meets, its rows refer to its bytes."""
    backup, met = tmp_path / "backup", set[str]()
    gates = [Event() for _ in range(12)]  # each backup opens one, so that the crawl does not end before they are made
    slow = {
        f"/a/{number}": Reply(body=page(number, size=3_000), latency=0.02, gate=gates[(number - 1) // 10])
        for number in range(1, 121)
    }
    with NewsSite(120, slow) as site:
        home = make_home(tmp_path / "home", WARC_MAXSIZE="12000")
        with Crawling(home, site) as crawling:
            until(lambda: (home / "index.db").exists() and captured(home), "the first capture")
            while crawling.process.poll() is None:
                acknowledged = captured(home)
                if gates:
                    gates.pop(0).set()
                told = back_up(home, backup)
                assert told.problems == ()
                assert acknowledged <= captured(backup)
                archived(backup)  # reads every capture at its place
                met |= {one.suffix for one in backup.glob("warc/*/*/*")}
            assert crawling.end().status == 0
        assert met == {".open", ".gz"}
        assert back_up(home, backup).problems == ()
    assert not list(backup.glob("warc/**/*.open"))
    assert captured(backup) == captured(home)
    assert problems(backup) == []
    assert sealed(backup)


def test_what_is_captured_while_files_are_copied_is_not_in_the_index_of_the_backup(tmp_path: Path) -> None:
    gate, backup = Event(), tmp_path / "backup"
    with NewsSite(6, {"/a/6": Reply(body=page(6), gate=gate)}) as site:
        home = make_home(tmp_path / "home")
        last = home / "warc" / "zzz" / "of-others.warc"
        last.parent.mkdir(parents=True)
        last.write_bytes(b"x" * 5_000)
        with Crawling(home, site) as crawling:
            site.asked("/a/6")
            others = {"/robots.txt", "/", *(f"/a/{number}" for number in range(1, 6))}
            until(lambda: paths(home) == others, "all others have rows")
            copying: list[int] = []

            def go_on(done: int, _total: int) -> None:
                copying.append(done)
                if len(copying) == 2:  # that of the crawl is copied, that of others is not
                    gate.set()
                    assert crawling.end().status == 0

            before = captured(home)
            back_up(home, backup, go_on)
    assert len(copying) == 2
    assert captured(backup) == before < captured(home)
    archived(backup)


@pytest.fixture(scope="module")
def lately(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive after two crawls."""
    home = make_home(tmp_path_factory.mktemp("crawled") / "home")
    with NewsSite(2) as site:
        assert crawl(home, site).status == 0
        assert crawl(home, site, "--full").status == 0
    return home


@pytest.fixture
def home(lately: Path, tmp_path: Path) -> Path:
    shutil.copytree(lately, tmp_path / "home")
    return tmp_path / "home"


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "index.db")) as connection, connection:
        connection.execute(statement)


def warcs(home: Path) -> list[Path]:
    return sorted((home / "warc").glob("*/*/*"))


def test_the_configuration_is_for_its_owner_alone_and_site_files_follow(home: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    (home / "spiders" / "old.py").write_text("SITE = 1")
    back_up(home, backup)
    assert (backup / "luutru.toml").read_text() == (home / "luutru.toml").read_text()
    assert (backup / "luutru.toml").stat().st_mode & 0o777 == 0o600
    assert backup.stat().st_mode & 0o777 == 0o700
    (home / "spiders" / "old.py").unlink()
    back_up(home, backup)
    assert {one.name for one in (backup / "spiders").iterdir()} == {"news.py"}
    assert {one.name for one in backup.iterdir()} == {
        *("backup.json", "index.db", "luutru.toml", "manifest-sha256.txt", "spiders", "warc")
    }


def test_a_damaged_file_does_not_replace_its_copy(home: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(home, backup)
    first, second = warcs(home)
    good = (backup / first.relative_to(home)).read_bytes()
    first.write_bytes(good[:-100])
    (problem,) = back_up(home, backup).problems
    assert problem.file == first.relative_to(home).as_posix()
    assert "keeps its earlier copy" in problem.detail
    assert (backup / problem.file).read_bytes() == good
    second.unlink()
    lost = back_up(home, backup).problems[0]
    assert (lost.file, "copy it back from the backup" in lost.detail) == (second.relative_to(home).as_posix(), True)
    assert problems(backup) == []

    told = back_up(home, tmp_path / "other")
    assert ["copied as it is" in one.detail for one in told.problems] == [False, True]
    assert "has not got it either" in told.problems[0].detail


def test_what_a_dead_crawl_left_is_copied_to_its_last_whole_record(home: Path, tmp_path: Path) -> None:
    left = warcs(home)[1]
    torn = left.with_name(left.name + ".open")
    torn.write_bytes(left.read_bytes() + left.read_bytes()[:300])
    whole = left.stat().st_size
    left.unlink()
    change(home, f"UPDATE file SET sha256 = NULL, bytes = NULL WHERE name LIKE '%{left.name}'")
    assert back_up(home, tmp_path / "backup").problems == ()
    copy = tmp_path / "backup" / torn.relative_to(home)
    assert copy.stat().st_size == whole


def test_an_interrupted_backup_leaves_the_earlier_one_whole_and_goes_on(home: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(home, backup)
    before = captured(backup)
    with NewsSite(4) as site:
        assert crawl(home, site, "--full").status == 0

    class PulledPlug(Exception):
        pass

    def pull(*_: int) -> None:
        raise PulledPlug

    with pytest.raises(PulledPlug):
        back_up(home, backup, pull)
    assert captured(restored(backup, tmp_path / "again")) == before
    assert problems(tmp_path / "again") == []
    back_up(home, backup)
    assert captured(backup) == captured(home)
    assert problems(backup) == []
    assert not (backup / "copying").exists()


def test_a_place_that_is_none_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "thesis.doc").touch()
    (tmp_path / "file").touch()
    other = make_home(tmp_path / "other")
    back_up(other, tmp_path / "theirs")
    for place, reason in {
        home: "lie in each other",
        home / "backup": "lie in each other",
        tmp_path: "lie in each other",
        tmp_path / "things": "holds other things",
        tmp_path / "file": "is a file",
        other: "holds other things",
        tmp_path / "theirs": f"is the backup of {other}",
    }.items():
        with pytest.raises(UsageError, match=reason):
            back_up(home, place)
    assert not (home / "backup").exists()
    done = run(tmp_path / "mistyped", "backup", str(tmp_path / "new"))
    assert (done.status, "--home" in done.line) == (2, True)
    assert not (tmp_path / "mistyped").exists()
    assert not (tmp_path / "new").exists()
    done = run(home, "backup", str(tmp_path / "things"))
    assert (done.status, done.out) == (2, "")
    assert "name an empty directory" in done.line


def test_one_backup_at_a_time(home: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    back_up(home, backup)
    descriptor = os.open(backup, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(AlreadyRunning, match="wait"):
        back_up(home, backup)
    os.close(descriptor)


def test_a_backup_that_cannot_be_written_is_a_storage_failure(home: Path) -> None:
    with pytest.raises(StorageError):
        back_up(home, Path("/proc/backup"))


def test_an_archive_of_nothing_has_a_backup_too(tmp_path: Path) -> None:
    assert run(tmp_path / "home", "init").status == 0
    told = back_up(tmp_path / "home", tmp_path / "backup")
    assert told == Backup(tmp_path / "backup", 0, 0, 0, ())
    assert run(tmp_path / "backup", "stats").status == 0


def test_a_restored_archive_is_well(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    again = restored(tmp_path / "backup", tmp_path / "again")
    assert {one.name for one in again.iterdir() if one.name.startswith("index.db")} == {"index.db"}
    done = run(again, "doctor")
    assert (done.status, done.err) == (0, ""), done.out
    assert problems(again) == []


def test_without_an_index_the_files_are_copied_and_it_is_said(home: Path, tmp_path: Path) -> None:
    (home / "index.db").unlink()
    told = back_up(home, tmp_path / "backup")
    assert (told.files, told.copied) == (2, 2)
    assert "luutru reindex" in told.problems[0].detail


def test_it_is_made_of_an_index_of_an_older_schema_without_upgrading_it(home: Path, tmp_path: Path) -> None:
    change(home, "UPDATE alembic_version SET version_num = '0009'")
    done = subprocess.run(
        command(home, "backup", str(tmp_path / "backup")), capture_output=True, env=environment(), text=True, check=True
    )
    assert rows(home, "SELECT * FROM alembic_version") == rows(tmp_path / "backup", "SELECT * FROM alembic_version")
    assert "2 WARC files, 2 of them copied now" in done.stdout
