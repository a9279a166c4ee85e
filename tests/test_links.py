import gzip
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.feeds import read_feed, read_sitemap
from crawler.links import Seen, decode_html, discover, read_links
from crawler.requisites import Use
from crawler.scope import is_trap, next_page, seeds
from crawler.sites import Family, Feed, Listing, Rule, Site, Sitemap
from storage.model import Found, Kind
from storage.urls import Base, resolve

SITE = Site(
    key="thst",
    name="thst",
    hosts=("thst.vn",),
    seeds=(Listing("https://thst.vn/Home/ReloadSubject/{page}?MACD=7"), Feed("https://thst.vn/rss"), Sitemap("https://thst.vn/sitemap.xml")),
    rules=(
        Rule(r"thst\.vn/t/(?P<slug>[^/]+)", Kind.ARTICLE, identity="thst/t/{slug}"),
        Rule(r"thst\.vn/Home/ReloadSubject/\d+", Kind.LIST, query=(("macd", r"\d+"),)),
        Rule(r"thst\.vn/", Kind.LIST),
    ),
    family=Family("mvc", requisite_hosts=("files.vn",)),
    requisite_hosts=("cdn.vn",),
)  # fmt: skip
EVERY = Site(key="a.vn", name="a.vn", hosts=("a.vn",), seeds=(Listing("https://a.vn/"),), follow_all=True)
HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = "https://thst.vn/t/x"


def found(
    body: str | bytes,
    *,
    url: str = PAGE,
    kind: Kind = Kind.ARTICLE,
    site: Site = SITE,
    status: int = 200,
    headers: Mapping[str, str] = HTML,
    hops: int = 1,
    seen: Seen | None = None,
) -> dict[str, Kind]:
    raw = body.encode() if isinstance(body, str) else body
    led = discover(kind, status, headers, raw, url, site, hops, seen or Seen(64))
    return {one.url: one.kind for one in led.found}


def urls(html: str, url: str = PAGE) -> list[str]:
    return [link.url for link in read_links(html.encode(), url, Seen(64))]


def test_links_of_every_kind() -> None:
    html = """<link rel="next" href="/next"><link rel="alternate feed" href=/feed><link rel=canonical href=/c>
      <link rel=dns-prefetch href=/no><meta http-equiv=Refresh content="5; URL='/later'">
      <map><area href=/area></map><a href="/a?x=1&amp;y=2">A</a><a href=" b ">B</a><a>none</a>
      <iframe src=/frame></iframe><a href="#top"></a><a href="javascript:void(0)"></a>
      <a href="mailto:a@b.vn"></a><a href="data:,x"></a><a href="tel:113"></a><a href="http://[bad/"></a>"""
    assert set(urls(html)) == {
        f"https://thst.vn{path}" for path in ("/area", "/a?x=1&y=2", "/t/b", "/next", "/feed", "/c", "/later", "/frame")
    }


def test_an_address_comes_once() -> None:
    assert urls("<a href=/t/a><a href=/t/a#x><a href=//thst.vn/t/a><a href=https://thst.vn:443/t/a>") == [
        "https://thst.vn/t/a"
    ]


def test_base_href() -> None:
    assert urls("<base href='/p/q/'><a href=x><a href='?y'>") == ["https://thst.vn/p/q/x", "https://thst.vn/p/q/?y"]
    assert urls("<base href='data:x'><a href=x>") == ["https://thst.vn/t/x"]


def test_the_same_reference_on_two_pages_is_two() -> None:
    seen = Seen(64)
    for page in ("https://a.vn/noidung/Lists/A/View.aspx", "https://a.vn/noidung/Lists/B/View.aspx"):
        for reference in ("?Page=2", "View.aspx?Page=3", "../C"):
            html = f"<a href='{reference}'>".encode()
            assert [link.url for link in read_links(html, page, seen)] == (
                [] if reference == "../C" and "/B/" in page else [resolve(page, reference)]
            )
            assert read_links(html, page, seen) == []


