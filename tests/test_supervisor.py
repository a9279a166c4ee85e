"""Processes that end in every way, and many that are due at once: real processes, though they do nothing of use."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import pytest
from sites_for_tests import until
from sqlalchemy import select

from schedules.daemon import Daemon
from schedules.jobs import Job
from schedules.planner import Planner
from schedules.supervisor import Limits, Supervisor
from storage.config import Config
from storage.index import schedule, tables
from storage.index.engine import Index
from storage.index.schedule import Run
from storage.locks import daemon, run_lock
from storage.model import Outcome

NEWS = Job("news", ("crawl", "news"), "0 */6 * * *", "news")
WORK = Job("work", ("verify",), "0 1 * * *")
PATIENT = Limits(runs=2, time=120, stall=120)  # for what ends by itself
ENDS = "import os, signal, sys, time\n"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def index(home: Path) -> Iterator[Index]:
    made = Index.open(home / "index.db")
    yield made
    made.close()


def supervised(home: Path, index: Index, program: str, job: Job = NEWS, limits: Limits = PATIENT) -> Run:
    """What becomes of a run whose process is this program."""
    run = Run(token_hex(6), job.name, job.site, now())
    with index.write() as connection:
        schedule.add(connection, [run])
    one = Supervisor(home, index, limits, now, (sys.executable, "-c", ENDS + program))
    ended = asyncio.run(one.run(job, run))
    with index.read() as connection:
        rows = connection.execute(select(tables.ledger).where(tables.ledger.c.id == ended.run)).mappings()
        assert [schedule.run_of_row(row) for row in rows] == [ended]
    return ended


CRAWLED = """
sys.path.insert(0, {here!r})
from pathlib import Path
from storage.index import crawls
from storage.index.engine import Index
index = Index.open(Path({home!r}) / "index.db")
with index.write() as connection:
    crawls.begin(connection, sys.argv[-1], "news", "d" * 64)
    {end}
index.close()
"""


def crawled(home: Path, end: str = "pass") -> str:
    """A program that writes the row of a crawl."""
    return CRAWLED.format(here=str(Path(__file__).parent.parent), home=str(home), end=end)


COMPLETED = "crawls.end(connection, sys.argv[-1], outcome='completed', captures={captures})"


@pytest.mark.parametrize(
    ("program", "outcome", "status", "reason"),
    [
        ("", "failed", 0, "its process ended well, but nothing was captured"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            *("failed", -9),
            "its process was killed by SIGKILL, as the system does when memory runs out; nothing was captured",
        ),
        ("os.abort()", "failed", -6, "its process was killed by SIGABRT; nothing was captured"),
        (
            "import nothing_of_that_name",
            *("failed", 1),
            "its process ended with status 1: ModuleNotFoundError: No module named 'nothing_of_that_name'; "
            "nothing was captured",
        ),
        ("x = [0] * 10**18", "failed", 1, "its process ended with status 1: MemoryError; nothing was captured"),
        (
            "print('luutru: no contact'); sys.exit(2)",
            "failed",
            2,
            "its process ended with status 2: no contact; nothing",
        ),
        ("print('luutru: news is being crawled by process 7'); sys.exit(3)", "skipped", 3, "news is being crawled by"),
    ],
)
def test_a_process_that_captured_nothing(
    home: Path, index: Index, program: str, outcome: str, status: int, reason: str
) -> None:
    ended = supervised(home, index, program)
    assert (ended.outcome.value, ended.status) == (outcome, status)
    assert (ended.reason or "").startswith(reason)
    assert ended.log
    assert (home / ended.log).exists()


@pytest.mark.parametrize(
    ("end", "rest", "outcome", "reason"),
    [
        (COMPLETED.format(captures=3), "", "completed", None),
        (COMPLETED.format(captures=0), "", "failed", "it said that all is well, but nothing was captured"),
        (
            COMPLETED.format(captures=3),
            "print('luutru: oh'); sys.exit(1)",
            *("partial", "the crawl was completed, but then its process ended with status 1: oh"),
        ),
        (
            *("pass", "os.kill(os.getpid(), signal.SIGKILL)", "interrupted"),
            "its process was killed by SIGKILL, as the system does when memory runs out, before the crawl did: "
            "the next one goes on",
        ),
        ("pass", "", "interrupted", "its process ended with status 0, before the crawl did: the next one goes on"),
    ],
)
def test_a_process_that_began_its_crawl(
    home: Path, index: Index, end: str, rest: str, outcome: str, reason: str | None
) -> None:
    ended = supervised(home, index, crawled(home, end) + rest)
    assert (ended.outcome.value, ended.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("status", "outcome"), [(0, "completed"), (1, "partial"), (2, "failed"), (4, "failed"), (130, "interrupted")]
)
def test_other_work_is_judged_by_its_exit_status(home: Path, index: Index, status: int, outcome: str) -> None:
    ended = supervised(home, index, f"print('luutru: told'); sys.exit({status})", WORK)
    assert ended.outcome.value == outcome
    assert ended.reason == (f"its process ended with status {status}: told" if status else None)


@pytest.fixture
def deaf() -> Iterator[None]:
    """What is begun here hears no SIGTERM, from its first instant on."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGTERM, before)


