"""The index as it lies there, looked at without opening, upgrading or locking it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StorageError


@dataclass(frozen=True, slots=True)
class State:
    """What can be told of an index of any schema; `running` are the sites whose crawl is said to run."""

    revision: str | None
    journal: str
    newest: str | None  # date of a capture
    running: tuple[str, ...]


def look(path: Path) -> State:
    """The state of the index at `path`, which must be there; raises StorageError for what is no index."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return _state(connection)
    except sqlite3.Error as error:
        raise StorageError(f"the index {path} cannot be read: {error}") from error


def _state(connection: sqlite3.Connection) -> State:
    def column(query: str) -> list[str]:
        return [row[0] for row in connection.execute(query)]

    tables = column("SELECT name FROM sqlite_master WHERE type = 'table'")
    revisions = column("SELECT version_num FROM alembic_version") if "alembic_version" in tables else []
    (journal,) = column("PRAGMA journal_mode")
    (newest,) = column("SELECT max(date) FROM capture") if "capture" in tables else [None]
    running = column("SELECT DISTINCT site FROM crawl WHERE outcome = 'running'") if "crawl" in tables else []
    return State(revisions[0] if revisions else None, journal, newest, tuple(sorted(running)))
