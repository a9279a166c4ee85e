"""When an address is due: pure policy, no clock and no database of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.index.frontier import State
from storage.model import Exchange, Kind, Truncated

_AGAIN = {  # how long a visited address rests; what is due when a crawl starts is visited again
    Kind.REQUISITE: timedelta(days=30),
    Kind.ATTACHMENT: timedelta(days=30),
}
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524})


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently an address that does not answer is asked again."""

    times: int = 2  # after the first attempt
    delay: float = 5.0  # seconds before the second attempt, doubled for each one more

    def after(self, attempts: int, jitter: float) -> timedelta:
        """The pause after so many failed attempts; `jitter` in [0, 1) spreads it over half of itself."""
        return timedelta(seconds=self.delay * 2 ** (attempts - 1) * (1 + jitter / 2))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an address after one attempt."""

    state: State
    attempts: int
    due: datetime
    error: str | None = None


def judge(exchange: Exchange, kind: Kind, attempts: int, retries: Retries, now: datetime, jitter: float) -> Verdict:
    """The address is done, waits for another attempt, or is given up until it is due again."""
    if exchange.truncated is Truncated.LENGTH:
        return Verdict(State.SKIPPED, 0, now, exchange.error or "larger than the limit")
    if exchange.error is None and exchange.status not in _TRANSIENT:
        return Verdict(State.DONE, 0, due(kind, now))
    reason = exchange.error or f"status {exchange.status}"
    if attempts < retries.times:
        return Verdict(State.WAITING, attempts + 1, now + retries.after(attempts + 1, jitter), reason)
    return Verdict(State.FAILED, attempts + 1, now, reason)


def due(kind: Kind, visited: datetime) -> datetime:
    """When a visited address is due again."""
    return visited + _AGAIN.get(kind, timedelta())