def test_scheme_relative_references_keep_their_scheme() -> None:
    seen = Seen(64)
    assert read_links(b"<a href=//b.vn/>", "http://a.vn/", seen)[0].url == "http://b.vn/"
    assert read_links(b"<a href=//b.vn/>", "https://a.vn/", seen)[0].url == "https://b.vn/"


def test_a_page_that_begins_with_many_comments() -> None:
    html = b"<!-- comment -->\n" * 100 + b"<a href=/t/y>y</a>"
    led = discover(Kind.LIST, 200, {"content-type": "text/html"}, html, PAGE, SITE, 0, Seen(64))
    assert [one.url for one in led.found] == ["https://thst.vn/t/y"]


def test_link_and_picture_of_one_address() -> None:
    links = read_links(b"<a href=/x.jpg><img src=/x.jpg></a>", PAGE, Seen(64))
    assert [link.use for link in links] == [Use.LINK, Use.REQUISITE]


_pages = st.sampled_from(["http://a.vn/x/y?z", "https://a.vn/x/v", "https://b.vn/"])
_references = st.sampled_from(["?p=1", "q", "/q", "//c.vn/", "http://c.vn/", "../q"])


@given(st.lists(st.tuples(_pages, _references), max_size=40))
def test_nothing_is_lost_by_what_was_seen(references: list[tuple[str, str]]) -> None:
    seen = Seen(4)  # so small that it forgets all the time
    led = {link.url for page, one in references for link in read_links(f"<a href='{one}'>".encode(), page, seen)}
    assert led == {resolve(page, one) for page, one in references}


def test_requisites_and_streams() -> None:
    html = """<link rel=stylesheet href=/a.css><link rel="shortcut icon" href=/i.ico>
      <link rel=preload as=font href=/f.woff2><link rel=preload as=fetch href=/no.json>
      <script src=/a.js></script><img src=/1.jpg srcset="/2.jpg 2x"
      data-src=/3.jpg><img data-original=/4.jpg><img data-lazy-src=/5.jpg data-srcset="/6.jpg 1x, /7.jpg 2x">
      <picture><source srcset=/8.webp></picture><video poster=/9.jpg src=/v.mp4><source src=/w></video>
      <input type=image src=/10.png><table background=/11.gif><td style="background:url('/12.png')"></table>
      <style>@import '/b.css'; a{b:url(/13.png)}</style>
      <svg><image xlink:href=/14.png /><use href=/s.svg#x /><use href=#y /></svg>
      <img src=https://cdn.vn/15.jpg><img src=https://files.vn/16.jpg><img src=https://ads.vn/no.gif><img src=data:,x>
      <audio src=https://radio.vn/live.m3u8></audio><noscript><img src=/17.jpg></noscript>"""
    led = discover(Kind.ARTICLE, 200, HTML, html.encode(), PAGE, SITE, 1, Seen(1024))
    here = [f"/{n}.jpg" for n in (1, 2, 3, 4, 5, 6, 7, 9, 17)] + [f"/{n}.png" for n in (10, 12, 13, 14)]
    here += ["/a.css", "/i.ico", "/f.woff2", "/a.js", "/8.webp", "/11.gif", "/b.css", "/s.svg"]
    there = {"https://cdn.vn/15.jpg", "https://files.vn/16.jpg"}
    assert {one.url for one in led.found} == there | {f"https://thst.vn{path}" for path in here}
    assert {(one.kind, one.priority, one.hops, one.via) for one in led.found} == {(Kind.REQUISITE, 40, 2, PAGE)}
    assert set(led.streams) == {"https://thst.vn/v.mp4", "https://thst.vn/w", "https://radio.vn/live.m3u8"}


