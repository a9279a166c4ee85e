"""The captures of one address, by day."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from rows import GONE, MOBILE, URL, filled
from sqlalchemy import Connection, insert

from storage.errors import NotFound, Withheld
from storage.index.calendar import Found, calendar
from storage.index.engine import Index
from storage.index.tables import capture
from storage.index.withholding import Thing, withhold
from storage.surt import surt


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index.open(filled(tmp_path_factory.mktemp("calendar")) / "index.db")
    yield opened
    opened.close()


def add(connection: Connection, date: str, digest: str, **values: object) -> None:
    """A capture of an address of its own."""
    url = "https://thst.vn/lich"
    row = {"crawl": "c2", "site": "thst", "url": url, "urlkey": surt(url), "date": date, "kind": "page", "file": 2}
    rest = {"type": "response", "status": 200, "offset": hash(date), "length": 1, "record_id": "r", "derived": 1}
    connection.execute(insert(capture), row | rest | {"payload_digest": digest, "payload_length": 7} | values)


def test_each_capture_says_what_it_found_and_where_it_lies(index: Index) -> None:
    with index.read() as connection:
        shown = calendar(connection, URL)
    assert (shown.url, shown.years, shown.year, shown.total) == (URL, ((2025, 3),), 2025, 3)
    first, second, third = shown.visits
    assert [(one.found, one.type, one.url) for one in shown.visits] == [
        (Found.NEW, "response", URL),
        (Found.SAME, "response", MOBILE),
        (Found.SAME, "revisit", URL),
    ]
    assert (first.document, first.version, second.version) == ("dangcongsan/592693", 1, 2)
    assert (first.warc, first.offset, first.length) == ("warc/dangcongsan/2025/a.warc.gz", 100, 500)
    assert (third.timestamp, third.day) == ("20250103075040", "2025-01-03")
    assert list(shown.days) == ["2025-01-01", "2025-01-02", "2025-01-03"]


@pytest.mark.parametrize("spelling", [URL, MOBILE, URL.removeprefix("https://"), URL.replace("dang", "DANG", 1)])
def test_an_address_is_known_in_any_spelling(index: Index, spelling: str) -> None:
    with index.read() as connection:
        assert calendar(connection, spelling).total == 3


def test_an_error_is_told_as_one(index: Index) -> None:
    with index.read() as connection:
        assert [(one.found, one.version) for one in calendar(connection, GONE).visits] == [
            (Found.NEW, 1),
            (Found.ERROR, None),
        ]


def test_days_and_years_are_local_and_a_content_that_comes_back_is_the_same(index: Index) -> None:
    with index.write() as connection:
        add(connection, "2023-12-31T16:00:00.000000+00:00", "sha1:A")
        add(connection, "2023-12-31T17:00:00.000000+00:00", "sha1:B")
        add(connection, "2024-01-01T17:00:00.000000+00:00", "sha1:A")
        add(connection, "2024-01-02T17:00:00.000000+00:00", "sha1:A", status=304, type="revisit")
        add(connection, "2024-01-03T17:00:00.000000+00:00", "sha1:C", status=301)
        add(connection, "2024-01-04T17:00:00.000000+00:00", "sha1:C", error="cut off")
        here = calendar(connection, "https://thst.vn/lich")
        assert here.years == ((2023, 1), (2024, 5))
        assert [one.day[5:] for one in here.visits] == ["01-01", "01-02", "01-03", "01-04", "01-05"]
        assert [str(one.found) for one in here.visits] == ["new", "same", "304", "moved", "error"]
        assert [one.day for one in calendar(connection, here.url, 2023).visits] == ["2023-12-31"]
        assert calendar(connection, here.url, 2019).visits == ()
        assert calendar(connection, here.url, zone=ZoneInfo("UTC")).years == ((2023, 2), (2024, 4))
        connection.rollback()


@pytest.mark.parametrize("wanted", ["https://thst.vn/nie", "", "không", "https://", "javascript:alert(1)", "'; --"])
def test_an_address_without_captures_is_not_found(index: Index, wanted: str) -> None:
    with index.read() as connection, pytest.raises(NotFound):
        calendar(connection, wanted)


def test_what_is_withheld_has_no_calendar(index: Index) -> None:
    with index.write() as connection:
        withhold(connection, Thing(document="dangcongsan/592693"), "theo yêu cầu", "thủ thư", None)
        for spelling in URL, MOBILE:
            with pytest.raises(Withheld):
                calendar(connection, spelling)
        connection.rollback()
