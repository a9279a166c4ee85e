"""Pure policy: what becomes of an address, and how a crawl ended."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.frontier import Retries, judge
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
    verdict = judge(_exchange(status), Kind.ARTICLE, 1, RETRIES, NOW, 0.5)
    assert (verdict.state, verdict.attempts, verdict.error) == (State.DONE, 0, None)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_later(status: int) -> None:
    verdict = judge(_exchange(status), Kind.ARTICLE, 0, RETRIES, NOW, 0.0)
    assert (verdict.state, verdict.attempts, verdict.due) == (State.WAITING, 1, NOW + timedelta(seconds=5))
    assert verdict.error == f"status {status}"


def test_after_the_last_attempt_an_address_is_given_up() -> None:
    verdict = judge(_exchange(None, "no answer"), Kind.ARTICLE, 2, RETRIES, NOW, 0.0)
    assert (verdict.state, verdict.attempts, verdict.error) == (State.FAILED, 3, "no answer")


def test_what_is_too_large_is_skipped_and_not_asked_again() -> None:
    cut = _exchange(200, "larger than 8 bytes", Truncated.LENGTH)
    assert judge(cut, Kind.REQUISITE, 0, RETRIES, NOW, 0.0).state is State.SKIPPED


def test_requisites_rest_longer_than_pages() -> None:
    page = judge(_exchange(), Kind.ARTICLE, 0, RETRIES, NOW, 0.0)
    requisite = judge(_exchange(), Kind.REQUISITE, 0, RETRIES, NOW, 0.0)
    assert page.due == NOW
    assert requisite.due == NOW + timedelta(days=30)


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
