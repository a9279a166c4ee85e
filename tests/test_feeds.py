"""The answers to a question for other programs: feeds and files, over a real socket and with strange texts."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_fixtures import add_document
from serving import Served, serving

from luutru.feeds import COLUMNS, Feed, atom, comma_separated, hits, jsonl
from storage.collection import Collection
from storage.errors import UsageError
from storage.index.engine import Index
from storage.index.hits import Hit
from storage.index.search import search, walk
from storage.query import parse

NS = {"a": "http://www.w3.org/2005/Atom"}
MANY = 120  # more than one page of a feed
STRANGE = st.text(st.sampled_from("a Đ<>&\"'\\=+-@,;\r\n\t\x00\x0b\ud800\ufffe\u202e]"), max_size=12)
HIT = Hit(
    document="thst/t/tin",
    url="https://thst.vn/t/tin",
    site="thst",
    title="Tin",
    lead=None,
    published="2025-01-01T08:00:00+07:00",
    section=("Tin tức", "Xã hội"),
    snippet="Tin một.",
    score=None,
    version=1,
    versions=2,
    captured="2025-01-02T07:50:40.123456+00:00",
    kind="article",
    articles=(),
)
FEED = Feed(
    "luutru: tin", "http://a/search.atom?q=tin", "http://a/search?q=tin", None, "http://a/d/", "a", "luutru", "vi"
)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("feeds")
    collection = Collection.open(home)
    with collection.index.write() as connection:
        for number in range(MANY):
            day = f"2025-{1 + number % 12:02}-{1 + number // 12:02}"
            add_document(connection, "tin một", title=f"=tin {number}", published=day, section=["Tin"])
        add_document(connection, "khác", title="Bài khác")
    collection.close()
    with serving(home) as served:
        yield served


def entries(served: Served, address: str) -> tuple[list[str], str | None]:
    """The ids of a feed's entries, and where it goes on."""
    response = served.get(address)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/atom+xml")
    root = ElementTree.fromstring(response.content)
    links = {one.get("rel"): one.get("href", "") for one in root.findall("a:link", NS)}
    following = links.get("next")
    assert links["self"].startswith(served.url)
    return [one.findtext("a:id", "", NS) for one in root.findall("a:entry", NS)], following


def test_a_feed_is_followed_to_its_end_and_names_each_document_once(room: Served) -> None:
    met: list[str] = []
    address: str | None = "/search.atom?q=tin"
    while address:
        ids, following = entries(room, address)
        met += ids
        address = following.removeprefix(room.url) if following else None
    assert len(met) == len(set(met)) == MANY
    assert all(one.startswith("tag:127.0.0.1,2025:test:") for one in met)


def test_a_feed_says_what_rfc_4287_asks_for(room: Served) -> None:
    root = ElementTree.fromstring(room.get("/search.atom?q=%3Dtin%20119").content)
    for name in "id", "title", "updated", "author/a:name":
        assert root.findtext(f"a:{name}", None, NS), name
    [entry] = root.findall("a:entry", NS)
    assert entry.findtext("a:title", None, NS) == "=tin 119"
    assert entry.findtext("a:updated", None, NS) == root.findtext("a:updated", None, NS)
    link = entry.find("a:link[@rel='alternate']", NS)
    assert link is not None
    assert room.get(link.get("href", "").removeprefix(room.url)).status_code == 200


def test_a_feed_in_english_leads_to_english_pages(room: Served) -> None:
    root = ElementTree.fromstring(room.get("/en/search.atom?q=tin").content)
    hrefs = [one.get("href", "") for one in root.findall("a:link", NS)]
    assert all(one.startswith(f"{room.url}/en/search") for one in hrefs)


def test_a_feed_of_nothing_is_a_feed(room: Served) -> None:
    assert entries(room, "/search.atom?q=kh%C3%B4ngcó") == ([], None)


@pytest.mark.parametrize("path", ["/search.atom?cursor=x", "/search.csv?q=after:x", "/search.jsonl?q=before:2025-13"])
def test_what_cannot_be_asked_is_told_before_anything_is_sent(room: Served, path: str) -> None:
    assert room.get(path).status_code == 400


def test_a_file_has_all_answers(room: Served) -> None:
    response = room.get("/search.csv?q=tin")
    assert response.headers["content-disposition"] == 'attachment; filename="luutru.csv"'
    assert response.content.startswith(b"\xef\xbb\xbfdocument,kind,")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == len({row["document"] for row in rows}) == MANY
    assert rows[0]["title"].startswith("'=tin ")
    assert [row["published"] for row in rows] == sorted((row["published"] for row in rows), reverse=True)
    lines = room.get("/search.jsonl?q=tin").text.splitlines()
    assert [json.loads(line)["document"] for line in lines] == [row["document"] for row in rows]
    assert json.loads(lines[0])["title"].startswith("=tin ")
    assert room.get("/search.jsonl?q=kh%C3%B4ngcó").content == b""


@pytest.mark.parametrize("limit", [1, 7, 50, MANY, 1000])
def test_pages_of_any_size_visit_each_answer_once(room: Served, limit: int) -> None:
    index = Index.open(room.home / "index.db")

    def turn(cursor: str | None) -> tuple[tuple[Hit, ...], str | None]:
        with index.read() as connection:
            return walk(connection, parse("tin"), cursor, limit)

    met = [one.document for one in hits(turn)]
    index.close()
    assert len(met) == len(set(met)) == MANY


def test_what_comes_while_a_file_is_written_is_not_in_it(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index.db")
    with index.write() as connection:
        for _ in range(3):
            add_document(connection, "tin")
    found = hits(lambda cursor: _walk(index, cursor))
    first = next(found)
    with index.write() as connection:
        add_document(connection, "tin", published="2020-01-01")
    assert len([first, *found]) == 3
    index.close()


def _walk(index: Index, cursor: str | None) -> tuple[tuple[Hit, ...], str | None]:
    with index.read() as connection:
        return walk(connection, parse("tin"), cursor, 1)


def test_a_cursor_of_ranked_answers_is_refused(room: Served) -> None:
    index = Index.open(room.home / "index.db")
    with index.read() as connection:
        cursor = search(connection, parse("tin"), limit=1).next
        with pytest.raises(UsageError):
            walk(connection, parse("tin"), cursor)
    index.close()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(STRANGE, STRANGE, STRANGE)
def test_no_title_breaks_a_feed_or_a_file(title: str, lead: str, url: str) -> None:
    one = Hit(
        **{name: getattr(HIT, name) for name in HIT.__slots__}
        | {"title": title, "lead": lead, "url": url, "site": title}
    )
    root = ElementTree.fromstring(atom(FEED, [one, HIT]))
    assert len(root.findall("a:entry", NS)) == 2
    assert root.findtext("a:updated", None, NS) == HIT.captured
    text = b"".join(comma_separated([one, HIT])).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 3
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for value in row)
    assert rows[2][COLUMNS.index("section")] == "Tin tức › Xã hội"
    lines = b"".join(jsonl([one, HIT])).decode().split("\n")
    assert len(lines) == 3
    assert list(json.loads(lines[1]))[:3] == ["document", "url", "site"]
