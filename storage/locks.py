"""One crawl of a site at a time, across processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import AlreadyRunning, StorageError


@contextmanager
def crawl_lock(home: Path, site: str) -> Iterator[None]:
    """Hold the site for this process; raises AlreadyRunning. The kernel lets go when the holder dies."""
    path = _path(home, site)
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        if not _taken(descriptor, fcntl.LOCK_EX):
            if not _taken(descriptor, fcntl.LOCK_SH):
                raise AlreadyRunning(f"{site} is being crawled by {_told(descriptor)}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # others only looked whether it is held
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {datetime.now(UTC).isoformat('T', 'seconds')}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(home: Path, site: str) -> str | None:
    """Who crawls the site now, such as `process 4711 since 2026-11-22T07:50:40+00:00`; None when nobody does."""
    try:
        descriptor = os.open(_path(home, site), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _taken(descriptor, fcntl.LOCK_SH) else _told(descriptor)
    finally:
        os.close(descriptor)


def _path(home: Path, site: str) -> Path:
    return home / "locks" / f"{site}.lock"


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(descriptor: int) -> str:
    return os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another process"
