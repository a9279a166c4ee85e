"""Every address that pages name is found, however they name it, and none is asked for twice."""

from itertools import count
from pathlib import Path

from homes import NOT_THERE, Home, Page, Web, article

HOST = "site.test"
SITE = """
SITE = Site(
    key="site",
    name="Site",
    hosts=("site.test", "other.test"),
    seeds=(Listing("http://site.test/north/View.aspx"), Listing("http://site.test/south/View.aspx")),
    rules=(
        Rule(r"site\\.test/(north|south)/View\\.aspx", Kind.LIST),
        Rule(r"(site|other)\\.test/.*", Kind.ARTICLE, identity="{path}"),
    ),
)
"""
PAGES = 3  # of each list
COMMON = [
    "//other.test/same-scheme",
    "http://site.test:80/port",
    "/root?b=2&a=1",
    "/root?a=1&b=2#part",
    "?page=2",
    "#top",
]


def answer(host: str, path: str) -> Page:
    """Lists whose links are the same text in both folders; queries come in another order at every fetch."""
    folder, _, rest = path[1:].partition("/")
    if not rest.startswith("View.aspx"):
        return Page(article(path, "Nội dung.", links='<a href="#top">lên</a><a href="">tôi</a>')) if host else NOT_THERE
    parameters = dict(one.split("=") for one in rest.partition("?")[2].split("&") if one)
    number = int(parameters.get("Page", "1"))
    links = [
        f"bai-{number}.html",
        "./bai-1.html",
        "../chung.html",
        *COMMON,
        shuffled(ItemID="7", Zone="2", Page=f"a{number}"),
    ]
    if number < PAGES:
        links.append(f"?Page={number + 1}")
    base = '<base href="/based/inner/">' if folder == "south" and number == 2 else ""
    anchors = "".join(f'<a href="{link}">tin</a>' for link in [*links, *links])
    if base:
        anchors += f'<a href="/south/View.aspx?Page={number + 1}">sau</a>'
    body = f"<html><head><meta charset=utf-8><title>Danh sách</title>{base}</head><body>{anchors}</body></html>"
    return Page(body.encode())


def shuffled(**parameters: str) -> str:
    """A query whose order is another one each time."""
    pairs = [f"{name}={value}" for name, value in parameters.items()]
    turn = next(_turns) % len(pairs)
    return "/item?" + "&".join(pairs[turn:] + pairs[:turn])


_turns = count()


def expected() -> dict[str, set[str]]:
    """What there is to find, by host, each address in its one spelling."""
    site = {"/chung.html", "/port", "/root?a=1&b=2"}
    for folder in ("north", "south"):
        site |= {f"/{folder}/View.aspx", f"/{folder}/View.aspx?page=2"}
        site |= {f"/{folder}/View.aspx?Page={number}" for number in range(2, PAGES + 1)}
        based = {2} if folder == "south" else set()
        site |= {f"/{folder}/bai-{number}.html" for number in {1, *range(1, PAGES + 1)} - based}
    site |= {"/based/inner/bai-2.html", "/based/inner/bai-1.html", "/based/chung.html"}
    site |= {"/based/inner/?page=2", "/based/inner/?Page=3"}
    site |= {f"/item?ItemID=7&Page=a{number}&Zone=2" for number in range(1, PAGES + 1)}
    return {HOST: site, "other.test": {"/same-scheme"}}


