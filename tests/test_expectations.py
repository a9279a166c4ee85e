"""A crawl that gives less than its site always gave is told, and one that varies as they always did is not."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from math import exp
from typing import Any

import pytest

from crawler.expectations import WEEKS, Found, judge, next_time
from crawler.sites import Layout, Listing, Rule, Site
from storage.model import Drift, Expected, Fact, Judged, Kind

HISTORIES = 120
CRAWLS = 45
SITE = Site(
    key="news",
    name="News",
    hosts=("news.test",),
    seeds=(Listing("http://news.test/"),),
    rules=(Rule(r"news\.test/a/\d+", Kind.ARTICLE, identity="{path}"),),
    layouts=(Layout("plain", published=("p.day",)),),
)
GENERIC = Site(key="any", name="Any", hosts=("any.test",), seeds=(Listing("http://any.test/"),), follow_all=True)
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def fact(number: int, *, dated: bool = True, reason: str | None = None) -> Fact:
    return Fact(reason=reason, dated=dated, title=None if reason else f"Bài {number}", document=number)


class Simulated:
    """A site that is crawled every day, or several times: how its crawls vary is drawn for each site."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        draw = self.random
        self.lists = draw.randint(1, 30)
        self.articles = exp(draw.uniform(1, 6))  # a day
        self.scatter = draw.choice([0.1, 0.2, 0.4, 0.6, 0.8])
        self.weekend = draw.choice([1.0, 1.0, 0.25])
        self.every = draw.choice([0.25, 1.0, 1.0, 7.0])
        self.size = exp(draw.gauss(10, 0.7))
        self.delay = draw.choice([0.1, 1.0, 5.0])
        self.text, self.dated = draw.choice([0.5, 0.9, 0.97]), draw.choice([0.0, 0.8, 0.98])
        self.broken = draw.choice([0.0, 0.0, 0.02, 0.1])
        self.definition = SITE if self.dated else GENERIC
        self.moment = BEGAN
        self.past: list[Judged] = []
        self.counted: list[tuple[datetime, int]] = []

    def crawl(self) -> Found:
        """What the next crawl gives."""
        draw = self.random
        first = not self.past
        self.moment += timedelta(days=self.every * draw.uniform(0.7, 1.3))
        new = self.articles * self.every * exp(draw.gauss(0, self.scatter)) * (40 if first else 1)
        if self.moment.weekday() > 4 and self.every < 2:
            new *= self.weekend
        new = self.poisson(new)
        due = 0 if first else self.poisson(new * 0.5)  # what is fetched again
        articles = new + due
        captures = 1 + self.lists + articles
        requisites = self.poisson(articles * (3 if first else 0.3))
        attempts = captures + requisites
        shown = [
            fact(
                number,
                dated=draw.random() < self.dated,
                reason=None if draw.random() < self.text else draw.choice(["no text", "list"]),
            )
            for number in range(min(articles, 40))
        ]
        self.counted.append((self.moment, new))
        return Found(
            started=self.moment,
            captures=captures,
            attempts=attempts,
            errors=sum(draw.random() < self.broken for _ in range(attempts)),
            bytes=round(sum(self.size * exp(draw.gauss(0, 0.5)) for _ in range(min(attempts, 200))) * attempts / 200),
            seconds=5 + attempts * self.delay * exp(draw.gauss(0, 0.25)),
            unchanged=0,
            finishes=False,
            previous=self.past[0].started if self.past else None,
            documents=True,
            facts=shown,
            drift=(),
            weeks=self.weeks(),
        )

    def poisson(self, mean: float) -> int:
        if mean > 50:
            return max(0, round(self.random.gauss(mean, mean**0.5)))
        number, product, limit = 0, self.random.random(), exp(-mean)
        while product > limit:
            number, product = number + 1, product * self.random.random()
        return number

    def weeks(self) -> list[int | None]:
        """New articles by week, as the index counts them: not those of the first crawl."""
        told: list[int | None] = []
        for week in range(WEEKS):
            upto = self.moment - 7 * week * DAY
            counted = [new for moment, new in self.counted[1:] if upto - 7 * DAY < moment <= upto]
            whole = counted and upto - 7 * DAY >= self.counted[0][0]
            told.append(sum(counted) if whole else None)
        return told

    def judged(self, found: Found) -> tuple[Expected, ...]:
        """What is told of a crawl, which then belongs to the past."""
        told = judge(found, self.past[:60], self.definition, {})
        self.past.insert(0, Judged(found.started, found.attempts, {one.kind: one for one in told}))
        return told


