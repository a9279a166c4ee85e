"""Records read back: byte for byte, at their offset, and never half of one."""

import gzip
import os
import sys
import tempfile
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from exchanges import HEAD, INFO, PAGE, SILENT, UNKNOWN_PROTOCOL, page, writer
from hypothesis import example, given
from hypothesis import strategies as st

from storage.errors import BrokenRecord, StorageError
from storage.fields import Metadata, decode_metadata, encode_metadata
from storage.manifest import locate
from storage.model import Exchange, Original, RecordType, Truncated
from storage.records import (
    TooLarge,
    Undecodable,
    decoded,
    parse_head,
    read_payload,
    read_record,
    read_response,
    records,
)
from storage.warc import CaptureWriter

LINE = st.binary().map(lambda line: line.replace(b"\n", b"")).filter(lambda line: line not in (b"", b"\r"))
END = st.sampled_from([b"\n", b"\r\n"])
HEADS = st.builds(
    lambda lines, end: b"".join(line + eol for line, eol in lines) + end,
    st.lists(st.tuples(LINE, END), min_size=1),
    END,
)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in ("via", "hopsfromseed", "fetchtimems", "error")
)
EXCHANGES = st.builds(
    Exchange,
    url=st.just(PAGE.url),
    method=st.just("GET"),
    started=st.datetimes().map(lambda moment: moment.replace(tzinfo=PAGE.started.tzinfo)),
    elapsed=st.floats(0, 1000),
    request=st.binary(),
    status=st.sampled_from([None, 200, 304, 500]),
    head=HEADS,
    body=st.binary(),
    truncated=st.none() | st.sampled_from(Truncated),
    error=st.none() | st.text(min_size=1),
    via=st.none() | st.just("https://soctrang.example/"),
    hops=st.integers(0, 20),
    notes=st.lists(st.tuples(NAMES, st.binary())).map(tuple),
)


@given(EXCHANGES)
@example(replace(PAGE, head=b"HTTP/1.1 200 OK\nA: b\n\r\n", body=b"\n\n"))
def test_bytes_come_back(exchange: Exchange) -> None:
    with tempfile.TemporaryDirectory() as name, closing(CaptureWriter(Path(name), "s", "c", INFO)) as target:
        home = Path(name)
        capture = target.append(exchange)
        assert capture is not None
        response = read_response(home, capture.warc, capture.offset)
        _, answer, *sent, metadata = records(locate(home, target.current))
    assert (response.head, response.body) == (exchange.head, exchange.body)
    assert (response.url, response.date, response.truncated) == (exchange.url, exchange.started, exchange.truncated)
    assert answer.block == exchange.head + exchange.body
    assert [record.block for record in sent] == [exchange.request] * bool(exchange.request)
    assert (answer.offset, answer.length) == (capture.offset, capture.length)
    assert decode_metadata(metadata.block).notes == exchange.notes


@given(EXCHANGES)
def test_metadata_comes_back(exchange: Exchange) -> None:
    block = encode_metadata(exchange)
    assert all(0x20 <= byte < 0x7F for byte in block.replace(b"\r\n", b""))
    assert decode_metadata(block) == Metadata(
        via=exchange.via,
        hops=exchange.hops,
        fetch_ms=round(exchange.elapsed * 1000),
        notes=exchange.notes,
        error=exchange.error,
    )


def test_metadata_of_other_software() -> None:
    block = b"via: http://a.example/\r\nhopsFromSeed: RLE\r\nforce-fetch:\r\nfetchTimeMs: slow\r\n\r\n"
    assert decode_metadata(block) == Metadata(via="http://a.example/", hops=3, notes=(("force-fetch", b""),))


# One record


