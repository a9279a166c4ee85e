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
    path = home / "locks" / f"{site}.lock"
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            raise AlreadyRunning(f"{site} is being crawled by {holder or 'another process'}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {datetime.now(UTC).isoformat('T', 'seconds')}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(home: Path, site: str) -> bool:
    """Whether a process crawls the site at this moment; a crawl that begins in the same instant may be turned away."""
    try:
        descriptor = os.open(home / "locks" / f"{site}.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
