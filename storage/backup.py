"""A copy of an archive that can take its place, made while crawls go on (`docs/decisions/0014-backups-and-alerts.md`).

First one state of the index, then the WARC files: what a row of that state refers to was on the disk before the row was
written, so it is in what is copied afterwards. What came later is in the files and has no row, as after a power cut:
the next crawl of the site takes it up. The copy is a home: it can be verified, read and put back as it is.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from storage import manifest
from storage.config import FILE, require
from storage.disk import free_bytes, make_directory, sync_directory, telling
from storage.errors import AlreadyRunning, StorageError, UsageError
from storage.index.carrying import take_place
from storage.index.copying import acknowledged, copy_index
from storage.manifest import MANIFEST, OPEN
from storage.moments import now
from storage.recovery import extent

MARK = "backup.json"  # in the directory of a backup: of which archive, and since when it is whole
_INDEX = "index.db"
_COPYING = "copying"  # in the same directory: the file that is not whole yet
_PIECE = 1 << 20
_CLOCK = 2.0  # seconds: the coarsest that a file system keeps the moment of a change

OnProgress = Callable[[int, int], None]  # bytes that were copied, of how many


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that the backup does not have as it should be, and what to do."""

    file: str
    detail: str


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds, and what was copied into it this time."""

    directory: Path
    files: int  # WARC files in it
    copied: int  # of these, now
    bytes: int  # that were copied of WARC files
    problems: tuple[Problem, ...]


def back_up(home: Path, directory: Path, on_progress: OnProgress = lambda *_: None) -> Backup:
    """Bring the backup of an archive in `directory` up to date, or make it where there is none.

    Ended at any instant, it leaves an earlier backup whole, and the next one goes on. A sealed file that is there
    already is not copied again, and never replaced by one of which the manifest says that it is damaged. Raises
    UsageError, AlreadyRunning, StorageError.
    """
    _refuse(home, directory)
    with telling(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(directory):
        _mark(home, directory, finished=None)
        return _Run(home, directory, on_progress).run()


@dataclass(frozen=True, slots=True)
class _File:
    """A file below `warc/`, by its final name."""

    name: str
    is_open: bool
    size: int


class _Run:
    """One backup: what was copied so far."""

    def __init__(self, home: Path, directory: Path, on_progress: OnProgress) -> None:
        self._home = home
        self._directory = directory
        self._on_progress = on_progress
        self._copied = self._bytes = self._total = 0
        self._problems: list[Problem] = []

    def run(self) -> Backup:
        """All of it, in the order that makes it whole."""
        snapshot = self._directory / f"{_INDEX}.next"
        known = self._snapshot(snapshot)
        listed = manifest.legible(self._home)[0]
        held = list(_files(self._home, known))
        self._tell_lost(known.keys() - {one.name for one in held})
        wanted = [one for one in held if one.is_open or not self._is_there(one)]
        self._total = sum(one.size for one in wanted)
        _require_room(self._directory, self._total)
        for one in wanted:
            self._take(one, listed.get(one.name), known.get(one.name, -1))
        self._list()
        self._configure()
        if snapshot.exists():
            take_place(snapshot, self._directory / _INDEX)
        _mark(self._home, self._directory, finished=now())
        there = sum(1 for _ in _files(self._directory))
        return Backup(self._directory, there, self._copied, self._bytes, tuple(self._problems))

    def _snapshot(self, snapshot: Path) -> Mapping[str, int]:
        """Copy the index; the files that it knows, and where the last capture lies that it knows of each."""
        index = self._home / _INDEX
        if index.exists():
            copy_index(index, snapshot)
            return acknowledged(snapshot)
        if any(True for _ in _files(self._home)):
            self._problems.append(Problem(_INDEX, "it is gone: the files were copied; run `luutru reindex`"))
        return {}

    def _tell_lost(self, lost: Iterable[str]) -> None:
        """Name the files that the index knows and the archive has not."""
        for name in sorted(lost):
            has = (self._directory / name).exists()
            advice = "copy it back from the backup" if has else "the backup has not got it either"
            self._problems.append(Problem(name, f"it is gone from the archive: {advice}"))

    def _is_there(self, one: _File) -> bool:
        """Whether a sealed file was copied before: they do not change."""
        copy = self._directory / one.name
        if not copy.exists():
            return False
        theirs, ours = (self._home / one.name).stat(), copy.stat()
        return theirs.st_size == ours.st_size and abs(theirs.st_mtime - ours.st_mtime) <= _CLOCK

    def _take(self, one: _File, expected: str | None, last: int) -> None:
        if one.is_open:
            try:
                self._take_open(one.name, last)
                return
            except FileNotFoundError:  # sealed since, or it held nothing
                if not (self._home / one.name).exists():
                    return
        self._take_sealed(one.name, expected)

    def _take_sealed(self, name: str, expected: str | None) -> None:
        copy = self._directory / name
        new, digest = self._copy(self._home / name)
        if expected and digest != expected:
            stays = copy.exists()
            told = "the backup keeps its earlier copy" if stays else "it was copied as it is"
            self._problems.append(
                Problem(name, f"its SHA-256 is not that of the manifest ({told}): run `luutru verify`")
            )
            if stays:
                new.unlink()
                return
        self._place(new, copy)
        copy.with_name(copy.name + OPEN).unlink(missing_ok=True)

    def _take_open(self, name: str, last: int) -> None:
        """A file that is being written, or was left so, up to the end of its last whole record."""
        copy = manifest.open_name(self._directory, name)
        new, _ = self._copy(manifest.open_name(self._home, name))
        found = extent(new, last)
        if found.damaged is not None:
            wrong = f"it is damaged at offset {found.damaged}, where a capture should be: run `luutru verify`"
            self._problems.append(Problem(name, wrong))
        elif not found.holds:  # a crawl that has just begun
            new.unlink()
            return
        else:
            os.truncate(new, found.end)
        self._place(new, copy)

    def _copy(self, path: Path) -> tuple[Path, str]:
        """A file that is not placed yet with what stands in `path` now, and its SHA-256."""
        new, digest = self._directory / _COPYING, sha256()
        with path.open("rb") as source:
            with telling(new), new.open("wb") as copy:
                while piece := source.read(_PIECE):
                    copy.write(piece)
                    digest.update(piece)
                    self._bytes += len(piece)
                    self._on_progress(self._bytes, max(self._total, self._bytes))
            moment = os.fstat(source.fileno())
        os.utime(new, ns=(moment.st_atime_ns, moment.st_mtime_ns))
        return new, digest.hexdigest()

    def _place(self, new: Path, target: Path) -> None:
        _place(new, target, self._directory)
        self._copied += 1

    def _list(self) -> None:
        """Let the manifest of the backup name the sealed files that are there; those sealed just now among them."""
        there = {one.name for one in _files(self._directory) if not one.is_open}
        listed = manifest.legible(self._home)[0]
        entries = {name: digest for name, digest in listed.items() if name in there}
        with telling(self._directory / MANIFEST):
            manifest.renew(self._directory, entries)

    def _configure(self) -> None:
        """Copy the configuration, which may hold secrets, and the site files."""
        ours = {Path(FILE), *(one.relative_to(self._home) for one in (self._home / "spiders").rglob("*.py"))}
        theirs = {one.relative_to(self._directory) for one in (self._directory / "spiders").rglob("*.py")}
        with telling(self._directory):
            for name in sorted(ours):
                new = self._directory / _COPYING
                shutil.copyfile(self._home / name, new)
                new.chmod(0o600)
                _place(new, self._directory / name, self._directory)
            for name in theirs - ours:
                (self._directory / name).unlink()


def _refuse(home: Path, directory: Path) -> None:
    """Raise UsageError where there is no archive, or the directory is no place for a backup of it."""
    require(home)
    ours, theirs = home.resolve(), directory.resolve()
    if theirs.is_relative_to(ours) or ours.is_relative_to(theirs):
        raise UsageError(f"{directory} and the archive lie in each other: name a directory elsewhere, on another disk")
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file: name a directory")
    mark = directory / MARK
    if mark.exists():
        of = json.loads(mark.read_text("utf-8"))["home"]
        if of != str(ours):
            raise UsageError(
                f"{directory} is the backup of {of}: name another directory, or remove {mark} if the archive was moved"
            )
    elif directory.exists() and any(one.name != "lost+found" for one in directory.iterdir()):
        raise UsageError(f"{directory} holds other things: name an empty directory, or one that is not there yet")


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another backup writes {directory}: wait for its end") from None
        yield
    finally:
        os.close(descriptor)


def _mark(home: Path, directory: Path, *, finished: str | None) -> None:
    path = directory / MARK
    if finished is None and path.exists():
        return  # the one that is there is still whole
    new = directory / _COPYING
    with telling(path):
        new.write_text(json.dumps({"home": str(home.resolve()), "finished": finished}) + "\n", "utf-8")
        _place(new, path, directory)


def _files(home: Path, known: Iterable[str] = ()) -> Iterator[_File]:
    """What lies below `warc/`, by name; `known` are looked for by themselves: a folder that changes may hide a name."""
    found = (path.relative_to(home).as_posix() for path in (home / "warc").rglob("*") if not path.is_dir())
    for name in sorted({one.removesuffix(OPEN) for one in found} | set(known)):
        for path in (home / name, manifest.open_name(home, name), home / name):  # it may be sealed between two looks
            with suppress(FileNotFoundError):
                yield _File(name, path.name.endswith(OPEN), path.stat().st_size)
                break


def _require_room(directory: Path, size: int) -> None:
    free = free_bytes(directory)
    if free < size:
        raise StorageError(
            f"{size / 1e9:.1f} GB are to be copied, and {directory} has {free / 1e9:.1f} GB free: make room there"
        )


def _place(new: Path, target: Path, directory: Path) -> None:
    """Bring a finished file to the disk and give it its name."""
    with telling(target):
        make_directory(target.parent, directory)
        descriptor = os.open(new, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new.replace(target)
        sync_directory(target.parent)
