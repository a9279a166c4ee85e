"""A WARC file, read once from its beginning to its end in bounded memory: what each record is, and whether it holds.

Every gzip member must be one record. Where one is not whole, reading goes on with the next that is found.
"""

import hashlib
import os
import re
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from isal import igzip_lib

from storage.coding import Undecodable, unpack

_WINDOW = 1 << 20  # bytes of the file in memory
_PIECE = 1 << 14  # of them unpacked at once: what follows a member is copied with its last piece
_FIRST = 1 << 20  # unpacked bytes of a record in memory: its header, and the heads and notes in its block
_ENDLESS = 1 << 62
_MAGIC = b"\x1f\x8b\x08"
_HEAD_END = re.compile(rb"\n\r?\n")
_TO_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ2345670189", "0123456789abcdefghijklmnopqrstuv----")
_ALGORITHMS = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})


@dataclass(frozen=True, slots=True)
class Broken:
    """A place where no whole record is; `end` is where the next one begins, or the end of the file."""

    offset: int
    end: int
    wrong: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """One record: its header lines by lower-case name (the first of each), and what its bytes came to.

    `head` is the HTTP head in its block; `beginning` the block, or as much of it as is kept in memory. The other
    fields say what contradicts the record's own header, None where nothing does.
    """

    offset: int
    length: int  # bytes of its gzip member
    headers: dict[str, str]
    head: bytes
    beginning: bytes
    payload_length: int
    wrong_record: str | None
    wrong_block: str | None
    wrong_payload: str | None

    @property
    def type(self) -> str:
        """WARC-Type."""
        return self.headers.get("warc-type", "")

    @property
    def record_id(self) -> str:
        """WARC-Record-ID without what is around the identifier itself."""
        return plain_id(self.headers.get("warc-record-id", ""))


def plain_id(urn: str) -> str:
    """An identifier as the index keeps it."""
    return urn.strip("<>").removeprefix("urn:uuid:")


class Scan:
    """A file that is being read; its `records` once, in order, then its `sha256` and `size`. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._window = b""
        self._start = 0  # of the window
        self._hashed = 0
        self._digest = hashlib.sha256()
        self._end = 0  # of the member that was read last
        self._descriptor = os.open(path, os.O_RDONLY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.close(self._descriptor)

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._hashed

    def records(self) -> Iterator[Scanned | Broken]:
        """Every record, and every place where one should be and is not whole."""
        offset = 0
        while self._piece(offset):
            found = self._one(offset)
            yield found
            offset = found.end if isinstance(found, Broken) else self._end

    def sha256(self) -> str:
        """The SHA-256 of the whole file, in hexadecimal; reads what has not been read."""
        while self._piece(self._hashed):
            pass
        return self._digest.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the file, known once its SHA-256 is."""
        return self._hashed

    def _piece(self, position: int) -> bytes:
        """Some bytes of the file; none at its end."""
        at = position - self._start
        if not 0 <= at < len(self._window):
            self._load(position)
            at = 0
        return self._window[at : at + _PIECE]

    def _load(self, position: int) -> None:
        self._window = os.pread(self._descriptor, _WINDOW, position)
        self._start = position
        new = memoryview(self._window)[max(self._hashed - position, 0) :]
        self._digest.update(new)
        self._hashed += len(new)

    def _one(self, offset: int) -> Scanned | Broken:
        try:
            return self._record(offset, self._unpacked(offset))
        except (Undecodable, EOFError) as error:
            return Broken(offset, self._next(offset + 1), str(error))

    def _record(self, offset: int, parts: Iterator[bytes]) -> Scanned | Broken:
        first = _first(parts)
        end = first.find(b"\r\n\r\n")
        headers = _headers(first[:end]) if end > 0 and first.startswith(b"WARC/") else {}
        announced = headers.get("content-length", "")
        if not announced.isascii() or not announced.isdigit():
            for _ in parts:  # to the checksum
                pass
            return Broken(offset, self._end, "a gzip member that is not a WARC record")
        block = _Block(headers, first[end + 4 :], int(announced))
        for part in parts:
            block.add(part)
        wrong = block.wrong()
        return Scanned(
            offset=offset,
            length=self._end - offset,
            headers=headers,
            head=block.head,
            beginning=block.beginning,
            payload_length=block.size - len(block.head),
            wrong_record=wrong,
            wrong_block=None if wrong else block.block_digest.wrong("WARC-Block-Digest"),
            wrong_payload=None if wrong else block.payload_digest.wrong("WARC-Payload-Digest"),
        )

    def _unpacked(self, offset: int) -> Iterator[bytes]:
        """What the member at an offset holds, in parts; raises Undecodable, EOFError."""
        stream = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)
        position = offset
        try:
            while not stream.eof:
                piece = self._piece(position)
                if not piece:
                    raise EOFError("the file ends within a gzip member")
                position += len(piece)
                yield from unpack(stream, piece, _ENDLESS)
        except Undecodable as error:
            raise Undecodable(f"not a whole gzip member: {error}") from error
        self._end = position - len(stream.unused_data)

    def _next(self, position: int) -> int:
        """Where the next record begins, at `position` or behind it; else the end of the file."""
        while piece := self._piece(position):
            more = self._piece(position + len(piece))[: len(_MAGIC) - 1]
            at = (piece + more).find(_MAGIC)
            if at < 0:
                position += len(piece)
            elif self._begins(position + at):
                return position + at
            else:
                position += at + 1
        return position

    def _begins(self, offset: int) -> bool:
        try:
            return next(self._unpacked(offset)).startswith(b"WARC/")
        except (Undecodable, EOFError, StopIteration):
            return False


