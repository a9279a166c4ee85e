"""WACZ 1.1.1: sealed WARC files, their index and a list of pages in one ZIP file, as ReplayWeb.page opens it.

WARC files are stored as they are, so that each record can be read at its place. Where something is withheld, its
records are left out, and so are the accounts of crawls, which name addresses; each record is one gzip member, so that
the others stay what they were. What is damaged then is left out too: nobody can say that it may be seen.
"""

import json
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from isal import igzip

from storage.collection import Collection
from storage.disk import free_bytes, sync_directory, telling
from storage.errors import StorageError
from storage.exports import cdxj
from storage.index.listings import Leaf, Sealed, leaves, sealed_files
from storage.index.withheld import Standing, standing
from storage.scanning import Broken, Scan

VERSION = "1.1.1"
_BLOCK = 3_000  # lines of the index that are one gzip member
_PIECE = 1 << 20
_ROOM = 2_000_000_000  # bytes that are left to crawls
_ACCOUNT = "urn:luutru:"
_NOT_AS_SEALED = "it is not as it was sealed: run `luutru verify`"
_PAGES = {"format": "json-pages-1.0", "id": "pages", "title": "Articles", "hasText": False}
_INDEX = {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not as it was sealed; it is in the export as it is, without what was left out."""

    warc: str
    detail: str


@dataclass(frozen=True, slots=True)
class Wacz:
    """What was written; `withheld` are the records that were left out."""

    file: Path
    bytes: int
    warcs: int
    captures: int
    pages: int
    withheld: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Resource:
    """A file in the package, as `datapackage.json` lists it."""

    name: str
    path: str
    hash: str
    bytes: int


def write(collection: Collection, file: Path, software: str, site: str | None = None) -> Wacz:
    """Write what is sealed, of all sites or of one, into a file that is whole or not there; raises StorageError."""
    warcs = sealed_files(collection.index, site)
    new = file.with_name(f"{file.name}.new")
    with telling(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        _require_room(file.parent, sum(one.bytes for one in warcs))
        try:
            with ZipFile(new, "w", ZIP_STORED) as package:
                writer = _Writer(collection, package)
                writer.write(warcs, site, software)
            with new.open("rb") as written:
                os.fsync(written.fileno())
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)
        sync_directory(file.parent)
        size = file.stat().st_size
    counted = writer.captures, writer.pages, writer.withheld
    return Wacz(file, size, len(warcs), *counted, tuple(writer.problems))


class _Moved:
    """Where the records of a file lie when some were left out of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._left_out: list[tuple[int, int]] = []  # where each begins, and ends
        self._before = [0]  # bytes that were left out before each of them

    def leave_out(self, begin: int, end: int) -> None:
        """What lies there, behind all that was left out so far, is not there."""
        self._left_out.append((begin, end))
        self._before.append(self._before[-1] + end - begin)

    def offset(self, offset: int) -> int | None:
        """Where the record lies that lay there; None where it is not there."""
        place = bisect_right(self._left_out, offset, key=lambda one: one[0])
        if place and offset < self._left_out[place - 1][1]:
            return None
        return offset - self._before[place]


class _Writer:
    """One package while it is written."""

    def __init__(self, collection: Collection, package: ZipFile) -> None:
        self.captures = self.pages = self.withheld = 0
        self.problems: list[Problem] = []
        self._home = collection.home
        self._index = collection.index
        self._package = package
        self._now = datetime.now(UTC)
        self._resources: list[_Resource] = []
        self._moved: dict[str, _Moved] = {}
        self._names: set[str] = set()

    def write(self, warcs: Sequence[Sealed], site: str | None, software: str) -> None:
        """All files of it: what is indexed is there before its index."""
        with self._index.read() as connection:
            shown = standing(connection)
        for one in warcs:
            self._add_warc(one, shown)
        self._add_index(site)
        self._add("pages/pages.jsonl", self._page_lines(site))
        described = {
            "profile": "data-package",
            "wacz_version": VERSION,
            "title": site or self._home.resolve().name,
            "created": self._now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "software": software,
            "resources": [asdict(one) for one in self._resources],
        }
        package = json.dumps(described, ensure_ascii=False, indent=2).encode()
        self._add("datapackage.json", [package])
        digest = {"path": "datapackage.json", "hash": f"sha256:{sha256(package).hexdigest()}"}
        self._add("datapackage-digest.json", [json.dumps(digest, indent=2).encode()])

    def _add_warc(self, one: Sealed, shown: Standing) -> None:
        moved = self._moved[one.name] = _Moved(self._name_in_package(one.name))
        path = self._home / one.name
        if not path.exists():
            self.problems.append(Problem(one.name, "it is gone: put it back from a copy, then run `luutru verify`"))
            del self._moved[one.name]
            return
        if shown.urlkeys:
            self._add(f"archive/{moved.name}", self._shown(one, shown, moved), one.bytes)
            return
        added = self._add(f"archive/{moved.name}", _pieces(path), one.bytes)
        if added.hash != f"sha256:{one.sha256}":
            self.problems.append(Problem(one.name, _NOT_AS_SEALED))

    def _name_in_package(self, warc: str) -> str:
        """The name of a file, which is unique for those of crawls; with its folders for others."""
        name = warc.rpartition("/")[2]
        name = warc.replace("/", "-") if name in self._names else name
        self._names.add(name)
        return name

    def _shown(self, one: Sealed, shown: Standing, moved: _Moved) -> Iterator[bytes]:
        """The members of a file but those that must not be seen, and those that cannot be read."""
        path, damaged = self._home / one.name, 0
        with path.open("rb") as file, Scan(path) as scan:
            for record in scan.records():
                if isinstance(record, Broken):
                    moved.leave_out(record.offset, record.end)
                    damaged += record.end - record.offset
                    continue
                uri = record.headers.get("warc-target-uri", "")
                if uri.startswith(_ACCOUNT) or (uri and shown.covers(uri)):
                    moved.leave_out(record.offset, record.offset + record.length)
                    self.withheld += not uri.startswith(_ACCOUNT)
                    continue
                file.seek(record.offset)
                yield file.read(record.length)
            is_as_sealed = scan.sha256() == one.sha256
        if not is_as_sealed:
            left_out = f"; {damaged:,} bytes of it cannot be read and were left out" if damaged else ""
            self.problems.append(Problem(one.name, f"{_NOT_AS_SEALED}{left_out}"))

    def _add_index(self, site: str | None) -> None:
        """The index in blocks, each of which can be read alone, and where these begin."""
        begins = [f"!meta 0 {json.dumps(_INDEX)}\n"]

        def blocks() -> Iterator[bytes]:
            lines, offset = cdxj.moved(self._index, site, self._place), 0
            while block := list(islice(lines, _BLOCK)):
                packed = igzip.compress("".join(block).encode(), mtime=0)
                key, timestamp, _ = block[0].split(" ", 2)
                begins.append(f"{key} {timestamp} {json.dumps({'offset': offset, 'length': len(packed)})}\n")
                self.captures += len(block)
                offset += len(packed)
                yield packed

        self._add("indexes/index.cdx.gz", blocks())
        self._add("indexes/index.idx", ["".join(begins).encode()])

    def _place(self, warc: str, offset: int) -> tuple[str, int] | None:
        moved = self._moved.get(warc)
        there = moved.offset(offset) if moved else None
        return None if moved is None or there is None else (moved.name, there)

    def _page_lines(self, site: str | None) -> Iterator[bytes]:
        yield json.dumps(_PAGES).encode() + b"\n"
        for one in leaves(self._index, site):
            if self._place(one.warc, one.offset):
                self.pages += 1
                yield json.dumps(_page(one), ensure_ascii=False).encode() + b"\n"

    def _add(self, path: str, pieces: Iterable[bytes], size: int = 0) -> _Resource:
        """A file of these pieces, `size` bytes at most where it may be large; nothing is compressed."""
        entry = ZipInfo(path, self._now.timetuple()[:6])
        entry.file_size = size
        digest, written = sha256(), 0
        with self._package.open(entry, "w") as file:
            for piece in pieces:
                digest.update(piece)
                written += file.write(piece)
        added = _Resource(path.rpartition("/")[2], path, f"sha256:{digest.hexdigest()}", written)
        self._resources.append(added)
        return added


def _page(one: Leaf) -> dict[str, str]:
    moment = datetime.fromisoformat(one.date).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": one.document, "url": one.url, "ts": moment, "title": one.title}


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _require_room(folder: Path, size: int) -> None:
    free = free_bytes(folder)
    if free < size + _ROOM:
        raise StorageError(
            f"the export needs {size / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free, of which "
            f"{_ROOM / 1e9:.0f} GB are left to crawls: make room, or name another disk with --output"
        )