def test_response(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        capture = target.append(PAGE)
        assert capture is not None
        before = read_response(tmp_path, capture.warc, capture.offset)  # not sealed yet
    after = read_response(tmp_path, capture.warc, capture.offset)
    assert before == after
    assert (after.type, after.status, after.head, after.body) == (RecordType.RESPONSE, 200, HEAD, PAGE.body)
    assert after.headers[0] == ("server", "nginx")


def test_resource(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        capture = target.append(UNKNOWN_PROTOCOL)
    assert capture is not None
    response = read_payload(tmp_path, capture)
    assert (response.type, response.status, response.head, response.headers) == (RecordType.RESOURCE, None, b"", ())
    assert response.body == UNKNOWN_PROTOCOL.body


def test_large_body(tmp_path: Path) -> None:
    body = os.urandom(3_000_000) + bytes(3_000_000)
    with closing(writer(tmp_path)) as target:
        capture = target.append(replace(PAGE, body=body))
        following = target.append(page(1))
    assert capture is not None
    assert following is not None
    assert read_response(tmp_path, capture.warc, capture.offset).body == body
    assert [record.offset for record in records(tmp_path / capture.warc) if record.type == "response"] == [
        capture.offset,
        following.offset,
    ]


def test_revisit_shows_the_body_of_its_original(tmp_path: Path) -> None:
    again = replace(PAGE, head=b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", url="https://soctrang.example/b")
    with closing(writer(tmp_path)) as target:
        target.append(PAGE)
        capture = target.append(again)
    assert capture is not None
    response = read_payload(tmp_path, capture, capture.refers_to)
    assert (response.type, response.url, response.head, response.body) == (
        RecordType.REVISIT,
        again.url,
        again.head,
        PAGE.body,
    )
    assert response.truncated is None
    assert read_response(tmp_path, capture.warc, capture.offset).body == b""
    with pytest.raises(BrokenRecord, match="original is not known"):
        read_payload(tmp_path, capture)


def test_not_modified_shows_its_original(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        first = target.append(PAGE)
        assert first is not None
        original = Original(first.url, first.date, first.record_id, first.warc, first.offset)
        later = PAGE.started.replace(year=2027)
        exchange = replace(PAGE, status=304, head=b"HTTP/1.1 304 Not Modified\r\n\r\n", body=b"", started=later)
        capture = target.append(exchange, original)
    assert capture is not None
    response = read_payload(tmp_path, capture, capture.refers_to)
    assert (response.type, response.date, response.status) == (RecordType.REVISIT, later, 200)
    assert (response.head, response.body) == (HEAD, PAGE.body)


def test_record_that_is_no_capture(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        target.append(SILENT)
    _, request, _ = records(tmp_path / target.current)
    assert read_record(tmp_path, target.current, request.offset) == request
    with pytest.raises(BrokenRecord, match="request record is not a capture"):
        read_response(tmp_path, target.current, request.offset)


@pytest.mark.parametrize("offset", [1, 10**9])
def test_offset_that_is_none(tmp_path: Path, offset: int) -> None:
    with closing(writer(tmp_path)) as target:
        target.append(PAGE)
    with pytest.raises(BrokenRecord) as raised:
        read_record(tmp_path, target.current, offset)
    assert (raised.value.warc, raised.value.offset) == (target.current, offset)


def test_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is lost"):
        read_record(tmp_path, "warc/s/2026/x.warc.gz", 0)
    with pytest.raises(StorageError, match=r"x\.warc\.gz"):
        next(records(tmp_path / "x.warc.gz"))


def test_record_larger_than_memory_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(writer(tmp_path)) as target:
        capture = target.append(replace(PAGE, body=bytes(300_000)))
    assert capture is not None
    monkeypatch.setattr("storage.records._LARGEST", 300_000)
    with pytest.raises(TooLarge):
        read_record(tmp_path, capture.warc, capture.offset)


# Archives broken on purpose


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    with closing(writer(tmp_path)) as target:
        target.append(PAGE)
    return tmp_path / target.current


def whole_before(path: Path) -> tuple[int, int]:
    """How many records are whole, and where the first one lies that is not."""
    found = records(path)
    number = 0
    try:
        for _ in found:
            number += 1
    except BrokenRecord as error:
        return number, error.offset
    return number, path.stat().st_size


def test_torn_tail_at_every_byte(sound: Path) -> None:
    data = sound.read_bytes()
    last = list(records(sound))[-1]
    torn = sound.with_name("torn.warc.gz")
    for size in range(last.offset + 1, len(data)):
        torn.write_bytes(data[:size])
        assert whole_before(torn) == (3, last.offset), size
    assert whole_before(sound) == (4, len(data))


def test_flipped_bit(sound: Path) -> None:
    data = bytearray(sound.read_bytes())
    second = list(records(sound))[1]
    data[second.offset + second.length // 2] ^= 4
    sound.write_bytes(data)
    assert whole_before(sound) == (1, second.offset)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"hello\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: resource\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 2\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 4\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 9\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: many\r\n\r\nabc\r\n\r\n",
    ],
)
def test_member_that_is_no_record(tmp_path: Path, plain: bytes) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(plain))
    assert whole_before(path) == (0, 0)


def test_records_of_other_software(tmp_path: Path) -> None:
    """WARC/1.0, a date of seconds, an address in angle brackets, a reason for truncation that we never give."""
    plain = (
        b"WARC/1.0\r\nWARC-Type: response\r\n"
        b"WARC-Target-URI: <http://a.example/>\r\nWARC-Date: 2014-01-02T03:04:05Z\r\n"
        b"WARC-Truncated: unspecified\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: 21\r\n\r\n"
        b"HTTP/1.1 200 OK\n\nbody\r\n\r\n"
    )
    (tmp_path / "x.warc.gz").write_bytes(gzip.compress(plain))
    response = read_response(tmp_path, "x.warc.gz", 0)
    assert (response.url, response.date.isoformat()) == ("http://a.example/", "2014-01-02T03:04:05+00:00")
    assert (response.truncated, response.status, response.body) == (Truncated.UNSPECIFIED, 200, b"body")


# Heads


def test_head_is_read_leniently() -> None:
    head = b"HTTP/1.1 200 OK\nA:1\r\nno colon\r\nB: x\r\n  y\r\nb : \xc3\xb4\r\nC: \xe9\r\n\r\n"
    assert parse_head(head) == (("A", "1"), ("B", "x  y"), ("b", "ô"), ("C", "é"))
    assert parse_head(b"") == ()


# Content codings


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "identity": bytes,
    "utf-8": bytes,
}


def coded(*names: str) -> list[tuple[str, str]]:
    return [("Content-Type", "text/html"), *(("Content-ENCODING", name) for name in names)]


@given(st.binary(max_size=200_000), st.lists(st.sampled_from(sorted(PACK)), max_size=3))
def test_codings_are_undone_in_order(data: bytes, names: list[str]) -> None:
    body = data
    for name in names:
        body = PACK[name](body)
    if not names:
        assert decoded(coded(), body, 10**6) == data
    else:
        assert decoded(coded(", ".join(names)), body, 10**6) == decoded(coded(*names), body, 10**6)
        if not data.startswith(b"\x1f\x8b"):
            assert decoded(coded(*names), body, 10**6) == data


@pytest.mark.parametrize("name", ["gzip", "deflate", "Deflate"])
def test_limit_is_exact(name: str) -> None:
    data = b"a" * 100_000
    body = PACK[name](data)
    assert decoded(coded(name), body, 100_000) == data
    with pytest.raises(TooLarge, match="99999"):
        decoded(coded(name), body, 99_999)


def test_limit_holds_without_coding_and_between_codings() -> None:
    with pytest.raises(TooLarge):
        decoded([], b"abc", 2)
    with pytest.raises(TooLarge):
        decoded(coded("gzip, gzip"), gzip.compress(gzip.compress(os.urandom(5000))), 1000)


def test_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000), 1))
    with pytest.raises(TooLarge):
        decoded(coded("gzip, gzip"), bomb, 1_000_000)


