import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic

import pytest
from polite import Reply, Server, crawl

from crawler.manners import Pauses, retry_after

NOW = datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 08:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 15:01:00 +0700", 60.0),
        ("Sun, 22 Nov 2026 08:01:00 -0000", 60.0),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("Sun, 22 Nov 99999999999999999 08:01:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


class Clock:
    """Time that passes only while somebody sleeps; sleepers wake in the order of their moments."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps = 0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        until = self.now + seconds
        await asyncio.sleep(seconds / 1000)
        self.now = max(self.now, until)


def turns(pauses: Pauses, clock: Clock, slots: list[str]) -> list[tuple[str, float]]:
    left: list[tuple[str, float]] = []

    async def go(slot: str) -> None:
        await pauses.turn(slot)
        left.append((slot, clock()))

    async def main() -> None:
        await asyncio.gather(*map(go, slots))

    asyncio.run(main())
    return left


def test_nobody_waits_where_nothing_was_asked() -> None:
    clock = Clock()
    assert turns(Pauses(lambda _: 1.0, clock, clock.sleep), clock, ["a", "a"]) == [("a", 0.0), ("a", 0.0)]
    assert clock.sleeps == 0


def test_those_who_waited_leave_one_by_one() -> None:
    clock = Clock()
    pauses = Pauses(lambda _: 2.0, clock, clock.sleep)
    pauses.until("a", 10.0)
    assert turns(pauses, clock, ["a", "b", "a", "a"]) == [("b", 0.0), ("a", 10.0), ("a", 12.0), ("a", 14.0)]
    assert clock.sleeps <= 6  # nobody asks again and again


def test_a_pause_is_never_made_shorter() -> None:
    clock = Clock()
    pauses = Pauses(lambda _: 0.0, clock, clock.sleep)
    pauses.until("a", 10.0)
    pauses.until("a", 5.0)
    assert turns(pauses, clock, ["a"]) == [("a", 10.0)]


def test_a_pause_may_grow_while_somebody_waits() -> None:
    clock = Clock()
    pauses = Pauses(lambda _: 0.0, clock, clock.sleep)
    pauses.until("a", 10.0)

    async def main() -> float:
        waiting = asyncio.create_task(pauses.turn("a"))
        await asyncio.sleep(0)
        pauses.until("a", 30.0)
        await waiting
        return clock()

    assert asyncio.run(main()) == 30.0


def spacing(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


# A busy machine notices a request late, and the next one in time: what a server sees between two of them may be shorter
# than what the crawl kept. Times are measured from what must come before to what must come after.


def test_requests_to_one_server_are_spaced() -> None:
    with Server({}) as server:
        began = monotonic()
        crawl([server.url(f"/{n}") for n in range(6)], DOWNLOAD_DELAY=0.2)
    assert server.times()[-1] - began >= 5 * 0.1  # Scrapy's jitter halves it


def test_a_slow_server_is_asked_less_often() -> None:
    def delay(throttled: bool) -> float:
        paths = [f"/{n}" for n in range(7)]
        with Server(dict.fromkeys(paths, Reply(latency=0.2))) as server:
            made = crawl(
                [server.url(path) for path in paths],
                DOWNLOAD_DELAY=0.01,
                DOWNLOAD_DELAY_JITTER=0,
                AUTOTHROTTLE_ENABLED=throttled,
                AUTOTHROTTLE_START_DELAY=0.01,
                CONCURRENT_REQUESTS_PER_DOMAIN=4,
            )
        assert len(made.answers) == 7
        return float(made.downloader.slots["127.0.0.1"].delay)

    assert delay(throttled=False) == 0.01
    assert delay(throttled=True) >= 0.2


@pytest.mark.parametrize("throttled", [False, True])
def test_crawl_delay_is_kept(throttled: bool) -> None:
    rules = Reply(body=b"User-agent: luutru\nCrawl-delay: 0.3\n")
    with Server({"/robots.txt": rules}) as server:
        crawl(
            [server.url(f"/{n}") for n in range(4)],
            obey=True,
            AUTOTHROTTLE_ENABLED=throttled,
            AUTOTHROTTLE_START_DELAY=0.0,
        )
    (first, asked), *_, (_, last) = server.log
    assert first == "/robots.txt"  # which was answered before the first page was asked for
    assert last - asked >= 3 * 0.3


def test_a_crawl_delay_survives_the_end_of_its_slot() -> None:
    rules = Reply(body=b"User-agent: *\nCrawl-delay: 0.4\n")
    with Server({"/robots.txt": rules}) as server:
        made = crawl([server.url("/0"), server.url("/1"), server.url("/2")], obey=True)
    settings = made.downloader.per_slot_settings["127.0.0.1"]
    assert settings == {"delay": 0.4, "jitter": 0.0}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(status: int) -> None:
    first = Reply(status=status, headers={"Retry-After": "1"})
    with Server({"/0": first}) as server:
        made = crawl([server.url(f"/{n}") for n in range(40)], CONCURRENT_REQUESTS_PER_DOMAIN=1)
    assert [status for _, status in made.answers] == [status, *[200] * 39]
    assert spacing(server.times())[0] >= 1.0
    assert server.times()[-1] - server.times()[0] < 39  # only the first waits


def test_a_date_in_retry_after() -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
    field = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    with Server({"/0": Reply(status=503, headers={"Retry-After": field})}) as server:
        crawl([server.url("/0"), server.url("/1")], CONCURRENT_REQUESTS_PER_DOMAIN=1)
        since = timedelta(seconds=monotonic() - server.times()[1])
    assert datetime.now(UTC) - since >= moment - timedelta(milliseconds=10)


def test_other_answers_pause_nothing() -> None:
    with Server({"/0": Reply(headers={"Retry-After": "100"})}) as server:
        crawl([server.url("/0"), server.url("/1")], CONCURRENT_REQUESTS_PER_DOMAIN=1)
    assert spacing(server.times())[0] < 100


def test_who_asks_for_too_long_refuses() -> None:
    with Server({"/0": Reply(status=429, headers={"Retry-After": "601"})}) as server:
        made = crawl([server.url(f"/{n}") for n in range(3)], CONCURRENT_REQUESTS_PER_DOMAIN=1)
    assert len(server.times()) == 1
    assert made.refusals == {"127.0.0.1": "answered 429, Retry-After: 601 s"}
    assert made.told == made.refused
    assert [reason for _, reason in made.refused] == ["answered 429, Retry-After: 601 s"] * 2


def test_a_crawl_delay_too_long_refuses() -> None:
    with Server({"/robots.txt": Reply(body=b"User-agent: *\nCrawl-delay: 86400\n")}) as server:
        made = crawl([server.url("/0")], obey=True)
    assert [path for path, _ in server.log] == ["/robots.txt"]
    assert made.refused[0][1] == "asks for 86400 s between requests (Crawl-delay)"
