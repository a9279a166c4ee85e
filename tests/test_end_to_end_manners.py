"""Manners of the real command, judged by the log of the server: what it was asked, and when."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event

import pytest
from sites_for_tests import HOST, MOBILE, NewsSite, Reply, Visit, assert_kept, crawl, links, make_home, states

BOTH = (f"http://{HOST}/", f"http://{MOBILE}/")
DELAY = 0.4
JITTER = 0.5  # Scrapy's: a delay is its half up to its one and a half
ONE_BY_ONE = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1", "DOWNLOAD_DELAY": "0.02"}  # without a delay Scrapy sends more
LATE = 0.08  # seconds that a crawl may need to send what it may send


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


def robots(text: str) -> Reply:
    return Reply(body=text.encode(), headers={"Content-Type": "text/plain"})


def test_requests_are_spaced(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", DOWNLOAD_DELAY=str(DELAY))
    with NewsSite(4) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        moments = sorted(visit.began for visit in site.visits)
    assert len(moments) == 6
    assert min(gaps(moments)) >= DELAY * JITTER - LATE


def test_hosts_of_one_portal_share_one_budget(tmp_path: Path) -> None:
    pace = {"DOWNLOAD_DELAY": str(DELAY), "DOWNLOAD_DELAY_JITTER": "0"}
    home = make_home(tmp_path / "home", slot=HOST, seeds=BOTH, **pace)
    with NewsSite(1) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        assert {visit.host for visit in site.visits} == {HOST, MOBILE}
        assert len(site.visits) == 6  # robots.txt, the home page and the article of each
        assert min(gaps(sorted(visit.began for visit in site.visits))) >= DELAY - LATE


def test_a_slow_server_is_asked_less_often(tmp_path: Path) -> None:
    pace = {"AUTOTHROTTLE_ENABLED": "true", "AUTOTHROTTLE_START_DELAY": "0.1", "DOWNLOAD_DELAY": "0.05"}
    home = make_home(tmp_path / "home", seeds=BOTH, DOWNLOAD_DELAY_JITTER="0", **pace)
    slow = Reply(body=b"<html>slow</html>", latency=0.8)
    articles = {f"{MOBILE}/a/{number}": slow for number in range(1, 9)}
    with NewsSite(
        8, {f"{MOBILE}/": Reply(body=links(*(f"/a/{n}" for n in range(1, 9))), latency=0.8), **articles}
    ) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        quick, slow_ones = (site.began(host) for host in (HOST, MOBILE))
    assert median(gaps(slow_ones)[3:]) >= 0.55  # two at a time, unthrottled, would make it 0.4
    assert sum(moment < quick[-1] for moment in slow_ones) <= len(slow_ones) / 2  # while the other was asked for all


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(tmp_path: Path, status: int) -> None:
    busy = Reply(status, headers={"Retry-After": "1"})
    home = make_home(tmp_path / "home", seeds=BOTH, slot=HOST, **ONE_BY_ONE)
    with NewsSite(6, {f"{HOST}/a/2": [busy, Reply(body=b"<html>at last</html>")]}) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        first, *more = [visit for visit in site.visits if (visit.host, visit.path) == (HOST, "/a/2")]
        assert first.answered
        silent_until(site, first, first.answered + 1.0)
        assert len(more) == 1
    assert set(states(home).values()) == {"done"}
    assert len(assert_kept(home, site)["/a/2"]) == 3  # the refusal as well, and the other host's


def silent_until(site: NewsSite, busy: Visit, moment: float) -> None:
    """Nothing came to the server between its answer and this moment; nothing was under way."""
    after = [visit.began for visit in site.visits if visit.began > busy.began]
    assert after
    assert min(after) >= moment - 0.01


def test_retry_after_as_a_date_is_obeyed(tmp_path: Path) -> None:
    told: list[str] = []

    def busy() -> Reply:
        told.append(format_datetime(datetime.fromtimestamp(time.time() + 2, UTC), usegmt=True))
        return Reply(503, headers={"Retry-After": told[0]})

    home = make_home(tmp_path / "home", **ONE_BY_ONE)
    with NewsSite(6, {"/a/2": [busy, Reply(body=b"<html>at last</html>")]}) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        silent_until(site, site.asked("/a/2"), parsedate_to_datetime(told[0]).timestamp())


def test_who_asks_to_wait_too_long_refuses_the_crawl(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", **ONE_BY_ONE)
    with NewsSite(6, {"/a/2": Reply(503, headers={"Retry-After": "7200"})}) as site:
        ended = crawl(home, site)
        assert site.articles() == ["/a/1", "/a/2"]
    assert (ended.status, ended.crawl["outcome"]) == (1, "refused")
    assert f"{HOST}: answered 503, Retry-After: 7200 s" in ended.crawl["warnings"][0]
    assert states(home)["a/3"] == "refused"


def test_without_robots_txt_all_is_allowed_and_its_absence_archived(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(2) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        assert site.paths()[0] == "/robots.txt"
    kept = assert_kept(home, site)
    assert sorted(kept) == ["/", "/a/1", "/a/2", "/robots.txt"]
    assert kept["/robots.txt"] == [b"not here"]


def test_a_failing_robots_txt_forbids_all(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", RETRY_TIMES="1")
    with NewsSite(2, {"/robots.txt": Reply(500, b"User-agent: *\nAllow: /\n")}) as site:
        ended = crawl(home, site)
        assert site.paths() == ["/robots.txt"] * 2
    assert (ended.status, ended.crawl["outcome"]) == (1, "refused")
    assert f"{HOST}: robots.txt answered 500" in ended.crawl["warnings"][0]
    assert len(assert_kept(home, site)["/robots.txt"]) == 2


def test_a_silent_robots_txt_forbids_all(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", RETRY_TIMES="0", FIRST_BYTE_TIMEOUT="0.3")
    with NewsSite(2, {"/robots.txt": Reply(gate=Event())}) as site:
        ended = crawl(home, site)
        assert site.paths() == ["/robots.txt"]
    assert (ended.status, ended.crawl["outcome"]) == (1, "refused")
    assert f"{HOST}: robots.txt gave no answer: no answer in time" in ended.crawl["warnings"][0]
    assert states(home) == {"": "refused"}


def test_what_robots_txt_forbids_is_not_asked_for(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    rules = {"/robots.txt": Reply(301, headers={"Location": "/rules.txt"}), "/rules.txt": RULES}
    with NewsSite(3, rules) as site:
        ended = crawl(home, site)
        assert site.paths()[:2] == ["/robots.txt", "/rules.txt"]
        assert sorted(site.articles()) == ["/a/1", "/a/3"]
    assert (ended.status, ended.crawl["outcome"]) == (0, "completed")
    assert states(home) == {"": "done", "a/1": "done", "a/2": "refused", "a/3": "done"}
    assert assert_kept(home, site)["/rules.txt"] == [RULES.body]


RULES = robots("User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /a/2\n")


def test_rules_for_us_by_name_count(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(2, {"/robots.txt": robots("User-agent: *\nAllow: /\n\nUser-agent: luutru\nDisallow: /\n")}) as site:
        ended = crawl(home, site)
        assert site.paths() == ["/robots.txt"]
    assert (ended.status, ended.crawl["outcome"]) == (1, "refused")
    assert ended.crawl["warnings"][0] == "1 address refused, by robots.txt or as no public address"


def test_crawl_delay_is_kept(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(4, {"/robots.txt": robots(f"User-agent: *\nCrawl-delay: {DELAY}\n")}) as site:
        assert crawl(home, site).crawl["outcome"] == "completed"
        moments = site.began()
    assert len(moments) == 5
    assert min(gaps(moments)) >= DELAY - LATE


def test_a_capped_crawl_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with NewsSite(9) as site:
        told = [crawl(home, site, "--max-pages", "4").crawl for _ in range(4)]
        asked = {visit.path for visit in site.visits if visit.path.startswith("/a/")}
    assert asked == {f"/a/{number}" for number in range(1, 10)}
    assert "stopped at the limit of pages: 6 addresses still waiting" in told[0]["warnings"]
    assert {one["outcome"] for one in told} == {"completed"}


def test_servers_that_fall_silent_are_left_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", RETRY_TIMES="0")
    silence = {f"{HOST}/a/{number}": Reply(status=0) for number in range(1, 61)}
    with NewsSite(60, silence) as site:
        ended = crawl(home, site)
        asked = {visit.path for visit in site.visits if visit.path.startswith("/a/")}
    assert ended.crawl["outcome"] == "partial"
    assert any(warning.startswith("ended after ") for warning in ended.crawl["warnings"])
    assert len(asked) < 60
    assert "waiting" in states(home).values()
