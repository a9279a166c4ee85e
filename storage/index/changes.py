"""Whether what an index answers can have changed since it was asked last."""

import sqlite3
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from storage.moments import now

_ENDS = "SELECT DISTINCT until FROM withholding WHERE until IS NOT NULL ORDER BY until"


class Changes:
    """Looks at one index from a connection of its own, which is opened when it is needed; safe in threads."""

    def __init__(self, path: Path, clock: Callable[[], str] = now) -> None:
        self._path = path
        self._clock = clock
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file = 0
        self._number: int | None = None
        self._ends: list[str] = []  # of what is withheld for a time, as they were in the state of this number

    def stamp(self) -> str | None:
        """Another text after each commit of anybody else, for another file, and once a withholding's time is over.

        None where it cannot be told now.
        """
        with self._lock:
            try:
                file = self._path.stat().st_ino
                if file != self._file:
                    self._open(file)
                assert self._connection is not None  # noqa: S101  # as _open left it
                (number,) = self._connection.execute("PRAGMA data_version").fetchone()
                if number != self._number:
                    self._ends = [until for (until,) in self._connection.execute(_ENDS)]
                    self._number = number
            except (OSError, sqlite3.Error):
                return None
            return f"{file:x}-{number:x}-{bisect_right(self._ends, self._clock()):x}"

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._file = 0
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self, file: int) -> None:
        opened = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=0, check_same_thread=False
        )
        if self._connection is not None:
            self._connection.close()
        self._connection, self._file, self._number = opened, file, None
