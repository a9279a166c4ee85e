"""One crawl of a site at a time, one daemon, and none of them while the index is rebuilt: across processes."""

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
    with _alone(_path(home, site), f"{site} is being crawled", f"crawl {crawl}"):
        yield


def holder(home: Path, site: str) -> str | None:
    """Who crawls the site now: process, host, crawl and since when, as a person reads it; None when nobody does."""
    return _holder(_path(home, site))


@contextmanager
def daemon_lock(home: Path) -> Iterator[None]:
    """Serve the schedule, alone; raises AlreadyRunning, which names who does, and StorageError."""
    with _alone(home / "locks" / "daemon", "the schedule is served", "the daemon"):
        yield


def daemon(home: Path) -> str | None:
    """Who serves the schedule now, as a person reads it; None when nobody does."""
    return _holder(home / "locks" / "daemon")


@contextmanager
def run_lock(home: Path, job: str, run: str) -> Iterator[int]:
    """Hold a job for one run of it: a descriptor that its process inherits, and by that holds the job while it lives.

    Raises AlreadyRunning, which names who runs it, and StorageError.
    """
    with _alone(_run_path(home, job), f"{job} is being run", f"run {run}") as descriptor:
        yield descriptor


def is_run(home: Path, job: str, run: str) -> bool:
    """Whether the process of this run, or one that it began, still lives."""
    told = _holder(_run_path(home, job))
    return told is not None and f"run {run}," in told


@contextmanager
def _alone(path: Path, doing: str, what: str) -> Iterator[int]:
    with telling(path):
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with telling(path):
            if not _taken(descriptor, fcntl.LOCK_EX):
                if not _taken(descriptor, fcntl.LOCK_SH):
                    raise AlreadyRunning(f"{doing} by {_told(descriptor)}: wait for its end, or stop it there")
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # others only looked whether it is held
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _myself(what).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
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
    using = [f"{site} is being crawled by {told}" for site in sites if (told := holder(home, site))]
    using += [f"the schedule is served by {told}"] if (told := daemon(home)) else []
    return "; ".join(using) or "another command writes the index"


def _path(home: Path, site: str) -> Path:
    return home / "locks" / f"{site}.lock"


def _run_path(home: Path, job: str) -> Path:
    return home / "locks" / f"{job}.run"


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(descriptor: int) -> str:
    return os.read(descriptor, 400).decode("utf-8", "replace").strip() or "another process"


def _myself(what: str = "") -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()}{f', {what}' if what else ''}, since {since}"
