"""Replay: archived pages, shown by pywb on an origin of their own.

pywb finds captures by the CDX endpoint of the reading room and reads the WARC files themselves. It runs in an
environment of its own, and what of ours runs there is `inside`.
"""

import fcntl
import os
from pathlib import Path
from urllib.parse import urlsplit

from storage.config import Config
from storage.disk import telling
from storage.errors import AlreadyRunning

PORT = 8081
_MARK = Path("locks", "replay")


def replay_url(config: Config, home: Path) -> str | None:
    """Where archived pages are shown: as configured, else where `luutru replay` runs now; ends with a slash."""
    url = config.replay_url or running(home)
    return f"{url.rstrip('/')}/" if url else None


def memento_url(replay: str, timestamp: str, url: str) -> str:
    """Where a replay shows the capture of an address that is closest to a timestamp."""
    return f"{replay}{timestamp}/{url}"


def origin(url: str) -> str:
    """Scheme, host and port of an address: what browsers keep apart, without a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def running(home: Path) -> str | None:
    """Where the replay of this archive runs; None where it does not."""
    try:
        descriptor = os.open(home / _MARK, os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _taken(descriptor, fcntl.LOCK_SH) else os.read(descriptor, 1000).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def announce(home: Path, url: str) -> None:
    """Say that the replay runs at `url`, for as long as this process lives, whatever program it becomes."""
    path = home / _MARK
    with telling(path):
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _taken(descriptor, fcntl.LOCK_EX):
            raise AlreadyRunning(f"the replay of this archive runs at {running(home)}: stop it there")
        os.set_inheritable(descriptor, True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, url.encode(), 0)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