def test_kinds_by_rules() -> None:
    html = """<a href=/t/y><a href=/><a href="/Home/ReloadSubject/2?MACD=7"><a href=/other><a href=https://b.vn/t/z>
      <a href=/UserFiles/x.pdf><a href=https://files.vn/a%20(1).docx><a href=https://b.vn/no.pdf>
      <iframe src=/player></iframe>"""
    led = discover(Kind.ARTICLE, 200, HTML, html.encode(), PAGE, SITE, 1, Seen(1024))
    assert led.found == (
        Found("https://thst.vn/t/y", Kind.ARTICLE, 20, 2, PAGE),
        Found("https://thst.vn/", Kind.LIST, 10, 2, PAGE),
        Found("https://thst.vn/Home/ReloadSubject/2?MACD=7", Kind.LIST, 10, 2, PAGE),
        Found("https://thst.vn/UserFiles/x.pdf", Kind.ATTACHMENT, 30, 2, PAGE),
        Found("https://files.vn/a%20(1).docx", Kind.ATTACHMENT, 30, 2, PAGE),
        Found("https://thst.vn/player", Kind.REQUISITE, 40, 2, PAGE),
    )


def test_the_www_twin_is_in_scope() -> None:
    assert found("<a href=/t/y>", url="https://www.thst.vn/t/x") == {"https://www.thst.vn/t/y": Kind.ARTICLE}


def test_a_site_without_rules_follows_every_page() -> None:
    html = """<a href=/x><a href=http://www.a.vn/y><a href=https://b.vn/z><a href=/x.jpg><a href=/x.pdf><a href=/x.mp4>
      <link rel=alternate type=application/rss+xml href=/rss>"""
    assert found(html, url="https://a.vn/", kind=Kind.PAGE, site=EVERY) == {
        "https://a.vn/x": Kind.PAGE,
        "http://www.a.vn/y": Kind.PAGE,
        "https://a.vn/x.jpg": Kind.REQUISITE,
        "https://a.vn/x.pdf": Kind.ATTACHMENT,
        "https://a.vn/rss": Kind.LIST,
    }


def test_nofollow_is_followed() -> None:
    assert found("<meta name=robots content=nofollow><a rel=nofollow href=/t/y>") == {
        "https://thst.vn/t/y": Kind.ARTICLE
    }


def test_a_style_sheet_gives_requisites_only() -> None:
    sheet = "@import 'b.css'; a{b:url(../x.png)} c{d:url(/t/y)} e{f:url(https://ads.vn/no.png)}"
    options = {"url": "https://cdn.vn/css/a.css", "kind": Kind.REQUISITE}
    led = found(sheet, headers={"content-type": "text/css"}, **options)
    assert led == dict.fromkeys(
        ("https://cdn.vn/css/b.css", "https://cdn.vn/x.png", "https://cdn.vn/t/y"), Kind.REQUISITE
    )
    assert found("<a href=https://thst.vn/t/y>", **options) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"status": 404},
        {"status": 500},
        {"kind": Kind.ATTACHMENT},
        {"kind": Kind.ROBOTS},
        {"headers": {"content-type": "image/png"}},
    ],
)
def test_what_leads_nowhere(options: dict[str, object]) -> None:
    assert found("<a href=/t/y>", **options) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "source", "location", "target"),
    [
        (Kind.LIST, "http://thst.vn/", "https://www.thst.vn/vi/", Kind.LIST),  # a seed that has moved
        (Kind.ARTICLE, "http://thst.vn/t/a", "https://www.thst.vn/t/a", Kind.ARTICLE),
        (Kind.PAGE, "http://thst.vn/p", "https://thst.vn/p/", Kind.PAGE),
        (Kind.ARTICLE, "https://thst.vn/t/a", "/t/b", Kind.ARTICLE),
        (Kind.ARTICLE, "https://thst.vn/t/a", "/", Kind.LIST),
        (Kind.ARTICLE, "https://thst.vn/t/a", "/login", None),
        (Kind.ARTICLE, "https://thst.vn/t/a", "https://b.vn/t/a", None),
        (Kind.LIST, "https://thst.vn/", "https://b.vn/", None),
        (Kind.REQUISITE, "https://thst.vn/a.png", "https://cdn.vn/b.png", Kind.REQUISITE),
        (Kind.REQUISITE, "https://thst.vn/a.png", "https://ads.vn/b.png", None),
        (Kind.ATTACHMENT, "https://thst.vn/a.pdf", "https://files.vn/get?id=1", Kind.ATTACHMENT),
        (Kind.ARTICLE, "https://thst.vn/t/a", "https://thst.vn:443/t/a#x", None),  # to itself
        (Kind.ARTICLE, "https://thst.vn/t/a", "", None),
        (Kind.ARTICLE, "https://thst.vn/t/a", "mailto:a@b.vn", None),
        (Kind.ROBOTS, "http://thst.vn/robots.txt", "https://thst.vn/robots.txt", None),
    ],
)
def test_redirects(kind: Kind, source: str, location: str, target: Kind | None) -> None:
    led = found("", url=source, kind=kind, status=301, headers={"location": location})
    assert led == ({} if target is None else {resolve(source, location): target})


