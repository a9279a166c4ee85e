"""HTTP Content-Length, held against what is stored: it fits, save where the protocol or the archive excuses it.

Excused are answers to HEAD, 1xx, 204 and 304, cut bodies, transfer codings (also those that were taken off), and
answers whose metadata record says that the server announced another length.
"""

import re
from dataclasses import dataclass

from storage.fields import decode_metadata
from storage.scanning import Scanned

_LENGTH = re.compile(rb"\ncontent-length[ \t]*:((?:[^\n]|\n[ \t])*)", re.IGNORECASE)
_CODED = re.compile(rb"\n(?:x-crawler-)?transfer-encoding[ \t]*:", re.IGNORECASE)
_STATUS = re.compile(rb"[^ \t\r\n]+[ \t]+(\d{3})(?!\d)")
_BODYLESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Doubt:
    """An answer whose Content-Length does not fit, unless the records beside it excuse it."""

    offset: int
    urn: str
    wrong: str


def status_of(record: Scanned) -> int | None:
    """The HTTP status in a record's block."""
    found = _STATUS.match(record.head)
    return int(found[1]) if found else None


def has_transfer_coding(record: Scanned) -> bool:
    """Whether the server announced a transfer coding."""
    return _CODED.search(record.head) is not None


class Lengths:
    """Takes the records of a file in order; gives each doubt that the records beside its answer do not excuse."""

    def __init__(self) -> None:
        self._doubt: Doubt | None = None
        self._asked_head = frozenset[str]()  # the request before asked for a head: its own name, and whom it names

    def take(self, record: Scanned | None) -> Doubt | None:
        """The doubt that nothing can excuse any more, now that this record, or None for the end, has come."""
        named = record.headers.get("warc-concurrent-to") if record else None
        if record and self._doubt and named == self._doubt.urn:
            self._doubt = None if _excuses(record) else self._doubt
            return None
        settled, self._doubt = self._doubt, None
        if record and record.type == "response":
            self._doubt = self._doubt_of(record)
        if record:
            asked_head = record.type == "request" and record.beginning.startswith(b"HEAD ")
            self._asked_head = frozenset({record.headers.get("warc-record-id", ""), named or ""} if asked_head else ())
        return settled

    def _doubt_of(self, record: Scanned) -> Doubt | None:
        urn = record.headers.get("warc-record-id", "")
        if self._asked_head & {urn, record.headers.get("warc-concurrent-to", "")} or "warc-truncated" in record.headers:
            return None
        announced = [value.strip() for line in _LENGTH.findall(record.head) for value in line.split(b",")]
        if all(value == b"%d" % record.payload_length for value in announced):
            return None
        status = status_of(record) or 0
        if status < 200 or status in _BODYLESS or has_transfer_coding(record):
            return None
        told = b", ".join(announced).decode("latin-1")
        return Doubt(record.offset, urn, f"Content-Length is {told}, {record.payload_length} bytes are stored")


def _excuses(record: Scanned) -> bool:
    if record.type == "request":
        return record.beginning.startswith(b"HEAD ")
    return any(name.lower() == "content-length" for name, _ in decode_metadata(record.beginning).notes)
