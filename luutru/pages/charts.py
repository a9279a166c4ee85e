"""Pictures of figures, as geometry: where each bar stands, how dark each cell is. Pure; templates draw them.

A chart over time is parted into at most twelve periods, so that each is wide enough for a finger on the narrowest
phone: the months of one year, or years, the earliest of which may be several.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from statistics import median
from typing import Self

HEIGHT = 60
_SLOT = 72  # width of a period
_GAP = 2
_PERIODS = 12
_STEP = 12  # width of a step of a trend
_FALL = 0.25  # of all pages: what drift is told from
_SHADES = (0.2, 0.6, 0.95)  # of the cells, by rank, that are lighter than the second, third and darkest


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; its foot stands on the base line."""

    x: float
    y: float
    width: float
    height: float


def outline(bars: Iterable[Bar]) -> str:
    """The bars as the data of one path."""
    return "".join(f"M{one.x} {one.y}h{one.width}v{one.height}h-{one.width}z" for one in bars)


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the time: a month (`first` == `last`), a year, or what came before the first year that is shown."""

    first: str  # YYYY-MM
    last: str
    count: int
    x: float
    bars: tuple[Bar, ...]

    @property
    def is_month(self) -> bool:
        """Whether it is one month."""
        return self.first == self.last

    @property
    def is_year(self) -> bool:
        """Whether it is one year."""
        return not self.is_month and self.first[:4] == self.last[:4]


@dataclass(frozen=True, slots=True)
class Course:
    """Counts over time, the earliest first. `year` is the year whose months these are, if they are months."""

    periods: tuple[Period, ...]
    year: str | None
    width: int = 0
    slot: int = _SLOT
    height: int = HEIGHT

    @property
    def most(self) -> Period:
        """The period with the most."""
        return max(self.periods, key=lambda one: one.count)


def course(months: Iterable[tuple[str, int]], year: str | None = None) -> Course | None:
    """Counts by month (YYYY-MM) as bars in years, or in the months of one year; None where there is nothing.

    When all are of one year, it is that year.
    """
    counts = Counter[str]()
    for month, number in months:
        counts[month] += number
    years = sorted({month[:4] for month, number in counts.items() if number > 0})
    if not years:
        return None
    year = year or (years[0] if len(years) == 1 else None)
    spans = [(month, month) for month in _months(year)] if year else _years(years[0], years[-1])
    known = [[counts[month] for month in _between(*span)] for span in spans]
    peaks = [_peaks(one) for one in known]
    top = max(map(max, peaks))
    periods = [
        Period(*span, sum(of_months), at * _SLOT, _bars(high, at * _SLOT, (at + 1) * _SLOT, top))
        for at, (span, of_months, high) in enumerate(zip(spans, known, peaks, strict=True))
    ]
    return Course(tuple(periods), year, len(periods) * _SLOT)


def sparkline(months: Iterable[tuple[str, int]], first: str, last: str) -> tuple[Bar, ...]:
    """Counts by quarter between two months, without periods to choose."""
    counts = dict(months)
    spans = [_between(f"{year}-{at:02}", f"{year}-{at + 2:02}") for year, at in _quarters(first, last)]
    sums = [sum(counts.get(month, 0) for month in span) for span in spans]
    return _bars(sums, 0, 6.0 * len(sums), max(sums, default=0), height=40)


@dataclass(frozen=True, slots=True)
class Trend:
    """Shares over time as lines, one for each stretch without a gap; `cut` is how low a dashed line is, as a share."""

    lines: tuple[str, ...]
    cut: float
    width: int
    height: int = HEIGHT

    @property
    def cut_at(self) -> float:
        """Where the dashed line is."""
        return _down(self.cut)


def trend(shares: Sequence[float | None]) -> Trend:
    """Shares in steps of time, the earliest first, at least one of them known; dashed is a quarter below the usual."""
    usual = median(one for one in shares if one is not None)
    stretches = groupby(enumerate(shares), key=lambda one: one[1] is not None)
    lines = tuple(_line([(at, one) for at, one in some if one is not None]) for known, some in stretches if known)
    return Trend(lines, max(usual - _FALL, 0.0), len(shares) * _STEP)


def _line(points: Sequence[tuple[int, float]]) -> str:
    """The points in the middle of their steps; one alone is a line as wide as half a step."""
    if len(points) == 1:
        ((at, share),) = points
        points = [(at, share), (at, share)]
    ends = (-_STEP / 4, _STEP / 4) if points[0][0] == points[-1][0] else (0.0, 0.0)
    shift = [ends[0], *(0.0 for _ in points[2:]), ends[1]]
    return " ".join(
        f"{(at + 0.5) * _STEP + by:g},{_down(share):g}" for (at, share), by in zip(points, shift, strict=True)
    )


def _down(share: float) -> float:
    return round((1 - share) * HEIGHT, 1)


def shade(count: int, ranked: Sequence[int]) -> int:
    """How dark a cell of a heat map is, 0 to 4: by its rank among those that are not empty, so that none blinds.

    These are `ranked`, the least first.
    """
    if not count:
        return 0
    rank = bisect_right(ranked, count) / len(ranked)
    return 1 + sum(1 for share in _SHADES if rank > share)


@dataclass(frozen=True, slots=True)
class Cell:
    """One month of a heat map."""

    month: str
    count: int
    shade: int


@dataclass(frozen=True, slots=True)
class Heat:
    """Counts by year, the newest first, and month."""

    years: tuple[tuple[str, tuple[Cell, ...]], ...]

    @classmethod
    def of(cls, months: Iterable[tuple[str, int]]) -> Self:
        """The map of these counts; a year in between that has none is a row too."""
        counts: Mapping[str, int] = dict(months)
        years = sorted({month[:4] for month in counts})
        if not years:
            return cls(())
        ranked = sorted(one for one in counts.values() if one)
        rows = (f"{year:04}" for year in range(int(years[-1]), int(years[0]) - 1, -1))
        return cls(tuple((year, tuple(_cell(month, counts, ranked) for month in _months(year))) for year in rows))


def _cell(month: str, counts: Mapping[str, int], ranked: Sequence[int]) -> Cell:
    return Cell(month, counts.get(month, 0), shade(counts.get(month, 0), ranked))


def _peaks(counts: Sequence[int]) -> list[int]:
    """The counts of months; of more than twelve, the highest in each twelfth of the time."""
    step = ceil(len(counts) / _PERIODS)
    return [max(counts[at : at + step]) for at in range(0, len(counts), step)]


def _bars(counts: Sequence[int], start: float, end: float, top: int, height: float = HEIGHT) -> tuple[Bar, ...]:
    """A bar for each count that is not zero, between two places; even the least can be seen."""
    step = (end - start) / (len(counts) or 1)
    gap = _GAP if step < _SLOT else _SLOT / 4
    bars = []
    for number, count in enumerate(counts):
        if count:
            tall = round(max(count / top * height, 2.0), 1)
            x = round(start + number * step + gap / 2, 1)
            bars.append(Bar(x, round(height - tall, 1), round(step - gap, 1), tall))
    return tuple(bars)


def _years(first: str, last: str) -> list[tuple[str, str]]:
    """Years as first and last month: at most twelve periods, the first of which may be more than a year."""
    start = max(int(first), int(last) - _PERIODS + 1)
    spans = [(f"{year:04}-01", f"{year:04}-12") for year in range(start, int(last) + 1)]
    if start > int(first):
        spans[0] = (f"{first}-01", spans[0][1])
    return spans


def _months(year: str) -> list[str]:
    return [f"{year}-{number:02}" for number in range(1, 13)]


def _between(first: str, last: str) -> list[str]:
    start, end = (int(one[:4]) * 12 + int(one[5:7]) - 1 for one in (first, last))
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(start, end + 1)]


def quarters(first: str, last: str) -> int:
    """How many quarters there are between two months, both among them."""
    return len(_quarters(first, last))


def _quarters(first: str, last: str) -> list[tuple[str, int]]:
    start, end = (int(one[:4]) * 4 + (int(one[5:7]) - 1) // 3 for one in (first, last))
    return [(f"{at // 4:04}", at % 4 * 3 + 1) for at in range(start, end + 1)]
