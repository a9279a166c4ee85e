"""The names of WARC files and the list of those that are sealed.

A file is written as `NAME.open` and sealed under NAME; rows and revisits hold NAME, always below the home and with
`/` between its parts. The manifest has the format that BagIt and `sha256sum -c` share.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from storage.disk import sync_directory, telling
from storage.errors import StorageError

MANIFEST = "manifest-sha256.txt"
OPEN = ".open"
_LINE = re.compile(r"(?P<digest>[0-9A-Fa-f]{64}) [ *](?P<name>[^\ufffd]+)")


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


def legible(home: Path) -> tuple[dict[str, str], tuple[int, ...]]:
    """The SHA-256 of every sealed file, by name, and the numbers of the lines that cannot be read."""
    path = home / MANIFEST
    if not path.exists():
        return {}, ()
    with telling(path):
        lines = path.read_text("utf-8", errors="replace").splitlines()
    entries = {number: _split(line) for number, line in enumerate(lines, 1)}
    bad = tuple(number for number, entry in entries.items() if entry is None)
    return dict(entry for entry in entries.values() if entry), bad


def add(home: Path, digests: Mapping[str, str]) -> None:
    """Renew the manifest with these files, all at once; other processes may do so at the same time."""
    path = home / MANIFEST
    with telling(path), _alone(home):
        _write(path, read(home) | dict(digests))


def mend(home: Path, digests: Mapping[str, str]) -> None:
    """Renew the manifest with these files and without the lines that cannot be read."""
    path = home / MANIFEST
    with telling(path), _alone(home):
        _write(path, legible(home)[0] | dict(digests))


def renew(home: Path, digests: Mapping[str, str]) -> None:
    """Let the manifest list these files and no others: of a home that nobody else writes."""
    _write(home / MANIFEST, digests)


def _write(path: Path, entries: Mapping[str, str]) -> None:
    _renew(path, "".join(f"{digest}  {name}\n" for name, digest in sorted(entries.items())))


def _entry(path: Path, number: int, line: str) -> tuple[str, str]:
    entry = _split(line)
    if entry is None:
        raise StorageError(f"{path}, line {number} is not `SHA-256, two spaces, name`: correct it or take it out")
    return entry


def _split(line: str) -> tuple[str, str] | None:
    found = _LINE.fullmatch(line)
    return (found["name"], found["digest"].lower()) if found else None


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
