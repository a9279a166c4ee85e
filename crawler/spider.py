"""The one spider: it gives Scrapy the requests of a session, and the session what became of them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from scrapy import Request, Spider
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.manners import Manners
from crawler.robots import FORBIDDEN
from crawler.session import Session
from storage.errors import ArchiveError
from storage.index.frontier import Condition, Waiting
from storage.model import PAGES, Exchange, Kind


class Stopping(IgnoreRequest):
    """The crawl is coming to its end; the address waits for the next one."""


class SiteSpider(Spider):
    """A crawl of one Site; everything that differs between sites is in the Site."""

    name = "site"

    def __init__(self, session: Session, **kwargs: Any) -> None:
        super().__init__(name=session.site.key, **kwargs)
        self.session = session

    async def start(self) -> AsyncIterator[Request]:
        """Wakes Scrapy when there is news in the frontier; ends with the crawl."""
        try:
            async for one in self.session.frontier.starts(self._ready):
                yield self.request(one)
        except ArchiveError as error:  # Scrapy would log it and end the crawl as if nothing were left
            self.session.fail(error)

    def request(self, one: Waiting) -> Request:
        """The request for an address, with what the wire and the records must know of it."""
        meta: dict[str, Any] = {
            "address": one.id,
            "kind": one.kind,
            "attempts": one.attempts,
            "via": one.via,
            "hops": one.hops,
            "verbatim_url": True,
        }
        slot = self.session.slot(one.url)
        if slot:
            meta["download_slot"] = slot
        if one.kind is Kind.REQUISITE:
            meta["download_maxsize"] = self.settings.getint("REQUISITE_MAXSIZE")
        headers = {}
        if one.condition and not self.session.full:
            meta["condition"] = one.condition
            headers = _conditions(one.condition)
        return Request(one.url, headers=headers, callback=self.parse, errback=self.failed, meta=meta, dont_filter=True)

    def parse(self, response: Response, **kwargs: Any) -> None:
        """Nothing is left to do: the exchange was kept on the wire."""

    async def failed(self, failure: Failure) -> None:
        """What did not end in rows yet: refused, not connected, left over when the crawl stops, or our own mistake."""
        meta, error = failure.request.meta, failure.value  # type: ignore[attr-defined]
        if meta.get("recorded"):
            return
        if isinstance(error, (Stopping, ArchiveError)):
            self.session.release(meta["address"])
        elif isinstance(error, IgnoreRequest):
            await self.session.refuse(failure.request.url, meta, str(error))  # type: ignore[attr-defined]
        elif "unsent" in meta:
            await self.session.unsent(meta)
        else:
            await self.session.broken(failure.request.url, meta, f"{type(error).__name__}: {error}")  # type: ignore[attr-defined]

    async def keep(self, exchange: Exchange, request: Request) -> None:
        """Called by the wire for each attempt: the exchange is in its file; raises StorageError."""
        await self.session.keep(exchange, request.meta)

    async def turn(self, request: Request) -> None:
        """Called by the wire before it sends: wait until the server may be asked; raises Stopping, Refused."""
        self._still_running()
        manners = self.crawler.get_downloader_middleware(Manners)
        if manners is not None:
            await manners.turn(request)
        await self.session.room()
        self._still_running()
        self.session.sending()

    def refused(self, request: Request, reason: str) -> None:
        """Called by robots and manners for what must not be asked for."""
        if reason != FORBIDDEN and request.meta.get("kind") in PAGES:
            self.session.refuse_server(request.url, reason)

    def found_sitemaps(self, addresses: Sequence[str]) -> None:
        """Called by robots with what robots.txt names."""
        self.session.found_sitemaps(addresses)

    def _ready(self) -> bool:
        engine = self.crawler.engine
        return engine is not None and not engine.needs_backout()

    def _still_running(self) -> None:
        engine = self.crawler.engine
        if engine is not None and engine.running:
            return
        if engine is not None:
            for slot in engine.downloader.slots.values():
                slot.delay = 0  # what still stands in line is not sent: it need not wait for its turn
        raise Stopping("the crawl is stopping")


def _conditions(condition: Condition) -> dict[str, bytes]:
    """The header lines that ask for an answer only if it is another one (RFC 9110, section 13.1)."""
    said = {"If-None-Match": condition.etag, "If-Modified-Since": condition.last_modified}
    return {name: value.encode("latin-1") for name, value in said.items() if value}
