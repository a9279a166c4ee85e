"""The framing reader: what each kind of answer is, and the same for every split of its bytes."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracle import CASES, EARLY, LIMIT, OK, Case, Then, frames

from crawler.framing import HEAD_LIMIT, ResponseReader, parse_head

SMALL = {name: case for name, case in CASES.items() if len(case.raw) < 50_000}


def read(case: Case, *blocks: bytes, limit: int = LIMIT) -> ResponseReader:
    reader = ResponseReader(case.method, limit)
    for block in blocks:
        reader.feed(block)
    if case.then is Then.CLOSE:
        reader.eof()
    elif not reader.done:
        reader.cut()
    return reader


def result(reader: ResponseReader) -> dict[str, Any]:
    names = ("status", "stored_head", "body", "complete", "over", "reason", "keep_alive", "interim", "extensions")
    return {name: getattr(reader, name) for name in (*names, "trailer", "surplus", "length_problem", "size", "started")}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    case = CASES[name]
    reader = read(case, case.raw)
    assert (reader.status, reader.stored_head, reader.body) == (case.status, case.head, case.body)
    assert (reader.complete and reader.head is not None) is not case.error
    assert reader.over is (case.truncated == "length")
    assert bool(reader.head and reader.reason) is ("framing" in case.names)
    assert bool(reader.length_problem) is ("content-length" in case.names)
    notes = dict(case.notes)
    assert reader.trailer == notes.get("trailer", b"")
    assert reader.surplus == notes.get("surplus", b"")
    assert reader.interim == [value for name, value in case.notes if name == "interim"]
    extensions = [b"%d %b" % extension for extension in reader.extensions]
    assert extensions == [value for name, value in case.notes if name == "chunk-extension"]


@pytest.mark.parametrize("name", SMALL)
def test_byte_by_byte(name: str) -> None:
    case = SMALL[name]
    whole = read(case, case.raw)
    assert result(read(case, *(case.raw[at : at + 1] for at in range(len(case.raw))))) == result(whole)


pieces = st.one_of(
    st.sampled_from([case.raw for case in SMALL.values() if len(case.raw) < 4000]),
    st.sampled_from([OK, b"\r\n", b"\n", EARLY, b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n"]),
    st.sampled_from([b"3\r\nabc\r\n", b"0\r\n", b"2;x\nok\n", b"a: b\r\n", b" fold\r\n", b"Connection: close\r\n"]),
    st.binary(max_size=20),
)


@given(
    data=st.lists(pieces, max_size=8).map(b"".join),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
    method=st.sampled_from(["GET", "HEAD", "CONNECT"]),
    limit=st.sampled_from([0, 1, 5, 1000]),
    then=st.sampled_from([Then.CLOSE, Then.RESET]),
)
@settings(max_examples=400)
@example(data=CASES["bad-chunk"].raw, cuts=[1, 60, 61, 62], method="GET", limit=5, then=Then.CLOSE)
def test_any_split_gives_the_same(data: bytes, cuts: list[int], method: str, limit: int, then: Then) -> None:
    case = Case((data,), method=method, then=then)
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    blocks = [data[a:b] for a, b in pairwise(places)]
    assert result(read(case, *blocks, limit=limit)) == result(read(case, data, limit=limit))


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), min_size=1), st.binary(max_size=9))
def test_chunks_give_the_body_back(body: bytes, sizes: list[int], surplus: bytes) -> None:
    reader = ResponseReader("GET")
    reader.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + frames(body, *sizes) + b"0\r\n\r\n" + surplus)
    assert (reader.complete, reader.body, reader.surplus) == (True, body, surplus)


@given(st.binary(max_size=200), st.integers(1, 200))
def test_the_limit_is_exact(body: bytes, limit: int) -> None:
    for head, sent in (
        (b"Content-Length: %d\r\n\r\n" % len(body), body),
        (b"Transfer-Encoding: chunked\r\n\r\n", frames(body, 7) + b"0\r\n\r\n"),
        (b"\r\n", body),
    ):
        reader = ResponseReader("GET", limit)
        reader.feed(OK + head + sent)
        assert reader.body == body[:limit]
        assert reader.over is (len(body) > limit)


def test_head_at_its_limit_and_over_it() -> None:
    for length, status in ((HEAD_LIMIT, 200), (HEAD_LIMIT + 1, None)):
        line = OK + b"X: "
        raw = line + b"x" * (length - len(line) - 4) + b"\r\n\r\n"
        for blocks in ([raw + b"body"], [raw[:1000], raw[1000:] + b"body"], [raw, b"body"]):
            reader = ResponseReader("GET")
            for block in blocks:
                reader.feed(block)
            reader.eof()
            assert reader.status == status
            assert reader.body == (b"body" if status else raw + b"body")


def test_endless_interim_heads_are_no_answer() -> None:
    reader = ResponseReader("GET", 1000)
    while not reader.done:
        reader.feed(EARLY * 100)
    assert (reader.status, reader.interim, reader.size) == (None, [], 1000)
    assert "longer than" in (reader.reason or "")


def test_chunk_extensions_out_of_proportion_are_not_read() -> None:
    reader = ResponseReader("GET", 10_000_000)
    raw = b"1;" + b"x" * 20_000 + b"\r\na\r\n"
    reader.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + raw * 20)
    reader.eof()
    assert reader.body == raw * 20
    assert "out of proportion" in (reader.reason or "")
    assert b"\r\nTransfer-Encoding: chunked" in reader.stored_head


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive, CLOSE\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nsurplus", False),
    ],
)
def test_keep_alive(head: bytes, kept: bool) -> None:
    reader = ResponseReader("GET")
    reader.feed(head)
    assert (reader.complete, reader.keep_alive) == (True, kept)


def test_only_lines_that_announce_chunking_are_renamed() -> None:
    raw = (
        OK
        + b"X: Transfer-Encoding: chunked\r\nTRANSFER-ENCODING: gzip\r\n chunky\r\n"
        + b"Transfer-encoding:\n\tCHUNKED\r\n\r\n"
    )
    head = parse_head(raw)
    assert head is not None
    assert head.without_chunking() == raw.replace(b"Transfer-encoding:\n", b"X-Crawler-Transfer-Encoding:\n")


def test_headers_for_scrapy() -> None:
    head = parse_head(OK + b" lost fold\r\nA: 1\r\nno colon\r\n lost too\r\n: no name\r\nb : 2\r\n\t3 \r\nA:\r\n\r\n")
    assert head is not None
    assert head.headers == ((b"A", b"1"), (b"b", b"2 3"), (b"A", b""))
    assert head.protocol == "HTTP/1.1"


def test_huge_numbers_are_not_lengths() -> None:
    reader = ResponseReader("GET")
    reader.feed(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nrest")
    reader.eof()
    assert (reader.complete, reader.body) == (True, b"rest")
    assert reader.length_problem is not None


def test_nothing_at_all() -> None:
    reader = ResponseReader("GET")
    reader.feed(b"")
    reader.eof()
    assert (reader.started, reader.complete, reader.body) == (False, False, b"")
