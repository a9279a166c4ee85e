"""Statements of the user's own, on a connection that can only read."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.errors import ArchiveError, StorageError, UsageError
from storage.index.clock import in_time

_CHANGING = {"journal_mode", "locking_mode", "query_only", "wal_checkpoint", "writable_schema"}  # pragmas


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of a statement and its rows, which are read from the database as they are taken."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[object, ...]]


@contextmanager
def ask(path: Path, statement: str, seconds: float) -> Iterator[Answer]:
    """Run one statement on the index at `path`, reading only, for at most this long; rows within the context.

    Blobs are given in hexadecimal digits. Raises UsageError for what the database refuses, TooSlow, StorageError.
    """
    hint = "narrow it, or allow more with --time-limit"
    with closing(_open(path)) as connection, _telling(), in_time(connection, seconds, hint):
        cursor = connection.execute(statement)
        if cursor.description is None:
            raise UsageError("the statement asks for nothing: begin it with SELECT")
        columns = tuple(column[0] for column in cursor.description)
        yield Answer(columns, (tuple(map(_plain, row)) for row in cursor))


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":  # Ctrl-C, while the database worked
            raise KeyboardInterrupt from error
        raise _told(error) from error


def _open(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise StorageError(f"the index {path} cannot be read: {error}") from error
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # ATTACH and VACUUM INTO write elsewhere
    connection.set_authorizer(_authorized)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    return connection


def _authorized(action: int, name: str | None, *_: str | None) -> int:
    is_change = action == sqlite3.SQLITE_PRAGMA and (name or "").lower() in _CHANGING
    return sqlite3.SQLITE_DENY if is_change else sqlite3.SQLITE_OK


def _told(error: Exception) -> ArchiveError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_FULL")):
        return StorageError(f"the index cannot be read: {error}")
    return UsageError(f"the database refuses the statement: {error}")


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