def details(told: tuple[Expected, ...]) -> dict[str, str]:
    return {one.kind: one.detail for one in told if one.detail}


@cache
def histories() -> tuple[list[tuple[Simulated, Found]], int, list[str]]:
    """Sites with what their next crawl gives, how many crawls were judged before it, and what was wrongly told of."""
    sites, crawls, alarms = [], 0, []
    for seed in range(HISTORIES):
        site = Simulated(seed)
        for _ in range(CRAWLS):
            told = details(site.judged(site.crawl()))
            crawls += 1
            alarms += [",".join(told)] if told else []
        sites.append((site, site.crawl()))
    return sites, crawls, alarms


def test_good_crawls_are_hardly_ever_called_bad() -> None:
    _, crawls, alarms = histories()
    assert len(alarms) < 0.01 * crawls, alarms


def tenth(found: Found) -> Found:
    return replace(found, captures=found.captures // 10, attempts=found.attempts // 10)


def only_the_start(found: Found) -> Found:
    return replace(found, captures=1, attempts=1)


def error_pages(found: Found) -> Found:
    return replace(found, facts=[fact(n, reason="error page") for n, _ in enumerate(found.facts)])


def dates_lost(found: Found) -> Found:
    return replace(found, facts=[replace(one, dated=False) for one in found.facts])


def slower(found: Found) -> Found:
    return replace(found, seconds=10 * found.seconds)


def nothing_new(found: Found) -> Found:
    return replace(found, weeks=[0, *found.weeks[1:]])


def errors(found: Found) -> Found:
    return replace(found, errors=round(found.attempts * 0.7))


def always_news(_site: Simulated, found: Found) -> bool:
    return min((number for number in found.weeks[1:] if number is not None), default=0) >= 5


@pytest.mark.parametrize(
    ("failure", "kind", "share", "counts"),
    [
        (tenth, "captures", 0.8, lambda _site, _found: True),
        (only_the_start, "captures", 0.95, lambda _site, found: found.captures >= 12),
        (error_pages, "text", 0.9, lambda _site, found: len(found.facts) >= 10),
        (dates_lost, "date", 0.99, lambda site, found: len(found.facts) >= 20 and site.dated),
        (slower, "duration", 0.9, lambda _site, found: found.seconds > 60),
        (nothing_new, "new", 0.95, always_news),
        (errors, "errors", 0.9, lambda _site, found: found.attempts >= 20),
    ],
)
def test_what_matters_is_found(
    failure: Callable[[Found], Found], kind: str, share: float, counts: Callable[[Simulated, Found], bool]
) -> None:
    tried = [(site, found) for site, found in histories()[0] if counts(site, found)]
    told = [details(judge(failure(found), site.past, site.definition, {})) for site, found in tried]
    assert len(tried) > 20
    assert sum(kind in one for one in told) >= share * len(tried)


def past(number: int, **usual: float) -> list[Judged]:
    """So many crawls, one a day, that all gave the same."""
    told = {kind: Expected(kind, value) for kind, value in usual.items()}
    return [Judged(BEGAN - day * DAY, 50, told) for day in range(1, number + 1)]


def found(**given: Any) -> Found:
    """A crawl that follows these."""
    plain = Found(
        started=BEGAN,
        captures=40,
        attempts=50,
        errors=0,
        bytes=1_000_000,
        seconds=60,
        unchanged=0,
        finishes=False,
        previous=BEGAN - DAY,
        documents=True,
        facts=[fact(number) for number in range(20)],
        drift=(),
        weeks=(),
    )
    return replace(plain, **given)


def test_the_first_crawl_is_held_against_the_definition() -> None:
    empty = found(documents=False, facts=())
    assert details(judge(empty, [], SITE, {})) == {
        "documents": "no article of the site is known, though its definition tells which addresses are articles"
    }
    assert details(judge(empty, [], GENERIC, {})) == {}
    undated = found(facts=[fact(number, dated=False) for number in range(20)])
    assert details(judge(undated, [], SITE, {})) == {"date": "0% of the articles name a date; at least 25% expected"}
    assert details(judge(undated, [], replace(SITE, layouts=()), {})) == {}
    assert details(judge(found(), [], SITE, {})) == {}


def test_a_small_crawl_is_no_wonder_soon_after_another() -> None:
    before = past(10, captures=40.0, bytes=1_000_000.0)
    small = found(captures=2, bytes=9_000)
    assert details(judge(small, before, SITE, {})).keys() == {"captures"}
    assert details(judge(found(bytes=9_000), before, SITE, {})).keys() == {"bytes"}
    for excuse in ({"previous": BEGAN - DAY / 5}, {"finishes": True}):
        told = judge(replace(small, **excuse), before, SITE, {})
        assert [one.kind for one in told if one.kind in ("captures", "bytes")] == []


def test_what_has_not_changed_needs_no_bytes() -> None:
    told = judge(found(bytes=5_000, unchanged=30), past(10, captures=40.0, bytes=1_000_000.0), SITE, {})
    assert [one.kind for one in told if one.kind == "bytes" or one.detail] == []


def test_of_shares_nothing_is_said_where_drift_says_it() -> None:
    undated = found(facts=[fact(number, dated=False) for number in range(20)])
    before = past(10, date=1.0)
    assert details(judge(undated, before, SITE, {})).keys() == {"date"}
    assert details(judge(replace(undated, drift=(Drift("date", "no date"),)), before, SITE, {})) == {}
    assert details(judge(replace(undated, facts=undated.facts[:9]), before, SITE, {})) == {}


def test_what_was_set_takes_the_place_of_what_was_learned() -> None:
    before = past(10, captures=40.0)
    assert details(judge(found(captures=2), before, SITE, {"captures": 0})) == {}
    chosen = {"captures": 41.0, "duration": 59.0, "errors": 0.0, "new": 3.0}
    told = judge(found(errors=1, weeks=(2,)), before, SITE, chosen)
    assert details(told) == {
        "captures": "40 captures; at least 41 expected",
        "errors": "2% of the attempts came to nothing; at most 0% expected",
        "duration": "60 seconds; at most 59 expected",
        "new": "2 new articles within a week; at least 3 expected",
    }
    assert {one.origin for one in told if one.detail} == {"set"}


def unexpected(number: int, captures: float) -> list[Judged]:
    told = {"captures": Expected("captures", captures, 20.0, None, "learned", "too few")}
    return [Judged(BEGAN + day * DAY, 50, told) for day in reversed(range(number))]


def test_what_was_not_as_expected_teaches_nothing_until_it_is_how_the_site_is() -> None:
    small = found(captures=4)
    assert details(judge(small, unexpected(9, 4.0) + past(10, captures=40.0), SITE, {})).keys() == {"captures"}
    assert details(judge(small, unexpected(10, 4.0) + past(10, captures=40.0), SITE, {})) == {}


def test_without_news_for_a_week_where_there_always_were_some() -> None:
    told = details(judge(found(weeks=(0, 5, 9, 7, 6)), [], SITE, {}))
    assert told == {"new": "0 new articles within a week; at least 1 expected"}
    for weeks in ((0, 5, 9, 7), (0, 5, 9, 7, 4), (1, 5, 9, 7, 6), (None, 5, 9, 7, 6)):
        assert details(judge(found(weeks=weeks), [], SITE, {})) == {}


def test_what_is_expected_of_the_next_crawl() -> None:
    told = {one.kind: one for one in next_time(past(10, captures=40.0, duration=80.0), (), SITE, {"duration": 90.0})}
    assert told["duration"] == Expected("duration", 80.0, None, 90.0, "set")
    assert told["captures"].origin == "learned"
    assert told["captures"].least is not None
    assert 4 < told["captures"].least < 20
    assert next_time([], (), SITE, {}) == ()
