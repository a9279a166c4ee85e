"""What the files say of a capture: its record, those beside it, and how anybody gets it out of the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Protocol

from storage.errors import BrokenRecord, StorageError
from storage.fields import Metadata, decode_metadata
from storage.manifest import locate
from storage.records import Record, TooLarge, opened, record_at

_BESIDE = 3  # records behind a capture that may be of the same exchange
_CONCURRENT = "WARC-Concurrent-To"


class Place(Protocol):
    """Where a record lies."""

    @property
    def warc(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Beside:
    """A record of the same exchange, in the same file."""

    type: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What the file says of a capture; where it cannot be read, `problem` says why, and the rest is empty.

    `headers` are those of the record, `warcinfo` those of the file, in their order. `beside` are the request and the
    metadata record; `found` is what the latter says of how the address was found. `command` gets the record out of its
    file, run in the home.
    """

    command: str
    problem: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    block_digest: str | None = None
    payload_digest: str | None = None
    protocols: tuple[str, ...] = ()
    cipher: str | None = None
    warcinfo: tuple[tuple[str, str], ...] = ()
    beside: tuple[Beside, ...] = ()
    found: Metadata | None = None


def prove(home: Path, capture: Place) -> Proof:
    """What the file says of a capture, whether it is there or not."""
    command = extraction(capture.warc, capture.offset, capture.length)
    try:
        with opened(home, capture.warc) as descriptor:
            return _proof(command, descriptor, capture)
    except (StorageError, TooLarge) as error:
        return Proof(command, problem=_why(home, capture.warc, error))


def _proof(command: str, descriptor: int, capture: Place) -> Proof:
    record = record_at(descriptor, capture.warc, capture.offset)
    near = list(_beside(descriptor, capture.warc, record))
    told = next((one for one in near if one.type == "metadata"), None)
    return Proof(
        command=command,
        headers=record.headers,
        block_digest=record.header("WARC-Block-Digest"),
        payload_digest=record.header("WARC-Payload-Digest"),
        protocols=tuple(value for name, value in record.headers if name.lower() == "warc-protocol"),
        cipher=record.header("WARC-Cipher-Suite"),
        warcinfo=_warcinfo(descriptor, capture.warc),
        beside=tuple(Beside(one.type or "", one.offset, one.length) for one in near),
        found=decode_metadata(told.block) if told else None,
    )


def extraction(warc: str, offset: int, length: int) -> str:
    """A shell command that writes the record to standard output, with tools that every system has."""
    cut = f"tail -c +{offset + 1} {quote(warc)} | head -c {length}"
    return f"{cut} | gunzip" if warc.endswith(".gz") else cut


def _why(home: Path, warc: str, error: Exception) -> str:
    """In a sentence, without where the home lies."""
    try:
        locate(home, warc)
    except StorageError:
        return f"{warc} is not there: put it back from a copy, then run `luutru verify`"
    return str(error).replace(f"{home}/", "")


def _beside(descriptor: int, warc: str, record: Record) -> Iterator[Record]:
    """The records behind this one that are of the same exchange."""
    id_ = record.header("WARC-Record-ID")
    for one in islice(_following(descriptor, warc, record), _BESIDE):
        if id_ is None or one.header(_CONCURRENT) != id_:
            return
        yield one


def _following(descriptor: int, warc: str, record: Record) -> Iterator[Record]:
    """The records behind this one, as far as they can be read."""
    try:
        while True:
            record = record_at(descriptor, warc, record.offset + record.length)
            yield record
    except (BrokenRecord, StorageError, TooLarge):  # the end of the file, or what `verify` tells of
        return


def _warcinfo(descriptor: int, warc: str) -> tuple[tuple[str, str], ...]:
    """What the first record of the file says of it, where it is one that says so."""
    try:
        first = record_at(descriptor, warc, 0)
    except (StorageError, TooLarge):
        return ()
    if first.type != "warcinfo":
        return ()
    lines = first.block.decode("utf-8", "replace").splitlines()
    return tuple(
        (name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon
    )
