"""Fixity: that what is kept is still what it was. Files, records and rows, held against each other.

Crawls may run meanwhile: the files that they write are left alone. Nothing is held in memory but one piece of a file,
one page of rows, and what was found.
"""

from collections.abc import Callable, Iterable
from collections.abc import Collection as Names
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from storage.collection import Collection
from storage.comparing import FileCheck
from storage.disk import telling
from storage.errors import StorageError
from storage.index import fixity
from storage.index.fixity import KnownFile, Result
from storage.locks import holder, index_in_use
from storage.manifest import MANIFEST, OPEN, legible
from storage.moments import now
from storage.problems import Drop, Finding, Kind, List, Problem, Rename, Settle, mend, problems
from storage.scanning import Scan

_REBUILD = "rebuild the index"
_RESTORE = "put it back from a copy"
_STEP = 1 << 22  # bytes between two reports of progress


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified, and what is not as it should be."""

    files: int
    records: int
    captures: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far verifying is."""

    done: int  # bytes
    total: int
    problems: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Held:
    """One WARC file by its final name: what the index, the manifest and the disk say of it."""

    name: str
    known: KnownFile | None
    listed: str | None  # its SHA-256 in the manifest
    is_final: bool
    is_open: bool

    def path(self, home: Path) -> Path:
        """Where it lies."""
        return home / (self.name if self.is_final else self.name + OPEN)

    @property
    def is_ours(self) -> bool:
        """Whether there is anything to hold it against."""
        return self.known is not None or self.listed is not None

    @property
    def site(self) -> str:
        """The folder it lies in, which is named for its site."""
        return (*self.name.split("/"), "")[1]

    @property
    def agrees(self) -> bool:
        """Whether index and manifest tell the same of it."""
        return self.known is not None and self.known.sha256 == self.listed


def verify(
    collection: Collection,
    *,
    sample: float = 100,
    repair: bool = False,
    on_progress: OnProgress = lambda _: None,
) -> Report:
    """Verify all files, or the `sample` per cent that were verified longest ago and those that are in doubt.

    With `repair` what can be mended from what is there is mended, and each problem says whether it was. Raises
    AlreadyRunning, StorageError where the index cannot be read.
    """
    with index_in_use(collection.home):
        return _verify(collection, sample, repair, on_progress)


def _verify(collection: Collection, sample: float, repair: bool, on_progress: OnProgress) -> Report:
    findings, held = _survey(collection)
    chosen = _chosen(collection, [one for one in held if one.is_ours and (one.is_final or one.is_open)], sample)
    missing = frozenset(one.name for one in held if not one.is_final and not one.is_open)
    run = _Run(collection, missing, findings, on_progress, _total(collection.home, chosen))
    for one in chosen:
        run.take(one)
    if repair:
        mend(collection, run.findings)
        run.note_mended()
    return Report(len(chosen), run.records, run.captures, problems(run.findings, mended=repair))


class _Run:
    """One verification: the sums over the files so far."""

    def __init__(
        self,
        collection: Collection,
        missing: Names[str],
        findings: list[Finding],
        on_progress: OnProgress,
        total: int,
    ) -> None:
        self.records = 0
        self.captures = 0
        self.findings = findings
        self._collection = collection
        self._missing = missing
        self._on_progress = on_progress
        self._total = total
        self._done = 0
        self._results: list[Result] = []

    def take(self, one: _Held) -> None:
        """Read one file."""
        try:
            scan = Scan(one.path(self._collection.home))
        except OSError as error:
            self.findings.append(_unreadable(one, error))
            return
        with scan:
            found, result = self._read(one, scan)
        self.findings.extend(found)
        self._done += scan.size
        if result:
            self._results.append(result)
            with self._collection.index.write() as connection:
                fixity.note(connection, result)

    def note_mended(self) -> None:
        """Keep for each file what is left of its problems."""
        for one in self._results:
            left = sum(found.warc == one.file and found.remedy is None for found in self.findings)
            if left != one.problems:
                with self._collection.index.write() as connection:
                    fixity.note(connection, Result(one.file, one.verified, one.sha256, left))

    def _read(self, one: _Held, scan: Scan) -> tuple[list[Finding], Result | None]:
        rows = self._collection.index if one.known else None
        check = FileCheck(one.name, rows, self._missing)
        begun, told = now(), 0
        try:
            for record in scan.records():
                check.take(record)
                if scan.position - told >= _STEP or not told:
                    told = scan.position
                    self._on_progress(Progress(self._done + told, self._total, len(self.findings)))
            sha256 = scan.sha256()
        except StorageError:
            raise
        except OSError as error:
            return [*check.finish(), _unreadable(one, error)], None
        found = [*_of_digest(one, sha256, scan.size), *check.finish()]
        self.records += check.records
        self.captures += check.captures
        return found, Result(one.name, begun, sha256, len(found)) if one.is_final else None


