"""The places at which the pages of one template show title, date, clock and view counter."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from crawler.extraction import boilerplate, dates
from crawler.extraction.memory import Recognised, before_text
from crawler.extraction.sample import Sample
from crawler.extraction.text import squeeze

_MOST = 0.6  # of the pages show it at one place
_SOME = 0.3  # of them: not every article is dated or signed
_FEWEST = 3
_CLOCK = 0.8  # of the dates at a place are the days of capture
_VARIES = 0.5  # of the dates at a place, the share that must be distinct
_ABOVE, _BELOW = 8, 4  # lines around the text among which its fields stand
_OVER = 3  # lines above the title among which its date may stand


@dataclass(frozen=True)
class Fields:
    """Paths, as in a Template; None where nothing was learned."""

    title: str | None
    published: str | None
    clock: str | None
    views: str | None


@dataclass(frozen=True)
class Known:
    """A page whose container is known."""

    sample: Sample
    seen: Recognised

    @cached_property
    def span(self) -> tuple[int, int]:
        """Numbers of the first and the last line of its text."""
        body = self.seen.body
        return (body.parts[0].at, body.parts[-1].at) if body else (0, -1)

    @cached_property
    def around(self) -> range:
        """The lines in and around its text."""
        first, last = self.span
        return range(max(0, first - _ABOVE), min(len(self.sample.page.lines), last + 1 + _BELOW))

    @cached_property
    def under_title(self) -> list[int]:
        """The lines between title and text, and those just above the title up to the next link."""
        first = self.span[0]
        title = self.sample.generic_title
        top = first if title is None or title > first else title
        above = []
        for n in range(top - 1, max(-1, top - 1 - _OVER), -1):
            if self.sample.page.lines[n].is_link or self.sample.page.lines[n].chrome:
                break
            above.append(n)
        return [*above, *range(top, min(first + 1, len(self.sample.page.lines)))]

    def text(self, n: int) -> str:
        """What a line says, without a view counter behind it."""
        return boilerplate.without_counter(self.sample.page.lines[n].text)

    def at(self, n: int) -> set[str]:
        """The place of a line, with positions and without."""
        return {self.sample.paths.of(self.sample.page.lines[n].element), self.sample.loose[n]}


def learned_fields(known: Sequence[Known], pages: int) -> Fields:
    """The places that most of the pages agree on."""
    published, clock = _dated(known, pages)
    return Fields(
        title=_title(known, pages),
        published=published,
        clock=clock,
        views=_place(known, _views, max(_FEWEST, _MOST * pages)),
    )


def _title(known: Sequence[Known], pages: int) -> str | None:
    """Where the line stands by which links name the page, and that a reader takes for the title who knows no more."""
    votes: Counter[str] = Counter()
    shared: Counter[str] = Counter()  # pages on which a place has several lines
    for one in known:
        lines = Counter[str]()
        for n in before_text(one.sample.page, one.seen.repeated, one.span[0]):
            fresh = one.at(n) - lines.keys()  # of several lines at one place the first
            lines.update(one.at(n))
            named = squeeze(one.text(n)) in one.sample.anchors
            votes.update(dict.fromkeys(fresh, 2 * named + (n == one.sample.generic_title)))
        shared.update(path for path, count in lines.items() if count > 1)
    best = max(votes, key=lambda path: (votes[path], -shared[path], -path.count("["), path), default=None)
    return best if best is not None and votes[best] >= max(_FEWEST, _MOST * pages) else None


def _dated(known: Sequence[Known], pages: int) -> tuple[str | None, str | None]:
    """The places of the publication date and of the page's clock: each the only dated line there."""
    days: dict[str, list[tuple[date, Known]]] = defaultdict(list)
    for one in known:
        for path, numbers in _dated_lines(one).items():
            day = _day(one.text(numbers[0]))
            if len(numbers) == 1 and day is not None:
                days[path].append((day, one))
    clocks, votes = Counter[str](), Counter[str]()
    for path, said in days.items():
        if len(said) < max(_FEWEST, _SOME * pages):
            continue
        if sum(day == one.sample.day for day, one in said) >= _CLOCK * len(said):
            clocks[path] = len(said)
        elif len({day for day, _ in said}) >= _VARIES * len(said) and _is_near(path, said):
            votes[path] = len(said) + 2 * sum(day in one.sample.days for day, one in said)
    return _most(votes)[1] or None, _most(clocks)[1] or None


def _dated_lines(one: Known) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for n, line in enumerate(one.sample.page.lines):
        if not line.is_link and _day(line.text) is not None:
            for path in one.at(n):
                found[path].append(n)
    return found


def _is_near(path: str, said: Sequence[tuple[date, Known]]) -> bool:
    """Dates that list pages name too; where these name none, dates around the title."""
    listed = [day in one.sample.days for day, one in said if one.sample.days]
    if len(listed) >= _FEWEST:
        return sum(listed) >= _MOST * len(listed)
    above = sum(any(path in one.at(n) and _day(one.text(n)) == day for n in one.under_title) for day, one in said)
    return above >= _MOST * len(said)


def _views(one: Known) -> Iterator[int]:
    return (n for n in one.around if boilerplate.views(one.sample.page.lines[n].text) is not None)


def _place(known: Sequence[Known], lines: Callable[[Known], Iterator[int]], enough: float) -> str | None:
    """The place where enough pages have such a line."""
    votes = Counter(path for one in known for path in {path for n in lines(one) for path in one.at(n)})
    count, path = _most(votes)
    return path if count >= enough else None


def _most(votes: Counter[str]) -> tuple[int, str]:
    """The place with most votes; of equals that with fewest positions in it."""
    return max(((n, -path.count("["), path) for path, n in votes.items()), default=(0, 0, ""))[::2]


def _day(text: str) -> date | None:
    moment = dates.shown(text)
    return dates.as_day(moment) if moment else None