SLEEPS = "time.sleep(600)"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(2, time=1, stall=120), "stopped at its time limit, after 1 s"),
        (Limits(2, time=120, stall=1), "stopped as it stalled: no capture and no reading for 1 s"),
    ],
)
def test_a_process_that_does_not_end(home: Path, index: Index, limits: Limits, reason: str) -> None:
    ended = supervised(home, index, SLEEPS, limits=limits)
    assert (ended.outcome.value, ended.reason, ended.status) == ("interrupted", reason, -15)


@pytest.mark.usefixtures("deaf")
def test_a_process_that_does_not_end_when_it_is_told_to(home: Path, index: Index) -> None:
    ended = supervised(home, index, SLEEPS, limits=Limits(2, time=1, stall=120, grace=0.2))
    reason = "stopped at its time limit, after 1 s; it did not end when it was told to, and was killed"
    assert (ended.outcome.value, ended.reason, ended.status) == ("interrupted", reason, -9)


def test_what_a_process_began_is_stopped_with_it(home: Path, index: Index) -> None:
    program = "import subprocess; child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True)\n" + SLEEPS
    run = Run(token_hex(6), NEWS.name, NEWS.site, now())
    with index.write() as connection:
        schedule.add(connection, [run])
    one = Supervisor(home, index, PATIENT, now, (sys.executable, "-c", ENDS + program))

    async def stopped_when_it_has_begun_another() -> Run:
        running = asyncio.create_task(one.run(NEWS, run))
        while not (any(log.read_text().endswith("\n") for log in home.glob("logs/news/*")) or running.done()):
            await asyncio.sleep(0.01)
        one.stop("stopped")
        return await running

    ended = asyncio.run(stopped_when_it_has_begun_another())
    child = int((home / (ended.log or "")).read_text())
    until(lambda: not Path(f"/proc/{child}").exists() or "Z" in _state(child), "it was left behind")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except FileNotFoundError:
        return "Z"


def test_a_full_disk_skips_a_crawl(home: Path, index: Index) -> None:
    ended = supervised(home, index, "", limits=Limits(2, time=120, stall=120, disk=10**18))
    assert ended.outcome is Outcome.SKIPPED
    assert "GB are free on the disk" in (ended.reason or "")
    assert ended.started is None


def test_a_job_runs_once_at_a_time_whoever_begins_it(home: Path, index: Index) -> None:
    with run_lock(home, "news", "0" * 12):
        ended = supervised(home, index, "")
    assert (ended.outcome, ended.started) == (Outcome.SKIPPED, None)
    assert (ended.reason or "").startswith("news is being run by process ")


def served(
    home: Path, index: Index, jobs: dict[str, Job], program: tuple[str, ...], limits: Limits, until_: Callable[[], bool]
) -> list[Run]:
    """Let the daemon run in this process until something is so; the runs of which it told, in order."""
    ended: list[Run] = []

    async def serve() -> None:
        supervisor = Supervisor(home, index, limits, now, program)
        one = Daemon(home, index, Planner(index, jobs, Config().zone, now), supervisor, after=(ended.append,))
        serving = asyncio.ensure_future(one.serve(look=0.05))
        while not (until_() or serving.done()):
            await asyncio.sleep(0.02)
        one.stop()
        await serving

    asyncio.run(serve())
    return ended


def test_fifty_sites_due_at_once_with_a_limit_of_two(home: Path, index: Index) -> None:
    jobs = {name: Job(name, ("crawl", name), "6h", name) for name in (f"site-{number}" for number in range(50))}
    count = f'cd "{home}"; mkdir running.$$; ls -d running.* | wc -l >> most; rmdir running.$$'

    def all_ended() -> bool:
        with index.read() as connection:
            return len(schedule.last_runs(connection)) == 50

    ended = served(home, index, jobs, ("/bin/sh", "-c", count), PATIENT, all_ended)
    at_once = [int(word) for word in (home / "most").read_text().split()]
    assert len(at_once) == 50
    assert max(at_once) <= 2
    assert sorted(one.job for one in ended) == sorted(jobs)
    with index.read() as connection:
        assert schedule.open_runs(connection) == []


def test_a_run_of_what_is_gone_is_skipped(home: Path, index: Index) -> None:
    with index.write() as connection:
        schedule.add(connection, [Run("a" * 12, "gone", "gone", now(), asked_by="an")])
    ended: list[Run] = []

    def is_settled() -> bool:
        with index.read() as connection:
            return not schedule.open_runs(connection)

    ended = served(home, index, {}, ("/bin/true",), PATIENT, is_settled)
    assert [(one.outcome.value, one.reason) for one in ended] == [
        ("skipped", "there is no gone any more: its definition is gone")
    ]
    assert daemon(home) is None
