"""What keeps an index quick and proves it whole, in transactions so short that crawls do not wait."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

from storage.errors import StorageError
from storage.index.dialects import dialect_of
from storage.index.engine import Index

_PAGES = 100  # of full text that one transaction writes, about 20 ms
_ROWS = 1_000  # of each index that are looked at for what the planner is to know of it
_NAMED = 10  # faults
_PATIENCE = 5  # seconds for those who read; whoever writes waits meanwhile


def merge(index: Index) -> int:
    """Join the pieces in which full text was written, until there is nothing to join; how many steps that took.

    It rests after each step as long as the step took: who waits to write looks from time to time only, and would find
    the index taken again each time.
    """
    steps = 0
    while True:
        with index.write() as connection:
            began = monotonic()
            if not dialect_of(connection).merge_fulltext(connection, _PAGES):
                return steps
        sleep(monotonic() - began)
        steps += 1


def analyse(index: Index) -> None:
    """Let the planner know how many rows there are of what."""
    with index.write() as connection:
        connection.exec_driver_sql(f"PRAGMA analysis_limit={_ROWS}")
        connection.exec_driver_sql("ANALYZE")


def faults(index: Index) -> list[str]:
    """What is wrong with the file of the database, as SQLite says it; nothing where all is well."""
    with index.read() as connection:
        found = connection.exec_driver_sql(f"PRAGMA quick_check({_NAMED})").scalars().all()
    return [one for one in found if one != "ok"]


def fold(path: Path) -> int:
    """Bring the write-ahead log into the index; how many of its bytes had to stay, since somebody reads them."""
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StorageError(f"the write-ahead log of {path} cannot be folded: {error}; free its disk") from error
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0