@pytest.mark.parametrize("name", ["gzip", "deflate", "Deflate"])
def test_body_that_was_cut_gives_what_there_is(name: str) -> None:
    data = os.urandom(50_000).hex().encode()
    body = PACK[name](data)
    part = decoded(coded(name), body[: len(body) // 2], 10**6)
    assert len(part) > len(data) // 4
    assert data.startswith(part)


def test_gzip_members_follow_one_another() -> None:
    assert decoded(coded("gzip"), gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0", 10) == b"ab"
    large = os.urandom(30_000)
    assert decoded(coded("gzip"), gzip.compress(large) + gzip.compress(b"b") * 2000, 10**5) == large + b"b" * 2000


def test_plain_body_that_claims_gzip() -> None:
    assert decoded(coded("gzip"), b"<html>", 10) == b"<html>"
    assert decoded(coded("gzip"), b"", 10) == b""


def test_damaged_body() -> None:
    body = bytearray(gzip.compress(b"abc" * 1000))
    body[-5] ^= 1
    with pytest.raises(Undecodable):
        decoded(coded("gzip"), bytes(body), 10**6)
    with pytest.raises(Undecodable):
        decoded(coded("deflate"), b"<html><body>", 10**6)


def test_coding_that_nothing_here_can_undo() -> None:
    with pytest.raises(Undecodable, match="zstd"):
        decoded(coded("zstd"), b"(\xb5/\xfd", 10)


def test_brotli() -> None:
    pytest.importorskip("brotli")
    body = b"\x0b\x04\x80xin ch\xc3\xa0o\x03"
    assert decoded(coded("br"), body, 9).decode() == "xin chào"
    with pytest.raises(TooLarge):
        decoded(coded("br"), body, 8)
    with pytest.raises(Undecodable):
        decoded(coded("br"), b"<html>", 10)


def test_brotli_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(Undecodable, match="br"):
        decoded(coded("br"), b"", 10)
