"""Connections: one exchange at a time over each, kept alive in a pool with a limit for every route."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, cast

from crawler.framing import ResponseReader


class Proxy(NamedTuple):
    """An HTTP proxy; what authorises us there is never part of an exchange."""

    host: str
    port: int
    authorization: bytes | None = None

    def __str__(self) -> str:
        return f"http://{bracketed(self.host)}:{self.port}"


class Route(NamedTuple):
    """Whom a connection leads to, and how; equal routes share connections."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None
    bind: tuple[str, int] | None = None


@dataclass(slots=True)
class Peer:
    """What is known of the other end: address, TLS version as WARC-Protocol names it, cipher, certificate (DER)."""

    ip: str | None = None
    tls: str | None = None
    cipher: str | None = None
    certificate: bytes | None = None
    fingerprint: str | None = None  # SHA-256 of the certificate
    problem: str | None = None  # why TLS is not as it should be


class End(Enum):
    """How reading an answer ended."""

    DONE = "done"
    CLOSED = "closed"
    LOST = "lost"
    LATE = "late"


class Connection(asyncio.Protocol):
    """One connection; bytes that arrive between exchanges end it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.peer = Peer()
        self.used = False  # has carried an exchange
        self.first_byte: float | None = None  # loop time, of the current exchange
        self.idle_since = 0.0
        self.gone: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport
        self._loop = loop
        self._reader: ResponseReader | None = None
        self._ended: asyncio.Future[End] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0

    @property
    def open(self) -> bool:
        return not (self.gone.done() or self.transport.is_closing())

    async def exchange(self, request: bytes, reader: ResponseReader, patience: float, deadline: float) -> End:
        """Send a request and let `reader` have the answer, all of it that comes.

        The first byte must come within `patience` seconds and the last before `deadline`, a time of the loop.
        """
        self.first_byte = None
        self._reader = reader
        self._deadline = deadline
        self._ended = self._loop.create_future()
        self._timer = self._loop.call_at(min(self._loop.time() + patience, deadline), self._too_late, reader)
        if self.open:
            self.transport.write(request)
        else:
            self._end(End.CLOSED)
        try:
            return await self._ended
        finally:
            self._timer.cancel()
            self._reader = None
            self.used = True

    def abort(self) -> None:
        """End the connection now."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.abort()
            return
        if self.first_byte is None:
            self.first_byte = self._loop.time()
        self._reader.feed(data)
        if self._reader.done:
            self._end(End.DONE)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        if self._reader is not None and not self._reader.done:
            self._reader.eof() if exc is None else self._reader.cut()
            self._end(End.CLOSED if exc is None else End.LOST)

    def _too_late(self, reader: ResponseReader) -> None:
        if reader.started and self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._too_late, reader)
        else:
            reader.cut()
            self._end(End.LATE)

    def _end(self, how: End) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(how)


@dataclass(slots=True)
class _Queue:
    """The connections of one route."""

    busy: int = 0
    idle: list[Connection] = field(default_factory=list)
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Pool:
    """At most `limit` exchanges at a time on a route; idle connections are kept for `patience` seconds."""

    def __init__(self, limit: int, patience: float) -> None:
        self._limit = limit
        self._patience = patience
        self._queues: dict[Route, _Queue] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    async def enter(self, route: Route) -> None:
        """Wait for a place on the route, first come, first served."""
        queue = self._queues.setdefault(route, _Queue())
        if queue.busy < self._limit:
            queue.busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(route)  # the place had been handed over already
            raise

    def leave(self, route: Route) -> None:
        """Hand the place to the next that waits."""
        queue = self._queues[route]
        while queue.waiting:
            turn = queue.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        queue.busy -= 1
        self._forget(route)

    def take(self, route: Route) -> Connection | None:
        """The connection of the route that was used last, if one is still open."""
        idle = self._queues[route].idle
        while idle:
            connection = idle.pop()
            if connection.open:
                return connection
        return None

    def keep(self, route: Route, connection: Connection) -> None:
        """Keep an open connection for the next exchange."""
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._queues[route].idle.append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._patience, self._sweep)

    def drop(self, route: Route) -> None:
        """End the idle connections of a route: one of them turned out to be dead."""
        idle = self._queues[route].idle
        while idle:
            idle.pop().abort()

    async def close(self) -> None:
        """End all idle connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        idle = [connection for queue in self._queues.values() for connection in queue.idle]
        for connection in idle:
            connection.abort()
        for connection in idle:
            await connection.gone

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        old = loop.time() - self._patience
        for route, queue in list(self._queues.items()):
            for connection in queue.idle:
                if connection.idle_since <= old:
                    connection.abort()
            queue.idle = [connection for connection in queue.idle if connection.open]
            self._forget(route)
        busy = any(queue.idle for queue in self._queues.values())
        self._sweeper = loop.call_later(self._patience, self._sweep) if busy else None

    def _forget(self, route: Route) -> None:
        queue = self._queues[route]
        if not (queue.busy or queue.idle or queue.waiting):
            del self._queues[route]


def bracketed(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host