def _survey(collection: Collection) -> tuple[list[Finding], list[_Held]]:
    """What is wrong with the set of files, and the files that no crawl writes at this moment.

    A crawl seals a file in this order: its name, the manifest, the index. Reading them the other way round, a file of
    which the index says that it is sealed is found sealed everywhere.
    """
    home = collection.home
    crawled = _crawled(home)
    with collection.index.read() as connection:
        known = {one.name: one for one in fixity.known_files(connection)}
    listed, illegible = legible(home)
    final, growing = _on_disk(home)
    crawled |= _crawled(home)
    held = [
        _Held(name, known.get(name), listed.get(name), name in final, name in growing)
        for name in sorted(known.keys() | listed.keys() | final | growing)
    ]
    held = [one for one in held if not _is_written(one, crawled)]
    findings = [_illegible(number) for number in illegible]
    return findings + [found for one in held for found in _of_presence(one)], held


def _crawled(home: Path) -> set[str]:
    names = (path.stem for path in (home / "locks").glob("*.lock"))
    return {site for site in names if site != "manifest" and holder(home, site)}


def _on_disk(home: Path) -> tuple[set[str], set[str]]:
    """The names of the files below `warc/`, and of those that are still `.open`, without that ending."""
    with telling(home):
        names = {path.relative_to(home).as_posix() for path in (home / "warc").rglob("*") if path.is_file()}
    growing = {name for name in names if name.endswith(OPEN)}
    return names - growing, {name.removesuffix(OPEN) for name in growing}


def _is_written(one: _Held, crawled: Names[str]) -> bool:
    """Whether a crawl that runs has it in hand: its own file, or one that an earlier crawl left and it takes up."""
    known = one.known
    return one.site in crawled and (known is None or known.sha256 is None or known.is_running)


def _of_presence(one: _Held) -> Iterable[Finding]:
    def finding(kind: Kind, wrong: str, advice: str, name: str = one.name) -> Finding:
        return Finding(kind, name, None, wrong, advice)

    if not one.is_final and not one.is_open:
        captures = one.known.captures if one.known else 0
        yield finding(Kind.FILE_MISSING, f"it is not there, and {captures} captures of the index lie in it", _RESTORE)
    elif not one.is_ours and one.is_final:
        yield finding(Kind.FILE_UNKNOWN, "neither the index nor the manifest names it", f"{_REBUILD}, or move it away")
    elif one.is_final and one.known is None:
        yield finding(Kind.FILE_UNKNOWN, "the manifest names it, the index does not", _REBUILD)
    if one.is_open and one.is_final:
        yield finding(Kind.FILE_UNKNOWN, "it lies beside the sealed file of its name", "move it away", one.name + OPEN)
    elif one.is_open and not (one.known and one.known.sha256):
        advice = f"the next `luutru crawl {one.site}` takes it up"
        yield finding(Kind.FILE_UNSEALED, "its crawl ended without sealing it", advice)


def _of_digest(one: _Held, sha256: str, size: int) -> Iterable[Finding]:
    """What is wrong with a file that was read, or with what index and manifest say of it."""
    indexed = one.known.sha256 if one.known else None
    if sha256 not in (indexed, one.listed):
        if one.is_final and (indexed or one.listed):
            wrong = f"its SHA-256 is {sha256}, it was sealed with {indexed or one.listed}"
            yield Finding(Kind.FILE_CHANGED, one.name, None, wrong, _RESTORE)
        elif one.is_final:
            advice = f"the next `luutru crawl {one.site}` lists it"
            yield Finding(Kind.INDEX, one.name, None, "neither the index nor the manifest says it is sealed", advice)
        elif indexed:
            wrong = f"the index says that it was sealed with SHA-256 {indexed}; it is still .open, with {sha256}"
            yield Finding(Kind.FILE_CHANGED, one.name, None, wrong, _RESTORE)
        return
    if not one.is_final and indexed == sha256:
        wrong = "the index says that it is sealed, its name does not"
        yield Finding(Kind.FILE_UNSEALED, one.name, None, wrong, remedy=Rename(sha256))
    elif one.listed != sha256:
        wrong = "its line in the manifest has another SHA-256" if one.listed else "it has no line in the manifest"
        yield Finding(Kind.MANIFEST, one.name, None, f"{wrong}, the index has the right one", remedy=List(sha256))
    if one.known and indexed != sha256:
        wrong = "its row has another SHA-256" if indexed else "its row does not say that it is sealed"
        remedy = Settle(size, sha256)
        yield Finding(Kind.INDEX, one.name, None, f"{wrong}, the manifest has the right one", remedy=remedy)


def _illegible(number: int) -> Finding:
    return Finding(Kind.MANIFEST, MANIFEST, None, f"line {number} cannot be read", remedy=Drop())


def _unreadable(one: _Held, error: OSError) -> Finding:
    wrong = f"it cannot be read: {error.strerror or error}"
    return Finding(Kind.FILE_UNREADABLE, one.name, None, wrong, f"check the disk, then {_RESTORE}")


def _chosen(collection: Collection, held: list[_Held], sample: float) -> list[_Held]:
    """Those verified longest ago, and those about which index and manifest differ; by name."""
    if sample >= 100:
        return held
    with collection.index.read() as connection:
        verified = fixity.last_verified(connection)
    oldest = sorted(held, key=lambda one: (verified.get(one.name, ""), one.name))
    names = {one.name for one in oldest[: ceil(len(held) * sample / 100)]}
    return [one for one in held if one.name in names or not one.agrees]


def _total(home: Path, chosen: Iterable[_Held]) -> int:
    paths = (one.path(home) for one in chosen)
    return sum(path.stat().st_size for path in paths if path.exists())
