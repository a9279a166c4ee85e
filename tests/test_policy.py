"""Pure policy: what becomes of an address, and how a crawl ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.frontier import History, Retries, _spread, due, judge
from crawler.outcome import Account, warnings
from crawler.outcome import judge as outcome_of
from storage.index.frontier import State
from storage.model import Exchange, Kind, Outcome, Truncated

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RETRIES = Retries(times=2, delay=5.0)


def _exchange(status: int | None = 200, error: str | None = None, truncated: Truncated | None = None) -> Exchange:
    return Exchange("https://thst.vn/", "GET", NOW, 0.1, b"GET", status, error=error, truncated=truncated)


@pytest.mark.parametrize("status", [200, 206, 301, 304, 401, 403, 404, 410, 451])
def test_an_answer_is_an_answer(status: int) -> None:
    verdict = judge(_exchange(status), 1, RETRIES, NOW, 0.5)
    assert (verdict.state, verdict.attempts, verdict.error) == (State.DONE, 0, None)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_later(status: int) -> None:
    verdict = judge(_exchange(status), 0, RETRIES, NOW, 0.0)
    assert (verdict.state, verdict.attempts, verdict.due) == (State.WAITING, 1, NOW + timedelta(seconds=5))
    assert verdict.error == f"status {status}"


def test_after_the_last_attempt_an_address_is_given_up() -> None:
    verdict = judge(_exchange(None, "no answer"), 2, RETRIES, NOW, 0.0)
    assert (verdict.state, verdict.attempts, verdict.error) == (State.FAILED, 3, "no answer")


def test_what_is_too_large_is_skipped_and_not_asked_again() -> None:
    cut = _exchange(200, "larger than 8 bytes", Truncated.LENGTH)
    assert judge(cut, 0, RETRIES, NOW, 0.0).state is State.SKIPPED


def test_what_answered_is_due_when_it_is_known_what_it_says() -> None:
    assert judge(_exchange(), 0, RETRIES, NOW, 0.0).due is None


def _pause(kind: Kind, hops: int = 2, url: str = "https://thst.vn/t/a", **history: Any) -> timedelta:
    """How long an address rests that is visited NOW, without the spread that its name gives."""
    found = history.pop("found", NOW)
    pause = due(History(url, kind, hops, found, **history), NOW) - NOW
    return pause / _spread(url)


def _close(pause: timedelta, wanted: timedelta) -> bool:
    return abs(pause - wanted) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("age", "pause"),
    [(0, 0.25), (0.1, 0.25), (1, 0.5), (10, 5), (100, 50), (360, 180), (3000, 180), (-5, 0.25)],
)
def test_fresh_articles_are_asked_often_and_old_ones_rarely(age: float, pause: float) -> None:
    published = NOW - timedelta(days=age)
    assert _close(_pause(Kind.ARTICLE, published=published), timedelta(days=pause))


def test_a_day_is_as_good_as_a_moment() -> None:
    assert _close(_pause(Kind.ARTICLE, published=(NOW - timedelta(days=40)).date()), timedelta(days=20))


def test_a_change_counts_more_than_the_date() -> None:
    published, changed = NOW - timedelta(days=900), NOW - timedelta(days=2)
    assert _close(_pause(Kind.ARTICLE, published=published, changed=changed), timedelta(days=1))
    assert _close(_pause(Kind.ARTICLE, published=published, changed=NOW), timedelta(hours=6))


def test_what_nothing_dates_is_as_old_as_its_first_capture_and_rests_a_week() -> None:
    assert _close(_pause(Kind.ARTICLE), timedelta(days=7))
    assert _close(_pause(Kind.ARTICLE, found=NOW - timedelta(days=100)), timedelta(days=50))


@pytest.mark.parametrize("kind", [Kind.ARTICLE, Kind.ATTACHMENT, Kind.REQUISITE])
def test_what_never_changes_is_asked_ever_more_rarely_up_to_a_limit(kind: Kind) -> None:
    moment, pauses = NOW, []
    for _ in range(30):
        again = due(History("https://thst.vn/t/a", kind, 2, NOW), moment)
        pauses.append(again - moment)
        moment = again
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1] == pauses[-2]


def test_lists_near_a_seed_are_asked_by_every_crawl() -> None:
    assert [_pause(Kind.LIST, hops) for hops in (0, 1)] == [timedelta(), timedelta()]
    assert _close(_pause(Kind.LIST, 2), timedelta(days=7))
    assert _close(_pause(Kind.LIST, 2, changed=NOW - timedelta(days=1)), timedelta(hours=12))
    assert _close(_pause(Kind.LIST, 2, changed=NOW - timedelta(days=300)), timedelta(days=30))


def test_what_was_found_on_one_day_does_not_fall_due_on_one_day() -> None:
    old = NOW - timedelta(days=900)
    urls = [f"https://thst.vn/t/{number}" for number in range(600)]
    days = [(due(History(url, Kind.ARTICLE, 2, NOW, old), NOW) - NOW).days for url in urls]
    assert (min(days), max(days)) == pytest.approx((120, 240), abs=3)
    assert max(days.count(day) for day in set(days)) < 20


@given(st.integers(1, 8), st.floats(0, 0.999), st.floats(0.1, 60))
def test_pauses_grow_and_stay_in_bounds(attempts: int, jitter: float, delay: float) -> None:
    pause = Retries(9, delay).after(attempts, jitter).total_seconds()
    least = delay * 2 ** (attempts - 1)
    assert least * 0.999 <= pause <= least * 1.5 * 1.001


@pytest.mark.parametrize(
    ("account", "outcome"),
    [
        (Account(answered=3), Outcome.COMPLETED),
        (Account(answered=3, forbidden=2), Outcome.COMPLETED),
        (Account(answered=3, failed_requisites=1), Outcome.COMPLETED),
        (Account(answered=3, failed=("a (no answer)",)), Outcome.PARTIAL),
        (Account(answered=3, lost=("a",)), Outcome.PARTIAL),
        (Account(answered=3, unread=("a",)), Outcome.PARTIAL),
        (Account(), Outcome.FAILED),
        (Account(failed=("a (no answer)",)), Outcome.FAILED),
        (Account(forbidden=1), Outcome.REFUSED),
        (Account(answered=3, refusals=("thst.vn: Retry-After: 9999 s",)), Outcome.REFUSED),
        (Account(answered=3, unasked=("http://www.thst.vn: robots.txt gave no answer",)), Outcome.PARTIAL),
        (Account(answered=3, silent=25), Outcome.PARTIAL),
        (Account(answered=3, drift=("25 of 25 pages name no date",)), Outcome.PARTIAL),
        (Account(answered=3, interrupted=True), Outcome.INTERRUPTED),
        (Account(answered=3, interrupted=True, storage="the disk is full"), Outcome.FAILED),
    ],
)
def test_a_crawl_is_judged_by_its_counts(account: Account, outcome: Outcome) -> None:
    assert outcome_of(account) is outcome
    assert (outcome is Outcome.COMPLETED and not account.failed_requisites) <= (warnings(account) == ())


def test_warnings_name_a_few_and_count_all() -> None:
    [told] = warnings(Account(answered=1, failed=tuple(f"https://thst.vn/{n} (no answer)" for n in range(9))))
    assert told.startswith("9 pages without an answer: https://thst.vn/0 (no answer), ")
    assert told.endswith("https://thst.vn/4 (no answer), …")
