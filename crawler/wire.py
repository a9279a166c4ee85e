"""The wire: Scrapy's download handler, which has every exchange kept before anyone else sees it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from math import inf
from typing import Protocol, cast

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from scrapy.http import Headers, Response

from crawler.asking import Asked, RequestRefused, ask, message
from crawler.connecting import Connector
from crawler.connections import Connection, End, Peer, Pool
from crawler.framing import ResponseReader
from crawler.guard import AddressRefused, ConnectTo, Guard
from storage.model import Exchange, Truncated

IDLE_TIMEOUT = 15.0  # seconds that an idle connection is kept

_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))  # RFC 9110, section 9.2.2
_NOT_CONNECTED = (
    AddressRefused,
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)


class Keeper(Protocol):
    """What the wire asks of a spider; what it raises fails the request."""

    async def keep(self, exchange: Exchange, request: Request) -> None:
        """Keep an exchange; called once for each attempt, before the answer is given to Scrapy.

        Where `request.meta["asked_again"]` is true, another attempt follows at once, over a new connection.
        """

    async def turn(self, request: Request) -> None:
        """Return when the server may be asked; called before each attempt, no timeout runs meanwhile."""


@dataclass(slots=True)
class Attempt:
    """One attempt: what was sent, what came, and how it ended."""

    request: Request
    asked: Asked
    started: datetime
    begin: float  # loop time
    deadline: float  # loop time
    sent: bytes = b""
    reader: ResponseReader | None = None
    body: bytes = b""
    peer: Peer = field(default_factory=Peer)
    truncated: Truncated | None = None
    failure: Exception | None = None  # what Scrapy is told
    stale: bool = False  # the kept-alive connection was dead

    def exchange(self, now: float) -> Exchange:
        """The attempt in the bytes of the wire."""
        reader = self.reader
        meta = self.request.meta
        return Exchange(
            url=self.asked.url,
            method=self.request.method,
            started=self.started,
            elapsed=now - self.begin,
            request=self.sent,
            status=reader.status if reader else None,
            head=reader.stored_head if reader else b"",
            body=self.body,
            truncated=self.truncated,
            error=str(self.failure) if self.failure else None,
            ip=self.peer.ip,
            protocols=tuple(self._protocols()),
            cipher=self.peer.cipher,
            via=meta.get("via"),
            hops=meta.get("hops", 0),
            kind=meta.get("kind"),
            notes=tuple(self._notes()),
        )

    def _protocols(self) -> Iterator[str]:
        if self.reader and self.reader.head:
            yield self.reader.head.protocol.lower()
        elif self.reader and not self.reader.started:
            yield "http/1.1"
        if self.peer.tls:
            yield self.peer.tls

    def _notes(self) -> Iterator[tuple[str, bytes]]:
        if self.reader:
            yield from _reader_notes(self.reader)
        if self.peer.problem:
            yield "tls-problem", self.peer.problem.encode()
        if self.peer.fingerprint:
            yield "tls-certificate-sha256", self.peer.fingerprint.encode()
        if self.asked.route.proxy:
            yield "proxy", str(self.asked.route.proxy).encode()


def _reader_notes(reader: ResponseReader) -> Iterator[tuple[str, bytes]]:
    for head in reader.interim:
        yield "interim", head
    for number, extension in reader.extensions:
        yield "chunk-extension", b"%d %b" % (number, extension)
    if reader.trailer:
        yield "trailer", reader.trailer
    if reader.surplus:
        yield "surplus", reader.surplus
    if reader.head and reader.reason:
        yield "framing", reader.reason.encode()
    problem = reader.length_problem
    if problem:
        yield "content-length", problem.encode()


class WireHandler:
    """Speaks HTTP/1.1 over asyncio and gives each attempt to the spider, a Keeper, before it returns or raises.

    The body of the response is the one that is stored: without chunks, still content-encoded. Raises the exceptions
    of Scrapy's own handlers, RequestRefused where the guard refuses, and what the Keeper raises.
    """

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self.crawler = crawler
        mappings = [ConnectTo.parse(text) for text in settings.getlist("CONNECT_TO")]
        self._guard = Guard(mappings, mapped_only=settings.getbool("MAPPED_ONLY"))
        self._connector = Connector(self._guard, settings.getfloat("CONNECT_TIMEOUT", 15) or inf)
        self._pool = Pool(settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"), IDLE_TIMEOUT)
        self._first_byte = settings.getfloat("FIRST_BYTE_TIMEOUT", 60) or inf
        self._timeout = settings.getfloat("DOWNLOAD_TIMEOUT") or inf
        self._maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._bind = settings.get("DOWNLOAD_BIND_ADDRESS")
        self._needs_whole = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "WireHandler":
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        """The answer; asks once more when a kept-alive connection turns out to be dead."""
        asked = ask(request, self._guard, self._bind)
        await self._pool.enter(asked.route)
        try:
            attempt = await self._attempt(request, asked)
            if attempt.stale:
                self._pool.drop(asked.route)
                attempt = await self._attempt(request, asked)
        finally:
            self._pool.leave(asked.route)
        return self._answer(attempt)

    async def close(self) -> None:
        """End the idle connections."""
        await self._pool.close()

    async def _attempt(self, request: Request, asked: Asked) -> Attempt:
        keeper = cast("Keeper", self.crawler.spider)
        await keeper.turn(request)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        deadline = begin + (request.meta.get("download_timeout") or self._timeout)
        attempt = Attempt(request, asked, datetime.now(UTC), begin, deadline)
        try:
            connection = self._pool.take(asked.route) or await self._connect(attempt)
        except _NOT_CONNECTED as failure:
            attempt.failure = failure
        else:
            await self._exchange(connection, attempt)
        attempt.stale = attempt.stale and not request.meta.get("asked_again")
        request.meta["asked_again"] = attempt.stale
        await keeper.keep(attempt.exchange(loop.time()), request)
        return attempt

    async def _connect(self, attempt: Attempt) -> Connection:
        try:
            async with asyncio.timeout_at(attempt.deadline):
                return await self._connector.connect(attempt.asked.route)
        except TimeoutError as error:
            raise DownloadTimeoutError("not connected in time") from error

    async def _exchange(self, connection: Connection, attempt: Attempt) -> None:
        request, asked = attempt.request, attempt.asked
        attempt.peer = connection.peer
        attempt.stale = connection.used and request.method in _IDEMPOTENT
        kept, wire = message(request, asked)
        attempt.sent = kept if connection.open else b""
        attempt.reader = reader = ResponseReader(request.method, request.meta.get("download_maxsize", self._maxsize))
        reusable = False
        try:
            end = await connection.exchange(wire, reader, self._first_byte, attempt.deadline)
            reusable = connection.open and reader.keep_alive
        finally:
            if reusable:
                self._pool.keep(asked.route, connection)
            else:
                connection.abort()
        attempt.body = reader.body
        if connection.first_byte is not None:
            request.meta["download_latency"] = connection.first_byte - attempt.begin
        attempt.stale = attempt.stale and not reader.started and end is not End.LATE
        if not (reader.complete and reader.head):
            attempt.failure, attempt.truncated = _judge(reader, end)

    def _answer(self, attempt: Attempt) -> Response:
        """The response that Scrapy sees; raises what it is told instead."""
        request, reader, failure = attempt.request, attempt.reader, attempt.failure
        if isinstance(failure, AddressRefused):
            raise RequestRefused(str(failure)) from failure
        needs_whole = request.meta.get("download_fail_on_dataloss", self._needs_whole)
        forgiven = isinstance(failure, ResponseDataLossError) and not needs_whole
        if reader is None or reader.head is None or (failure and not forgiven):
            raise failure or DownloadFailedError("no answer")
        peer = attempt.peer
        return Response(
            request.url,
            status=reader.head.status,
            headers=Headers(reader.head.headers),
            body=attempt.body,
            flags=["dataloss"] if forgiven else None,
            certificate=peer.certificate,
            ip_address=ip_address(peer.ip) if peer.ip else None,
            protocol=reader.head.protocol,
        )


def _judge(reader: ResponseReader, end: End) -> tuple[Exception, Truncated | None]:
    """Why this is no whole answer: what Scrapy is told, and how the body was cut."""
    if reader.over:
        return DownloadCancelledError(f"the body was cut at the limit of {reader.size} bytes"), Truncated.LENGTH
    if reader.complete:
        return DownloadFailedError(f"not HTTP: {reader.reason}"), None
    late = end is End.LATE
    if not reader.started:
        reason = "no answer in time" if late else "the connection was closed before an answer"
        return (DownloadTimeoutError if late else DownloadFailedError)(reason), None
    if late:
        return DownloadTimeoutError("the answer was not finished in time"), Truncated.TIME
    if reader.head is None:
        return DownloadFailedError(f"not HTTP: {reader.reason}"), Truncated.DISCONNECT
    return ResponseDataLossError("the connection was closed within the body"), Truncated.DISCONNECT
