"""The names of WARC files and the list of those that are sealed.

A file is written as `NAME.open` and sealed under NAME; rows and revisits hold NAME, always below the home and with
`/` between its parts. The manifest has the format that BagIt and `sha256sum -c` share.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from storage.disk import sync_directory, telling
from storage.errors import StorageError

MANIFEST = "manifest-sha256.txt"
OPEN = ".open"


def open_name(home: Path, warc: str) -> Path:
    """Where a file stands until it is sealed."""
    return home / (warc + OPEN)


def locate(home: Path, warc: str) -> Path:
    """The file, sealed or still being written; raises StorageError when there is neither."""
    final, growing = home / warc, open_name(home, warc)
    for path in (final, growing, final):  # it may be sealed between two looks
        if path.exists():
            return path
    raise StorageError(f"{final} is lost: put it back from a copy, then run `luutru verify`")


def seal(home: Path, warc: str, sha256: str) -> None:
    """Give a finished file, already on the disk, its final name and its line in the manifest."""
    final = home / warc
    with telling(final):
        open_name(home, warc).rename(final)
        sync_directory(final.parent)
    add(home, {warc: sha256})


def read(home: Path) -> dict[str, str]:
    """The SHA-256 of every sealed file, by name; raises StorageError for a line that cannot be read."""
    path = home / MANIFEST
    if not path.exists():
        return {}
    with telling(path):
        lines = path.read_text("utf-8").splitlines()
    return dict(_entry(path, number, line) for number, line in enumerate(lines, 1))


def add(home: Path, digests: Mapping[str, str]) -> None:
    """Renew the manifest with these files, all at once; other processes may do so at the same time."""
    path = home / MANIFEST
    with telling(path), _alone(home):
        entries = sorted((read(home) | dict(digests)).items())
        _renew(path, "".join(f"{digest}  {name}\n" for name, digest in entries))


def _entry(path: Path, number: int, line: str) -> tuple[str, str]:
    digest, mark, name = line[:64], line[64:66], line[66:]
    if mark not in ("  ", " *") or not name:
        raise StorageError(f"{path}, line {number} is not `SHA-256, two spaces, name`: correct it or take it out")
    return name, digest


def _renew(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_directory(path.parent)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    lock = home / "locks" / "manifest.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
