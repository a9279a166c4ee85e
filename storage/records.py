"""Records, read back from WARC files (WARC 1.1): one at its offset, or all of a file in order.

Every record must be one gzip member, or stand as it is, as some others write it; what is not whole is a BrokenRecord.
A member's checksum is always checked, digests are not.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Protocol

from isal import igzip_lib
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParser

from storage.coding import TooLarge, Undecodable, decoded, inflate
from storage.disk import telling
from storage.errors import BrokenRecord
from storage.manifest import locate
from storage.model import RecordType, Truncated
from storage.moments import parsed

__all__ = [
    "Record",
    "StoredResponse",
    "TooLarge",
    "Undecodable",
    "decoded",
    "opened",
    "parse_head",
    "read_payload",
    "read_record",
    "read_response",
    "record_at",
    "records",
    "response_in",
]

Headers = tuple[tuple[str, str], ...]

_REASONS = {reason.value: reason for reason in Truncated}
_LARGEST = 1 << 30  # bytes of one record, unpacked
_CHUNK = 1 << 15
_LOADER = ArcWarcRecordLoader()
_HEADS = StatusAndHeadersParser([], verify=False)
_HEAD_END = re.compile(rb"\n\r?\n")
_PLAIN = b"WARC/"
_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")
_STATUS = re.compile(rb"[^ \t\r\n]+[ \t]+(\d{3})(?!\d)")


class Place(Protocol):
    """Where a record lies: a capture, or the original of one."""

    @property
    def warc(self) -> str: ...
    @property
    def offset(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Record:
    """One WARC record: where it lies, its header lines in order, its block."""

    offset: int
    length: int  # bytes of its gzip member
    headers: Headers
    block: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def type(self) -> str | None:
        """WARC-Type."""
        return self.header("WARC-Type")


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A captured answer, as it is stored: `head` byte for byte, `body` still content-encoded, `headers` read leniently.

    A resource has no head; a revisit has no body until `read_payload` gives it that of its original.
    """

    url: str
    date: datetime
    type: RecordType
    status: int | None
    head: bytes
    headers: Headers
    body: bytes
    truncated: Truncated | None

    @property
    def content_type(self) -> str | None:
        """The value of the first Content-Type line."""
        return next((value for name, value in self.headers if name.lower() == "content-type"), None)


def read_record(home: Path, warc: str, offset: int) -> Record:
    """The record at an offset of a file, sealed or not; raises BrokenRecord, StorageError, TooLarge."""
    with opened(home, warc) as descriptor:
        return record_at(descriptor, warc, offset)


@contextmanager
def opened(home: Path, warc: str) -> Iterator[int]:
    """The descriptor of a file, sealed or not, for `record_at`; raises StorageError."""
    descriptor = _open(home, warc)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def stored_bytes(home: Path, warc: str, offset: int, length: int) -> Iterator[bytes]:
    """The bytes of a record as they lie in its file, which is opened at once; raises StorageError, BrokenRecord."""
    descriptor = _open(home, warc)

    def pieces() -> Iterator[bytes]:
        try:
            at, end = offset, offset + length
            while at < end:
                piece = os.pread(descriptor, min(_CHUNK, end - at), at)
                if not piece:
                    raise BrokenRecord(warc, offset, "cut off")
                at += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    return pieces()


def read_response(home: Path, warc: str, offset: int) -> StoredResponse:
    """The response, revisit or resource record at an offset; raises as `read_record` does."""
    record = read_record(home, warc, offset)
    try:
        return response_in(record)
    except ValueError as error:
        raise BrokenRecord(warc, offset, f"{record.type or 'untyped'} record is not a capture: {error}") from error


def read_payload(home: Path, capture: Place, original: Place | None = None) -> StoredResponse:
    """What a capture shows: its own response, a revisit with the body of its original.

    Where the server answered 304, status and headers are the original's as well: they say how its body is encoded.
    """
    response = read_response(home, capture.warc, capture.offset)
    if response.type is not RecordType.REVISIT:
        return _unchunked(response)
    if original is None:
        raise BrokenRecord(capture.warc, capture.offset, "a revisit whose original is not known")
    repeated = _unchunked(read_response(home, original.warc, original.offset))
    if response.status == 304:
        return replace(repeated, url=response.url, date=response.date, type=response.type)
    return replace(response, body=repeated.body)


