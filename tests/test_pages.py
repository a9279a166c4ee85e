"""The pages, read as HTML: every one in both languages, in an archive with everything and in one with nothing."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from lxml import html
from serving import Served, serving
from showcase import HOSTILE, HOSTILE_TITLE, PICTURE, SHOWCASE, URL, rich

from luutru.limits import Limits, Rate
from luutru.pages.images import media_type
from storage.folding import fold

PAGES = {
    "front": "/",
    "search": "/search?q=chinh+trang+kenh",
    "search without words": "/search",
    "search narrowed": "/search?q=" + quote("chỉnh trang site:thst after:2024 before:2024"),
    "document": f"/d/{SHOWCASE}",
    "older version": f"/d/{SHOWCASE}?version=1",
    "hostile document": f"/d/{HOSTILE}",
    "attachment": "/d/web:https://thst.vn/tep/so-do-doan-kenh.pdf",
    "compare": f"/compare/{SHOWCASE}?a=1&b=3",
    "address": f"/address?url={quote(URL, safe='')}",
    "site": "/site/thst",
    "changes": "/changes",
    "changes of a site": "/changes?site=thst&week=2024-W47",
    "runs": "/runs",
    "runs of a site": "/runs?site=thst&outcome=trouble",
    "run": "/runs/c0905",
    "fixity": "/fixity",
}
WRONG = {
    "no such address": ("/address?url=https%3A%2F%2Fthst.vn%2Ft%2Ftin-1000", 404),
    "no such document": ("/d/thst/t/khong-co", 404),
    "no such version": (f"/d/{SHOWCASE}?version=9", 404),
    "no such version to compare": (f"/compare/{SHOWCASE}?a=1&b=9", 404),
    "no such site": ("/site/khong-co", 404),
    "no such page": ("/khong-co", 404),
    "no such run": ("/runs/khong-co", 404),
    "no week": ("/changes?week=2024", 400),
    "no year": (f"/address?url={quote(URL, safe='')}&year=hai", 400),
    "no date": ("/search?q=after:2024-13", 400),
    "no cursor": ("/search?q=a&cursor=b", 400),
    "no outcome": ("/runs?outcome=good", 400),
    "no picture": ("/images/warc/x.warc.gz?offset=1", 404),
}
HOSTILE_QUERIES = (
    "<script>alert(1)</script>",
    "\"'`;--",
    '"unfinished',
    "NEAR(a b) AND OR NOT * ^ : ( )",
    "../../etc/passwd %00 \x00 \x1b[31m",
    "\u202eđảo \u2066 trái",
    "từ " * 2_500,
    "site:<b> section:\"><script> author:' after:2024",
    "{{ 7*7 }} {% for %} ${x}",
)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    tireless = Limits(searches=Rate(10_000, 10_000))  # for a visitor who is as fast as the machine
    with serving(rich(tmp_path_factory.mktemp("rich") / "archive", 120), limits=tireless) as served:
        yield served


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("empty") / "archive") as served:
        yield served


def page(room: Served, path: str, status: int = 200) -> html.HtmlElement:
    """The page, which keeps to what every page keeps to."""
    response = room.get(path)
    assert response.status_code == status, response.text[-2_000:]
    document = html.fromstring(response.text)
    language = "en" if path.startswith("/en") else "vi"
    assert document.get("lang") == language
    (other,) = document.xpath("//link[@hreflang]/@href")
    assert other.startswith("/en/") == (language == "vi")
    assert len(document.xpath("//h1")) == 1
    assert document.xpath("//title/text()")[0].strip()
    assert not document.xpath("//script | //style | //@style | //@onclick | //@onerror | //@onload")
    ids = document.xpath("//@id")
    assert sorted(set(ids)) == sorted(ids)
    assert set(document.xpath("//@aria-labelledby")) <= set(ids)
    assert {one[1:] for one in document.xpath("//a/@href") if one.startswith("#")} <= set(ids)
    assert all(urlsplit(one).netloc == "" for one in document.xpath("//img/@src | //link[@rel='stylesheet']/@href"))
    for one in document.xpath("//figure[contains(@class, 'chart')]/svg[@role='group'] | //svg[@role='img']"):
        assert one.get("aria-label")
    return document


def text(element: html.HtmlElement) -> str:
    return re.sub(r"\s+", " ", element.text_content()).strip()


def heading(document: html.HtmlElement) -> str:
    return text(document.xpath("//h1")[0])


@pytest.mark.parametrize("root", ["", "/en"])
@pytest.mark.parametrize("path", PAGES.values(), ids=list(PAGES))
def test_every_page_in_both_languages(room: Served, path: str, root: str) -> None:
    document = page(room, f"{root}{path}")
    (twin,) = document.xpath("//link[@type='application/json']/@href")
    assert list(room.json(twin)) == list(room.json(twin.removeprefix("/en")))


@pytest.mark.parametrize("path", PAGES.values(), ids=list(PAGES))
def test_the_other_language_is_one_click_away_and_back(room: Served, path: str) -> None:
    (english,) = page(room, path).xpath("//a[@class='lang']/@href")
    (back,) = page(room, english).xpath("//a[@class='lang']/@href")
    assert httpx.URL(urljoin(room.url, back)) == httpx.URL(urljoin(room.url, path))


@pytest.mark.parametrize("root", ["", "/en"])
@pytest.mark.parametrize(("path", "status"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_said_in_a_sentence(room: Served, path: str, status: int, root: str) -> None:
    document = page(room, path if path.startswith("/images") else f"{root}{path}", status)
    assert "Traceback" not in text(document)
    assert str(status) in text(document) or document.xpath("//*[@role='status']")


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in PAGES.values()
        if path.startswith(("/search", "/changes", "/runs", "/f")) and not path.startswith(("/runs/", "/changes?"))
    ],
)
def test_an_empty_archive_says_that_it_is_empty(empty: Served, path: str) -> None:
    for root in ("", "/en"):
        assert text(page(empty, f"{root}{path}"))


def test_the_front_of_an_empty_archive_says_what_to_do(empty: Served) -> None:
    for root, sentence in (("", "Kho chưa giữ tài liệu nào."), ("/en", "The archive holds no documents yet.")):
        notice = text(page(empty, f"{root}/").xpath("//*[@role='status']")[0])
        assert notice.startswith(sentence)
        assert "luutru crawl thst" in notice


def test_links_within_lead_somewhere(room: Served) -> None:
    """Every address that the pages name answers, but for those of other parts of the server."""
    seen: set[str] = set()
    for path in PAGES.values():
        for one in page(room, path).xpath("//main//a/@href | //nav//a/@href | //footer//a/@href"):
            seen.add(one.partition("#")[0])
    ours = [
        one
        for one in sorted(seen)
        if re.match(r"/(en/)?(search(\.\w+)?\?|d/|compare/|address|site/|changes|runs|fixity|$)", one)
    ]
    sample = ours[:: max(1, len(ours) // 60)]
    assert [(one, status) for one in sample if (status := room.get(one).status_code) != 200] == []


# The front


def test_the_front_tells_what_is_held(room: Served) -> None:
    stats = room.json("/api/v1/stats")
    document = page(room, "/en/")
    held = text(document.xpath("//p[@class='held']")[0])
    assert f"{stats['documents']:,} documents" in held
    assert len(document.xpath("//li[@class='card']")) == 4
    cells = document.xpath("//table[@class='heat']//td/a")
    assert sum(int(one.text.replace(",", "")) for one in cells) == stats["captures"]
    months = [one.get("href") for one in cells]
    assert all(re.fullmatch(r"/en/search\?q=after%3A\d{4}-\d\d\+before%3A\d{4}-\d\d", one) for one in months)


# Search


def test_with_and_without_diacritics(room: Served) -> None:
    plain, spelled = (heading(page(room, f"/search?q={quote(one)}")) for one in ("sat lo bo kenh", "sạt lở bờ kênh"))
    assert plain == spelled != "0 tài liệu"


def test_facets_narrow_and_chips_widen(room: Served) -> None:
    document = page(room, "/search?q=kenh")
    all_of_them = heading(document)
    first = document.xpath("//nav[contains(@class, 'facets')]//li/a")[0]
    narrowed = page(room, first.get("href"))
    assert heading(narrowed) == f"{text(first.xpath('span')[0])} tài liệu"
    (chip,) = narrowed.xpath("//a[@class='chip']")
    assert heading(page(room, chip.get("href"))) == all_of_them
    (chosen,) = narrowed.xpath("//nav[contains(@class, 'facets')]//a[@aria-current]")
    assert heading(page(room, chosen.get("href"))) == all_of_them


def test_the_histogram_narrows_to_a_year_and_to_a_month(room: Served) -> None:
    document = page(room, "/search?q=kenh")
    year = max(
        document.xpath("//svg[@role='group']/a"), key=lambda one: "".join(one.xpath("path[@class='bar']/@d")).count("M")
    )
    within = page(room, year.get("href"))
    assert heading(within) == year.get("aria-label").partition(": ")[2]
    months = within.xpath("//svg[@role='group']/a")
    assert len(months) == 12
    month = next(one for one in months if one.xpath("path[@class='bar']"))
    assert heading(page(room, month.get("href"))) == month.get("aria-label").partition(": ")[2]
    (time,) = within.xpath("//a[@class='chip']")
    assert heading(page(room, time.get("href"))) == heading(document)


def test_pages_of_results_follow_each_other(room: Served) -> None:
    seen: list[str] = []
    path = "/search?q=site:thst"
    while path:
        document = page(room, path)
        seen += document.xpath("//ol[@class='list']/li/h3/a/@href")
        path = next(iter(document.xpath("//a[@rel='next']/@href")), "")
    assert len(seen) == len(set(seen)) > 40


def test_results_are_sorted_by_match_or_by_day(room: Served) -> None:
    document = page(room, "/search?q=kenh")
    tabs = document.xpath("//nav[@aria-label='Xếp theo']/a")
    assert [text(one) for one in tabs] == ["Khớp nhất", "Mới nhất"]
    newest = page(room, tabs[1].get("href"))
    days = newest.xpath("//ol[@class='list']//time/@datetime")
    assert [one[:10] for one in days] == sorted((one[:10] for one in days), reverse=True)
    assert heading(newest) == heading(document)
    (chosen,) = newest.xpath("//nav[@aria-label='Xếp theo']/a[@aria-current]")
    assert text(chosen) == "Mới nhất"
    narrowed = newest.xpath("//nav[contains(@class, 'facets')]//li/a/@href")[0]
    assert "sort=new" in narrowed  # and stays so
    assert not page(room, "/search?q=site:thst").xpath("//nav[@aria-label='Xếp theo']")  # by day at any rate


def test_what_was_searched_for_is_marked(room: Served) -> None:
    document = page(room, "/search?q=chinh+trang")
    marked = {one.text.lower() for one in document.xpath("//p[@class='snip']//mark")}
    assert marked <= {"chỉnh", "trang", "chỉnh trang"}
    assert marked
    in_titles = {one.text.lower() for one in document.xpath("//ol[@class='list']//h3//mark")}
    assert "chỉnh trang" in in_titles or {"chỉnh", "trang"} <= in_titles
    assert {fold(word) for words in in_titles for word in words.split()} <= {"chinh", "trang"}  # of Sóc Trăng too


def test_republications_are_folded(room: Served) -> None:
    document = page(room, "/search?q=" + quote('"bún nước lèo"'))
    folded = document.xpath("//ol[@class='list']/li/details")
    shown = document.xpath("//ol[@class='list']/li/h3/a/@href")
    beside = {link.partition("?")[0] for link in (*shown, *document.xpath("//ol[@class='list']/li/details//a/@href"))}
    assert len(shown) < len(beside) == 4
    assert text(folded[0].xpath("summary")[0]).endswith(" bản đăng lại")


@pytest.mark.parametrize("query", HOSTILE_QUERIES, ids=range(len(HOSTILE_QUERIES)))
def test_hostile_queries_are_words(room: Served, query: str) -> None:
    for root in ("", "/en"):
        response = room.get(f"{root}/search?q={quote(query[:2_000])}")
        assert response.status_code in (200, 400, 414)
        document = html.fromstring(response.text)
        assert not document.xpath("//main//script | //main//b[not(ancestor::p)]")
        assert "49" not in heading(document) or "{{" not in query


# A document


def test_a_document_tells_how_it_is_known(room: Served) -> None:
    document = page(room, f"/en/d/{SHOWCASE}")
    (prose,) = document.xpath("//div[@class='prose']")
    assert prose.get("lang") == document.xpath("//h1/@lang")[0] == "vi"
    facts = {text(one.xpath("dt")[0]): text(one) for one in document.xpath("//dl/div")}
    assert facts["Published"] == "Published14 Nov 2024by the known layout of the page"
    assert "0.97" in facts["Text read by"]
    assert facts["Captured"].startswith("Captured2 Jan 2025, 08:12:44 (GMT+7) 2025-01-02T01:12:44.318000+00:00")
    versions = [text(one) for one in document.xpath("//section[@aria-labelledby='versions']//li")]
    assert versions[0].startswith("Version 3 (this one)")
    assert versions[2].endswith("first seen")
    course = [text(one) for one in document.xpath("//section[@aria-labelledby='republications']//li")]
    assert course[0] == "14 Nov 2024 · this document first in this archive"
    assert course[1].endswith("96% alike")


def test_pictures_come_from_the_archive(room: Served) -> None:
    (source,) = page(room, f"/d/{SHOWCASE}").xpath("//div[@class='prose']//img/@src")
    response = room.get(source)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    assert media_type(response.content) == "image/png"


def test_nothing_but_a_picture_is_served_as_one(room: Served) -> None:
    document = room.json(f"/d/{SHOWCASE}.json")
    place = document["capture"]
    assert room.get(f"/images/{place['warc']}?offset={place['offset']}").status_code == 404
    assert media_type(b"<svg xmlns='http://www.w3.org/2000/svg'/>") is None
    assert media_type(b"<html>") is None
    assert document["pictures"][0]["url"] == PICTURE


def test_an_archived_title_is_only_text(room: Served) -> None:
    for path in (f"/d/{HOSTILE}", f"/compare/{HOSTILE}", "/search?q=site:thst+after:2025-09+before:2025-11", "/"):
        document = page(room, path)
        assert not document.xpath("//main//script | //main//img[@src='x'] | //main//i")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", document.text_content())
    assert heading(page(room, f"/d/{HOSTILE}")).startswith(HOSTILE_TITLE[:20])


def test_a_section_with_a_quotation_mark_is_chosen_by_its_link_and_by_its_facet(room: Served) -> None:
    section, author = page(room, f"/d/{HOSTILE}").xpath("//a[contains(@href, 'section') or contains(@href, 'author')]")
    for link in (section, author):
        found = page(room, link.get("href"))
        assert heading(found) == "1 tài liệu"
        assert found.xpath("//ol[@class='list']/li/h3/a/@href")[0].startswith(f"/d/{HOSTILE}")
    (chosen,) = page(room, section.get("href")).xpath(
        "//nav[contains(@class, 'facets')]//li[.//bdi[contains(., '\"')]]/a"
    )
    assert chosen.get("aria-current") == "true"


# Versions


def test_two_versions_are_beside_each_other(room: Served) -> None:
    document = page(room, f"/compare/{SHOWCASE}?a=1&b=3")
    rows = document.xpath("//table[@class='diff']/tbody/tr[not(@class)]")
    assert [text(one.xpath("th")[0]) for one in rows] == [
        "Sửa Tiêu đề",
        "Sửa Đoạn 2",
        "Thêm Đoạn 4",
        "Sửa Đoạn 5",
        "Bớt Đoạn 5",
    ]
    assert [one.text for one in rows[1].xpath(".//del")] == ["1,8", "240", "4,2"]
    assert [one.text for one in rows[1].xpath(".//ins")] == ["2,1", "260", "4,8"]
    assert not rows[1].xpath("td[1]//ins | td[2]//del")


def test_a_document_of_one_version_has_nothing_to_compare(room: Served) -> None:
    page(room, "/compare/soctrang-city/1", 404)


# Addresses


def test_a_calendar_shows_what_each_day_found(room: Served) -> None:
    document = page(room, f"/en/address?url={quote(URL, safe='')}")
    days = {one.get("aria-label"): one.get("data-s") for one in document.xpath("//table[@class='cal']//a")}
    assert days["2 1: new, 1 capture"] == "new"
    assert days["16 1: not modified, says the server, 1 capture"] == "304"
    assert days["18 9: error, 1 capture"] == "failed"
    assert len(document.xpath("//table[@class='cal']")) == 12
    listed = document.xpath("//table[@class='fold']/tbody/tr")
    assert len(listed) == 9
    (earlier,) = document.xpath("//nav[@class='tabs']/a[not(@aria-current)]/@href")
    assert len(page(room, earlier).xpath("//table[@class='fold']/tbody/tr")) == 2


def test_an_address_that_is_not_held_is_told_what_is_near(room: Served) -> None:
    document = page(room, "/address?url=https%3A%2F%2Fthst.vn%2Ft%2Ftin-", 404)
    near = document.xpath("//section[@aria-labelledby='near']//a/@href")
    page(room, near[0])
    assert "luutru crawl https://thst.vn/t/tin-" in text(document)


# Sites and runs


def test_the_ledger_has_what_never_began_and_what_comes(room: Served) -> None:
    document = page(room, "/en/runs?outcome=missed")
    rows = [text(one) for one in document.xpath("//table[@class='fold']/tbody/tr")]
    assert len(rows) == 2
    assert "Missed" in rows[0]
    assert "nobody served the schedule when it was due" in rows[0]
    coming = [text(one).rpartition(" ")[2] for one in document.xpath("//section[@aria-labelledby='coming']//li")]
    assert coming[:2] == ["thst", "dangcongsan"]
    cells = page(room, "/runs").xpath("//table[@class='cells']/tbody/tr")
    assert all(len(one.xpath("td")) == 28 for one in cells)
    assert "lỡ lịch" in text(next(one for one in cells if text(one).startswith("dangcongsan")))


def test_who_filters_everything_away_is_not_told_to_crawl(room: Served) -> None:
    (notice,) = page(room, "/en/runs?outcome=missed&site=nowhere").xpath("//div[@class='notice']")
    assert text(notice) == "There are no such rows."


def test_what_went_wrong_is_told_in_the_language_of_the_page(room: Served) -> None:
    rows = page(room, "/runs?outcome=missed").xpath("//table[@class='fold']/tbody/tr")
    assert text(rows[0]).endswith("Đến lịch mà không có ai chạy lịch")
    (problem,) = page(room, "/site/dangcongsan").xpath("//li[contains(., 'Lệch bố cục')]/span[last()]")
    assert text(problem) == "Trang nguồn đã thay đổi: 40 trên 50 trang không ghi ngày; thường lệ là 4 %"
    for root, known in (("", "Không thu được trang nào"), ("/en", "no page was captured")):
        assert known in text(page(room, f"{root}/runs?outcome=trouble"))


def test_a_site_tells_when_it_is_crawled_next_or_why_not(room: Served) -> None:
    (coming,) = page(room, "/site/thst").xpath("//section[@aria-labelledby='next']")
    assert "1d 02:00-04:00" in text(coming)
    (paused,) = page(room, "/site/soctrang-city").xpath("//section[@aria-labelledby='next']")
    assert "Trang đã đóng sau khi sáp nhập." in text(paused)
    assert not page(room, "/site/thst").xpath("//form[@method='post']")


def test_forms_that_act_are_there_only_with_a_token(tmp_path: Path) -> None:
    home = rich(tmp_path / "archive", 3)
    (home / "luutru.toml").write_text('token = "bí mật"\n', "utf-8")
    with serving(home) as room:
        (form,) = page(room, "/site/soctrang-city").xpath("//form[@method='post']")
        pause = form.xpath(".//button[@formaction]/@formaction")[0]
        assert pause == "/api/v1/acts/resume"
        fields = {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}
        given = fields | {"token": "bí mật"}
        answer = room.client.post(room.url + pause, data=given, headers={"Origin": room.url})
        assert (answer.status_code, answer.headers["location"]) == (303, "/site/soctrang-city")
        wrong = room.client.post(room.url + pause, data=given | {"token": "x"}, headers={"Origin": room.url})
        assert wrong.status_code == 401


# When something is the matter


def test_what_is_withheld_is_451_and_in_no_list(tmp_path: Path) -> None:
    home = rich(tmp_path / "archive", 3)
    command = [sys.executable, "-m", "luutru", "--home", str(home), "withhold", SHOWCASE, "--reason", "theo lệnh tòa"]
    subprocess.run(command, check=True, capture_output=True)
    with serving(home) as room:
        for path in (f"/d/{SHOWCASE}", f"/compare/{SHOWCASE}", f"/address?url={quote(URL, safe='')}"):
            document = page(room, path, 451)
            assert heading(document) == "Tài liệu này được giữ trong kho nhưng không cho xem"
            assert "theo lệnh tòa" in text(document)
        for path in ("/", "/search?q=" + quote('"bún nước lèo"'), "/changes?week=2025-W01", "/d/soctrang-city/1"):
            assert SHOWCASE not in room.get(path).text


def test_a_missing_file_is_said_where_the_text_is_read(tmp_path: Path) -> None:
    home = rich(tmp_path / "archive", 5)
    with serving(home) as room:
        warc = room.json(f"/d/{SHOWCASE}.json")["capture"]["warc"]
        (source,) = page(room, f"/d/{SHOWCASE}").xpath("//div[@class='prose']//img/@src")
        (home / warc).unlink()
        for root, sentence in (("", "Không tìm thấy tệp WARC"), ("/en", "The WARC file with this capture is missing")):
            document = page(room, f"{root}/d/{SHOWCASE}")
            assert text(document.xpath("//*[@role='alert']")[0]).startswith(sentence)
            assert "nạo vét" in text(document)
        page(room, source, 503)
        assert warc in text(page(room, "/fixity"))
        assert page(room, "/fixity").xpath("//*[@role='alert']")


def test_pages_answer_while_the_index_is_written(room: Served) -> None:
    with closing(sqlite3.connect(room.home / "index.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for path in PAGES.values():
            page(room, path)
        connection.execute("ROLLBACK")