def _first(parts: Iterator[bytes]) -> bytes:
    """The first parts, joined: all of them, or as many as are kept in memory."""
    taken, size = [], 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size >= _FIRST:
            break
    return taken[0] if len(taken) == 1 else b"".join(taken)


def _headers(text: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.lower(), value.strip())
    return headers


class _Declared:
    """A digest that a header declares, and what it comes to; nothing is said of algorithms that are not known here."""

    def __init__(self, declared: str | None) -> None:
        self.declared = declared or ""
        algorithm = self.declared.partition(":")[0].lower().replace("-", "")
        self._digest = hashlib.new(algorithm, usedforsecurity=False) if algorithm in _ALGORITHMS else None

    def update(self, piece: memoryview) -> None:
        if self._digest:
            self._digest.update(piece)

    def wrong(self, name: str) -> str | None:
        """How the header of this name contradicts the bytes."""
        if self._digest is None:
            return None
        value = self.declared.partition(":")[2].strip()
        raw = self._digest.digest()
        if value.lower() == raw.hex() or _is_base32(value, raw):
            return None
        return f"{name} is {self.declared}, its bytes give {b32encode(raw).decode()}"


def _is_base32(value: str, raw: bytes) -> bool:
    """Whether the text is the bytes in base 32; Python's own functions for it take longer than the digest."""
    digits = value.rstrip("=").upper().translate(_TO_DIGITS)
    surplus = 5 * len(digits) - 8 * len(raw)
    if not 0 <= surplus < 5 or not digits.isalnum() or not digits.isascii():
        return False
    return int(digits, 32) == int.from_bytes(raw, "big") << surplus


class _Block:
    """The block of a record, as it comes."""

    def __init__(self, headers: dict[str, str], first: bytes, announced: int) -> None:
        self._announced = announced
        self._left = announced
        self._behind = b""  # what follows the block: the first bytes of it
        is_http = headers.get("content-type", "").lower().startswith("application/http")
        self.beginning = first[:announced]
        end = _HEAD_END.search(self.beginning) if is_http else None
        self.head = self.beginning[: end.end() if end else None] if is_http else b""
        self.block_digest = _Declared(headers.get("warc-block-digest"))
        is_revisit = headers.get("warc-type") == "revisit"  # its payload is that of its original
        self.payload_digest = _Declared(None if is_revisit else headers.get("warc-payload-digest"))
        self.payload_digest.update(memoryview(self.beginning)[len(self.head) :])
        self.block_digest.update(memoryview(self.beginning))
        self._left -= len(self.beginning)
        self._behind = first[announced:][:5]

    @property
    def size(self) -> int:
        """Bytes of the block so far."""
        return self._announced - self._left

    def add(self, part: bytes) -> None:
        """Take the next bytes of the member."""
        piece = memoryview(part)[: self._left]
        self.block_digest.update(piece)
        self.payload_digest.update(piece)
        self._left -= len(piece)
        if len(self._behind) < 5:
            self._behind = (self._behind + part[len(piece) :])[:5]

    def wrong(self) -> str | None:
        """Why the member is not this one record."""
        if self._left:
            return f"Content-Length is {self._announced}, the block has {self.size} bytes"
        return None if self._behind == b"\r\n\r\n" else "the member does not end with the end of its record"
