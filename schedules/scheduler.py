"""The clock: APScheduler, which wakes the daemon at the instants that the plan gives. Only here it is imported."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger


class Clock:
    """One date job for each job of ours, in memory alone: they are made of the schedule's rows again at each start."""

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._set: dict[str, datetime] = {}

    def start(self) -> None:
        """Begin to tick, in the running loop."""
        self._scheduler.start()

    def set(self, instants: Mapping[str, datetime]) -> None:
        """Wake the daemon at these instants and at no others; one that is past wakes it at once, however late."""
        for name in self._set.keys() - instants.keys():
            if self._scheduler.get_job(name):  # else it rings just now
                self._scheduler.remove_job(name)
        for name, instant in instants.items():
            if self._set.get(name) != instant:
                self._scheduler.add_job(
                    self._ring, DateTrigger(instant), id=name, replace_existing=True, misfire_grace_time=None
                )
        self._set = dict(instants)

    def stop(self) -> None:
        """Ring no more."""
        self._scheduler.shutdown(wait=False)

    async def _ring(self) -> None:
        self._set = {name: instant for name, instant in self._set.items() if self._scheduler.get_job(name)}
        self._wake.set()
