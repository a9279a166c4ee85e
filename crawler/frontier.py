"""When an address is due: pure policy, no clock and no database of its own."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zlib import crc32

from storage.index.frontier import State
from storage.index.revisits import FRONT_HOPS, Unjudged
from storage.model import Exchange, Kind, Truncated

SHARE = 0.5  # what has stood for a time is asked again after this share of it


@dataclass(frozen=True, slots=True)
class Pace:
    """The shortest and longest pause between two visits; `unknown` is the shortest for what nothing dates."""

    least: timedelta
    unknown: timedelta
    most: timedelta


PACES = {
    Kind.LIST: Pace(timedelta(), timedelta(days=7), timedelta(days=30)),
    Kind.PAGE: Pace(timedelta(), timedelta(days=3), timedelta(days=30)),
    Kind.ARTICLE: Pace(timedelta(hours=6), timedelta(days=7), timedelta(days=180)),
    Kind.ATTACHMENT: Pace(timedelta(days=30), timedelta(days=30), timedelta(days=365)),
    Kind.REQUISITE: Pace(timedelta(days=30), timedelta(days=30), timedelta(days=365)),
}


@dataclass(frozen=True, slots=True)
class History:
    """What is known of an address when it has been visited; a page that is a document counts as an article."""

    url: str
    kind: Kind
    hops: int
    found: datetime
    published: date | datetime | None = None
    changed: datetime | None = None  # when it was last seen to have changed; of a list, when it brought something new


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
    due: datetime | None  # None: `due` tells, once it is known what was found
    error: str | None = None


def judge(exchange: Exchange, attempts: int, retries: Retries, now: datetime, jitter: float) -> Verdict:
    """The address is done, waits for another attempt, or is given up until it is due again."""
    if exchange.truncated is Truncated.LENGTH:
        return Verdict(State.SKIPPED, 0, now, exchange.error or "larger than the limit")
    if exchange.error is None and exchange.status not in _TRANSIENT:
        return Verdict(State.DONE, 0, None)
    reason = exchange.error or f"status {exchange.status}"
    if attempts < retries.times:
        return Verdict(State.WAITING, attempts + 1, now + retries.after(attempts + 1, jitter), reason)
    return Verdict(State.FAILED, attempts + 1, now, reason)


def due(history: History, now: datetime) -> datetime:
    """When an address that is visited now is due again; what is due when a crawl begins is visited by it.

    What has stood unchanged for some time will stand for about as long again: the pause is a share of that time, so it
    grows with every visit that finds nothing, up to a limit, and is short again after a change. Seeds and the lists
    near them are asked by every crawl. Pauses are spread by address, so that what was found on one day does not fall
    due on one day.
    """
    if history.hops <= FRONT_HOPS.get(history.kind, -1):
        return now
    pace = PACES[history.kind]
    stands = now - _since(history)
    is_dated = history.changed is not None or history.published is not None
    pause = max(stands * SHARE, pace.least if is_dated else pace.unknown)
    return now + min(pause, pace.most) * _spread(history.url)


def due_again(one: Unjudged) -> datetime:
    """When an address is due again, by its last visit."""
    kind = Kind.ARTICLE if one.kind is Kind.PAGE and one.hops and one.is_document else one.kind
    published = day_or_moment(one.published) if one.published else None
    return due(History(one.url, kind, one.hops, one.found, published, one.changed), one.visited)


def day_or_moment(text: str) -> date | datetime:
    """A publication date as the index has it."""
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def _since(history: History) -> datetime:
    """Since when the address has shown what it shows, as far as is known."""
    if history.changed is not None:
        return history.changed
    published = history.published
    if published is None:
        return history.found
    if isinstance(published, datetime):
        return published
    return datetime.combine(published, time(), UTC)


def _spread(url: str) -> float:
    """Between 2/3 and 4/3, always the same for an address."""
    return 2 / 3 * (1 + crc32(url.encode()) / 2**32)
