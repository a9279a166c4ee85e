"""Room on the disks of an archive: without it nothing is asked for, so that what is on the wire can still be kept."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from storage.errors import StorageError

_LOOK = 1.0  # seconds between two looks at a disk that is nearly full


class Room:
    """Closes when less than `floor` bytes are free, and opens again only when there are more than `ceiling`."""

    def __init__(
        self,
        free: Callable[[], int],
        floor: int,
        ceiling: int,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.paused = 0.0  # seconds for which it was closed, up to its last opening
        self._free = free
        self._floor = floor
        self._ceiling = ceiling
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._since: float | None = None  # when it closed

    async def turn(self) -> None:
        """Returns when there is room; raises StorageError when it stayed closed for too long, or has no disk."""
        while self._closed():
            await self._sleep(_LOOK)

    def _closed(self) -> bool:
        free, moment = self._free(), self._clock()
        if self._since is None:
            if free >= self._floor:
                return False
            self._since = moment
            logging.getLogger(__name__).warning(
                "%s free on the disk: paused until there are %s", _size(free), _size(self._ceiling)
            )
        if free > self._ceiling:
            self.paused += moment - self._since
            self._since = None
            logging.getLogger(__name__).info("%s free on the disk: going on", _size(free))
            return False
        if moment - self._since >= self._patience:
            raise StorageError(
                f"the disk is nearly full, {_size(free)} free: make room until there are {_size(self._ceiling)}, "
                "then start again"
            )
        return True


def _size(number: int) -> str:
    return f"{number / 1e6:,.0f} MB"
