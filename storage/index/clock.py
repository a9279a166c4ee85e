"""How long a question may take."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import TooSlow

_STEPS = 10_000  # instructions of the database between two looks at the clock


@contextmanager
def in_time(connection: sqlite3.Connection, seconds: float, hint: str) -> Iterator[None]:
    """Stop what the connection is asked within the context after this long; raises TooSlow, with the hint."""
    clock = _Clock(time.monotonic() + seconds)
    connection.set_progress_handler(clock.late, _STEPS)
    try:
        yield
    except Exception as error:
        if clock.is_late:
            raise TooSlow(seconds, hint) from error
        raise
    finally:
        connection.set_progress_handler(None, 0)


class _Clock:
    def __init__(self, until: float) -> None:
        self.until = until
        self.is_late = False

    def late(self) -> bool:
        self.is_late = time.monotonic() > self.until
        return self.is_late
