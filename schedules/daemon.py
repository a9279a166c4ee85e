"""The daemon: looks at the plan when it is time or something has changed, and lets what waits run, some at once."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from schedules.planner import Planner
from schedules.scheduler import Clock
from schedules.supervisor import Supervisor
from storage.index import schedule
from storage.index.engine import Index
from storage.index.schedule import Run
from storage.locks import daemon_lock, index_in_use
from storage.model import Outcome

After = Callable[[Run], object]
LOOK = 1.0  # seconds between two looks at what other processes decided
_STOPS = (signal.SIGTERM, signal.SIGINT)


class Daemon:
    """Serves the schedule of a home, alone.

    `after` are called with each run that has come to an end, also with those that were skipped or missed, one after the
    other in a thread beside: they must not raise.
    """

    def __init__(
        self, home: Path, index: Index, planner: Planner, supervisor: Supervisor, after: Sequence[After] = ()
    ) -> None:
        self._home = home
        self._index = index
        self._planner = planner
        self._supervisor = supervisor
        self._after = after
        self._wake = asyncio.Event()
        self._clock = Clock(self._wake)
        self._running: dict[Run, asyncio.Task[None]] = {}
        self._ended: asyncio.Queue[Run | None] = asyncio.Queue()
        self._stopping = False

    async def serve(self, look: float = LOOK) -> None:
        """Serve until SIGTERM or SIGINT; then all processes are stopped, within a bounded time.

        Raises AlreadyRunning where another daemon serves this home, or its index is made anew; StorageError, after all
        processes were stopped: what it then cannot write down, the next daemon settles.
        """
        with index_in_use(self._home), daemon_lock(self._home):
            loop = asyncio.get_running_loop()
            for number in _STOPS:
                loop.add_signal_handler(number, self.stop)
            telling = asyncio.ensure_future(self._tell())
            self._clock.start()
            try:
                self._settle()
                while not self._stopping:
                    self._wake.clear()
                    self._look()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), look)
            finally:
                self._clock.stop()
                self._supervisor.stop("stopped, as the daemon was")
                results = await asyncio.gather(*self._running.values(), return_exceptions=True)
                self._ended.put_nowait(None)
                await telling
                for number in _STOPS:
                    loop.remove_signal_handler(number)
            for failure in filter(None, results):
                raise failure

    def stop(self) -> None:
        """End soon; a signal handler may call it."""
        self._stopping = True
        self._wake.set()

    def _settle(self) -> None:
        """Take up what a daemon left that is gone: whose process lives is seen to its end, the others have ended."""
        with self._index.read() as connection:
            left = [one for one in schedule.open_runs(connection) if one.outcome is Outcome.RUNNING]
        for one in left:
            self._begin(one, self._supervisor.adopt(one))

    def _look(self) -> None:
        for run, task in list(self._running.items()):
            if task.done():
                del self._running[run]
                task.result()  # what went wrong with the index goes wrong here
        for one in self._planner.look():
            self._ended.put_nowait(one)
        with self._index.read() as connection:
            waiting = [one for one in schedule.open_runs(connection) if one.outcome is Outcome.WAITING]
            rows = schedule.planned(connection).values()
        self._dispatch(sorted(waiting, key=lambda one: (one.asked_by is None, one.due)))
        self._clock.set({row.job: row.next for row in rows if row.next})

    def _dispatch(self, waiting: Iterable[Run]) -> None:
        for one in waiting:
            job = self._planner.jobs.get(one.job)
            if job is None:
                self._forget(one)
            elif one.job not in {run.job for run in self._running}:
                if len(self._running) >= self._supervisor.limits.runs:
                    return
                self._begin(one, self._supervisor.run(job, one))

    def _forget(self, run: Run) -> None:
        told = f"there is no {run.job} any more: its definition is gone"
        ended = replace(run, outcome=Outcome.SKIPPED, reason=told, finished=self._planner.now())
        with self._index.write() as connection:
            schedule.finish(connection, ended)
        self._ended.put_nowait(ended)

    def _begin(self, run: Run, seen_to_its_end: Coroutine[Any, Any, Run]) -> None:
        async def see() -> None:
            try:
                self._ended.put_nowait(await seen_to_its_end)
            finally:
                self._wake.set()

        self._running[run] = asyncio.ensure_future(see())

    async def _tell(self) -> None:
        while run := await self._ended.get():
            for tell in self._after:
                await asyncio.to_thread(tell, run)
