"""The upkeep of an archive, done once a week: its index stays quick and is proved whole, its logs stay few."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.collection import Collection
from storage.disk import telling
from storage.index import upkeep
from storage.locks import index_in_use

LOGS = "logs"
_KEPT_FOR = timedelta(days=90)
_KEPT = 1_000_000_000  # bytes of logs
_WRITTEN = timedelta(days=2)  # a log that was written so lately may be written still


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done, and what is wrong with the index."""

    merged: int  # steps in which full text was joined
    log: int  # bytes of the write-ahead log that had to stay
    removed: int  # logs of crawls that were too old, or too many
    freed: int  # their bytes
    problems: tuple[str, ...]


def keep_up(collection: Collection) -> Upkeep:
    """Check, join, count and fold the index, and remove old logs; crawls may run.

    Raises AlreadyRunning, StorageError.
    """
    index = collection.index
    with index_in_use(collection.home):
        found = upkeep.faults(index)
        merged = 0 if found else upkeep.merge(index)
        if not found:
            upkeep.analyse(index)
        log = upkeep.fold(index.path)
    removed = list(remove_logs(collection.home, datetime.now(UTC)))
    advice = "stop what writes it, move it away, then run `luutru reindex`"
    problems = tuple(f"the index is damaged: {one}: {advice}" for one in found)
    return Upkeep(merged, log, len(removed), sum(removed), problems)


def remove_logs(home: Path, now: datetime) -> Iterator[int]:
    """Remove logs that are older than 90 days, and the oldest of those that are more than 1 GB; the bytes of each."""
    total = 0
    for written, size, path in sorted(_logs(home), reverse=True):
        age = now.timestamp() - written
        total += size
        if age > _KEPT_FOR.total_seconds() or (total > _KEPT and age > _WRITTEN.total_seconds()):
            with telling(path):
                path.unlink(missing_ok=True)
            total -= size
            yield size


def _logs(home: Path) -> Iterator[tuple[float, int, Path]]:
    for path in (home / LOGS).rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            yield status.st_mtime, status.st_size, path