def _unchunked(response: StoredResponse) -> StoredResponse:
    """Without the chunks that others store as they came; what cannot be read so stays as it is."""
    if not any(name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in response.headers):
        return response
    pieces, at = list[bytes](), 0
    while line := _CHUNK_SIZE.match(response.body, at):
        size = int(line[1], 16)
        if size == 0:
            return replace(response, body=b"".join(pieces))
        at = line.end() + size
        pieces.append(response.body[line.end() : at])
        if response.body[at : at + 2] != b"\r\n":
            break
        at += 2
    return response


def records(path: Path, start: int = 0) -> Iterator[Record]:
    """The records of a file from an offset on; raises BrokenRecord where the first one stands that is not whole."""
    with telling(path):
        descriptor = os.open(path, os.O_RDONLY)
    try:
        offset, end = start, os.fstat(descriptor).st_size
        while offset < end:
            record = record_at(descriptor, str(path), offset)
            yield record
            offset += record.length
    finally:
        os.close(descriptor)


def parse_head(head: bytes) -> Headers:
    """The header lines of an HTTP head, read leniently: bare line feeds, folds, lines without colon left out."""
    return tuple(_HEADS.parse(BytesIO(head)).headers) if head else ()


def _open(home: Path, warc: str) -> int:
    with telling(home / warc):
        try:
            return os.open(locate(home, warc), os.O_RDONLY)
        except FileNotFoundError:  # sealed since
            return os.open(locate(home, warc), os.O_RDONLY)


def record_at(descriptor: int, warc: str, offset: int) -> Record:
    """The record at an offset of an open file; raises BrokenRecord, StorageError, TooLarge."""
    with telling(Path(warc)):
        is_plain = os.pread(descriptor, len(_PLAIN), offset) == _PLAIN
    member, length = (_plain if is_plain else _member)(descriptor, warc, offset)
    stream = BytesIO(member)
    try:
        parsed = _LOADER.parse_record_stream(stream, known_format="warc", no_record_parse=True)
    except (ArchiveLoadFailed, EOFError) as error:
        raise BrokenRecord(warc, offset, "not a WARC record") from error
    block = parsed.raw_stream.read()
    if stream.read() != b"\r\n\r\n":
        raise BrokenRecord(warc, offset, "Content-Length is not the length of the block")
    return Record(offset, length, tuple(parsed.rec_headers.headers), block)


def _plain(descriptor: int, warc: str, offset: int) -> tuple[bytes, int]:
    """A record that is no gzip member, in files of other software."""
    with telling(Path(warc)):
        head = os.pread(descriptor, _CHUNK, offset)
        end, announced = head.find(b"\r\n\r\n"), _LENGTH.search(head)
        if end < 0 or announced is None or announced.start() > end:
            raise BrokenRecord(warc, offset, "not a WARC record")
        length = end + 4 + int(announced[1]) + 4
        if length > _LARGEST:
            raise TooLarge(_LARGEST)
        record = os.pread(descriptor, length, offset)
    if len(record) < length:
        raise BrokenRecord(warc, offset, "cut off")
    return record, length


def _member(descriptor: int, warc: str, offset: int) -> tuple[bytes, int]:
    """A gzip member unpacked, and its length in the file."""
    position = offset

    def pieces() -> Iterator[bytes]:
        nonlocal position
        while piece := os.pread(descriptor, _CHUNK, position):
            position += len(piece)
            yield piece

    try:
        with telling(Path(warc)):
            member, rest, whole = inflate(pieces(), igzip_lib.DECOMP_GZIP, _LARGEST)
    except Undecodable as error:
        raise BrokenRecord(warc, offset, f"not a gzip member: {error}") from error
    if not whole:
        raise BrokenRecord(warc, offset, "cut off" if position > offset else "behind the end of the file")
    return member, position - len(rest) - offset


def response_in(record: Record) -> StoredResponse:
    """What a response, revisit or resource record holds; raises ValueError for any other."""
    kind = RecordType(record.type or "")
    is_http = (record.header("Content-Type") or "").lower().startswith("application/http")
    head, body = _split(record.block) if is_http else (b"", record.block)
    status = _STATUS.match(head)
    return StoredResponse(
        url=record.header("WARC-Target-URI") or "",
        date=parsed(record.header("WARC-Date") or ""),
        type=kind,
        status=int(status[1]) if status else None,
        head=head,
        headers=parse_head(head),
        body=body,
        truncated=None if kind is RecordType.REVISIT else _truncated(record.header("WARC-Truncated")),
    )


def _split(block: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_END.search(block)
    return (block[: end.end()], block[end.end() :]) if end else (block, b"")


def _truncated(reason: str | None) -> Truncated | None:
    return _REASONS.get(reason.lower(), Truncated.UNSPECIFIED) if reason else None
