import gzip
import zlib

import pytest
from polite import Reply, Server, crawl
from ports import kept_free

from crawler.robots import FORBIDDEN, Policy, product_token, read_robots
from storage.model import Kind

RULES = b"User-agent: *\nDisallow: /\n\nUser-agent: LuuTru\nDisallow: /private\nAllow: /private/open\nCrawl-delay: 2\n"


def test_the_product_token() -> None:
    assert product_token("luutru/0.1 (+mailto:a@b.vn)") == "luutru"
    assert product_token("Luutru") == "luutru"


def test_rules_are_those_of_our_group() -> None:
    policy = Policy.of("luutru", 200, RULES.decode())
    assert policy.reason("https://a.vn/") is None
    assert policy.reason("https://a.vn/private/x") == FORBIDDEN
    assert policy.reason("https://a.vn/private/open") is None
    assert policy.delay == 2.0
    assert Policy.of("other", 200, RULES.decode()).reason("https://a.vn/") == FORBIDDEN


@pytest.mark.parametrize(
    ("status", "allowed"), [(404, True), (403, True), (401, True), (304, True), (500, False), (503, False)]
)
def test_no_rules(status: int, allowed: bool) -> None:
    policy = Policy.of("luutru", status, "User-agent: *\nDisallow: /")
    assert (policy.reason("https://a.vn/x") is None) is allowed


def test_addresses_are_compared_by_what_they_mean() -> None:
    policy = Policy.of("luutru", 200, "User-agent: *\nDisallow: /Tiếng\nDisallow: /*.pdf$\n")
    assert policy.reason("https://a.vn/Ti%E1%BA%BFng/x") == FORBIDDEN
    assert policy.reason("https://a.vn/x.pdf") == FORBIDDEN
    assert policy.reason("https://a.vn/x.pdf?y") is None


def bare_deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (RULES, ""),
        (b"\xef\xbb\xbf" + RULES, "identity"),
        (gzip.compress(RULES, mtime=0), "gzip"),
        (gzip.compress(RULES, mtime=0) + b"surplus", " X-GZIP "),
        (zlib.compress(RULES), "deflate"),
        (bare_deflate(RULES), "deflate"),
        (RULES, "gzip"),  # the header lies
    ],
)
def test_reading(body: bytes, coding: str) -> None:
    assert read_robots(body, coding) == RULES.decode()


def test_no_more_is_read_than_must_be() -> None:
    assert len(read_robots(b"#" * 2_000_000, "")) == 500 * 1024
    assert len(read_robots(gzip.compress(b"#" * 50_000_000), "gzip")) == 500 * 1024
    assert read_robots(b"\xff\xfe", "") == "\ufffd\ufffd"


def test_rules_are_asked_once_and_obeyed() -> None:
    with Server({"/robots.txt": Reply(body=b"User-agent: luutru\nDisallow: /no\n")}) as server:
        made = crawl([server.url(path) for path in ("/a", "/no", "/b")], obey=True)
    assert server.paths()[0] == "/robots.txt"
    assert sorted(server.paths()) == ["/a", "/b", "/robots.txt"]
    assert made.refused == made.told == [(server.url("/no"), FORBIDDEN)]
    assert made.robots[0][1]["kind"] is Kind.ROBOTS


def test_each_origin_is_asked() -> None:
    with Server({}) as one, Server({"/robots.txt": Reply(body=b"User-agent: *\nDisallow: /\n")}) as other:
        made = crawl([one.url("/a"), other.url("/a"), one.url("/a", host="localhost")], obey=True)
    assert made.refused == [(other.url("/a"), FORBIDDEN)]
    assert one.paths().count("/robots.txt") == 2
    assert other.paths() == ["/robots.txt"]


def test_robots_share_the_slot_of_the_page() -> None:
    with Server({}) as server:
        made = crawl([server.url("/a")], obey=True, slot="portal")
    assert made.robots[0][1]["download_slot"] == "portal"


def test_a_failing_server_forbids() -> None:
    with Server({"/robots.txt": Reply(500, b"User-agent: *\nAllow: /\n")}) as server:
        made = crawl([server.url("/a"), server.url("/b")], obey=True)
    assert server.paths() == ["/robots.txt"]
    assert sorted(made.refused) == [(server.url(path), "robots.txt answered 500") for path in ("/a", "/b")]


def test_a_failing_server_is_asked_again() -> None:
    with Server({"/robots.txt": Reply(503)}) as server:
        made = crawl([server.url("/a")], obey=True, RETRY_TIMES=2)
    assert server.paths() == ["/robots.txt"] * 3
    assert made.refused == [(server.url("/a"), "robots.txt answered 503")]


def test_no_answer_in_time_forbids() -> None:
    with Server({"/robots.txt": Reply(latency=0.6)}) as server:
        made = crawl([server.url("/a")], obey=True, DOWNLOAD_TIMEOUT=0.2)
    assert server.paths() == ["/robots.txt"]
    assert made.refused == [(server.url("/a"), "robots.txt gave no answer: too slow")]


def test_no_answer_at_all_forbids() -> None:
    with kept_free() as port:
        url = f"http://127.0.0.1:{port}/a"
        made = crawl([url], obey=True)
    assert made.refused == [(url, "robots.txt gave no answer: nobody listens")]


def test_redirects_are_followed_also_to_another_host() -> None:
    with Server({"/rules": Reply(body=b"User-agent: *\nDisallow: /no\n")}) as other:
        hops = {
            "/robots.txt": Reply(301, headers={"Location": "/2"}),
            "/2": Reply(308, headers={"Location": other.url("/rules")}),
        }
        with Server(hops) as server:
            made = crawl([server.url("/a"), server.url("/no")], obey=True)
    assert made.refused == [(server.url("/no"), FORBIDDEN)]
    assert made.answers == [(server.url("/a"), 200)]
    assert other.paths() == ["/rules"]


def test_too_many_redirects_are_no_rules() -> None:
    hops = {f"/{n}": Reply(302, headers={"Location": f"/{n + 1}"}) for n in range(10)}
    with Server(hops | {"/robots.txt": hops["/0"]}) as server:
        made = crawl([server.url("/a")], obey=True)
    assert made.answers == [(server.url("/a"), 200)]
    assert server.paths() == ["/robots.txt", "/1", "/2", "/3", "/4", "/5", "/a"]


def test_a_redirect_to_nowhere_is_no_rules() -> None:
    with Server({"/robots.txt": Reply(302, headers={"Location": "ftp://a.vn/robots.txt"})}) as server:
        made = crawl([server.url("/a")], obey=True)
    assert made.answers == [(server.url("/a"), 200)]


def test_robots_may_be_left_unread() -> None:
    with Server({"/robots.txt": Reply(body=b"User-agent: *\nDisallow: /\n")}) as server:
        crawl([server.url("/a")])
    assert server.paths() == ["/a"]


def test_sitemaps_are_told() -> None:
    with Server({"/robots.txt": Reply(body=b"Sitemap: https://a.vn/1.xml\nSitemap: /2.xml\n")}) as server:
        made = crawl([server.url("/a"), server.url("/b")], obey=True)
    assert made.sitemaps == ["https://a.vn/1.xml", "/2.xml"]
