"""What became of a run, judged from how its process ended and what its crawl's row says: pure."""

import signal
from dataclasses import dataclass

from storage.model import Crawl, Outcome

_OF_STATUS = {0: Outcome.COMPLETED, 1: Outcome.PARTIAL, 3: Outcome.SKIPPED, 130: Outcome.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: its exit status (a signal's number, negative; None: nobody saw it), and its last words.

    `stopped` is why we stopped it, if we did; `killed` that it did not end by itself when it was told to.
    """

    status: int | None = None
    said: str | None = None
    stopped: str | None = None
    killed: bool = False


def judge_work(ending: Ending) -> tuple[Outcome, str | None]:
    """The outcome of work that is no crawl, and why."""
    if ending.stopped:
        return Outcome.INTERRUPTED, _stopped(ending)
    if ending.status is None or ending.status < 0:
        return Outcome.INTERRUPTED, _ended(ending)
    return _OF_STATUS.get(ending.status, Outcome.FAILED), _ended(ending) if ending.status else None


def judge_crawl(ending: Ending, crawl: Crawl | None) -> tuple[Outcome, str | None]:
    """The outcome of a crawl, and why, by its row if it came so far; nothing is completed without a capture."""
    if crawl and crawl.outcome is not Outcome.RUNNING:
        return _of_row(ending, crawl)
    if ending.stopped:
        return Outcome.INTERRUPTED, _stopped(ending)
    if crawl:
        return Outcome.INTERRUPTED, f"{_ended(ending)}, before the crawl did: the next one goes on"
    if ending.status == 0:
        return Outcome.FAILED, "its process ended well, but nothing was captured"
    if ending.status == 3:
        return Outcome.SKIPPED, ending.said or _ended(ending)
    return Outcome.FAILED, f"{_ended(ending)}; nothing was captured"


def _of_row(ending: Ending, crawl: Crawl) -> tuple[Outcome, str | None]:
    """A crawl that came to its end and said how it went."""
    more = f", and {len(crawl.warnings) - 1} more" if len(crawl.warnings) > 1 else ""
    told = f"{crawl.warnings[0]}{more}" if crawl.warnings else None
    if crawl.outcome is Outcome.COMPLETED and not crawl.captures:
        return Outcome.FAILED, "it said that all is well, but nothing was captured"
    if crawl.outcome is Outcome.COMPLETED and ending.status:
        return Outcome.PARTIAL, f"the crawl was completed, but then {_ended(ending)}"
    if crawl.outcome is Outcome.INTERRUPTED:
        return Outcome.INTERRUPTED, _stopped(ending) if ending.stopped else told
    return crawl.outcome, None if crawl.outcome is Outcome.COMPLETED else told


def _stopped(ending: Ending) -> str:
    return f"{ending.stopped}{'; it did not end when it was told to, and was killed' if ending.killed else ''}"


def _ended(ending: Ending) -> str:
    """How the process ended, as the beginning of a sentence."""
    if ending.status is None:
        return "its process ended while nobody served the schedule"
    if ending.status < 0:
        often = ", as the system does when memory runs out" if ending.status == -signal.SIGKILL else ""
        return f"its process was killed by {_name(-ending.status)}{often}"
    return f"its process ended with status {ending.status}" + (f": {ending.said}" if ending.said else "")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