def test_a_location_in_raw_bytes() -> None:
    raw = "/t/ủ".encode().decode("latin-1")
    assert found("", status=302, headers={"location": raw}) == {"https://thst.vn/t/%E1%BB%A7": Kind.ARTICLE}


def test_a_redirect_to_a_stream() -> None:
    led = discover(Kind.ARTICLE, 302, {"location": "https://pa.thst.vn/live.m3u8"}, b"", PAGE, SITE, 1, Seen(64))
    assert (led.found, led.streams) == ((), ("https://pa.thst.vn/live.m3u8",))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.vn/" + "x" * 2000,
        "https://a.vn/tin/bai/tin/bai/tin/bai/tin/",
        "https://a.vn/" + "/".join(map(str, range(40))),
        "https://a.vn/x?sessionid=0123456789abcdef0",
        "https://a.vn/x?a=1&sid=0123456789abcdef0",
        "https://a.vn/Default.aspx?__EVENTTARGET=pager",
    ],
)
def test_traps(url: str) -> None:
    assert is_trap(url, "https://a.vn/", 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://chauthanh.soctrang.gov.vn/huyenchauthanh/1308/33327/57715/396962/Tin/Lanh-dao.aspx",
        "https://soctrang.gov.vn/mDefault.aspx?catid=57715&id=397719&pageid=369&sid=1308&sname=huyenchauthanh",
        "https://a.vn/1/1/1/x",
    ],
)
def test_no_traps(url: str) -> None:
    assert not is_trap(url, "https://a.vn/", 50)


@pytest.mark.parametrize(
    "query", ["month=2&year=2031", "date=2031-02-01", "d=2031-02", "ngay=1&thang=2", "tu=1/2/2031"]
)
def test_a_calendar_ends(query: str) -> None:
    url = f"https://a.vn/lich?{query}"
    assert is_trap(url, "https://a.vn/lich?month=1&year=2031", 10)
    assert not is_trap(url, "https://a.vn/lich?month=1&year=2031", 9)
    assert not is_trap(url, "https://a.vn/lich", 10)
    assert not is_trap("https://a.vn/lich?p=2", "https://a.vn/lich?month=1", 10)


def test_traps_are_not_followed() -> None:
    assert found("<a href='/x?sessionid=0123456789abcdef0'>", url="https://a.vn/", kind=Kind.PAGE, site=EVERY) == {}


def test_seeds_and_the_pages_of_a_listing() -> None:
    first = "https://thst.vn/Home/ReloadSubject/1?MACD=7"
    assert [(one.url, one.kind, one.priority, one.hops, one.via) for one in seeds(SITE)] == [
        (url, Kind.LIST, 0, 0, None) for url in (first, "https://thst.vn/rss", "https://thst.vn/sitemap.xml")
    ]
    assert next_page(SITE, first) == first.replace("/1?", "/2?")
    assert next_page(SITE, first.replace("/1?", "/99?")) == first.replace("/1?", "/100?")
    assert next_page(SITE, first.replace("=7", "=60")) is None
    assert seeds(EVERY)[0].kind is Kind.PAGE


