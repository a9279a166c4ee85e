"""From the wire to the disk: every exchange becomes records, then rows, in that order.

Records are appended on the event loop, so that what was captured is known at once; one thread beside it brings the
bytes to the disk and then commits the rows, a batch at a time. A failure of either stops the crawl.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from storage.errors import ArchiveError, StorageError
from storage.index import captures
from storage.index.captures import Observation
from storage.index.engine import Index
from storage.model import Capture, Exchange, Original
from storage.moments import now
from storage.warc import CaptureWriter, SealedFile, payload_digest

_BATCH = 40  # observations in a transaction
_LINKS = 4000  # addresses found that are enough for one: a sitemap names 50,000
_MOMENT = 0.05  # seconds that the first of a batch waits for others
_AHEAD = 400  # observations that may wait for the disk

_Item = Observation | SealedFile | None  # in the order of the files; None is the end


@dataclass(slots=True)
class Tally:
    """What has been recorded so far."""

    attempts: int = 0
    bytes: int = 0
    new: int = 0
    lost: list[str] = field(default_factory=list)


class Recorder:
    """Keeps exchanges: bytes in the WARC file first, rows in the index second."""

    def __init__(
        self,
        index: Index,
        writer: CaptureWriter,
        crawl: str,
        site: str,
        on_commit: Callable[[Sequence[Observation]], None],
        on_failure: Callable[[ArchiveError], None],
    ) -> None:
        self.tally = Tally()
        self.failure: ArchiveError | None = None
        self.since = now()  # what was visited since then is not asked again because of a sign
        self._index = index
        self._writer = writer
        self._crawl = crawl
        self._site = site
        self._on_commit = on_commit
        self._on_failure = on_failure
        with index.read() as connection:
            self._sealed = captures.any_sealed(connection)  # before that nothing can be revisited but the current file
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._waiting: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    def append(self, exchange: Exchange, asked_about: Original | None = None) -> Capture | None:
        """The exchange in the WARC file, its bytes handed to the system; raises StorageError.

        `asked_about` is the response to which a 304 says that nothing has changed.
        """
        self._check()
        self.tally.attempts += 1
        self.tally.bytes += len(exchange.head) + len(exchange.body)
        try:
            original = asked_about if exchange.status == 304 else self._original(exchange)
            capture = self._writer.append(exchange, original)
        except StorageError as error:
            self.fail(error)
            raise
        for sealed in self._writer.take_sealed():
            self._waiting.put(sealed)  # behind everything that lies in it: who finds its row misses no other
        return capture

    async def record(self, observation: Observation) -> None:
        """Let the observation become rows; waits only while too many are ahead of it."""
        self._check()
        self.add(observation)
        if self._waiting.qsize() > _AHEAD:
            self._room.clear()
            await self._room.wait()
            self._check()

    def add(self, observation: Observation) -> None:
        """Let the observation become rows, without waiting."""
        self._loop = asyncio.get_running_loop()
        self._waiting.put(observation)

    def fail(self, error: ArchiveError) -> None:
        """The crawl cannot go on; the first reason stands."""
        if self.failure is None:
            self.failure = error
            self._tell(lambda: self._on_failure(error))

    def close(self) -> None:
        """Everything recorded is committed, or `failure` says why not."""
        self._loop = None
        self._waiting.put(None)
        self._thread.join()

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _original(self, exchange: Exchange) -> Original | None:
        if not self._sealed or exchange.status != 200 or not exchange.body or exchange.truncated:
            return None
        with self._index.read() as connection:
            return captures.original_of(connection, payload_digest(exchange.body))

    def _run(self) -> None:
        going = True
        while going:
            batch = self._batch()
            going = batch[-1] is not None
            if self.failure is None:
                try:
                    self._commit(batch)
                except ArchiveError as error:
                    self.fail(error)
                except Exception as error:  # noqa: BLE001  # a thread that dies would leave the crawl waiting for ever
                    self.fail(StorageError(f"captures cannot be recorded: {type(error).__name__}: {error}"))
            self._tell(self._room.set)

    def _batch(self) -> list[_Item]:
        """What comes within a moment after the first, in one transaction; None stands for the end."""
        batch = [self._waiting.get()]
        until = monotonic() + _MOMENT
        links = 0
        while (last := batch[-1]) is not None and len(batch) < _BATCH and (left := until - monotonic()) > 0:
            links += len(last.found) if isinstance(last, Observation) else 0
            if links > _LINKS:
                break
            try:
                batch.append(self._waiting.get(timeout=left))
            except queue.Empty:
                break
        return batch

    def _commit(self, items: Sequence[_Item]) -> None:
        batch = [one for one in items if isinstance(one, Observation)]
        self._writer.sync()
        recorded = captures.record_batch(self._index, self._crawl, self._site, batch, self.since)
        for sealed in (one for one in items if isinstance(one, SealedFile)):
            with self._index.write() as connection:
                captures.seal(connection, self._crawl, sealed.name, sealed.bytes, sealed.sha256)
            self._sealed = True
        self.tally.new += recorded.new
        self.tally.lost.extend(recorded.lost)
        self._tell(lambda: self._on_commit(batch))

    def _tell(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop has ended; close() reads the outcome from `failure`
            self._loop = None
