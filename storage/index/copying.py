"""A copy of an index that others may be writing: one state of it, whole or not there at all."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.disk import free_bytes, sync_directory, telling
from storage.errors import StorageError

_MARKS = ("", "-journal", "-wal", "-shm")


def copy_index(index: Path, target: Path) -> None:
    """Let `target` be one file that holds the index as it is at one moment; raises StorageError.

    Who writes the index meanwhile is not held up, and nothing of theirs is in the copy by half. A `target` that is
    there stays until the new one is on the disk.
    """
    new = target.with_name(f"{target.name}.new")
    with telling(target):
        _remove(new)
        try:
            _copy(index, new)
            new.replace(target)
        finally:
            _remove(new)
        sync_directory(target.parent)


def acknowledged(index: Path) -> dict[str, int]:
    """The files that a copy knows, and the offset of the last capture in each, -1 without; raises StorageError."""
    last = """
        SELECT file.name, coalesce(max(capture."offset"), -1)
        FROM file LEFT JOIN capture ON capture.file = file.id GROUP BY file.id"""
    try:
        with closing(sqlite3.connect(index)) as connection:
            return dict(connection.execute(last))
    except sqlite3.Error as error:
        raise StorageError(f"the copy {index} of the index cannot be read: {error}; run `luutru doctor`") from error


def _copy(index: Path, new: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as source,
            closing(sqlite3.connect(new)) as copy,
        ):
            _require_room(source, new)
            source.backup(copy)  # all in one step: in several it would begin again whenever somebody writes
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StorageError(
            f"the index {index} cannot be copied to {new}: {error}; free its disk, then start again"
        ) from error
    with new.open("rb") as file:
        os.fsync(file.fileno())


def _require_room(source: sqlite3.Connection, new: Path) -> None:
    (pages,), (page,) = (source.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    free = free_bytes(new.parent)
    if free < pages * page:
        needed, there = f"{pages * page / 1e6:,.0f} MB", f"{free / 1e6:,.0f} MB"
        raise StorageError(f"a copy of the index needs {needed}, and {new.parent} has {there} free: make room there")


def _remove(path: Path) -> None:
    for mark in _MARKS:
        path.with_name(path.name + mark).unlink(missing_ok=True)
