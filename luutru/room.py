"""What every address of the reading room stands on: the archive that is read, and the limits within which it is."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from math import ceil
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from luutru import replay
from luutru.kept import Kept
from luutru.limits import Buckets, Limits
from storage.collection import Collection
from storage.index.changes import Changes
from storage.index.engine import Connection

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Room:
    """An archive in which people read, known to them by these host names."""

    def __init__(self, collection: Collection, hosts: frozenset[str], limits: Limits) -> None:
        index = collection.index.within(limits.query_seconds)
        self.collection = Collection(collection.home, collection.config, index)
        self.hosts = hosts
        self.limits = limits
        self.kept = Kept()
        self.changes = Changes(collection.index.path)
        self.searches = Buckets(limits.searches)
        self.wrong_tokens = Buckets(limits.wrong_tokens)
        self._searching = asyncio.Semaphore(limits.searching)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One state of the index, to be asked and let go of at once, never held while an answer is sent."""
        with self.collection.index.read() as connection:
            yield connection

    async def search_turn(self, visitor: str) -> None:
        """Wait until the visitor may search, and no longer than is sensible; `search_done` must follow."""
        seconds = self.searches.take(visitor)
        if seconds:
            raise too_often("more searches than one address may ask: go on in a moment", seconds)
        try:
            async with asyncio.timeout(self.limits.waiting_seconds):
                await self._searching.acquire()
        except TimeoutError:
            raise too_often("too many people search at this moment: ask again", 1) from None

    def search_done(self) -> None:
        """Let the next one search."""
        self._searching.release()

    @property
    def replay_url(self) -> str | None:
        """Where archived pages are shown, ending with a slash: as configured, else where `luutru replay` runs now."""
        return replay.replay_url(self.collection.config, self.collection.home)

    @property
    def replay_origin(self) -> str | None:
        """Its `scheme://host:port`."""
        return replay.origin(self.replay_url) if self.replay_url else None

    def close(self) -> None:
        """Let go of what it holds beside the collection."""
        self.changes.close()


def too_often(sentence: str, seconds: float) -> HTTPException:
    """The error 429 that says when to come again."""
    return HTTPException(429, sentence, {"Retry-After": str(ceil(seconds))})


def visitor(request: Request) -> str:
    """Who asks, as far as limits go: the address of the other end, or what a proxy on this machine says it is."""
    return request.client.host if request.client else ""


async def _room(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


Asked = Annotated[Room, Depends(_room)]


async def _in_turn(request: Request, room: Asked) -> AsyncIterator[None]:
    await room.search_turn(visitor(request))
    try:
        yield
    finally:
        room.search_done()


SEARCHES = Depends(_in_turn, scope="function")  # a dependency of whatever searches: so many at a time, so many each
