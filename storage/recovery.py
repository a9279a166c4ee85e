"""Files of crawls that died, made whole: cut behind their last whole record, sealed, listed.

Whoever calls holds the lock of the site: nobody else writes these files. Everything may be done again, so a recovery
that is itself cut off is taken up by the next one.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from storage import manifest
from storage.disk import sync_directory, telling
from storage.errors import BrokenRecord, StorageError
from storage.manifest import OPEN, open_name
from storage.records import records

_OURS = re.compile(r"(?P<site>.+)-\d{14}-(?P<crawl>[0-9a-f]{8,16})-\d{5,}\.warc\.gz")


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A file of which the index does not know that it is sealed; `name` is its final one."""

    name: str
    crawl: str


@dataclass(frozen=True, slots=True)
class Mended:
    """A file as it is now, sealed and listed; `cut` bytes of an unfinished record were taken off its end."""

    bytes: int
    sha256: str
    cut: int
    damaged: int | None = None  # offset of a record that has a row and is not whole: nothing was cut


def unsettled(home: Path, site: str, settled: Collection[str]) -> list[Unsettled]:
    """The files that crawls of a site left behind, besides those that are `settled`, oldest first.

    Raises StorageError where no file is there at all and some should be: their disk is not mounted.
    """
    if settled and not any((home / "warc").glob("*/*/*.warc.gz")):
        raise StorageError(f"{home / 'warc'} is empty, but the index names files in it: mount their disk")
    names = {path.relative_to(home).as_posix().removesuffix(OPEN) for path in _files(home / "warc" / site)}
    found = ((_OURS.fullmatch(name.rpartition("/")[2]), name) for name in sorted(names.difference(settled)))
    return [Unsettled(name, fits["crawl"]) for fits, name in found if fits and fits["site"] == site]


def mend(home: Path, warc: str, acknowledged: int) -> Mended | None:
    """Seal a file that its crawl did not; None when it held nothing besides its warcinfo record, and was removed.

    `acknowledged` is the offset of the last record that has a row, -1 without any: what lies there was on the disk
    before its row was written, and is never cut. Raises StorageError.
    """
    growing = open_name(home, warc)
    if not growing.exists():
        return _listed(home, warc)
    found = extent(growing, acknowledged)
    size = growing.stat().st_size
    if found.damaged is None and not found.holds:
        with telling(growing):
            growing.unlink()
            sync_directory(growing.parent)
        return None
    end = size if found.damaged is not None else found.end
    digest = _cut(growing, end)
    manifest.seal(home, warc, digest)
    return Mended(end, digest, size - end, found.damaged)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a file goes, and where a capture should be that is not whole."""

    end: int  # of the last whole record
    holds: bool  # anything besides the warcinfo record
    damaged: int | None


def _files(folder: Path) -> Iterator[Path]:
    return (path for mark in ("", OPEN) for path in folder.glob(f"*/*.warc.gz{mark}"))


def extent(path: Path, acknowledged: int) -> Extent:
    """How far a file holds whole records, of which the one at `acknowledged` is one; -1 where none has a row."""
    end, holds = max(acknowledged, 0), False
    with suppress(BrokenRecord):  # there it is torn
        for record in records(path, end):
            end = record.offset + record.length
            holds = holds or record.type != "warcinfo"
    return Extent(end, holds, acknowledged if end <= acknowledged else None)


def _cut(path: Path, end: int) -> str:
    """Let the file end there, on the disk; the SHA-256 of what it holds."""
    digest, left = sha256(), end
    with telling(path), path.open("r+b") as file:
        file.truncate(end)
        while piece := file.read(min(left, 1 << 20)):
            digest.update(piece)
            left -= len(piece)
        os.fsync(file.fileno())
    return digest.hexdigest()


def _listed(home: Path, warc: str) -> Mended:
    """A file that has its final name, with its line in the manifest."""
    path = home / warc
    with telling(path):
        size = path.stat().st_size
    digest = manifest.read(home).get(warc)
    if digest is None:
        digest = _cut(path, size)
        manifest.add(home, {warc: digest})
    return Mended(size, digest, 0)
