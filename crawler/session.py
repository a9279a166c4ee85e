"""One crawl of one site while it runs: lock, row, files, frontier and workers, opened and closed in this order."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from scrapy.settings import BaseSettings

from crawler.capture import Recorder
from crawler.definition import definition_digest
from crawler.derivation import Derivation, SiteLoader, after_crawl, beside_crawl
from crawler.ending import Ending
from crawler.frontier import due_again
from crawler.logs import CRAWL
from crawler.observe import Observer
from crawler.outcome import Account
from crawler.recover import bury, recover
from crawler.room import Room
from crawler.scheduler import Frontier
from crawler.scope import PRIORITIES, Scope, seeds
from crawler.settings import PRODUCT, switched_on
from storage.collection import Collection
from storage.disk import free_bytes
from storage.errors import ArchiveError, StorageError, UsageError
from storage.index import crawls, frontier, revisits
from storage.index.captures import Observation
from storage.index.frontier import State
from storage.locks import crawl_lock, index_in_use
from storage.model import PAGES, Crawl, Exchange, Found, Kind
from storage.moments import now, written
from storage.urls import NotAnAddress, canonicalize
from storage.warc import CaptureWriter, WarcInfo

_ROUNDS = 3  # times that lists are asked once more, if they have news each time
_SILENCE = 25  # attempts in a row without an answer after which the servers are left alone


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a crawl is."""

    pages: int
    requisites: int
    new: int  # addresses that were not known before
    errors: int
    seconds: float


