"""Reading an archive again by today's rules: what is asked for, and the process that does a part of it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from ctypes import c_longlong
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from crawler.derivation import IDLE, RECYCLED, Resume, Told, spare_memory
from crawler.rereading import document_of
from crawler.sites import Site
from storage.errors import ArchiveError
from storage.index import related, rereading
from storage.index.captures import Pending
from storage.index.documents import Derived
from storage.index.engine import Index
from storage.index.rereading import Change, Reread

_BATCH = 40  # captures that lead to the documents of one transaction
_RECYCLE_AFTER = 5_000  # captures; extraction libraries leak


@dataclass(frozen=True)
class Request:
    """Which captures are to be read again: those of the `chosen` sites since a moment; `sites` are all that are known.

    Without `write`, nothing is changed, and what would be is told.
    """

    home: Path
    sites: Mapping[str, Site]
    chosen: tuple[str, ...]
    since: str | None
    write: bool


def work(request: Request, part: int, parts: int, parent: Connection, current: c_longlong, resume: Resume) -> None:
    """Read again the captures whose id leaves `part` of `parts`, telling the parent batch by batch what changed.

    Ends the process with RECYCLED or the status of an ArchiveError.
    """
    spare_memory()
    try:
        worker = _Worker(request, current, resume.blamed)
        reached, read = resume.reached, 0
        while batch := worker.next(part, parts, reached):
            told = worker.read(batch)
            reached = batch[-1].id
            parent.send(Told(reached, told))
            read += len(batch)
            worker.keep_up(part, parts)
            if read >= _RECYCLE_AFTER:
                sys.exit(RECYCLED)
    except ConnectionError:  # the parent is gone; what was written stays
        return
    except ArchiveError as error:
        sys.exit(error.status)


class _Worker:
    """One process at its part."""

    def __init__(self, request: Request, current: c_longlong, blamed: frozenset[int]) -> None:
        from crawler import learning  # extraction and what it imports belong to the child alone
        from crawler.derive import Reader, Unsaid
        from crawler.rules import Rules

        self._request = request
        self._index = Index(request.home / "index.db")
        rules = {key: Rules(site, learning.load(self._index, key)) for key, site in request.sites.items()}
        self._reader = Reader(request.home, rules)
        self._today = {key: rules[key].name for key in request.chosen}
        self._unsaid = Unsaid()
        self._current = current
        self._blamed = blamed
        current.value = IDLE

    def next(self, part: int, parts: int, reached: int) -> list[Pending]:
        """The captures that come next."""
        since = self._request.since
        with self._index.read() as connection:
            return rereading.stale(connection, self._today, since, part, parts, reached, _BATCH)

    def read(self, batch: Sequence[Pending]) -> tuple[Reread, ...]:
        """What changed, or would change."""
        left = [one for one in batch if one.id not in self._blamed]
        told = self._write(left) if self._request.write else self._compare(left)
        self._current.value = IDLE
        return tuple(told)

    def keep_up(self, part: int, parts: int) -> None:
        """Compare texts, a portion of what waits for it."""
        if self._request.write:
            related.keep_up(self._index, part, parts)

    def _compare(self, batch: Sequence[Pending]) -> list[Reread]:
        found = [self._read(one) for one in batch]
        with self._index.read() as connection:
            before = rereading.stood(connection, [one.capture for one in found])
        return [rereading.compare(before.get(one.capture), one) for one in found]

    def _write(self, batch: Sequence[Pending]) -> list[Reread]:
        told: list[Reread] = []
        while batch:
            groups = list(self._groups(batch))
            results = rereading.replace_batch(self._index, [group for _, group in groups])
            batch = [one for (one, _), result in zip(groups, results, strict=True) if result is None]
            told += [one for result in results if result for one in result]
            if batch or any(one.change is Change.FAILED for one in told):
                self._unsaid.forget()  # not all was written that it has seen
        return told

    def _groups(self, batch: Sequence[Pending]) -> Iterator[tuple[Pending, list[Derived]]]:
        """The documents that captures lead to, each with the first capture that does."""
        met: set[int] = set()
        for one in batch:
            if one.id not in met:
                group = document_of(self._index, one, self._read(one), self._read)
                ids = {member.capture for member in group}
                met |= ids
                if not ids & self._blamed:
                    yield one, [self._unsaid.of(member) for member in group]

    def _read(self, capture: Pending) -> Derived:
        self._current.value = capture.id
        return self._reader(capture)
