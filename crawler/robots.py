"""robots.txt by RFC 9309: asked once of each origin, archived like everything else, and obeyed."""

import asyncio
import re
import zlib
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.manners import Manners, Refused, told
from storage.model import Kind
from storage.urls import NotAnAddress, resolve

FORBIDDEN = "forbidden by robots.txt"
_LIMIT = 500 * 1024  # bytes that are read, section 2.5
_REDIRECTS = 5  # section 2.3.1.2
_MOVED = frozenset({301, 302, 303, 307, 308})
_TOKEN = re.compile(r"[A-Za-z_-]*")  # section 2.2.1
_NO_ANSWER = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)


@dataclass(frozen=True)
class Policy:
    """What an origin allows to one user agent."""

    agent: str
    rules: Protego = field(default_factory=lambda: Protego.parse(""))
    unreachable: str | None = None  # why everything is forbidden

    @classmethod
    def of(cls, agent: str, status: int, text: str) -> "Policy":
        """Sections 2.3.1.1 to 2.3.1.4: an answer is rules, its absence allows, a failing server forbids."""
        if status >= 500:
            return cls(agent, unreachable=f"robots.txt answered {status}")
        return cls(agent, Protego.parse(text)) if 200 <= status < 300 else cls(agent)

    def reason(self, url: str) -> str | None:
        """Why the address must not be fetched; None when it may."""
        if self.unreachable:
            return self.unreachable
        return None if self.rules.can_fetch(url, self.agent) else FORBIDDEN

    @property
    def delay(self) -> float | None:
        """Seconds between requests that are asked for."""
        return self.rules.crawl_delay(self.agent)


def product_token(user_agent: str) -> str:
    """The name by which robots.txt speaks of a user agent, such as "luutru"."""
    found = _TOKEN.match(user_agent)
    return found[0].lower() if found else ""


def read_robots(body: bytes, content_encoding: str) -> str:
    """The text of a robots.txt, as much of it as must be read."""
    if content_encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        body = _inflated(body)
    return body[:_LIMIT].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _inflated(body: bytes) -> bytes:
    for window in (47, -15):  # gzip or zlib, then the bare stream that some send as deflate
        try:
            return zlib.decompressobj(window).decompress(body, _LIMIT)
        except zlib.error:
            continue
    return body


class RobotsMiddleware:
    """Downloader middleware that refuses what robots.txt forbids, and everything where it cannot be known."""

    def __init__(self, crawler: Crawler) -> None:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured("ROBOTSTXT_OBEY is off")
        self._crawler = crawler
        self._agent = product_token(crawler.settings["USER_AGENT"])
        self._attempts = 1 + crawler.settings.getint("RETRY_TIMES")
        self._pause = crawler.settings.getfloat("RETRY_DELAY", 5.0)
        self._policies: dict[str, asyncio.Task[Policy]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to make one."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Returns when the request is allowed; tells the spider and raises Refused when it is not.

        What the wire or the spider refuses robots.txt itself with is raised for the request that needs it.
        """
        if request.meta.get("dont_obey_robotstxt"):
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._policies:
            self._policies[origin] = asyncio.ensure_future(self._ask(origin, request))
        policy = await asyncio.shield(self._policies[origin])
        reason = policy.reason(request.url)
        if reason:
            told(self._crawler).refused(request, reason)
            raise Refused(reason)

    async def _ask(self, origin: str, request: Request) -> Policy:
        policy = await self._fetch(f"{origin}/robots.txt", request)
        for attempt in range(self._attempts - 1):
            if policy.unreachable is None:
                break
            await asyncio.sleep(self._pause * 2**attempt)
            policy = await self._fetch(f"{origin}/robots.txt", request)
        manners = self._crawler.get_downloader_middleware(Manners)
        if policy.delay and manners is not None:
            manners.slow(request, policy.delay)
        sitemaps = tuple(policy.rules.sitemaps)
        if sitemaps:
            told(self._crawler).found_sitemaps(sitemaps)
        return policy

    async def _fetch(self, url: str, request: Request) -> Policy:
        meta = {"kind": Kind.ROBOTS, "dont_obey_robotstxt": True, "dont_redirect": True, "verbatim_url": True}
        slot = request.meta.get("download_slot")
        if slot is not None:
            meta["download_slot"] = slot
        for _ in range(_REDIRECTS + 1):
            try:
                asked = Request(url, meta=dict(meta), callback=NO_CALLBACK, dont_filter=True)
                response = await self._crawler.engine.download_async(asked)
            except _NO_ANSWER as error:
                return Policy(
                    self._agent, unreachable=f"robots.txt gave no answer: {str(error) or type(error).__name__}"
                )
            target = _target(response)
            if target is None:
                encoding = (response.headers.get("Content-Encoding") or b"").decode("latin-1")
                return Policy.of(self._agent, response.status, read_robots(response.body, encoding))
            url = target
        return Policy(self._agent)  # too many redirects: as if there were none


def _target(response: Response) -> str | None:
    location = response.headers.get("Location")
    if response.status not in _MOVED or not location:
        return None
    try:
        return resolve(response.url, location.decode("utf-8", "replace"))
    except NotAnAddress:
        return None
