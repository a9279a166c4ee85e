"""The processes that derive, beside a crawl or for themselves, as their parent sees them.

They are processes because extraction may crash or never end, and then costs one capture and not the crawl.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from ctypes import c_longlong
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
from threading import Thread
from time import monotonic
from typing import Any, Protocol

from crawler.sites import Site
from storage.errors import StorageError
from storage.index import documents
from storage.index.engine import Index

NEWS, END = b"news", b"end"  # what the parent says
RECYCLED = 75  # exit status of a process that has read enough
ORPHANED = 76  # exit status of a process whose parent has died
BEGINNING, IDLE = -1, 0  # what a process is at, when it is at no capture
_LOSSES = 3  # a process that ends so often at no capture is not started again
_PATIENCE = 60.0  # seconds for one capture
_PATIENCE_LEARNING = 300.0  # seconds

SiteLoader = Callable[[], Site]


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a process goes on: beyond the capture that was `reached`, without those that ended processes before."""

    reached: int = 0
    blamed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """What a process tells its parent: that it need not come back to captures up to `reached`."""

    reached: int
    news: Any


class Work(Protocol):
    """What a process does, for the captures whose id leaves `part` of `parts`; `current` is the one that it reads."""

    def __call__(self, part: int, parts: int, news: Connection, current: c_longlong, resume: Resume) -> None: ...


def beside_crawl(home: Path, load: SiteLoader) -> Work:
    """The work beside one crawl: to read while it captures, and to end when everything is read."""
    return partial(_work, home, load)


def after_crawl(home: Path, load: SiteLoader, crawl: str) -> Callable[[], None]:
    """What is learned of its site when a crawl has ended."""
    return partial(_learn, home, load, crawl)


def anew(home: Path, sites: Sequence[str]) -> Callable[[], None]:
    """To learn sites from all that there is of them."""
    return partial(_learn_anew, home, sites)


def give_up(index: Index, capture: int, reason: str) -> None:
    """Write down that a capture cannot be read."""
    with index.write() as connection:
        documents.give_up(connection, capture, reason)


