"""Manners towards servers: waiting when they ask for it, never asking faster than they allow."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, Self, cast

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response

from crawler.logs import CRAWL

RETRY_AFTER_MAX = 600.0  # seconds; who asks for more refuses this crawl
_ASKING = frozenset({429, 503})


class Refused(IgnoreRequest):
    """The server does not want this request; the text says how it said so."""


class Told(Protocol):
    """What a spider is told by its middlewares."""

    def refused(self, request: Request, reason: str) -> None:
        """The request is not sent; its errback gets Refused as well."""

    def found_sitemaps(self, addresses: Sequence[str]) -> None:
        """A robots.txt names these sitemaps, as they stand there."""


def told(crawler: Crawler) -> Told:
    """The spider of a crawl as the one who is told."""
    return cast("Told", crawler.spider)


class Pauses:
    """Until when nothing may be sent to a download slot; those who waited leave one by one, `spacing(slot)` apart."""

    def __init__(
        self,
        spacing: Callable[[str], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spacing = spacing
        self._clock = clock
        self._sleep = sleep
        self._until: dict[str, float] = {}

    def until(self, slot: str, moment: float) -> None:
        """Nothing is sent before the moment of the clock; an earlier one changes nothing."""
        self._until[slot] = max(moment, self._until.get(slot, moment))

    async def turn(self, slot: str) -> None:
        """Returns when a request may be sent."""
        waited = False
        while (left := self._until.get(slot, 0.0) - self._clock()) > 0:
            waited = True
            await self._sleep(left)
        if waited:
            self._until[slot] = self._clock() + self._spacing(slot)


def retry_after(value: str, now: datetime) -> float | None:
    """The seconds that a Retry-After field asks to wait (RFC 9110, section 10.2.3); None when it cannot be read."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000", or no zone at all: HTTP dates are UTC
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


class Manners:
    """Downloader middleware, nearest to the wire, that obeys Retry-After and keeps the delays that servers ask for.

    The handler awaits `turn(request)` before it sends. A server that asks for more than RETRY_AFTER_MAX is in
    `refusals` with its reason, and whatever else is asked of it is `Refused`.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._longest = crawler.settings.getfloat("RETRY_AFTER_MAX", RETRY_AFTER_MAX)
        self.pauses = Pauses(self._delay)
        self.refusals: dict[str, str] = {}
        # Before Scrapy lets the next request of the slot go; `process_response` comes after that.
        crawler.signals.connect(self._heard, signal=signals.response_downloaded)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to make one."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Refuses what goes to a server that has refused."""
        self._refuse(request)

    async def turn(self, request: Request) -> None:
        """Returns when the request may be sent; raises Refused."""
        await self.pauses.turn(self._slot(request))
        self._refuse(request)

    def wait(self, slot: str, seconds: float, reason: str) -> None:
        """Send nothing to the slot for some seconds, or nothing more at all when they are too many."""
        if seconds > self._longest:
            self.refusals[slot] = reason
        else:
            CRAWL.info("%s is not asked for %.0f s: %s", slot, seconds, reason)
            self.pauses.until(slot, time.monotonic() + seconds)

    def slow(self, request: Request, seconds: float) -> None:
        """Keep at least this delay between the requests to the slot of this one, through every adjustment."""
        slot = self._slot(request)
        if not math.isfinite(seconds) or seconds > self._longest:
            self.refusals[slot] = f"asks for {seconds:.0f} s between requests (Crawl-delay)"
            return
        downloader = self._crawler.engine.downloader
        asked = max(seconds, self._delay(slot))
        # Idle slots are forgotten after a minute and made anew from these settings; no jitter, or it would undercut.
        downloader.per_slot_settings[slot] = downloader.per_slot_settings.get(slot, {}) | {
            "delay": asked,
            "jitter": 0.0,
        }
        if slot in downloader.slots:
            downloader.slots[slot].delay = asked
            downloader.slots[slot].jitter = 0.0
        throttle = self._crawler.get_extension(AutoThrottle)
        if throttle is not None:  # it has one lower bound for all slots
            throttle.mindelay = max(throttle.mindelay, seconds)
            throttle.maxdelay = max(throttle.maxdelay, seconds)

    def _heard(self, response: Response, request: Request) -> None:
        field = response.headers.get("Retry-After")
        if field and response.status in _ASKING:
            seconds = retry_after(field.decode("latin-1"), datetime.now(UTC))
            if seconds is not None:
                self.wait(self._slot(request), seconds, f"answered {response.status}, Retry-After: {seconds:.0f} s")

    def _refuse(self, request: Request) -> None:
        reason = self.refusals.get(self._slot(request))
        if reason:
            told(self._crawler).refused(request, reason)
            raise Refused(reason)

    def _slot(self, request: Request) -> str:
        return self._crawler.engine.downloader.get_slot_key(request)

    def _delay(self, slot: str) -> float:
        downloader = self._crawler.engine.downloader
        if slot in downloader.slots:
            return downloader.slots[slot].delay
        default = self._crawler.settings.getfloat("DOWNLOAD_DELAY")
        return float(downloader.per_slot_settings.get(slot, {}).get("delay", default))
