"""A page is made once for all who ask for it, and never shown when the index says something else."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from index_fixtures import add_document
from rows import filled
from serving import Served, serving
from sqlalchemy import Engine, event
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from luutru import deciding
from luutru.kept import TAG, Kept
from storage.collection import Collection


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Served]:
    with serving(filled(tmp_path)) as served:
        yield served


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the index is asked meanwhile."""
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/", "/en/", "/search?q=do+thi", "/en/search?q=do+thi"])
def test_a_page_that_is_asked_again_is_not_made_again(room: Served, path: str) -> None:
    first = room.get(path)
    counts = []
    for _ in range(2):  # a minute may end between two of the three, not between both
        with statements() as asked:
            again = room.get(path)
        counts.append(len(asked))
        assert (again.status_code, again.text) == (200, first.text)
        assert {**again.headers, "date": ""} == {**first.headers, "date": ""}
    assert min(counts) == 0


def test_it_is_made_again_once_the_index_says_something_else(room: Served) -> None:
    assert "<mark>toanh</mark>" not in room.get("/search?q=toanh").text
    with closing(Collection.open(room.home)) as collection:
        with collection.index.write() as connection:
            add_document(connection, "mới toanh")
        assert "<mark>toanh</mark>" in room.get("/search?q=toanh").text
        (hit,) = room.json("/search.json?q=toanh")["hits"]
        deciding.withhold(collection, hit["document"], "Quyết định 12", "an")
        assert hit["document"] not in room.get("/search?q=toanh").text


def asking(tag: str | None, host: str = "localhost") -> Request:
    headers = [(b"host", host.encode())]
    return Request({"type": "http", "scheme": "http", "path": "/", "query_string": b"", "headers": headers, TAG: tag})


def test_what_is_kept_has_a_tag_a_host_a_minute_and_an_end() -> None:
    moment, made = [0.0], []

    def make(text: str, status: int = 200) -> Response:
        made.append(text)
        return HTMLResponse(text, status)

    kept = Kept(most=10, clock=lambda: moment[0])

    def page(request: Request, text: str, status: int = 200) -> bytes:
        return bytes(kept.page(request, lambda: make(text, status)).body)

    assert [page(asking("a"), text) for text in ("một", "hai")] == ["một".encode()] * 2
    assert page(asking("a", "archive.example.org"), "ba") == b"ba"
    assert page(asking(None), "x") + page(asking(None), "y") == b"xy"
    assert page(asking("lỗi"), "x", 503) + page(asking("lỗi"), "y") == b"xy"
    moment[0] = 60.0
    assert page(asking("a"), "bốn") == "bốn".encode()
    assert page(asking("b"), "0123456789") == b"0123456789"  # all that there is room for
    assert page(asking("a"), "năm") == "năm".encode()
    assert page(asking("c"), "longer than all") == b"longer than all"
    assert page(asking("a"), "sáu") == "năm".encode()  # what is too long takes nobody's place
