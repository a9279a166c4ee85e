"""What every address of the reading room stands on: the archive that is read, and the limits within which it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from storage.collection import Collection
from storage.index.engine import Connection

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one visitor may ask for; sizes in bytes."""

    query_seconds: float = 10
    target_bytes: int = 8_000  # path and query
    body_bytes: int = 64_000


@dataclass(frozen=True, slots=True)
class Room:
    """An archive in which people read, known to them by these host names."""

    collection: Collection
    hosts: frozenset[str]
    limits: Limits = field(default_factory=Limits)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One state of the index, to be asked and let go of at once, never held while an answer is sent."""
        with self.collection.index.read() as connection:
            yield connection

    @property
    def replay_origin(self) -> str | None:
        """Where archived pages are shown: `scheme://host:port`, without what else `replay_url` holds."""
        parts = urlsplit(self.collection.config.replay_url or "")
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else None


async def _room(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


Asked = Annotated[Room, Depends(_room)]
