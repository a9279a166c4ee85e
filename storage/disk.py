"""Bytes that must reach the disk, and what is told when they do not."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

from storage.errors import StorageError

FLOOR = 1_000_000_000  # bytes free below which nothing is asked for: room for what is on the wire, and the index
CEILING = 2_000_000_000  # bytes free above which it goes on; well above the floor, or it would stutter

_FULL = "the disk is full: make room, then start again"
_BARRED = "no permission: let the user that runs luutru read and write there"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _BARRED,
    errno.EPERM: _BARRED,
    errno.EROFS: _BARRED,
}


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError that names the file and says what to do."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        lost = f"{error.strerror or error}: check the disk, then start again"
        raise StorageError(f"{path}: {_ADVICE.get(error.errno or 0, lost)}") from error


def sync_directory(path: Path) -> None:
    """Bring the names in a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folders(home: Path) -> tuple[Path, ...]:
    """The folders of an archive that may lie on disks of their own."""
    return tuple(one for one in (home, home / "warc") if one.exists())


def free_bytes(*folders: Path) -> int:
    """How much an ordinary user may still write in these folders, on the fullest of their disks."""
    return min(map(_free, folders))


def _free(folder: Path) -> int:
    with telling(folder):
        disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def make_directory(path: Path, top: Path) -> None:
    """Make a directory below `top`, with those between them, so that they outlast a power cut."""
    path.mkdir(parents=True, exist_ok=True)
    while path != top:
        path = path.parent
        sync_directory(path)


class GrowingFile:
    """A new file that only grows, with the SHA-256 of what it holds.

    One thread appends and finishes; `sync` may be called from another at any time. A write that fails is taken back,
    and nothing more is appended after it. `doubtful` says that the disk may hold something else than was appended.
    All errors are StorageError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.doubtful = False
        self._unsynced = False  # what was appended may never have reached the disk
        self._digest = sha256()
        self._refusal: str | None = None
        self._lock = Lock()
        with telling(path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def append(self, data: bytes) -> int:
        """The offset at which the data now stands, in the page cache, whole."""
        if self._refusal:
            raise StorageError(self._refusal)
        try:
            with telling(self.path):
                self._write(memoryview(data))
        except BaseException as error:
            self._refusal = str(error) or f"{self.path}: the last write was interrupted"
            self._take_back()
            raise
        self._digest.update(data)
        offset = self.size
        self.size += len(data)
        return offset

    def sync(self) -> None:
        """What was appended before the call is on the disk."""
        with self._lock:
            if self._unsynced:
                raise StorageError(self._refusal)
            if self._descriptor >= 0:  # else it is finished, therefore on the disk
                self._flush(os.fdatasync)

    def finish(self) -> None:
        """Everything is on the disk, and nothing more is appended; the second call does nothing."""
        with self._lock:
            if self._descriptor < 0:
                return
            try:
                self._flush(os.fsync)
            finally:
                self._refusal = self._refusal or f"{self.path} is closed"
                os.close(self._descriptor)
                self._descriptor = -1

    def _write(self, rest: memoryview) -> None:
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _take_back(self) -> None:
        self.doubtful = True
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.size)
            self.doubtful = False

    def _flush(self, bring: Callable[[int], None]) -> None:
        try:
            with telling(self.path):
                bring(self._descriptor)
        except StorageError as error:  # the kernel reports it once, and forgets which pages it lost
            self._refusal = str(error)
            self.doubtful = self._unsynced = True
            raise
