"""The window over the frontier table: each address is handed out once, pages are limited, news wakes."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.scheduler import Frontier
from storage.index import frontier, revisits
from storage.index.engine import Index
from storage.index.frontier import State, Visited
from storage.model import Found, Kind
from storage.moments import now, written

SITE = "thst"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index.db")
    yield opened
    opened.close()


def _find(index: Index, *names: str, kind: Kind = Kind.ARTICLE) -> None:
    with index.write() as connection:
        frontier.discover(connection, SITE, [Found(f"https://thst.vn/t/{name}", kind, 20, 1, None) for name in names])


def _visit(index: Index, id_: int, state: State, due: str) -> None:
    with index.write() as connection:
        frontier.visit(connection, "c", [Visited(id_, state, 1, due)])


def _names(handed: Frontier) -> list[str]:
    names = []
    while (one := handed.take()) is not None:
        names.append(one.url.rpartition("/")[2])
    return names


def test_each_address_is_handed_out_once(index: Index) -> None:
    _find(index, *(f"{number:03}" for number in range(450)))
    handed = Frontier(index, SITE)
    assert _names(handed) == [f"{number:03}" for number in range(450)]
    handed.wake()
    assert _names(handed) == []


def test_lower_priority_comes_later(index: Index) -> None:
    with index.write() as connection:
        frontier.discover(connection, SITE, [Found("https://thst.vn/a.css", Kind.REQUISITE, 40, 1, None)])
    _find(index, "a")
    assert _names(Frontier(index, SITE)) == ["a", "a.css"]


def test_after_the_last_page_only_what_pages_need(index: Index) -> None:
    _find(index, *(f"{number:03}" for number in range(300)))
    _find(index, "a.css", "b.css", kind=Kind.REQUISITE)
    assert _names(Frontier(index, SITE, max_pages=2)) == ["000", "001", "a.css", "b.css"]


def test_a_closed_frontier_hands_out_nothing(index: Index) -> None:
    _find(index, "a")
    handed = Frontier(index, SITE)
    handed.close()
    assert handed.take() is None


def test_starts_ends_when_nothing_waits_and_nothing_is_on_the_wire(index: Index) -> None:
    async def run() -> list[str]:
        _find(index, "a")
        handed = Frontier(index, SITE)
        names = []
        async for one in handed.starts(lambda: True):
            names.append(one.url.rpartition("/")[2])
            if one.url.endswith("/a"):
                _find(index, "b")  # found on a, known before a is done
            _visit(index, one.id, State.DONE, now())
            handed.release(one.id)
            handed.wake()
        return names

    assert asyncio.run(asyncio.wait_for(run(), 60)) == ["a", "b"]


def test_an_address_that_failed_comes_again_when_it_is_due(index: Index) -> None:
    async def run() -> int:
        _find(index, "a")
        handed = Frontier(index, SITE)
        times = 0
        async for one in handed.starts(lambda: True):
            times += 1
            soon = written(datetime.now(UTC) + timedelta(milliseconds=100))
            _visit(index, one.id, State.WAITING if times < 3 else State.FAILED, soon)
            handed.release(one.id)
            handed.wake()
        return times

    assert asyncio.run(asyncio.wait_for(run(), 60)) == 3


def test_known_addresses_wait_again_when_they_are_due(index: Index) -> None:
    _find(index, "a", "b", "c")
    moment = now()
    later = written(datetime.now(UTC) + timedelta(days=30))
    for id_, state, due in ((1, State.DONE, moment), (2, State.DONE, later), (3, State.SKIPPED, moment)):
        _visit(index, id_, state, due)
    with index.write() as connection:
        assert [revisits.wake(connection, SITE, now()) for _ in range(2)] == [1, 0]
    assert _names(Frontier(index, SITE)) == ["a"]
