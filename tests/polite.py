"""A server that remembers when it was asked for what, and a small crawl of it by Scrapy."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import urlsplit

from homes import Listening
from scrapy import Request, Spider
from scrapy.core.downloader import Downloader
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.exceptions import DownloadConnectionRefusedError, DownloadTimeoutError
from scrapy.http import Headers, Response
from twisted.python.failure import Failure

from crawler.manners import Manners


@dataclass(frozen=True)
class Reply:
    """What the server answers, and after how long."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency: float = 0.0


class Server:
    """Answers on loopback by path, "200" to what it does not know (404 to /robots.txt); `log` is (path, moment)."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.replies = dict(replies)
        self.log: list[tuple[str, float]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.log.append((self.path, time.monotonic()))
                known = Reply(404) if self.path == "/robots.txt" else Reply()
                reply = server.replies.get(self.path, known)
                time.sleep(reply.latency)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = Listening(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self._http.server_port}{path}"

    def times(self) -> list[float]:
        return [moment for _, moment in self.log]

    def paths(self) -> list[str]:
        return [path for path, _ in self.log]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@dataclass
class Made:
    """What became of a crawl."""

    answers: list[tuple[str, int]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)  # as errbacks see it
    told: list[tuple[str, str]] = field(default_factory=list)  # as the spider is told
    sitemaps: list[str] = field(default_factory=list)
    robots: list[tuple[str, Any]] = field(default_factory=list)  # address and meta of what was sent for robots.txt
    refusals: dict[str, str] = field(default_factory=dict)
    downloader: Any = None


class PoliteHandler:
    """A download handler of a few lines that awaits its turn; HTTP/1.0, so that the body ends with the connection."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        manners = self._crawler.get_downloader_middleware(Manners)
        if manners is not None:
            await manners.turn(request)
        if request.url.endswith("/robots.txt"):
            self._crawler.spider.made.robots.append((request.url, dict(request.meta)))  # type: ignore[union-attr]
        began = time.monotonic()
        parts = urlsplit(request.url)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        except ConnectionRefusedError as error:
            raise DownloadConnectionRefusedError("nobody listens") from error
        writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        try:
            async with asyncio.timeout(request.meta["download_timeout"]):
                answer = await reader.read()
        except TimeoutError as error:
            raise DownloadTimeoutError("too slow") from error
        finally:
            writer.close()
        request.meta["download_latency"] = time.monotonic() - began
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        pairs = [line.split(b": ", 1) for line in lines]
        return Response(request.url, int(status.split()[1]), Headers(pairs), body, request=request)

    async def close(self) -> None:
        pass


class PoliteSpider(Spider):
    name = "polite"

    def __init__(self, urls: Sequence[str], made: Made, slot: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.urls = urls
        self.made = made
        self.meta = {"download_slot": slot} if slot else {}

    async def start(self) -> AsyncIterator[Request]:
        for url in self.urls:
            yield Request(url, callback=self.answered, errback=self.failed, meta=dict(self.meta), dont_filter=True)

    def answered(self, response: Response) -> None:
        self.made.answers.append((response.url, response.status))

    def failed(self, failure: Failure) -> None:
        self.made.refused.append((failure.request.url, str(failure.value)))  # type: ignore[attr-defined]

    def refused(self, request: Request, reason: str) -> None:
        self.made.told.append((request.url, reason))

    def found_sitemaps(self, addresses: Sequence[str]) -> None:
        self.made.sitemaps += addresses

    def closed(self, reason: str) -> None:
        engine = self.crawler.engine
        manners = self.crawler.get_downloader_middleware(Manners)
        assert engine is not None
        assert manners is not None
        assert isinstance(engine.downloader, Downloader)
        self.made.refusals = dict(manners.refusals)
        self.made.downloader = engine.downloader


def crawl(urls: Sequence[str], *, obey: bool = False, slot: str | None = None, **settings: Any) -> Made:
    """Fetch the addresses in order; returns when Scrapy is done."""
    made = Made()
    every = {
        "TWISTED_REACTOR_ENABLED": False,
        "DOWNLOAD_HANDLERS": {
            "http": PoliteHandler,
            "https": None,
            "data": None,
            "file": None,
            "ftp": None,
            "s3": None,
        },
        "DOWNLOADER_MIDDLEWARES_BASE": {
            "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 600,
            "crawler.robots.RobotsMiddleware": 700,
            "crawler.manners.Manners": 800,
        },
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {"scrapy.extensions.throttle.AutoThrottle": 0},
        "ROBOTSTXT_OBEY": obey,
        "USER_AGENT": "luutru/0.1 (+mailto:archive@example.vn)",
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_TIMEOUT": 10,
        "RETRY_TIMES": 0,
        "RETRY_DELAY": 0.05,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
    } | settings

    async def run() -> None:
        await AsyncCrawlerRunner(every).crawl(PoliteSpider, urls=urls, made=made, slot=slot)

    asyncio.run(run())
    return made
