"""application/warc-fields (WARC 1.1, sections 4 and 6.6): writing, and reading back exactly.

In the values of notes and errors every byte outside of printable ASCII, and `%`, stands as `%XX`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from storage.model import Exchange

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_URI = "!#$%&'()*+,/:;=?@[]"  # RFC 3986, section 2: reserved, and the mark of what is already encoded


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the metadata record of an exchange says besides the exchange's bytes."""

    via: str | None = None
    hops: int = 0
    fetch_ms: int = 0
    kind: str | None = None
    notes: tuple[tuple[str, bytes], ...] = ()
    error: str | None = None


def target_uri(url: str) -> str:
    """The address as RFC 3986 writes it: ASCII, percent-encoded where it was not."""
    return quote(url, safe=_URI)


def encode_fields(fields: Iterable[tuple[str, str | None]]) -> str:
    """`name: value` lines, each with its line end; a value of None has no line."""
    return "".join([f"{name}: {value}\r\n" for name, value in fields if value is not None])


def encode_metadata(exchange: Exchange) -> bytes:
    """The block of the metadata record of an exchange."""
    fields = [
        ("via", target_uri(exchange.via) if exchange.via else None),
        ("hopsFromSeed", "L" * exchange.hops),
        ("fetchTimeMs", str(round(exchange.elapsed * 1000))),
        ("kind", exchange.kind),
        *((name, quote_from_bytes(value, safe=_PRINTABLE)) for name, value in exchange.notes),
        ("error", quote(exchange.error, safe=_PRINTABLE, errors="backslashreplace") if exchange.error else None),
    ]
    return encode_fields(fields).encode()


def decode_metadata(block: bytes) -> Metadata:
    """The inverse of `encode_metadata`; fields of other software are notes."""
    notes: list[tuple[str, bytes]] = []
    known = {b"via": b"", b"hopsfromseed": b"", b"fetchtimems": b"", b"kind": b"", b"error": b""}
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name.lower() in known:
            known[name.lower()] = value
        elif colon:
            notes.append((name.decode("utf-8", "replace"), unquote_to_bytes(value)))
    took = known[b"fetchtimems"]
    return Metadata(
        via=known[b"via"].decode("utf-8", "replace") or None,
        hops=len(known[b"hopsfromseed"]),
        fetch_ms=int(took) if took.isdigit() else 0,
        kind=known[b"kind"].decode("utf-8", "replace") or None,
        notes=tuple(notes),
        error=unquote_to_bytes(known[b"error"]).decode("utf-8", "replace") or None,
    )