class Session:
    """Everything that belongs to one crawl: `open` before Scrapy starts, `close` when Scrapy has ended."""

    def __init__(
        self,
        collection: Collection,
        load: SiteLoader,
        settings: BaseSettings,
        max_pages: int | None = None,
        full: bool = False,
        id_: str | None = None,
    ) -> None:
        """A `full` crawl asks for everything again, and never whether it has changed."""
        self.site = load()
        self.crawl = id_ or token_hex(4)
        self.full = full
        self.frontier = Frontier(collection.index, self.site.key, max_pages, self._ask_again)
        self._collection = collection
        self._load = load
        self._settings = settings
        self._scope = Scope(self.site)
        self._observer = Observer.of(self.site, settings)
        self._derives = switched_on(settings, "DERIVE")
        for name in ("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN"):
            if not settings.getint(name):
                raise UsageError(f"{name}=0: write at least 1")
        if self._derives and not settings.getint("DERIVE_PROCESSES"):
            raise UsageError("DERIVE_PROCESSES=0: write at least 1, or DERIVE=off")
        floor, ceiling = settings.getint("DISK_FLOOR"), settings.getint("DISK_CEILING")
        if ceiling < floor:
            raise UsageError(f"DISK_CEILING={ceiling}: write at least {floor}, which is DISK_FLOOR")
        folders = (collection.home, collection.home / "warc")
        self._room = Room(lambda: free_bytes(*folders), floor, ceiling, settings.getfloat("DISK_PATIENCE"))
        self._full: StorageError | None = None  # the disk is, for too long
        self._derivation: Derivation | None = None
        self._held = ExitStack()
        self._began = monotonic()
        self._pages = self._requisites = self._errors = self._answered = self._forbidden = 0
        self._refusals: dict[str, None] = {}
        self._unasked: dict[str, None] = {}
        self._broken: list[str] = []
        self._interrupted = False
        self._unfinished_since: str | None = None  # when the first crawl began that this one continues
        self._walked: set[str] = set()  # lists that went on to a further page since they were asked
        self._rounds = 0
        self._silent = 0  # attempts in a row that got no answer
        self._on_wire = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def open(self) -> None:
        """Take the lock and begin: row, due addresses, seeds, file, workers. Raises AlreadyRunning, StorageError."""
        home, index = self._collection.home, self._collection.index
        first = seeds(self.site)
        try:
            self._held.enter_context(index_in_use(home))
            self._held.enter_context(crawl_lock(home, self.site.key, self.crawl))
            with index.write() as connection:
                frontier.discover(connection, self.site.key, first)
            dead = recover(home, index, self._observer)
            self._writer = CaptureWriter(
                home, self.site.key, self.crawl, self._warcinfo(), rotate_at=self._settings.getint("WARC_MAXSIZE")
            )
            bury(index, self._writer, self.site.key, dead)
            with index.write() as connection:
                begun = crawls.unfinished_since(connection, self.site.key)
                crawls.begin(connection, self.crawl, self.site.key, definition_digest(self.site))
            self._unfinished_since = begun
            self._wake(begun)
            self._recorder = Recorder(
                index, self._writer, self.crawl, self.site.key, self._committed, lambda _: self.frontier.close()
            )
            self._held.callback(self._recorder.close)
            if self._derives:
                self._derivation = Derivation(
                    home, beside_crawl(home, self._load), self._settings.getint("DERIVE_PROCESSES")
                )
                self._held.callback(self._derivation.stop)  # whatever happens, its thread must not outlive the crawl
        except BaseException:
            self._held.close()
            raise

    def close(self, *, interrupted: bool) -> Crawl:
        """End the crawl and say how it went: everything committed, sealed, read and counted; raises StorageError."""
        with self._held:
            self._recorder.close()
            failure = self._recorder.failure or self._full
            self._read(abandon=interrupted or self._interrupted or failure is not None)
            failure = failure or (self._derivation.failure if self._derivation else None)
            try:
                if failure is None and not (interrupted or self._interrupted):
                    self._plan()
                ended = self._ended(interrupted, failure)
            except ArchiveError as error:
                raise failure or error from error
        if failure:
            raise failure
        return ended

    def interrupt(self) -> None:
        """Let `close` not wait for what is still to be read; a signal handler may call it."""
        self._interrupted = True
        if self._derivation:
            self._derivation.stop()

    async def room(self) -> None:
        """Returns when the disks have room; ends the crawl and raises StorageError when they have none for too long."""
        try:
            await self._room.turn()
        except StorageError as error:
            self._full = self._full or error
            self.frontier.close()
            raise

    def sending(self) -> None:
        """A request goes on the wire; `keep` gets what becomes of it."""
        self._on_wire += 1
        self._quiet.clear()

    async def quiet(self, seconds: float) -> None:
        """Returns when nothing is on the wire, at the latest after some seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), seconds)

    async def keep(self, exchange: Exchange, meta: dict[str, Any]) -> None:
        """Write the exchange and let its rows follow; raises StorageError."""
        try:
            await self._keep(exchange, meta)
        finally:
            self._on_wire -= 1
            if not self._on_wire:
                self._quiet.set()

    async def _keep(self, exchange: Exchange, meta: dict[str, Any]) -> None:
        condition = meta.get("condition")
        capture = self._recorder.append(exchange, condition.original if condition else None)
        if capture is None and not exchange.request:
            meta["unsent"] = exchange  # whoever learns why says what becomes of the address
            return
        await self._record(exchange.url, self._observer.exchange(exchange, capture, meta))
        meta["recorded"] = not meta.get("asked_again")

    async def unsent(self, meta: Mapping[str, Any]) -> None:
        """No connection could be made for the request."""
        await self._record(meta["unsent"].url, self._observer.exchange(meta["unsent"], None, meta))

    async def refuse(self, url: str, meta: Mapping[str, Any], reason: str) -> None:
        """The address must not be asked for."""
        self._forbidden += 1
        CRAWL.info("%s is not asked for: %s", url, reason)
        await self._record(url, self._observer.refused(meta, reason))

    async def broken(self, url: str, meta: Mapping[str, Any], reason: str) -> None:
        """Our own code failed over an answer: the address is given up, and the crawl says so."""
        self._broken.append(f"{url}: {reason}")
        await self._record(url, self._observer.given_up(meta, reason))

    def refuse_server(self, url: str, reason: str) -> None:
        """A whole server sends this crawl away, or cannot be asked for its rules."""
        servers = self._unasked if reason.startswith("robots.txt") else self._refusals
        told = f"{_origin(url)}: {reason}"
        if told not in servers:
            CRAWL.warning("left alone: %s", told)
        servers[told] = None

    def release(self, address: int) -> None:
        """The address was not asked for and waits for the next crawl."""
        self.frontier.release(address)
        self.frontier.wake()

    def found_sitemaps(self, addresses: Sequence[str]) -> None:
        """What robots.txt names; only a site without rules needs it."""
        if self.site.follow_all:
            found = (Found(url, Kind.LIST, PRIORITIES[Kind.LIST], 1, None) for url in _canonical(addresses))
            self._recorder.add(
                Observation(Kind.ROBOTS, None, found=tuple(f for f in found if self._scope.covers(f.url)))
            )

    def fail(self, error: ArchiveError) -> None:
        """The frontier cannot be read: the crawl ends here, and says so."""
        CRAWL.error("the frontier cannot be read: %s", error)
        self._recorder.fail(error)
        self.frontier.close()

    def slot(self, url: str) -> str | None:
        """The server whose budget a request to this address uses; None when each host has its own."""
        return self.site.slot if self.site.slot and self._scope.covers(url) else None

    def progress(self) -> Progress:
        """How far the crawl is."""
        tally = self._recorder.tally
        return Progress(self._pages, self._requisites, tally.new, self._errors, monotonic() - self._began)

    async def _record(self, url: str, observation: Observation) -> None:
        visited = observation.visited
        if visited and visited.state is State.FAILED:
            CRAWL.warning("%s given up after %s attempts: %s", url, visited.attempts, visited.error)
        elif visited and visited.state is State.WAITING and visited.error:
            CRAWL.info("%s will be asked again: %s", url, visited.error)
        await self._recorder.record(observation)

    def _committed(self, batch: Sequence[Observation]) -> None:
        """Rows are in the index: addresses are free again, and whoever waits for news is woken."""
        for one in batch:
            if one.visited:
                self.frontier.release(one.visited.id)
                self._errors += one.visited.state is State.FAILED
                if one.kind in PAGES and one.visited.state in (State.WAITING, State.REFUSED):
                    self.frontier.give_back()
                if one.capture:
                    self._silent = 0
                elif one.visited.state is not State.REFUSED:
                    self._silent += 1
            if one.kind is Kind.LIST and one.capture and (front := self._observer.walk.front(one.capture.url)):
                self._walked.add(front)
            if one.capture:
                self._pages += one.kind in PAGES
                self._requisites += one.kind is Kind.REQUISITE
                self._answered += one.kind in PAGES and one.capture.status in (200, 304) and not one.capture.truncated
        self.frontier.wake()
        if self._silent >= _SILENCE:
            self.frontier.close()
        if self._derivation and any(one.derivable for one in batch):
            self._derivation.wake()

    def _wake(self, begun: str | None) -> None:
        until = None if self.full else now()
        woken = 1
        while woken:
            with self._collection.index.write() as connection:
                woken = revisits.wake(connection, self.site.key, until, begun)

    def _ask_again(self) -> bool:
        """Ask lists that were walked once more: what came to their top meanwhile has pushed others to known pages."""
        walked, self._walked = sorted(self._walked), set()
        if self._rounds == _ROUNDS or not walked:
            return False
        self._rounds += 1
        self._observer.walk.overlap = False  # from now on only news lead on
        self._recorder.since = moment = now()
        with self._collection.index.write() as connection:
            return revisits.rouse(connection, self.site.key, walked, moment) > 0

    def _plan(self) -> None:
        """Say of everything that was visited when it is due again."""
        index, site = self._collection.index, self.site.key
        while True:
            with index.read() as connection:
                visited = revisits.unjudged(connection, site)
            if not visited:
                return
            dues = [(one.id, written(due_again(one))) for one in visited]
            with index.write() as connection:
                revisits.plan(connection, dues)

    def _warcinfo(self) -> WarcInfo:
        config = self._collection.config
        return WarcInfo(
            software=PRODUCT,
            operator=config.operator or config.contact or "",
            user_agent=self._settings["USER_AGENT"],
            robots="obey" if self._settings.getbool("ROBOTSTXT_OBEY") else "ignore",
            definition=definition_digest(self.site),
        )

    def _read(self, *, abandon: bool) -> None:
        if self._derivation is None:
            return
        if abandon:
            self._derivation.stop()
        self._derivation.finish()
        self._derivation.learn(after_crawl(self._collection.home, self._load, self.crawl))

    def _ended(self, interrupted: bool, failure: ArchiveError | None) -> Crawl:
        failure = failure or self._full
        counted = Account(
            answered=self._answered,
            lost=(*self._recorder.tally.lost, *self._broken),
            unread=tuple(self._derivation.problems) if self._derivation else (),
            refusals=tuple(self._refusals),
            unasked=tuple(self._unasked),
            forbidden=self._forbidden,
            silent=self._silent if self._silent >= _SILENCE else 0,
            paused=self._room.paused,
            interrupted=interrupted or self._interrupted,
            storage=str(failure) if failure else None,
        )
        ending = Ending(
            index=self._collection.index,
            writer=self._writer,
            site=self.site,
            crawl=self.crawl,
            since=self._unfinished_since,
            expect=self._collection.config.expect.get(self.site.key, {}),
            derives=self._derivation is not None,
            limited=self.frontier.limited,
        )
        return ending.tell(counted, self._recorder.tally, complete=self._recorder.failure is None)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _canonical(addresses: Sequence[str]) -> Iterator[str]:
    for address in addresses:
        try:
            yield canonicalize(address)
        except NotAnAddress:  # what a robots.txt names wrongly is not there
            continue
