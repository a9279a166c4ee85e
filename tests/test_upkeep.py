"""Upkeep: the index is joined, counted, folded and checked while others write it; old logs go."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rows import filled
from sites_for_tests import run

from storage import upkeep
from storage.collection import Collection
from storage.index.dialects import dialect_of
from storage.index.upkeep import merge
from storage.locks import index_alone
from storage.upkeep import keep_up, remove_logs

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    collection = Collection.open(filled(tmp_path / "home"))
    yield collection
    collection.close()


def feed(collection: Collection, first: int, number: int) -> None:
    """Full text in a piece a transaction, as crawls write it; in no table: nothing here shows it."""
    for id_ in range(first, first + number):
        with collection.index.write() as connection:
            text = " ".join(f"từ{id_ * 31 + word}" for word in range(200))
            dialect_of(connection).add_to_fulltext(connection, [(id_, "Tiêu đề", None, text)])


def pieces(collection: Collection) -> int:
    with collection.index.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(DISTINCT segid) FROM version_folded_idx").scalar_one())


def test_full_text_is_joined_in_short_transactions(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    with collection.index.write() as connection:
        connection.exec_driver_sql("INSERT INTO version_folded(version_folded, rank) VALUES ('automerge', 0)")
        connection.exec_driver_sql("INSERT INTO version_folded(version_folded, rank) VALUES ('crisismerge', 1000)")
    feed(collection, 100, 200)
    before, rests = pieces(collection), list[float]()

    def rest(seconds: float) -> None:
        rests.append(seconds)
        with closing(sqlite3.connect(collection.index.path, timeout=0)) as other:  # it waits for nobody
            other.execute("UPDATE crawl SET errors = errors + 1")
            other.commit()

    monkeypatch.setattr("storage.index.upkeep._PAGES", 5)
    monkeypatch.setattr("storage.index.upkeep.sleep", rest)
    steps = merge(collection.index)
    assert (before > 50, pieces(collection) < 8, steps > 3) == (True, True, True)
    assert (len(rests), min(rests) > 0) == (steps, True)
    assert merge(collection.index) == 0
    with collection.index.read() as connection:
        found = connection.exec_driver_sql("SELECT rowid FROM version_folded('\"tu3100\"')").scalars().all()
    assert found == [100]


def test_it_is_told_what_was_done(collection: Collection) -> None:
    feed(collection, 100, 3)
    told = run(collection.home, "upkeep")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("full text joined in ")
    with collection.index.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'capture'").scalar_one() > 0
    done = keep_up(collection)
    assert (done.log, done.problems) == (0, ())
    assert (collection.home / "index.db-wal").stat().st_size == 0


def test_a_log_that_somebody_reads_stays(collection: Collection) -> None:
    with closing(sqlite3.connect(collection.home / "index.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM crawl").fetchone()
        feed(collection, 100, 3)
        with closing(sqlite3.connect(collection.home / "index.db", timeout=0)) as impatient:
            assert impatient.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0
        assert (collection.home / "index.db-wal").stat().st_size > 0
        reader.execute("COMMIT")
    assert keep_up(collection).log == 0


def test_a_damaged_index_is_told_of_and_left_alone(collection: Collection) -> None:
    home = collection.home
    feed(collection, 100, 50)
    keep_up(collection)
    with collection.index.read() as connection:
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'ix_capture_crawl'").scalar()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    collection.close()
    with (home / "index.db").open("r+b") as file:
        file.seek((int(page or 0) - 1) * size + 8)
        file.write(b"\xff" * 200)
    told = run(home, "upkeep")
    assert told.status in (1, 4)
    assert "luutru reindex" in told.out + told.err


def test_nobody_keeps_up_an_index_that_is_being_rebuilt(collection: Collection) -> None:
    with index_alone(collection.home):
        told = run(collection.home, "upkeep")
    assert (told.status, "being rebuilt" in told.line) == (3, True)


def test_old_logs_go_and_the_oldest_of_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def log(name: str, days: float, size: int = 10) -> Path:
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))
        return path

    old, kept = log("thst/old.log", 91), log("thst/kept.log", 89)
    assert sum(remove_logs(tmp_path, NOW)) == 10
    assert (old.exists(), kept.exists()) == (False, True)

    monkeypatch.setattr(upkeep, "_KEPT", 100)
    older, newer, huge = log("older.log", 5, 60), log("newer.log", 4, 60), log("today.log", 0, 90)
    assert list(remove_logs(tmp_path, NOW)) == [60, 60]
    assert [one.exists() for one in (older, newer, huge, kept)] == [False, False, True, True]
    assert list(remove_logs(tmp_path / "without", NOW)) == []
