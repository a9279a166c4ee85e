"""The benchmark of the reading room, on a small archive."""

import asyncio
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import holdings
import pytest
import reading

from storage.collection import Collection
from storage.index.search import search
from storage.query import parse

DOCUMENTS = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("reading") / "home"
    holdings.make(home, DOCUMENTS)
    return home


def test_the_archive_is_one_that_can_be_read_and_proved(home: Path) -> None:
    with closing(Collection.open(home)) as collection, collection.index.read() as connection:
        assert search(connection, parse("")).total == DOCUMENTS
        assert search(connection, parse(holdings.COMMON)).total > DOCUMENTS / 2
        assert search(connection, parse(f'"{holdings.RARE}"')).total == 1
        assert search(connection, parse("has:changes")).total > 0
        assert search(connection, parse("has:attachment")).total > 0


def test_it_is_the_same_each_time_and_not_made_twice(home: Path, tmp_path: Path) -> None:
    before = (home / "index.db").stat().st_mtime_ns
    holdings.make(home, DOCUMENTS)
    assert (home / "index.db").stat().st_mtime_ns == before
    holdings.make(tmp_path / "other", 10)

    def texts(path: Path) -> list[tuple[str]]:
        with closing(sqlite3.connect(path / "index.db")) as connection:
            return connection.execute("SELECT text FROM version WHERE document <= 10 ORDER BY id").fetchall()

    assert texts(tmp_path / "other")[:5] == texts(home)[:5]


def test_readers_ask_for_everything_that_is_measured(home: Path) -> None:
    with reading.serving(home, anew=False) as (url, process), reading.written(home) as texts:
        found = asyncio.run(reading.read(url, DOCUMENTS, texts, 0.1, 80, process))
        assert found.memory[-1] > 0
    asked = {kind for kind, times in found.times.items() if times}
    assert asked == set(reading.TARGETS)
    assert all(time > 0 for times in found.times.values() for time in times)


def test_each_reader_asks_for_all_kinds_in_turn() -> None:
    asked = [kind for kind, _ in islice(reading.requests(DOCUMENTS, lambda _: "một hai ba bốn năm sáu", 3), 10)]
    assert asked[:5] == asked[5:]
    assert set(asked) == set(reading.TARGETS)


def test_a_rare_phrase_stands_in_a_text(home: Path) -> None:
    with reading.written(home) as texts, closing(Collection.open(home)) as collection:
        asked = [path for kind, path in islice(reading.requests(DOCUMENTS, texts, 1), 50) if kind == "rare phrase"]
        phrases = [parse_qs(urlsplit(path).query)["q"][0] for path in asked]
        with collection.index.read() as connection:
            assert all(0 < search(connection, parse(phrase)).total < DOCUMENTS / 2 for phrase in phrases)
    assert len(set(phrases)) == len(phrases) == 10


@pytest.mark.parametrize(("share", "expected"), [(50, 10), (95, 19), (100, 20), (1, 1)])
def test_percentiles_are_values_that_were_measured(share: int, expected: float) -> None:
    assert reading.percentile([float(one) for one in range(20, 0, -1)], share) == expected