RSS = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY y "https://thst.vn/t/no">]>
<rss><channel><link>https://thst.vn/</link><item><link><![CDATA[ https://thst.vn/t/1 ]]></link></item>
<item><link>https://thst.vn/t/2?a=1&amp;b=2</link></item><item><link>&x;</link></item><item><link>&y;</link></item></channel></rss>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><link>https://thst.vn/</link></channel><item><link>https://thst.vn/t/1</link></item></rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><link href="/self"/><entry><link rel="edit" href="/e"/>
<link href="/t/1"/><link rel="alternate" href="/t/2"/></entry></feed>"""
MAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> https://thst.vn/t/1 </loc><lastmod>2025</lastmod></url>
<url><loc>https://thst.vn/other</loc></url></urlset>"""
MAPS = "<sitemapindex><sitemap><loc>https://thst.vn/s1.xml.gz</loc></sitemap></sitemapindex>"


def test_feeds() -> None:
    assert read_feed(RSS.encode()) == ["https://thst.vn/t/1", "https://thst.vn/t/2?a=1&b=2"]
    assert read_feed(RDF.encode()) == ["https://thst.vn/t/1"]
    assert read_feed(ATOM.encode()) == ["/t/1", "/t/2"]
    assert read_feed(b"<html><p>no feed") == []
    assert read_feed(b"") == []


def test_sitemaps() -> None:
    assert read_sitemap(MAP.encode()) == (["https://thst.vn/t/1", "https://thst.vn/other"], [])
    assert read_sitemap(MAPS.encode()) == ([], ["https://thst.vn/s1.xml.gz"])
    assert read_sitemap(b"<urlset><url><loc>https://a.vn/1</loc></url><url><lo") == (["https://a.vn/1"], [])
    assert read_sitemap(RSS.encode()) == ([], [])


@pytest.mark.parametrize("mime", ["application/rss+xml", "text/xml; charset=utf-8", "text/html", ""])
def test_a_feed_is_known_by_its_content(mime: str) -> None:
    led = found(RSS, url="https://thst.vn/rss", kind=Kind.LIST, headers={"content-type": mime})
    assert led == {"https://thst.vn/t/1": Kind.ARTICLE, "https://thst.vn/t/2?a=1&b=2": Kind.ARTICLE}


@pytest.mark.parametrize("packed", [False, True])
def test_sitemaps_lead_on(packed: bool) -> None:
    def led(xml: str) -> dict[str, Kind]:
        body = gzip.compress(xml.encode()) if packed else xml.encode()
        return found(
            body, url="https://thst.vn/sitemap.xml", kind=Kind.LIST, headers={"content-type": "application/gzip"}
        )

    assert led(MAP) == {"https://thst.vn/t/1": Kind.ARTICLE}
    assert led(MAPS) == {"https://thst.vn/s1.xml.gz": Kind.LIST}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("ủ".encode(), "text/html; charset=utf-8"),
        ("ủ".encode(), "text/html"),
        ("\ufeffủ".encode(), "text/html; charset=windows-1258"),
        ("\ufeffủ".encode("utf-16-le"), "text/html"),
        ('<meta charset="utf-16"> ủ'.encode("utf-16-be"), "text/html; charset=utf-16be"),
    ],
)
def test_decoding(body: bytes, content_type: str) -> None:
    assert decode_html(body, content_type).decode().endswith("ủ")


def test_decoding_by_what_the_head_declares() -> None:
    assert decode_html(b"<meta charset=iso-8859-1>\xe9\x80", "text/html").decode().endswith("\u00e9\u20ac")
    assert found(b"<meta charset=iso-8859-1><a href='/t/\xe9'>", headers={"content-type": "text/html"}) == {
        "https://thst.vn/t/%C3%A9": Kind.ARTICLE
    }


def test_bases_attach() -> None:
    base = Base.of("https://a.vn/p/x?u=/q/")
    assert [base.absolute(one) for one in ("y", "?z", "/y", "//b.vn/")] == [
        "https://a.vn/p/y", "https://a.vn/p/x?z", "https://a.vn/y", "https://b.vn/"
    ]  # fmt: skip
