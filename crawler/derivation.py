"""The deriving processes beside a crawl, as their parent sees them.

They are processes because extraction may crash or never end, and then costs one capture and not the crawl.
"""

from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from threading import Thread
from time import monotonic

from crawler.sites import Site
from storage.errors import StorageError
from storage.index import documents
from storage.index.engine import Index

NEWS, END = b"news", b"end"  # what the parent says
RECYCLED = 75  # exit status of a process that has read enough
_PATIENCE = 60.0  # seconds for one capture

SiteLoader = Callable[[], Site]


class Derivation:
    """The workers beside one crawl: they read while it captures, and end when everything is read."""

    def __init__(self, home: Path, load: SiteLoader, processes: int) -> None:
        self.problems: list[str] = []  # workers that could not begin
        self.failure: StorageError | None = None
        self._index = Index(home / "index.db")
        self._finished = self._abandoned = False
        self._workers = [_Worker(home, load, part, processes) for part in range(processes)]
        self._watch = Thread(target=self._supervise, name="derivation")
        self._watch.start()

    def wake(self) -> None:
        """There are new captures to read."""
        for worker in self._workers:
            worker.tell(NEWS)

    def finish(self) -> None:
        """Nothing new will come; returns when everything is read."""
        self._finished = True
        for worker in self._workers:
            worker.tell(END)
        self._watch.join()

    def abandon(self) -> None:
        """End at once; what is not read waits for the next crawl of the site."""
        self._abandoned = True
        for worker in self._workers:
            worker.process.terminate()
        self._watch.join()

    def _supervise(self) -> None:
        going = list(self._workers)
        while going:
            wait([worker.process.sentinel for worker in going], timeout=1.0)
            for worker in list(going):
                if worker.process.is_alive():
                    worker.kill_if_stuck()
                elif not self._goes_on(worker):
                    going.remove(worker)
        self._index.close()

    def _goes_on(self, worker: "_Worker") -> bool:
        """Whether a worker that has ended was started again."""
        status = worker.process.exitcode
        if self._abandoned or (status == 0 and self._finished):
            return False
        if status == StorageError.status:
            self.failure = StorageError("articles cannot be stored: the disk of the index is full or gone")
            return False
        if status not in (0, RECYCLED) and not self._blame(worker):
            return False
        worker.start()
        worker.tell(END if self._finished else NEWS)
        return True

    def _blame(self, worker: "_Worker") -> bool:
        """Give up the capture at which a worker ended; False when there was none, since then the next would end too."""
        capture, status = worker.current.value, worker.process.exitcode
        if not capture:
            self.problems.append(f"a deriving process ended with status {status}")
            return False
        reason = "reading took too long" if worker.stuck else f"reading ended the process with status {status}"
        with self._index.write() as connection:
            documents.give_up(connection, capture, f"{documents.FAILED}{reason}")
        return True


class _Worker:
    """One deriving process, as its parent sees it."""

    def __init__(self, home: Path, load: SiteLoader, part: int, parts: int) -> None:
        self._arguments = (home, load, part, parts)
        self.start()

    def start(self) -> None:
        context = get_context("spawn")  # no locks or connections of the parent
        self.current: Synchronized[int] = context.Value("q", 0)
        self.stuck = False
        self._seen = (0, monotonic())
        theirs, self._ours = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(*self._arguments, theirs, self.current), daemon=True)
        self.process.start()
        theirs.close()

    def tell(self, message: bytes) -> None:
        with suppress(BrokenPipeError):  # it has ended, which the supervisor sees
            self._ours.send_bytes(message)

    def kill_if_stuck(self) -> None:
        capture, since = self._seen
        if self.current.value != capture:
            self._seen = (self.current.value, monotonic())
        elif capture and monotonic() - since > _PATIENCE:
            self.stuck = True
            self.process.kill()


def _work(home: Path, load: SiteLoader, part: int, parts: int, news: Connection, current: "Synchronized[int]") -> None:
    from crawler.derive import work  # extraction and what it imports belong to the child alone

    work(home, load, part, parts, news, current)
