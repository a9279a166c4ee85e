"""What lists say of articles, how they go on, and which change is a sign."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.entries import entries_of
from crawler.scope import Scope, is_front_page
from crawler.sites import Listing, Rule, Site
from crawler.walk import Walk
from storage.index import entries, frontier
from storage.index.engine import Index
from storage.index.entries import Entry
from storage.model import Found, Kind

SITE = Site(
    key="a",
    name="A",
    hosts=("a.vn",),
    seeds=(Listing("https://a.vn/"), Listing("https://a.vn/tin/{page}")),
    rules=(Rule(r"a\.vn/bai/\d+", Kind.ARTICLE, identity="{path}"), Rule(r"a\.vn/.*", Kind.LIST)),
)
PAGE = "https://a.vn/muc?page=3"


def read(*items: str, url: str = PAGE, head: str = "Đầu trang") -> dict[str, Entry]:
    body = f"<html><body><p>{head}</p><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul></body></html>"
    found = entries_of(body.encode(), "text/html; charset=utf-8", url, Scope(SITE))
    return {one.url.rpartition("/")[2]: one for one in found}


def item(
    number: int = 1,
    title: str = "Bài",
    day: str = "12/03/2024",
    summary: str = "Hội đồng nhân dân họp kỳ thứ 7.",
    more: str = "",
) -> str:
    address = f"/bai/{number}"
    named = f'<a href="{address}"><img src=x></a><h3><a href="{address}">{title}</a></h3>'
    return f"{named}<i>{day}</i><p>{summary}</p>{more}"


@pytest.mark.parametrize(
    "other",
    [
        item(title="Bài (sửa)"),
        item(day="13/03/2024"),
        item(day="Cập nhật: 13/3/2024 08:15"),
        item(summary="Hội đồng nhân dân họp kỳ thứ 8."),
    ],
    ids=["title", "day", "day in words", "summary"],
)
def test_a_title_a_day_or_a_summary_is_said(other: str) -> None:
    assert read(other, item(2))["1"].said - read(item(), item(2))["1"].said
    assert read(other, item(2))["2"] == read(item(), item(2))["2"]


@pytest.mark.parametrize(
    "more",
    [
        "<span>Lượt xem: {n}</span>",
        "<b>{n} lượt xem</b>",
        "<span>{n} giờ trước</span>",
        "<a href='/bai/1#binh-luan'>{n} bình luận</a>",
        "<em>({n})</em>",
        "<span>Mới</span>",
    ],
)
def test_counters_ages_and_places_say_nothing(more: str) -> None:
    before = read(item(more=more.format(n=7)), item(2))
    after = read(item(3), item(2), item(more=more.format(n=1234)), head="Lượt truy cập: 99")
    assert before["1"] == after["1"]
    assert before["2"] == after["2"]


def test_all_pages_of_a_list_are_one_and_others_are_others() -> None:
    (first,), (second,) = (read(item(), url=url).values() for url in (PAGE, PAGE.replace("3", "12")))
    assert first == second
    (elsewhere,) = read(item(), url="https://a.vn/noi-bat").values()
    assert (elsewhere.list != first.list, elsewhere.said) == (True, first.said)


def test_a_feed_and_a_sitemap_say_something_too() -> None:
    rss = "<rss><channel><item><title>{}</title><link>https://a.vn/bai/1</link><description>&lt;p&gt;{}&lt;/p&gt;</description></item></channel></rss>"
    sitemap = "<urlset><url><loc>https://a.vn/bai/1</loc><lastmod>{}</lastmod></url></urlset>"
    for template, one, other in (
        (rss, ("Bài", "Tóm tắt của bài"), ("Bài", "Tóm tắt khác của bài")),
        (rss, ("Bài", "Tóm tắt"), ("Bài khác", "Tóm tắt")),
        (sitemap, ("2024-03-12",), ("2024-03-13",)),
    ):
        before, after = (
            entries_of(template.format(*said).encode(), "text/xml", PAGE, Scope(SITE)) for said in (one, other)
        )
        assert [each.url for each in before] == ["https://a.vn/bai/1"]
        assert after[0].said - before[0].said


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index.db")
    with opened.write() as connection:
        frontier.discover(
            connection, "a", [Found(f"https://a.vn/bai/{n}", Kind.ARTICLE, 20, 1, None) for n in range(30)]
        )
    yield opened
    opened.close()


def note(index: Index, *said: tuple[int, int], on: int = 1) -> list[str]:
    with index.write() as connection:
        changed = entries.note(
            connection, "a", [Entry(f"https://a.vn/bai/{n}", on, frozenset({says})) for n, says in said]
        )
    return [url.rpartition("/")[2] for url in changed]


def test_only_what_a_list_said_otherwise_before_is_a_sign(index: Index) -> None:
    assert note(index, (1, 10), (2, 20)) == []
    assert note(index, (1, 10), (2, 2**32 - 1), (3, 30)) == ["2"]
    assert note(index, (1, 10), (2, 2**32 - 1), (3, 30)) == []
    assert note(index, (2, 20)) == []  # said once already
    assert note(index, (1, 11), on=2) == []  # another list
    assert note(index, (99, 1)) == []  # an address that is not known


def test_a_list_that_changes_as_a_whole_is_no_sign(index: Index) -> None:
    everything = [(n, 1) for n in range(20)]
    note(index, *everything)
    assert note(index, *((n, 2) for n, _ in everything)) == []
    assert note(index, *((n, 3 if n < 4 else 2) for n, _ in everything)) == ["0", "1", "2", "3"]


def test_what_is_remembered_of_an_entry_is_bounded(index: Index) -> None:
    for says in range(1000):
        note(index, (1, says))
    assert note(index, (1, 999)) == []
    with index.read() as connection:
        assert len(connection.exec_driver_sql("SELECT said FROM entry").scalar_one()) <= 16 * 4


def onward(url: str, *lists: str) -> list[str]:
    found = [Found(one, Kind.LIST, 10, 1, None) for one in lists]
    return list(Walk(SITE).onward(url, [*found, Found("https://a.vn/bai/3", Kind.ARTICLE, 20, 1, None)]))


@pytest.mark.parametrize(
    ("url", "following"),
    [
        ("https://a.vn/muc?page=9", "https://a.vn/muc?page=10"),
        ("https://a.vn/muc?page=19", "https://a.vn/muc?page=20"),
        ("https://a.vn/muc", "https://a.vn/muc?page=2"),
        ("https://a.vn/muc", "https://a.vn/muc/trang-2"),
        ("https://a.vn/muc.html", "https://a.vn/muc-p2.html"),
        ("https://a.vn/View.aspx?cat=5", "https://a.vn/View.aspx?cat=5&page=2"),
        ("https://a.vn/View.aspx?cat=5", "https://a.vn/View.aspx?Page=2&cat=5"),
    ],
)
def test_the_next_page_is_known_by_its_number(url: str, following: str) -> None:
    assert onward(url, "https://a.vn/", "https://a.vn/khac", following, following.replace("2", "4")) == [following]


def test_a_list_that_declares_its_pages_goes_on_to_the_next() -> None:
    assert onward("https://a.vn/tin/7") == ["https://a.vn/tin/8"]


def test_where_no_page_follows_a_list_leads_on_to_those_that_it_names() -> None:
    assert onward("https://a.vn/", "https://a.vn/muc", "https://a.vn/khac") == ["https://a.vn/muc", "https://a.vn/khac"]


def test_a_walk_knows_where_it_began() -> None:
    walk = Walk(SITE)
    for page in (1, 2, 3):
        walk.onward(f"https://a.vn/tin/{page}", [])
    assert [walk.front(f"https://a.vn/tin/{page}") for page in (1, 2, 3, 4)] == [None, *["https://a.vn/tin/1"] * 3]


@pytest.mark.parametrize(
    ("url", "front"),
    [
        ("https://a.vn/", True),
        ("https://a.vn/index.html", True),
        ("https://a.vn/Default.aspx", True),
        ("https://a.vn/trang-chu", True),
        ("https://a.vn/?id=3", False),
        ("https://a.vn/tin", False),
    ],
)
def test_where_a_host_begins(url: str, front: bool) -> None:
    assert is_front_page(url) is front
