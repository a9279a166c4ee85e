"""WARC files wherever they lie below `warc/`, whoever wrote them, read from beginning to end.

Where a record is not whole, reading goes on with the next one that is.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from storage.disk import telling
from storage.errors import BrokenRecord
from storage.kept import Begun, begun
from storage.manifest import OPEN
from storage.records import Record, TooLarge, record_at

_NAMES = (".warc.gz", ".warc")
_BEGINNING = re.compile(rb"\x1f\x8b\x08|WARC/1\.")
_WINDOW = 1 << 20
_LONGEST = 8  # bytes of a beginning, and some


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that are no whole record, up to the next one or to the end of the file."""

    offset: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A WARC file; `name` is its final one, below the home. `begun` is what a crawl of ours wrote at its beginning."""

    name: str
    path: Path
    is_open: bool
    begun: Begun | None


def held(home: Path) -> list[Held]:
    """All WARC files: those of crawls in the order in which they were begun, then those of others by name."""
    found = (path for path in (home / "warc").rglob("*") if path.is_file())
    files = [_held(home, path) for path in found if path.name.removesuffix(OPEN).endswith(_NAMES)]
    return sorted(files, key=lambda one: (one.begun is None, one.begun.date.isoformat() if one.begun else "", one.name))


def sweep(path: Path) -> Iterator[Record | Gap]:
    """Every whole record of a file, and what lies between them and is none; raises StorageError."""
    with telling(path):
        descriptor = os.open(path, os.O_RDONLY)
    try:
        offset, end = 0, os.fstat(descriptor).st_size
        while offset < end:
            found = _record(descriptor, path, offset)
            if isinstance(found, str):
                gap = Gap(offset, _next(descriptor, path, offset + 1, end), found)
                yield gap
                offset = gap.end
            else:
                yield found
                offset += found.length
    finally:
        os.close(descriptor)


def digest_of(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file."""
    digest, size = sha256(), 0
    with telling(path), path.open("rb") as file:
        while piece := file.read(_WINDOW):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _held(home: Path, path: Path) -> Held:
    name = path.relative_to(home).as_posix()
    with telling(path):
        descriptor = os.open(path, os.O_RDONLY)
    try:
        first = _record(descriptor, path, 0)
    finally:
        os.close(descriptor)
    wrote = None if isinstance(first, str) else begun(first)
    return Held(name.removesuffix(OPEN), path, name.endswith(OPEN), wrote)


def _record(descriptor: int, path: Path, offset: int) -> Record | str:
    """The record, or why there is none."""
    try:
        return record_at(descriptor, str(path), offset)
    except BrokenRecord as error:
        return error.reason
    except TooLarge as error:
        return str(error)


def _next(descriptor: int, path: Path, position: int, end: int) -> int:
    """Where the next whole record begins, else the end."""
    while position < end:
        piece = os.pread(descriptor, _WINDOW + _LONGEST, position)
        for found in _BEGINNING.finditer(piece):
            if not isinstance(_record(descriptor, path, position + found.start()), str):
                return position + found.start()
        position += _WINDOW
    return end
