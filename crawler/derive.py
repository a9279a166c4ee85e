"""From a capture to its reading: the one door to extraction, and the processes that go through it.

A worker takes captures that have no reading yet from the index and their payloads from the WARC files, so it does not
matter whether they were captured a moment or a year ago. Workers are processes: extraction may crash or never end,
and then costs one capture. Each takes the captures whose number leaves its own part when divided by all parts.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from threading import Thread
from time import monotonic

from crawler.extraction import article
from crawler.extraction.text import DIGEST_RULE, digest
from crawler.sites import Site
from storage.errors import ArchiveError, BrokenRecord, StorageError
from storage.index import captures, documents
from storage.index.captures import Pending
from storage.index.documents import Derived
from storage.index.engine import Index
from storage.model import Kind, Reading
from storage.records import StoredResponse, decoded, read_payload

_BATCH = 40  # captures read before their readings are written
_RECYCLED = 75  # exit status of a worker that has read enough
_RECYCLE_AFTER = 5_000  # captures; extraction libraries leak
_PATIENCE = 60.0  # seconds for one capture
_DECODED_LIMIT = 64 * 1024 * 1024
_NEWS, _END = b"news", b"end"

SiteLoader = Callable[[], Site]


def derive(capture: Pending, payload: StoredResponse, site: Site) -> Reading:
    """What one capture says, by the rules of its site; the same for a live crawl, an import and a new derivation."""
    content_type = next((value for name, value in payload.headers if name.lower() == "content-type"), None)
    try:
        body = decoded(payload.headers, payload.body, _DECODED_LIMIT)
    except ArchiveError as error:
        return Reading(None, str(error), None)
    moment = datetime.fromisoformat(capture.date)
    layouts = site.layouts_at(moment.date())
    result = article.read(body, content_type=content_type, url=capture.url, layouts=layouts, captured=moment)
    if capture.kind is Kind.LIST:
        return Reading(None, "list", None, result.mentions)
    identity = site.document(capture.url)
    if identity is None and result.article:
        return Reading(None, "not the address of a document", None, result.mentions)
    return Reading(result.article, result.reason, identity, result.mentions)


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
            worker.tell(_NEWS)

    def finish(self) -> None:
        """Nothing new will come; returns when everything is read."""
        self._finished = True
        for worker in self._workers:
            worker.tell(_END)
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
        if status not in (0, _RECYCLED) and not self._blame(worker):
            return False
        worker.start()
        worker.tell(_END if self._finished else _NEWS)
        return True

    def _blame(self, worker: "_Worker") -> bool:
        """Give up the capture at which a worker ended; False when there was none, since then the next would end too."""
        capture, status = worker.current.value, worker.process.exitcode
        if not capture:
            self.problems.append(f"a deriving process ended at its start with status {status}")
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    try:
        index, site = Index(home / "index.db"), load()
        read, last = 0, False
        while True:
            batch = list(_readings(index, home, site, part, parts, current))
            if batch:
                documents.record_batch(index, batch)
                read += len(batch)
                if read >= _RECYCLE_AFTER:
                    sys.exit(_RECYCLED)
            elif last:
                return
            else:
                last = _told(news) == _END
    except ArchiveError as error:
        sys.exit(error.status)


def _told(news: Connection) -> bytes:
    """The next message of the parent; its death is the end."""
    parent = parent_process()
    if parent is None or news not in wait([news, parent.sentinel]):
        return _END
    message = news.recv_bytes()
    while message != _END and news.poll():
        message = news.recv_bytes()
    return message


def _readings(
    index: Index, home: Path, site: Site, part: int, parts: int, current: "Synchronized[int]"
) -> Iterator[Derived]:
    with index.read() as connection:
        waiting = captures.pending(connection, site.key, part, parts, _BATCH)
    for capture in waiting:
        current.value = capture.id
        yield _derived(capture, site, _reading(home, capture, site))
    current.value = 0


def _reading(home: Path, capture: Pending, site: Site) -> Reading:
    try:
        return derive(capture, read_payload(home, capture, capture.original), site)
    except BrokenRecord as error:
        return Reading(None, f"{documents.FAILED}{error}", None)
    except Exception as error:  # noqa: BLE001  # a page that breaks our own code costs its reading, and the crawl says so
        return Reading(None, f"{documents.FAILED}{type(error).__name__}: {error}", None)


def _derived(capture: Pending, site: Site, reading: Reading) -> Derived:
    found = reading.article
    return Derived(
        capture=capture.id,
        site=site.key,
        url=capture.url,
        date=capture.date,
        reading=reading,
        digest=digest(found.title, found.text) if found else None,
        digest_rule=DIGEST_RULE,
        rules=found.rules if found else f"{article.CODE}/-/-",
    )
