"""Content codings (RFC 9110, section 8.4), undone within a limit."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from types import ModuleType

from isal import igzip_lib

from storage.errors import ArchiveError

_FLAGS = {"gzip": igzip_lib.DECOMP_GZIP, "x-gzip": igzip_lib.DECOMP_GZIP, "deflate": igzip_lib.DECOMP_ZLIB}
_FOREIGN = {"br", "zstd", "compress", "x-compress", "dcb", "dcz"}  # real codings that the standard library cannot undo
_STEP = 1 << 16  # more at once costs time, for room that is not needed
_PIECE = 1 << 13  # of gzip: what follows a member is copied with it, and members may be many and small


class TooLarge(ArchiveError):
    """What is packed is larger than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"unpacked it is larger than {limit} bytes: it is kept, but not read")
        self.limit = limit


class Undecodable(ArchiveError, ValueError):
    """The bytes are not in the coding that they are said to have."""


def decoded(headers: Iterable[tuple[str, str]], body: bytes, limit: int) -> bytes:
    """The body without its content codings, as far as it goes when it was cut off.

    Names that are no codings are passed over, as browsers do, and so is gzip where its magic number is missing.
    Raises TooLarge beyond `limit` bytes, Undecodable for damaged bytes and for codings that nothing here can undo.
    """
    for coding in reversed(_codings(headers)):
        if coding in _FLAGS:
            body = _undo(coding, body, limit)
        elif coding == "br" and (brotli := _brotli()):
            body = _unbrotli(brotli, body, limit)
        elif coding in _FOREIGN:
            raise Undecodable(f"the content coding {coding} cannot be undone here")
    if len(body) > limit:
        raise TooLarge(limit)
    return body


def inflate(pieces: Iterable[bytes], flag: int, limit: int) -> tuple[bytes, bytes, bool]:
    """One DEFLATE stream: what it unpacks to, the bytes behind its end in the last piece, whether its end was there."""
    stream = igzip_lib.IgzipDecompressor(flag)
    parts: list[bytes] = []
    room = limit + 1
    for piece in pieces:
        for part in unpack(stream, piece, room):
            parts.append(part)
            room -= len(part)
        if room == 0:
            raise TooLarge(limit)
        if stream.eof:
            return b"".join(parts), stream.unused_data, True
    return b"".join(parts), b"", False


def unpack(stream: igzip_lib.IgzipDecompressor, piece: bytes, room: int) -> Iterator[bytes]:
    """What a piece unpacks to, at most `room` bytes of it."""
    while room:
        part = _step(stream, piece, min(room, _STEP))
        yield part
        room -= len(part)
        if stream.eof or stream.needs_input or not part:
            return
        piece = b""  # the rest of it is inside the stream


def _step(stream: igzip_lib.IgzipDecompressor, piece: bytes, size: int) -> bytes:
    try:
        return stream.decompress(piece, size)
    except igzip_lib.error as error:  # type: ignore[misc]  # a class, whatever its stub says
        raise Undecodable(str(error)) from error


def _codings(headers: Iterable[tuple[str, str]]) -> Sequence[str]:
    values = [value for name, value in headers if name.lower() == "content-encoding"]
    return [coding.strip().lower() for coding in ",".join(values).split(",")]


def _undo(coding: str, body: bytes, limit: int) -> bytes:
    flag = _FLAGS[coding]
    if flag == igzip_lib.DECOMP_GZIP:
        return _gunzip(body, limit)
    if len(body) > 1 and (body[0] & 0x0F, int.from_bytes(body[:2], "big") % 31) == (8, 0):
        return inflate([body], flag, limit)[0]
    return inflate([body], igzip_lib.DECOMP_DEFLATE, limit)[0]  # RFC 9110, 8.4.1.2: some leave the zlib wrapper off


def _gunzip(body: bytes, limit: int) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    parts: list[bytes] = []
    at = 0

    def pieces() -> Iterator[bytes]:
        nonlocal at
        while piece := body[at : at + _PIECE]:
            at += len(piece)
            yield piece

    while body.startswith(b"\x1f\x8b", at):  # RFC 1952: members may follow one another; what else follows is not ours
        part, rest, _ = inflate(pieces(), igzip_lib.DECOMP_GZIP, limit)
        at -= len(rest)
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def _brotli() -> ModuleType | None:
    try:
        brotli = import_module("brotli")
    except ImportError:
        return None
    return brotli if hasattr(brotli.Decompressor, "can_accept_more_data") else None  # from 1.2: with a limit


def _unbrotli(brotli: ModuleType, body: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    parts: list[bytes] = []
    room = limit + 1
    while room > 0:
        try:
            part = stream.process(body, output_buffer_limit=min(room, _STEP))
        except brotli.error as error:
            raise Undecodable(str(error)) from error
        parts.append(part)
        room -= len(part)
        if not part or stream.is_finished():
            break
        body = b""
    return b"".join(parts)
