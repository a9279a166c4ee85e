"""What an index that is made anew takes over from the old one, and how it takes its place.

Everything else in the index was observed, and comes from the WARC files.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import ColumnElement, Table, select, true

from storage.disk import sync_directory, telling
from storage.errors import StorageError
from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.tables import alert, fixity, ledger, schedule, withholding

CARRIED: Mapping[Table, ColumnElement[bool]] = {  # decided by people and clocks
    fixity: true(),
    schedule: true(),
    ledger: true(),
    alert: true(),
    withholding: true(),
}


def carry(old: Index, new: Index) -> None:
    """Copy what was decided and not observed."""
    for table, decided in CARRIED.items():
        with old.read() as connection:
            rows = connection.execute(select(table).where(decided)).mappings().all()
        with new.write() as connection:
            dialect_of(connection).insert_ignore(connection, table, [dict(row) for row in rows])


def take_place(new: Path, old: Path) -> None:
    """Let the index at `new`, which nobody uses, be the one at `old`, all at once; raises StorageError.

    Where there is one, it is overwritten in one transaction: who reads it sees the one or the other, and a crash
    leaves it.
    """
    with telling(old):
        if old.exists():
            _overwrite(new, old)
            new.unlink()
        else:
            new.rename(old)
        sync_directory(old.parent)


def _overwrite(new: Path, old: Path) -> None:
    try:
        with closing(sqlite3.connect(new)) as source, closing(sqlite3.connect(old, timeout=60)) as target:
            target.execute("PRAGMA synchronous=FULL")
            source.backup(target)
            target.execute("PRAGMA busy_timeout=1000")  # the log is folded later where somebody reads
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StorageError(f"the index {old} cannot be replaced: {error}; free its disk, then start again") from error
