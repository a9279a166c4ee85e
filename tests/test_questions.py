"""What the archive answers, over rows whose answers can be told beforehand."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from rows import DOCUMENT, GONE, LIST, MOBILE, MOMENTS, NEW, OLD, PDF, URL, filled
from sqlalchemy import Connection

from storage.collection import Collection
from storage.errors import NotFound, StorageError, TooSlow, UsageError
from storage.index import holdings, questions
from storage.index.attachments import Offered
from storage.index.sql import ask
from storage.index.tables import capture, crawl
from storage.model import Image, Outcome

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("home"))


@pytest.fixture
def index(home: Path) -> Iterator[Connection]:
    collection = Collection.open(home)
    with collection.index.read() as connection:
        yield connection
    collection.close()


def test_show_gives_the_text_of_the_newest_capture(index: Connection) -> None:
    shown = questions.show(index, DOCUMENT)
    assert (shown.document, shown.kind, shown.site, shown.url) == (DOCUMENT, "article", "dangcongsan", URL)
    assert (shown.title, shown.version) == ("Đô thị loại I", 1)
    assert shown.text == "Đoạn một của Đô thị loại I.\n\nĐoạn hai."
    assert (shown.published, shown.published_from, shown.language) == ("2025-01-01", "page", "vi")
    assert (shown.section, shown.authors, shown.tags) == (("Trang chủ", "Thời sự"), ("An",), ())
    assert shown.images == (Image("https://dangcongsan.vn/a.jpg", "Ảnh"),)
    assert shown.attachments == (Offered(PDF, "Kế hoạch", f"web:{PDF}", has_text=False),)
    assert (shown.method, shown.confidence) == ("layout", 0.875)
    assert [(one.version, one.digest) for one in shown.versions] == [(1, OLD), (2, NEW)]


def test_show_takes_the_views_of_the_newest_capture_that_counted_them(index: Connection) -> None:
    assert questions.show(index, DOCUMENT).views == 20


def test_show_gives_the_provenance_of_every_address(index: Connection) -> None:
    shown = questions.show(index, DOCUMENT)
    assert shown.addresses == (URL, MOBILE)
    assert [(one.timestamp, one.url, one.type, one.offset) for one in shown.captures] == [
        ("20250101075040", URL, "response", 100),
        ("20250102075040", MOBILE, "response", 700),
        ("20250103075040", URL, "revisit", 1300),
    ]
    first = shown.captures[0]
    assert (first.warc, first.length, first.payload_digest) == ("warc/dangcongsan/2025/a.warc.gz", 500, "sha1:AAAA")
    assert (first.status, first.ip) == (200, "192.0.2.7")


@pytest.mark.parametrize(
    "wanted",
    [
        "1",
        URL,
        MOBILE,
        "dangcongsan.vn/thoi-su/do-thi-loai-i-592693.html",
        f"{URL}#top",
        URL.replace(".vn/", ".VN:443/"),
    ],
)
def test_a_document_is_found_by_number_and_by_any_spelling_of_its_addresses(index: Connection, wanted: str) -> None:
    assert questions.show(index, wanted).document == DOCUMENT


def test_the_same_text_under_another_document_is_a_republication(index: Connection) -> None:
    (other,) = questions.show(index, DOCUMENT).republications
    assert (other.document, other.site, other.first_seen) == ("thst/t/tin-cu", "thst", MOMENTS[3])


def test_a_document_is_gone_when_its_addresses_said_so_at_last(index: Connection) -> None:
    assert (questions.show(index, GONE).gone, questions.show(index, GONE).gone_since) == (True, MOMENTS[4])
    assert [one.status for one in questions.show(index, GONE).captures] == [200, 404]
    assert (questions.show(index, DOCUMENT).gone, questions.show(index, DOCUMENT).gone_since) == (False, None)


def test_a_document_without_a_version_is_shown(index: Connection) -> None:
    shown = questions.show(index, PDF)
    assert (shown.kind, shown.title, shown.text) == ("attachment", "Kế hoạch", None)
    assert (shown.version, shown.versions) == (None, ())
    assert [one.document for one in shown.articles] == [DOCUMENT, "thst/t/tin-cu"]
    assert (shown.authors, shown.confidence, shown.captures, shown.gone) == ((), None, (), False)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("dangcongsan/1", "luutru search"),
        ("99", "luutru search"),
        ("9" * 30, "luutru search"),
        ("", "luutru search"),
        ("https://example.org/x", "`luutru crawl https://example.org/x` archives it"),
        ("https://example.org/x?a=1&b=2", "`luutru crawl 'https://example.org/x?a=1&b=2'` archives it"),
        (LIST, "(2025-01-03, warc/dangcongsan/2025/a.warc.gz, offset 1900), but is no document: a list"),
        ("dangcongsan.vn/logo.png", "is no document: of kind requisite, its last answer was 200"),
        ("https://thst.vn/t/cho", "known but not archived (waiting)"),
    ],
)
def test_what_is_not_there_says_what_to_try(index: Connection, wanted: str, hint: str) -> None:
    with pytest.raises(NotFound, match=r"no document|archived") as caught:
        questions.show(index, wanted)
    assert hint in str(caught.value)


def test_history_has_a_period_for_a_text_that_came_back(index: Connection) -> None:
    periods = questions.history(index, URL)
    assert [(one.version, one.first_seen, one.last_seen) for one in periods] == [
        (1, MOMENTS[0], MOMENTS[0]),
        (2, MOMENTS[1], MOMENTS[1]),
        (1, MOMENTS[2], MOMENTS[2]),
    ]
    assert [one.digest for one in periods] == [OLD, NEW, OLD]
    assert [held.type for one in periods for held in one.captures] == ["response", "response", "revisit"]


def test_history_has_a_period_for_the_time_in_which_a_document_was_gone(index: Connection) -> None:
    there, gone = questions.history(index, GONE)
    assert [one.status for one in there.captures] == [200]
    assert (gone.version, gone.title, gone.digest) == (None, None, None)
    assert (gone.first_seen, gone.last_seen, [one.status for one in gone.captures]) == (MOMENTS[4], MOMENTS[4], [404])


def test_stats_count_pages_and_articles(index: Connection) -> None:
    stats = holdings.stats(index)
    assert (stats.sites, stats.captures, stats.revisits) == (2, 6, 1)
    assert (stats.documents, stats.versions) == (2, 3)
    assert (stats.files, stats.bytes) == (2, 10_000 + 2 * 500)
    assert (stats.first, stats.last) == (MOMENTS[0], MOMENTS[4])


def test_stats_of_nothing(tmp_path: Path) -> None:
    collection = Collection.open(tmp_path / "new")
    with collection.index.read() as connection:
        assert holdings.stats(connection) == holdings.Stats(0, 0, 0, 0, 0, 0, 0, None, None)
    collection.close()


def test_runs_are_newest_first(index: Connection) -> None:
    assert [one.crawl for one in holdings.runs(index)] == ["c2", "c1"]
    assert [one.crawl for one in holdings.runs(index, limit=1)] == ["c2"]
    (one,) = holdings.runs(index, "dangcongsan")
    assert (one.outcome, one.captures, one.documents_new, one.warnings) == (Outcome.COMPLETED, 4, 1, ())


def test_a_run_is_found_by_the_beginning_of_its_id(index: Connection) -> None:
    assert holdings.run(index, "c2").warnings == ("một cảnh báo",)
    assert holdings.run(index, "c2").documents_new is None
    for wanted in ("c", "", "%", "x"):
        with pytest.raises(NotFound, match="luutru runs"):
            holdings.run(index, wanted)


def test_sites_are_those_defined_and_those_archived(index: Connection) -> None:
    new, known, archived = holdings.sites(index, {"dangcongsan": ("Báo", ("dangcongsan.vn",)), "a-new": ("Mới", ())})
    assert (known.name, known.hosts, known.captures, known.documents, known.versions) == (
        *("Báo", ("dangcongsan.vn",)),
        *(4, 1, 2),
    )
    assert (known.first, known.last, known.last_outcome, known.next) == (MOMENTS[0], MOMENTS[2], "completed", None)
    assert (archived.site, archived.name, archived.last_outcome) == ("thst", "thst", "partial")
    assert (new.captures, new.first, new.last_outcome) == (0, None, None)


def test_a_statement_gives_columns_and_rows(home: Path) -> None:
    with ask(home / "index.db", "SELECT document, versions FROM documents ORDER BY number", 10) as answer:
        assert answer.columns == ("document", "versions")
        assert list(answer.rows) == [(DOCUMENT, 2), ("thst/t/tin-cu", 1), (f"web:{PDF}", 0)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM crawl",
        "WITH x AS (SELECT 1) INSERT INTO file (name, crawl) SELECT 'x', 'c1'",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "DROP VIEW documents",
        "PRAGMA user_version = 7",
        "PRAGMA query_only = OFF",
        "PRAGMA main.Journal_Mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "SELECT 1; DELETE FROM crawl",
        "SELECT nonsense",
        "",
        "-- nothing",
    ],
)
def test_the_database_refuses_what_is_no_question(home: Path, statement: str) -> None:
    with pytest.raises(UsageError), ask(home / "index.db", statement, 10) as answer:
        list(answer.rows)
    with sqlite3.connect(home / "index.db") as connection:
        assert connection.execute("SELECT count(*) FROM crawl").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize("statement", ["ATTACH '{path}' AS x", "VACUUM INTO '{path}'"])
def test_no_other_file_is_written(home: Path, tmp_path: Path, statement: str) -> None:
    path = tmp_path / "x.db"
    with pytest.raises(UsageError), ask(home / "index.db", statement.format(path=path), 10):
        pass
    assert not path.exists()


def test_a_statement_that_takes_too_long_is_stopped(home: Path) -> None:
    with pytest.raises(TooSlow, match=r"0\.05 s"), ask(home / "index.db", ENDLESS, 0.05):
        pass


def test_rows_are_read_as_they_are_taken(home: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with ask(home / "index.db", endless, 60) as answer:
        assert [next(answer.rows) for _ in range(3)] == [(1,), (2,), (3,)]


def test_values_that_json_has_not(home: Path) -> None:
    with ask(home / "index.db", "SELECT x'00ff', 9e999, CAST(x'c3' AS TEXT), NULL", 10) as answer:
        assert list(answer.rows) == [("00ff", "inf", "�", None)]


def test_an_index_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError), ask(tmp_path / "index.db", "SELECT 1", 10):
        pass
    assert not (tmp_path / "index.db").exists()


def test_views_number_versions_as_show_does(home: Path) -> None:
    with ask(
        home / "index.db", "SELECT document, version, current FROM versions ORDER BY document, version", 10
    ) as answer:
        assert list(answer.rows) == [(DOCUMENT, 1, 1), (DOCUMENT, 2, 0), ("thst/t/tin-cu", 1, 1)]
    with ask(home / "index.db", "SELECT version, timestamp, status FROM captures ORDER BY capture", 10) as answer:
        assert next(answer.rows) == (1, "20250101075040", 200)
        assert [row[0] for row in answer.rows] == [2, 1, None, None, 1, None]
    with ask(home / "index.db", "SELECT target, day, document, page FROM mentions ORDER BY target", 10) as answer:
        assert list(answer.rows) == [(URL, "2025-01-01", DOCUMENT, LIST), (GONE, None, "thst/t/tin-cu", LIST)]


def test_views_have_every_row_of_their_table(home: Path, index: Connection) -> None:
    for view, table in (("captures", capture), ("crawls", crawl)):
        with ask(home / "index.db", f"SELECT count(*) FROM {view}", 10) as answer:
            assert next(answer.rows) == (len(index.execute(table.select()).all()),)
