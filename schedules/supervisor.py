"""Each run is a process of its own, in its own session: begun, watched, stopped, and told of truthfully."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Protocol

from schedules.jobs import Job
from schedules.judging import Ending, judge_crawl, judge_work
from storage.disk import free_bytes, telling
from storage.errors import AlreadyRunning
from storage.index import crawls, progress, schedule
from storage.index.engine import Index
from storage.index.schedule import Run
from storage.locks import is_run, run_lock
from storage.model import Outcome

PROGRAM = (sys.executable, "-m", "luutru")
GRACE = 30.0  # seconds that a process has to end when it is told to
_LAST = 8192  # bytes of what a process wrote in which its last words are looked for


@dataclass(frozen=True, slots=True)
class Limits:
    """How many processes run at once, and after how many seconds one is stopped.

    `stall` is the time without a capture and without a reading, `disk` the free bytes below which no crawl is begun.
    """

    runs: int
    time: float
    stall: float
    grace: float = GRACE
    disk: int = 0


class _Process(Protocol):
    """The process of a run, ours or one that a daemon began which is gone."""

    @property
    def pid(self) -> int | None:
        """Its number, that of its session too; None where it is not known."""

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended and where that can be known."""

    async def ended(self, seconds: float) -> bool:
        """Whether it has ended, after so many seconds at most."""


class Supervisor:
    """The processes of one home. `program` is the command line that a job's words complete."""

    def __init__(
        self,
        home: Path,
        index: Index,
        limits: Limits,
        now: Callable[[], datetime],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.limits = limits
        self._home = home
        self._index = index
        self._now = now
        self._program = program
        self._stopping = asyncio.Event()
        self._why = ""

    def stop(self, why: str) -> None:
        """Let all processes end, for this reason; `run` and `adopt` return when theirs have."""
        self._why = why
        self._stopping.set()

    async def run(self, job: Job, run: Run) -> Run:
        """Begin the process of a run that waits and see it to its end; the run as it then is. Raises StorageError."""
        if job.site and (free := free_bytes(self._home)) < self.limits.disk:
            told = f"only {free / 1e9:.1f} GB are free on the disk of {self._home}: make room"
            return self._finished(run, Outcome.SKIPPED, told)
        try:
            with run_lock(self._home, job.name, run.run) as lock:
                run = self._begun(job, run)
                process = await self._spawned(job, run, lock)
        except AlreadyRunning as error:
            return self._finished(run, Outcome.SKIPPED, str(error))
        if isinstance(process, str):
            return self._finished(run, Outcome.FAILED, process)
        with self._index.write() as connection:
            schedule.note_process(connection, run.run, process.pid)
        return await self._seen_to_its_end(replace(run, pid=process.pid), process)

    async def adopt(self, run: Run) -> Run:
        """See a run to its end that a daemon began which is gone; the run as it then is."""
        return await self._seen_to_its_end(run, _Orphan(self._home, run))

    def _begun(self, job: Job, run: Run) -> Run:
        now = self._now()
        log = f"logs/{job.name}/{now.astimezone(UTC):%Y%m%d%H%M%S}-{run.run}.log"
        with self._index.write() as connection:
            schedule.begin(connection, run.run, now, log)
        return replace(run, outcome=Outcome.RUNNING, started=now, log=log)

    async def _spawned(self, job: Job, run: Run, lock: int) -> "_Child | str":
        """The process, which holds the job by its lock; or why there is none."""
        path = self._home / (run.log or "")
        words = [*self._program, "--home", str(self._home), *job.command, *(("--run", run.run) if job.site else ())]
        with telling(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            log = path.open("wb")
        with log:
            try:
                process = await asyncio.create_subprocess_exec(
                    *words, stdin=DEVNULL, stdout=log, stderr=STDOUT, start_new_session=True, pass_fds=(lock,)
                )
            except OSError as error:
                return f"its process could not be begun: {error.strerror or error}"
        return _Child(process)

    async def _seen_to_its_end(self, run: Run, process: _Process) -> Run:
        stopped = await self._watched(run, process)
        killed = bool(stopped) and await self._told_to_end(process)
        ending = Ending(process.status, _last_words(self._home, run), stopped, killed)
        if run.site is None:
            return self._finished(run, *judge_work(ending), ending.status)
        with self._index.read() as connection:
            crawl = crawls.find(connection, run.run)
        return self._finished(run, *judge_crawl(ending, crawl), ending.status)

    async def _watched(self, run: Run, process: _Process) -> str | None:
        """Returns when the process has ended; else why it has to."""
        began = moved = monotonic()
        earlier = (self._now() - run.started).total_seconds() if run.started else 0.0  # of an adopted one
        seen: object = None
        while True:
            limits = self.limits
            if await self._ended(process, min(limits.stall / 10, limits.time / 10, 10.0)):
                return None
            if self._stopping.is_set():
                return self._why
            now = monotonic()
            if now - began + max(0.0, earlier) >= limits.time:
                return f"stopped at its time limit, after {_spoken(limits.time)}"
            if run.site is None:
                continue
            with self._index.read() as connection:
                mark = progress.mark(connection, run.site, run.run)
            if mark != seen:
                seen, moved = mark, now
            elif now - moved >= limits.stall:
                return f"stopped as it stalled: no capture and no reading for {_spoken(limits.stall)}"

    async def _ended(self, process: _Process, seconds: float) -> bool:
        """Whether it has ended, after so many seconds at most, or as soon as all are to stop."""
        waiting = [asyncio.ensure_future(one) for one in (process.ended(seconds), self._stopping.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return waiting[0].done() and not waiting[0].cancelled() and bool(waiting[0].result())

    async def _told_to_end(self, process: _Process) -> bool:
        """TERM, then KILL for its whole session; whether it had to be killed."""
        if process.pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        killed = not await process.ended(self.limits.grace)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it began and left behind
        await process.ended(self.limits.grace)
        return killed

    def _finished(self, run: Run, outcome: Outcome, reason: str | None, status: int | None = None) -> Run:
        ended = replace(run, outcome=outcome, reason=reason, status=status, finished=self._now())
        with self._index.write() as connection:
            schedule.finish(connection, ended)
        return ended


class _Child:
    """A process that this one began."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.returncode

    async def ended(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
        return self._process.returncode is not None


class _Orphan:
    """A process that another daemon began: it lives for as long as it holds its job."""

    status = None
    _LOOK = 0.2  # seconds between two looks

    def __init__(self, home: Path, run: Run) -> None:
        self.pid = run.pid
        self._home = home
        self._run = run

    async def ended(self, seconds: float) -> bool:
        until = monotonic() + seconds
        while is_run(self._home, self._run.job, self._run.run):
            if monotonic() >= until:
                return False
            await asyncio.sleep(self._LOOK)
        return True


def _last_words(home: Path, run: Run) -> str | None:
    """The last error that a process told."""
    if not run.log:
        return None
    try:
        with (home / run.log).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    said = (line.removeprefix("luutru: ").strip() for line in reversed(lines) if line.startswith("luutru: "))
    return next(said, next((line.strip() for line in reversed(lines) if line.strip()), None))


def _spoken(seconds: float) -> str:
    for name, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"
