"""How much one visitor may ask for, and how often."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then so many a second."""

    at_once: int
    a_second: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reading room gives; sizes in bytes, times in seconds."""

    query_seconds: float = 10
    searches: Rate = Rate(60, 10)  # of one address
    searching: int = 4  # searches at a time, of all visitors
    waiting_seconds: float = 5  # for one's turn to search
    wrong_tokens: Rate = Rate(5, 1 / 60)
    target_bytes: int = 8_000  # path and query
    body_bytes: int = 64_000


@dataclass(slots=True)
class Buckets:
    """A bucket of tokens for each visitor, filled at the rate; those not seen for longest are forgotten."""

    rate: Rate
    clock: Callable[[], float] = monotonic
    most: int = 10_000
    _held: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, visitor: str) -> float:
        """Take one token: 0, or the seconds until there is one."""
        left = self._left(visitor)
        if left < 1:
            return (1 - left) / self.rate.a_second
        self._held[visitor] = left - 1, self.clock()
        self._held.move_to_end(visitor)
        if len(self._held) > self.most:
            self._held.popitem(last=False)
        return 0

    def wait(self, visitor: str) -> float:
        """The seconds until there is a token, which is not taken."""
        return max(0, 1 - self._left(visitor)) / self.rate.a_second

    def _left(self, visitor: str) -> float:
        left, when = self._held.get(visitor, (float(self.rate.at_once), self.clock()))
        return min(self.rate.at_once, left + (self.clock() - when) * self.rate.a_second)
