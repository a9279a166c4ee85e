"""One crawl of a site at a time, and no crawl while the index is rebuilt: across processes."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from storage.disk import telling
from storage.errors import AlreadyRunning


@contextmanager
def crawl_lock(home: Path, site: str, crawl: str) -> Iterator[None]:
    """Hold the site for this crawl; raises AlreadyRunning, which names the holder, and StorageError.

    The kernel lets go when the holder dies, whatever its file still says. Readers ask for no lock.
    """
    path = _path(home, site)
    with telling(path):
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with telling(path):
            if not _taken(descriptor, fcntl.LOCK_EX):
                if not _taken(descriptor, fcntl.LOCK_SH):
                    told = _told(descriptor)
                    raise AlreadyRunning(f"{site} is being crawled by {told}: wait for its end, or stop it there")
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # others only looked whether it is held
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _myself(crawl).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(home: Path, site: str) -> str | None:
    """Who crawls the site now: process, host, crawl and since when, as a person reads it; None when nobody does."""
    try:
        descriptor = os.open(_path(home, site), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _taken(descriptor, fcntl.LOCK_SH) else _told(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def index_in_use(home: Path) -> Iterator[None]:
    """Write the index by the numbers of its rows: others may too, but nobody rebuilds it; raises AlreadyRunning."""
    with _index_lock(home) as descriptor:
        if not _taken(descriptor, fcntl.LOCK_SH):
            raise AlreadyRunning(f"the index is being rebuilt by {_told(descriptor)}: wait for its end")
        yield


@contextmanager
def index_alone(home: Path) -> Iterator[None]:
    """Rebuild the index while nobody crawls; raises AlreadyRunning, which names those who do."""
    with _index_lock(home) as descriptor:
        if not _taken(descriptor, fcntl.LOCK_EX):
            raise AlreadyRunning(f"{_users(home, descriptor)}: wait for the end, or stop it there")
        with telling(home / "locks"):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _myself().encode(), 0)
        yield


@contextmanager
def _index_lock(home: Path) -> Iterator[int]:
    path = home / "locks" / "index"  # no site's: theirs end with `.lock`
    with telling(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _users(home: Path, descriptor: int) -> str:
    if not _taken(descriptor, fcntl.LOCK_SH):
        return f"the index is being rebuilt by {_told(descriptor)}"
    sites = (path.stem for path in sorted((home / "locks").glob("*.lock")))
    crawling = [f"{site} is being crawled by {told}" for site in sites if (told := holder(home, site))]
    return "; ".join(crawling) or "another command writes the index"


def _path(home: Path, site: str) -> Path:
    return home / "locks" / f"{site}.lock"


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(descriptor: int) -> str:
    return os.read(descriptor, 400).decode("utf-8", "replace").strip() or "another process"


def _myself(crawl: str = "") -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    what = f", crawl {crawl}" if crawl else ""
    return f"process {os.getpid()} on {socket.gethostname()}{what}, since {since}"
