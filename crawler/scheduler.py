"""Scrapy's scheduler over the frontier table: only a small window of the addresses that wait is in memory."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from scrapy import Request, Spider
from scrapy.core.scheduler import BaseScheduler

from storage.errors import ArchiveError
from storage.index import frontier
from storage.index.engine import Index
from storage.index.frontier import Waiting
from storage.model import PAGES, Kind

if TYPE_CHECKING:
    from crawler.spider import SiteSpider

_WINDOW = 64  # addresses read ahead


class Frontier:
    """The addresses of one crawl that may be fetched now, each handed out once until it is released."""

    def __init__(
        self, index: Index, site: str, max_pages: int | None = None, ask_again: Callable[[], bool] = lambda: False
    ) -> None:
        """`ask_again` is called when nothing is left; it says whether it let anything wait again."""
        self._index = index
        self._site = site
        self._left = max_pages
        self._window: deque[Waiting] = deque()
        self._claimed: set[int] = set()  # in the window or on the wire
        self._dry = False  # nothing more was due when the table was last read
        self._closed = False
        self._ask_again = ask_again
        self._news = asyncio.Event()

    def take(self) -> Waiting | None:
        """The next address that is due, or None when there is none at this moment."""
        if self._closed:
            return None
        if not self._window and not self._dry:
            self._refill()
        if not self._window:
            return None
        one = self._window.popleft()
        if self._left is not None and one.kind in PAGES:
            self._left -= 1
            if self._left == 0:
                self._forget_pages()
        return one

    def release(self, id_: int) -> None:
        """The address is no longer on the wire and its row says what became of it."""
        self._claimed.discard(id_)

    def give_back(self) -> None:
        """A page that was handed out gave nothing and does not count against the limit."""
        if self._left is not None:
            self._left += 1

    @property
    def limited(self) -> bool:
        """Whether the limit of pages is reached."""
        return self._left == 0

    def wake(self) -> None:
        """Rows have changed: there may be more to take, or nothing left."""
        self._dry = False
        self._news.set()

    def close(self) -> None:
        """Hand out nothing more; the crawl ends when what is on the wire has come back."""
        self._closed = True
        self._claimed.difference_update(one.id for one in self._window)
        self._window.clear()
        self._news.set()

    async def starts(self, ready: Callable[[], bool]) -> AsyncIterator[Waiting]:
        """An address each time that there is news and `ready()`; ends when nothing waits and nothing is on the wire."""
        while True:
            self._news.clear()
            if self._closed:
                return
            one = self.take() if ready() else None
            if one is not None:
                yield one
            elif not self._window and not self._claimed:
                due = self._next_due()
                if due is None:
                    if self._closed or self.limited or not self._ask_again():
                        return
                    self._dry = False
                    continue
                await self._news_before(due)
                continue
            await self._news.wait()

    async def _news_before(self, due: str) -> None:
        pause = (datetime.fromisoformat(due) - datetime.now(UTC)).total_seconds()
        try:
            await asyncio.wait_for(self._news.wait(), max(pause, 0))
        except TimeoutError:
            self._dry = False

    def _kinds(self) -> frozenset[Kind]:
        return frozenset(Kind) - PAGES if self.limited else frozenset(Kind)

    def _refill(self) -> None:
        with self._index.read() as connection:
            fresh = frontier.waiting(connection, self._site, self._kinds(), _WINDOW, self._claimed)
        self._window.extend(fresh)
        self._claimed.update(one.id for one in fresh)
        self._dry = not fresh

    def _next_due(self) -> str | None:
        if self._closed:
            return None
        with self._index.read() as connection:
            return frontier.next_due(connection, self._site, self._kinds(), self._claimed)

    def _forget_pages(self) -> None:
        self._claimed.difference_update(one.id for one in self._window if one.kind in PAGES)
        self._window = deque(one for one in self._window if one.kind not in PAGES)


class FrontierScheduler(BaseScheduler):
    """What Scrapy asks for its next request; it is asked again whenever one has ended."""

    def open(self, spider: Spider) -> None:
        """Scrapy's call at the start of a crawl."""
        self._spider = cast("SiteSpider", spider)
        self._queue: deque[Request] = deque()

    def next_request(self) -> Request | None:
        """A request that `start()` gave, else the next from the frontier."""
        if self._queue:
            return self._queue.popleft()
        try:
            one = self._spider.session.frontier.take()
        except ArchiveError as error:  # Scrapy would only log it
            self._spider.session.fail(error)
            return None
        return self._spider.request(one) if one else None

    def enqueue_request(self, request: Request) -> bool:
        """Keep a request that comes from `start()`."""
        self._queue.append(request)
        return True

    def has_pending_requests(self) -> bool:
        """Whether a request waits here; the frontier says by `start()` when nothing is left."""
        return bool(self._queue)