class Derivation:
    """Processes at one work; those that end before it is done are started again."""

    def __init__(
        self,
        home: Path,
        work: Work,
        processes: int,
        *,
        lost: Callable[[Index, int, str], None] = give_up,
        hear: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self.problems: list[str] = []  # workers that could not begin
        self.failure: StorageError | None = None
        self._lost, self._hear = lost, hear
        self._index = Index(home / "index.db")
        self._finished = self._stopped = False
        self._learner: Learner | None = None
        self._workers = [_Worker(work, part, processes) for part in range(processes)]
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

    def learn(self, work: Callable[[], None]) -> None:
        """After `finish`: learn the templates of the site, where the crawl brought enough that is new."""
        self._learner = Learner(work)
        if self._stopped or self.failure:
            return
        if problem := self._learner.run():
            self.problems.append(problem)

    def stop(self) -> None:
        """Let `finish` and `learn` return at once, what is left waits for the next crawl; for signal handlers too."""
        self._stopped = True
        if self._learner:
            self._learner.stop()
        for worker in self._workers:
            worker.process.terminate()

    def _supervise(self) -> None:
        try:
            self._watch_over(list(self._workers))
        except StorageError as error:
            self.failure = error
            for worker in self._workers:
                worker.process.terminate()
        finally:
            self._index.close()

    def _watch_over(self, going: "list[_Worker]") -> None:
        while going:
            wait([one for worker in going for one in worker.signs], timeout=1.0)
            for worker in list(going):
                ended = not worker.process.is_alive()
                for news in worker.told():
                    self._hear(news)
                if ended:
                    if not self._goes_on(worker):
                        going.remove(worker)
                elif self._stopped:  # it was started while `stop` ran
                    worker.process.terminate()
                else:
                    worker.kill_if_stuck()

    def _goes_on(self, worker: "_Worker") -> bool:
        """Whether a worker that has ended was started again."""
        status = worker.process.exitcode
        if self._stopped or (status == 0 and self._finished):
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
        """Give up the capture at which a worker ended twice, if it was at one; False when the next would end too."""
        capture, status = worker.current.value, worker.process.exitcode or 0
        worker.losses += capture in (BEGINNING, IDLE)
        if (capture == BEGINNING and status > 0) or worker.losses > _LOSSES:
            self.problems.append(f"a deriving process ended with status {status}")
            return False
        if capture in (BEGINNING, IDLE):  # a signal ended it
            return True
        if not worker.stuck and worker.suspect != capture:  # something may have killed it; a page would do so again
            worker.suspect = capture
            return True
        reason = "reading took too long" if worker.stuck else f"reading ended the process with status {status}"
        self._lost(self._index, capture, f"{documents.FAILED}{reason}")
        worker.resume = replace(worker.resume, blamed=worker.resume.blamed | {capture})
        return True


class Learner:
    """A process that learns the templates of sites: what goes wrong there costs no crawl."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._process: SpawnProcess | None = None
        self._stopped = False

    def run(self) -> str | None:
        """Returns when it has ended, with what went wrong."""
        self._process = _spawned(get_context("spawn"), self._work, ())
        if self._stopped:
            self._process.terminate()
        self._process.join(_PATIENCE_LEARNING)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            return "learning the site's templates took too long"
        status = self._process.exitcode
        return f"learning the site's templates ended with status {status}" if status and not self._stopped else None

    def stop(self) -> None:
        """End it; a signal handler may call this."""
        self._stopped = True
        if self._process:
            self._process.terminate()


class _Worker:
    """One deriving process, as its parent sees it."""

    def __init__(self, work: Work, part: int, parts: int) -> None:
        self.losses = 0  # times that it ended at no capture
        self.suspect = IDLE  # the capture at which it ended last
        self.resume = Resume()
        self._work, self._part, self._parts = work, part, parts
        self.start()

    def start(self) -> None:
        context = get_context("spawn")  # no locks or connections of the parent
        self.current: c_longlong = context.Value("q", BEGINNING, lock=False)  # the worker alone writes
        self.stuck = False
        self._seen = (0, monotonic())
        theirs, self._ours = context.Pipe()
        self._deaf = False
        arguments = (self._part, self._parts, theirs, self.current, self.resume)
        self.process = _spawned(context, self._work, arguments)
        theirs.close()

    def tell(self, message: bytes) -> None:
        with suppress(ConnectionError):  # it has ended, which the supervisor sees
            self._ours.send_bytes(message)

    @property
    def signs(self) -> list[Any]:
        """What to wait for: its end, and what it tells."""
        return [self.process.sentinel, *([] if self._deaf else [self._ours])]

    def told(self) -> Iterator[Any]:
        """What it has told since it was asked last."""
        try:
            while not self._deaf and self._ours.poll():
                told: Told = self._ours.recv()
                self.resume = replace(self.resume, reached=told.reached)
                yield told.news
        except (EOFError, OSError):  # it has ended, perhaps in the middle of a word
            self._deaf = True

    def kill_if_stuck(self) -> None:
        capture, since = self._seen
        if self.current.value != capture:
            self._seen = (self.current.value, monotonic())
        elif capture > 0 and monotonic() - since > _PATIENCE:
            self.stuck = True
            self.process.kill()


def _spawned(context: SpawnContext, target: Callable[..., None], arguments: tuple[Any, ...]) -> SpawnProcess:
    process = context.Process(target=target, args=arguments, daemon=True)
    resource_tracker.ensure_running()  # or starting a process would do it, and let SIGINT through
    kept = pthread_sigmask(SIG_BLOCK, [SIGINT])  # inherited: the parent alone decides what an interrupt means
    try:
        process.start()
    finally:
        pthread_sigmask(SIG_SETMASK, kept)
    return process


def _learn(home: Path, load: SiteLoader, crawl: str) -> None:
    from crawler.learning import work  # as below

    work(home, load, crawl)


def _learn_anew(home: Path, sites: Sequence[str]) -> None:
    from crawler.learning import work_anew  # as below

    work_anew(home, sites)


def _work(
    home: Path, load: SiteLoader, part: int, parts: int, news: Connection, current: c_longlong, _: Resume
) -> None:
    from crawler.derive import work  # extraction and what it imports belong to the child alone

    spare_memory()
    work(home, load, part, parts, news, current)


def spare_memory() -> None:
    """Collect garbage as suits a process that parses page after page."""
    gc.freeze()  # what is imported stays; trees are freed by reference counts, so cycles need not be sought often
    gc.set_threshold(100_000, 50, 100)
