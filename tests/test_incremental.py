"""A crawl of a known site costs what has changed: the real command, and a portal of 2,000 articles on loopback."""

import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homes import NOT_THERE, Home, Page, Web

HOST = "portal.test"
COUNT = 2000
FIRST = 10_001  # number of the oldest article
TODAY = datetime.now(UTC)  # the same for all that show the portal, or articles were of another day after midnight
ON_A_PAGE = 20
SITE = """
SITE = Site(
    key="portal",
    name="Portal",
    hosts=("portal.test",),
    seeds=(Listing("http://portal.test/"), Listing("http://portal.test/tin?page={page}")),
    rules=(
        Rule(r"portal\\.test/(?:tin|muc)?", Kind.LIST),
        Rule(r"portal\\.test/bai-(?P<id>\\d+)\\.html", Kind.ARTICLE, identity="portal/{id}"),
    ),
    layouts=(Layout("now", title=("h1",), container=("article",), published=(".ngay",), views=(".xem",)),),
)
"""


@dataclass
class Article:
    """One article of the portal."""

    number: int
    day: datetime
    title: str
    summary: str
    text: str
    status: int = 200
    moved: str | None = None


@dataclass
class Portal:
    """A site whose counters never stand still; `push` lets new articles appear when a path was answered."""

    articles: list[Article] = field(default_factory=list)  # the newest first
    visits: int = 0
    push: tuple[str, int] | None = None
    etags: bool = False

    def add(self, number: int, day: datetime) -> Article:
        text = f"Hội đồng nhân dân phường {number} họp kỳ thứ {number * 7} và thông qua nghị quyết số {number * 13}."
        one = Article(number, day, f"Bài số {number} của cổng thông tin", f"Tóm tắt của bài thứ {number}.", text)
        self.articles.insert(0, one)
        return one

    def __call__(self, host: str, path: str) -> Page:
        self.visits += 1
        name, _, query = path[1:].partition("?")
        if name in ("", "tin", "muc"):
            page = self._list(name, int(query.partition("=")[2] or 1))
            if self.push and self.push[0] == path:
                for _ in range(self.push[1]):
                    self.add(self.articles[0].number + 1, datetime.now(UTC))
                self.push = None
            return page
        for one in self.articles:
            if name == f"bai-{one.number}.html":
                return self._article(one)
        return NOT_THERE

    def _list(self, name: str, number: int) -> Page:
        shown = self.articles[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
        items = "".join(
            f'<div><a href="/bai-{one.number}.html"><img alt=""></a><h3><a href="/bai-{one.number}.html">'
            f"{one.title}</a></h3><span>{one.day:%d/%m/%Y}</span><p>{one.summary}</p>"
            f"<i>Lượt xem: {self.visits}</i></div>"
            for one in shown
        )
        later = range(number + 1, number + 4)
        pager = "".join(
            f'<a href="/{name}?trang={n}">{n}</a>' for n in later if name == "muc" and len(shown) == ON_A_PAGE
        )
        return _page("Tin", f'<a href="/">Trang chủ</a><a href="/muc">Mục</a>{items}{pager}')

    def _article(self, one: Article) -> Page:
        if one.status != 200 or one.moved:
            return Page(b"", one.status, {"Location": one.moved} if one.moved else {})
        headers = {"ETag": f'"{hash((one.title, one.text))}"'} if self.etags else {}
        counter = "" if self.etags else f'<p class="xem">Lượt xem: {self.visits}</p>'
        return _page(
            one.title,
            f'<h1>{one.title}</h1><div class="ngay">{one.day:%d/%m/%Y}</div>{counter}'
            f"<article><p>{one.summary}</p><p>{one.text}</p></article>",
            headers,
        )


def _page(title: str, body: str, headers: dict[str, str] | None = None) -> Page:
    html = f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{title}</title></head><body>{body}</body></html>"
    return Page(html.encode(), headers={"Content-Type": "text/html; charset=utf-8"} | (headers or {}))


def _portal(count: int, etags: bool = False) -> Portal:
    """So many articles, spread evenly over three years."""
    portal = Portal(etags=etags)
    start = TODAY - timedelta(days=3 * 365)
    for number in range(count):
        portal.add(FIRST + number, start + timedelta(days=3 * 365 * (number + 1) / count))
    return portal


def _articles(web: Web) -> list[str]:
    return [path for path in web.paths(HOST) if path.startswith("/bai-")]


def _versions(home: Home, number: int) -> list[str]:
    rows = home.rows("SELECT title FROM versions WHERE document = ? ORDER BY version", f"portal/{number}")
    return [row["title"] for row in rows]


@dataclass
class Known:
    """A portal that was crawled once."""

    home: Home
    portal: Portal

    def crawl(self, full: bool = False) -> tuple[dict[str, int], list[str], list[str]]:
        """What the next crawl tells, the articles that it asked for, and the lists, in order."""
        with Web(self.portal) as web:
            told = self.home.crawl("portal", web.at(HOST), full=full)
        return told, _articles(web), [path for path in web.paths(HOST) if not path.startswith("/bai-")]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.of(tmp_path_factory.mktemp("portal") / "home", portal=SITE)
    with Web(_portal(COUNT)) as web:
        told = home.crawl("portal", web.at(HOST))
    assert (told["outcome"], told["documents_new"]) == ("completed", COUNT)
    assert sorted(_articles(web)) == [f"/bai-{FIRST + number}.html" for number in range(COUNT)]
    return home


@pytest.fixture
def known(crawled: Home, tmp_path: Path) -> Known:
    shutil.copytree(crawled.path, tmp_path / "home")
    return Known(Home(tmp_path / "home"), _portal(COUNT))


def _number(day_old: float) -> int:
    """An article that is about so many days old."""
    return FIRST + round(COUNT * (1 - day_old / (3 * 365)))


def test_a_second_crawl_of_an_unchanged_site_fetches_only_what_is_due(known: Known) -> None:
    told, articles, lists = known.crawl()
    assert (told["outcome"], told["documents_new"], told["documents_changed"]) == ("completed", 0, 0)
    assert articles == []
    assert len(lists) < 12  # of more than 200
    known.home.pass_days(7)
    told, articles, _ = known.crawl()
    assert (told["documents_new"], told["documents_changed"]) == (0, 0)
    assert told["documents_unchanged"] == len(articles) == len(set(articles))
    assert 0 < len(articles) <= COUNT * 0.05
    assert len(known.home.rows("SELECT 1 FROM versions")) == COUNT


def test_what_a_list_shows_otherwise_is_fetched_at_once(known: Known) -> None:
    titled, dated, summed = known.portal.articles[1], known.portal.articles[3], known.portal.articles[7]
    titled.title += " (sửa)"
    dated.day -= timedelta(days=1)
    dated.text += " Đã sửa."
    summed.summary = "Một tóm tắt khác hẳn."
    told, articles, _ = known.crawl()
    assert sorted(articles) == sorted(f"/bai-{one.number}.html" for one in (titled, dated, summed))
    assert told["documents_changed"] == 3
    assert len(_versions(known.home, titled.number)) == 2
    assert known.crawl()[1] == []  # said once


def test_a_change_without_a_sign_is_found_when_the_article_is_due(known: Known) -> None:
    changed = next(one for one in known.portal.articles if one.number == _number(100))
    changed.text += " Một câu được thêm vào."
    assert known.crawl()[1] == []
    known.home.pass_days(20)
    _, articles, _ = known.crawl()
    assert f"/bai-{changed.number}.html" not in articles
    known.home.pass_days(60)
    told, articles, _ = known.crawl()
    assert f"/bai-{changed.number}.html" in articles
    assert told["documents_changed"] == 1
    known.home.pass_days(1)
    assert f"/bai-{changed.number}.html" in known.crawl()[1]  # what has just changed is asked often


def test_a_full_crawl_finds_it_at_once(known: Known) -> None:
    known.portal.articles[1234].text += " Một câu được thêm vào."
    told, articles, _ = known.crawl(full=True)
    assert len(articles) == COUNT
    assert (told["documents_new"], told["documents_changed"], told["documents_unchanged"]) == (0, 1, COUNT - 1)
    assert len(known.home.rows("SELECT 1 FROM versions")) == COUNT + 1


@pytest.mark.parametrize(("path", "before"), [("/tin?page=1", 0), ("/tin?page=2", 1), ("/muc", 1)])
def test_what_is_pushed_to_the_top_between_two_list_pages_is_found(known: Known, path: str, before: int) -> None:
    for _ in range(before):
        known.portal.add(FIRST + COUNT, datetime.now(UTC))
    known.portal.push = (path, 25)
    told, articles, _ = known.crawl()
    assert known.portal.push is None
    assert sorted(articles) == [f"/bai-{FIRST + COUNT + n}.html" for n in range(25 + before)]
    assert told["documents_new"] == 25 + before


def test_the_walk_goes_back_to_known_ground(known: Known) -> None:
    for number in range(90):
        known.portal.add(FIRST + COUNT + number, datetime.now(UTC))
    told, articles, lists = known.crawl()
    assert told["documents_new"] == len(articles) == 90
    assert f"/tin?page={90 // ON_A_PAGE + 2}" in lists
    assert f"/tin?page={90 // ON_A_PAGE + 4}" not in lists


# Small sites


@pytest.fixture
def small(tmp_path: Path) -> Known:
    known = Known(Home.of(tmp_path / "home", portal=SITE), _portal(6, etags=True))
    known.crawl()
    return known


def test_what_has_an_etag_is_asked_for_on_condition(small: Known) -> None:
    home = small.home
    home.pass_days(2000)
    changed = small.portal.articles[2]
    changed.text += " Một câu được thêm vào."
    with Web(small.portal) as web:
        told = home.crawl("portal", web.at(HOST))
    assert sorted(web.unchanged) == sorted(
        f"/bai-{one.number}.html" for one in small.portal.articles if one is not changed
    )
    assert (told["outcome"], told["documents_changed"], told["documents_unchanged"]) == ("completed", 1, 5)
    records = {one["WARC-Record-ID"]: one for one in home.members()}
    revisits = [one for one in records.values() if (one.get("WARC-Profile") or "").endswith("server-not-modified")]
    assert len(revisits) == 5
    for one in revisits:
        original = records[one["WARC-Refers-To"]]
        assert original.type == "response"
        assert original.block.startswith(b"HTTP/1.1 200")
        assert original.warc != one.warc
        assert (one["WARC-Refers-To-Target-URI"], one["WARC-Refers-To-Date"]) == (original.uri, original["WARC-Date"])
        assert one.get("WARC-Payload-Digest") is None
        assert one.uri == original.uri
    seen = home.rows(
        "SELECT captures.date, versions.last_seen, documents.last_seen AS seen FROM captures"
        " JOIN versions USING (document, version) JOIN documents USING (document) WHERE status = 304"
    )
    assert len(seen) == 5
    assert all(row["date"] == row["last_seen"] == row["seen"] for row in seen)
    home.pass_days(2000)
    with Web(small.portal) as web:
        told = home.crawl("portal", web.at(HOST))
    assert (len(web.unchanged), told["documents_changed"], told["documents_unchanged"]) == (6, 0, 6)
    records = {one["WARC-Record-ID"]: one for one in home.members()}
    assert {records[one["WARC-Refers-To"]].type for one in records.values() if one.type == "revisit"} == {
        "response"
    }  # never another revisit


def test_a_full_crawl_asks_without_condition(small: Known) -> None:
    with Web(small.portal) as web:
        told = small.home.crawl("portal", web.at(HOST), full=True)
    assert (len(_articles(web)), web.unchanged, told["documents_unchanged"]) == (6, [], 6)


def test_a_document_that_disappears_is_gone_and_may_come_back(small: Known) -> None:
    home, ways = small.home, dict(zip(("404", "410", "soft", "front"), small.portal.articles, strict=False))
    kept = [replace(one) for one in small.portal.articles]
    texts = {f"portal/{one.number}": f"{one.summary}\n\n{one.text}" for one in ways.values()}
    ways["404"].status, ways["410"].status = 404, 410
    ways["front"].status, ways["front"].moved = 302, "/"
    ways["soft"].title, ways["soft"].text = "Không tìm thấy trang", "Trang bạn yêu cầu không tồn tại."
    assert home.tell("search", "gone:yes")["results"] == []
    home.pass_days(2000)
    small.crawl()
    last = {row["url"]: row["date"] for row in home.rows("SELECT url, max(date) AS date FROM captures GROUP BY url")}
    for wanted, text in texts.items():
        shown = home.tell("show", wanted)
        assert (shown["gone"], shown["gone_since"], shown["text"]) == (True, last[shown["url"]], text)
    assert {found["document"] for found in home.tell("search", "gone:yes nghị quyết")["results"]} == set(texts)
    small.portal.articles = kept
    home.pass_days(2000)
    small.crawl()
    assert home.tell("search", "gone:yes")["results"] == []
    for wanted in texts:
        periods = home.tell_lines("history", wanted)
        assert [(period["version"], len(period["captures"])) for period in periods] == [(1, 1), (None, 1), (1, 1)]