def test_every_address_is_found_and_none_twice(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home", site=SITE)
    with Web(answer) as web:
        told = home.crawl("site", web.at(HOST), web.at("other.test"), DERIVE="off")
        again = home.crawl("site", web.at(HOST), web.at("other.test"), full=True, DERIVE="off")
    everything = expected()
    for host, paths in everything.items():
        asked = web.paths(host)
        assert set(asked) == paths
        once = [path for path in asked if "/View.aspx" not in path]  # lists are asked once more at the end of a walk
        assert sorted(once) == sorted(2 * [path for path in paths if "/View.aspx" not in path])  # in each crawl
    assert (told["outcome"], again["outcome"]) == ("completed", "completed")
    urls = {f"http://{host}{path}" for host, paths in everything.items() for path in paths}
    assert {row["url"] for row in home.rows("SELECT url FROM frontier WHERE state = 'done'")} == urls
    assert {row["n"] for row in home.rows("SELECT count(*) AS n FROM frontier")} == {len(urls)}


# A second crawl of a site that hardly changed


NEWS = """
SITE = Site(
    key="news",
    name="News",
    hosts=("news.test",),
    seeds=(Listing("http://news.test/"),),
    rules=(
        Rule(r"news\\.test/", Kind.LIST),
        Rule(r"news\\.test/(?P<id>\\w+)\\.html", Kind.ARTICLE, identity="news/{id}"),
    ),
    layouts=(Layout("now", title=("h1",), container=("article",), views=(".views",)),),
)
"""
TEXT = "Thành phố Sóc Trăng phấn đấu đến năm 2030 đạt đô thị loại I, theo nghị quyết vừa được thông qua."


class News:
    """A site of three articles: one never changes, one is edited, one counts its visits."""

    def __init__(self) -> None:
        self.edition = 1

    def __call__(self, host: str, path: str) -> Page:
        pages = {
            "/": article("Tin", "Danh sách.", links="".join(f'<a href="/{one}.html">{one}</a>' for one in "abc")),
            "/a.html": article("Bài a", TEXT, TEXT + " Bài a."),
            "/b.html": article("Bài b", TEXT, f"{TEXT} Lần sửa thứ {self.edition}."),
            "/c.html": article("Bài c", TEXT, TEXT + " Bài c.", links=f'<p class="views">Lượt xem: {self.edition}</p>'),
        }
        return Page(pages[path]) if path in pages else NOT_THERE


def test_a_revisit_points_into_the_earlier_sealed_file(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home", news=NEWS)
    with Web(News()) as web:
        told = [home.crawl("news", web.at("news.test"), full=True) for _ in range(3)]
    assert [one["revisits"] for one in told] == [0, 4, 4]
    assert [one["documents_unchanged"] for one in told] == [0, 3, 3]
    records = home.members()
    by_id = {one["WARC-Record-ID"]: one for one in records}
    revisits = [one for one in records if one.type == "revisit"]
    assert len(revisits) == 8
    for one in revisits:
        original = by_id[one["WARC-Refers-To"]]
        assert original.type == "response"
        assert original.warc == home.warcs()[0].relative_to(home.path).as_posix() != one.warc
        assert one["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        assert (one["WARC-Refers-To-Target-URI"], one["WARC-Refers-To-Date"]) == (original.uri, original["WARC-Date"])
        assert one.uri == original.uri
    rows = home.rows(
        "SELECT captures.url, firsts.url AS first FROM captures"
        " JOIN captures AS firsts ON firsts.capture = captures.original WHERE captures.type = 'revisit'"
    )
    assert len(rows) == 8
    assert all(row["url"] == row["first"] for row in rows)
    versions = home.rows("SELECT document, count(*) AS n FROM versions GROUP BY document ORDER BY document")
    assert versions == [{"document": f"news/{one}", "n": 1} for one in "abc"]


def test_what_changed_is_a_version_and_what_counts_is_none(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home", news=NEWS)
    news = News()
    with Web(news) as web:
        first = home.crawl("news", web.at("news.test"))
        news.edition = 2
        second = home.crawl("news", web.at("news.test"), full=True)
    assert (first["documents_new"], first["documents_changed"], first["documents_unchanged"]) == (3, 0, 0)
    assert (second["documents_new"], second["documents_changed"], second["documents_unchanged"]) == (0, 1, 2)
    assert (first["revisits"], second["revisits"]) == (0, 2)  # the list and `a`
    rows = home.rows("SELECT document || ' ' || version AS version, text FROM versions ORDER BY 1")
    assert [row["version"] for row in rows] == ["news/a 1", "news/b 1", "news/b 2", "news/c 1"]
    assert ["Lần sửa thứ 1" in rows[1]["text"], "Lần sửa thứ 2" in rows[2]["text"]] == [True, True]
    read = home.rows("SELECT version, views FROM captures WHERE url = 'http://news.test/c.html' ORDER BY date")
    assert read == [{"version": 1, "views": 1}, {"version": 1, "views": 2}]
