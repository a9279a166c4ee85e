"""The index, made anew from the WARC files: storage joined with crawler."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from luutru.indexing import Indexer, Problem
from luutru.rebuild import derive_all
from storage.collection import Collection, refuse_to_share
from storage.config import Config
from storage.disk import telling
from storage.index import holdings
from storage.index.carrying import carry, take_place
from storage.index.engine import Index
from storage.locks import index_alone
from storage.sweeping import held

_NEW = ".new"
_SHARED = ("warc", "spiders", "luutru.toml")  # what the new index is made from

OnProgress = Callable[[str, int], None]  # what was done with how many captures


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What an index that was made anew holds, and what could not be taken into it."""

    files: int
    crawls: int
    captures: int
    addresses: int
    documents: int
    versions: int
    problems: tuple[Problem, ...]


def reindex(home: Path, config: Config, *, on_progress: OnProgress = lambda *_: None) -> Reindexed:
    """Make the index of a home anew, beside the old one, and put it in its place when it is whole.

    It takes over what was decided and not observed (`storage.index.carrying`). Ended at any instant, it leaves the old
    one as it was. Raises AlreadyRunning, UsageError, StorageError.
    """
    path = home / "index.db"
    refuse_to_share(home, path)
    with index_alone(home):
        old = Collection.open(home, config) if path.exists() else None
        try:
            with _beside(home, path.resolve()) as (workplace, new):
                told = _fill(home, workplace, config, on_progress, old)
                take_place(new, path.resolve())
        finally:
            if old:
                old.close()
    return told


def _fill(home: Path, workplace: Path, config: Config, on_progress: OnProgress, old: Collection | None) -> Reindexed:
    index = Index.open(workplace / "index.db")
    try:
        indexer = Indexer(home, config, index, lambda captures: on_progress("indexed", captures))
        indexer.index(held(home))
        derived = derive_all(
            Collection(workplace, config, index), on_progress=lambda captures: on_progress("read", captures)
        )
        problems = [Problem(None, None, f"{one.site} was not read: {one.reason}") for one in derived.skipped]
        problems += [Problem(None, None, f"not all was read: {one}") for one in derived.problems]
        if derived.failed:
            many = f"{derived.failed} captures could not be read: `luutru health` lists them"
            problems.append(Problem(None, None, many))
        if old:
            carry(old.index, index)
        with index.read() as connection:
            counted = holdings.totals(connection)
    finally:
        index.close()
    return Reindexed(**counted, problems=(*indexer.problems, *problems))


@contextmanager
def _beside(home: Path, index: Path) -> Iterator[tuple[Path, Path]]:
    """A home of the same files with an index of its own, which lies beside that of the other; both are removed."""
    workplace, new = home / "reindex", index.with_name(index.name + _NEW)
    _remove(workplace, new)  # that of one that died
    with telling(workplace):
        workplace.mkdir()
        for name in _SHARED:
            if (home / name).exists():
                (workplace / name).symlink_to(Path("..") / name)
        (workplace / "index.db").symlink_to(new)
    try:
        yield workplace, new
    finally:
        _remove(workplace, new)


def _remove(workplace: Path, new: Path) -> None:
    with telling(workplace):
        if workplace.exists():
            shutil.rmtree(workplace)
        for mark in ("", "-wal", "-shm"):
            new.with_name(new.name + mark).unlink(missing_ok=True)
