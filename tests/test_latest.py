"""What is new, what has changed, what is gone."""

from collections.abc import Iterator

import pytest
from index_fixtures import add_document
from rows import filled
from sqlalchemy import Connection, insert

from luutru.comparison import compare, words
from storage.index.engine import Index
from storage.index.latest import changes, changes_between, newest
from storage.index.rhythm import sections
from storage.index.tables import address, capture, crawl, file, reading
from storage.index.withholding import Thing, withhold
from storage.surt import surt

EVER = ("2000", "2100")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index.open(tmp_path_factory.mktemp("latest") / "index.db")
    yield opened
    opened.close()


@pytest.fixture
def connection(index: Index) -> Iterator[Connection]:
    with index._writing.connect() as opened:
        yield opened
        opened.rollback()


def number(identity: str) -> int:
    return int(identity.removeprefix("test:"))


def test_the_newest_are_those_of_the_latest_day(connection: Connection) -> None:
    for day in "2024-03-01", "2024-05-01", "2024-04-01":
        add_document(connection, "một", published=day, title=f"Tin {day}", section=["Tin", "Xã hội"])
    add_document(connection, "tệp", kind="attachment", published="2025-01-01")
    add_document(connection, "khác", site="dangcongsan", published="2023-01-01")
    assert [one.day for one in newest(connection)] == ["2024-05-01", "2024-04-01", "2024-03-01", "2023-01-01"]
    assert [one.day for one in newest(connection, limit=1)] == ["2024-05-01"]
    assert [one.site for one in newest(connection, "dangcongsan")] == ["dangcongsan"]
    first = newest(connection)[0]
    assert (first.title, first.section, first.versions) == ("Tin 2024-05-01", ("Tin", "Xã hội"), 1)


def test_a_change_names_both_versions_and_says_what_they_say(connection: Connection) -> None:
    add_document(connection, "không đổi")
    twice = add_document(connection, "một hai ba", "một hai bốn năm", title="Tin")
    add_document(connection, "tệp", "tệp mới", kind="attachment")
    [change] = changes(connection)
    assert (number(change.document), change.before, change.after, change.when[:10]) == (twice, 1, 2, "2024-01-02")
    assert (change.old, change.new) == ("Tin\n\nmột hai ba", "Tin\n\nmột hai bốn năm")
    assert words(compare(change.old, change.new)) == (2, 1)


def test_the_latest_changes_are_one_for_each_document(connection: Connection) -> None:
    once = add_document(connection, "a", "b")
    thrice = add_document(connection, "a", "b", "c", "d")
    assert [(number(one.document), one.before, one.after) for one in changes(connection)] == [
        (thrice, 3, 4),
        (once, 1, 2),
    ]
    assert len(changes(connection, limit=1)) == 1
    assert changes(connection, "dangcongsan") == []


def test_what_became_of_a_site_within_a_time(connection: Connection) -> None:
    same = add_document(connection, "a", first_seen="2024-01-02T00:00:00.000000+00:00")
    changed = add_document(connection, "a", "b", "c")
    seen = changes_between(connection, "thst", "2024-01-02", "2024-01-03")
    assert [number(one.document) for one in seen.new] == [same]
    assert [(number(one.document), one.before, one.after) for one in seen.changed] == [(changed, 1, 2)]
    assert (seen.new_total, seen.changed_total, seen.gone_total, seen.capped) == (1, 1, 0, False)
    ever = changes_between(connection, "thst", *EVER, limit=1)
    assert (ever.new_total, ever.changed_total, len(ever.new), len(ever.changed)) == (2, 2, 1, 1)
    assert ever.capped
    assert changes_between(connection, "dangcongsan", *EVER).new == ()


def visit(connection: Connection, owner: int, status: int, day: str, reason: str | None = None) -> None:
    url = f"https://thst.vn/t/{owner}"
    row = {"crawl": "c1", "site": "thst", "url": url, "urlkey": surt(url), "kind": "article", "type": "response"}
    rest = {"file": 1, "offset": owner * 1000 + int(day), "length": 1, "record_id": "r", "payload_length": 1}
    date = f"2024-02-{day}T00:00:00.000000+00:00"
    values = row | rest | {"date": date, "status": status}
    id_ = connection.execute(insert(capture).returning(capture.c.id), values).scalar_one()
    if reason:
        connection.execute(insert(reading), {"capture": id_, "reason": reason, "rules": "r"})


def test_what_is_gone_is_told_once_and_not_when_it_came_back(connection: Connection) -> None:
    values = {"id": "c1", "site": "thst", "outcome": "completed", "started": "2024", "definition": "d"}
    connection.execute(insert(crawl), values)
    connection.execute(insert(file), {"id": 1, "name": "a", "crawl": "c1"})
    gone, back, said = (add_document(connection, "a", title=f"Tin {one}") for one in range(3))
    for owner in gone, back, said:
        connection.execute(insert(address), {"url": f"https://thst.vn/t/{owner}", "document": owner, "first_seen": ""})
        visit(connection, owner, 200, "01")
    visit(connection, gone, 404, "05")
    visit(connection, gone, 404, "09")
    visit(connection, back, 410, "05")
    visit(connection, back, 200, "06")
    visit(connection, said, 200, "06", "error page")

    def told(since: str, until: str) -> list[tuple[str, str]]:
        found = changes_between(connection, "thst", f"2024-02-{since}", f"2024-02-{until}").gone
        return [(one.title, one.since[8:10]) for one in found]

    assert told("01", "29") == [("Tin 2", "06"), ("Tin 0", "05")]
    assert told("09", "10") == []
    assert told("05", "06") == [("Tin 0", "05")]


def test_an_archive_written_by_hand_has_its_one_change(tmp_path_factory: pytest.TempPathFactory) -> None:
    opened = Index.open(filled(tmp_path_factory.mktemp("rows")) / "index.db")
    with opened.read() as connection:
        [change] = changes(connection)
        assert (change.title, change.before, change.after) == ("Đô thị loại I (sửa)", 1, 2)
        assert [one.document for one in newest(connection)] == ["thst/t/tin-cu", "dangcongsan/592693"]
    opened.close()


def test_what_is_withheld_is_neither_new_nor_changed_nor_gone(connection: Connection) -> None:
    values = {"id": "c1", "site": "thst", "outcome": "completed", "started": "2024", "definition": "d"}
    connection.execute(insert(crawl), values)
    connection.execute(insert(file), {"id": 1, "name": "a", "crawl": "c1"})
    for owner in [add_document(connection, "a", "b", section=["Tin"]) for _ in range(2)]:
        connection.execute(insert(address), {"url": f"https://thst.vn/t/{owner}", "document": owner, "first_seen": ""})
        visit(connection, owner, 404, "05")
    before = changes_between(connection, "thst", *EVER)
    withhold(connection, Thing(document="test:1"), "theo yêu cầu", "thủ thư", None)
    after = changes_between(connection, "thst", *EVER)
    for lists in (before.new, after.new), (before.changed, after.changed), (before.gone, after.gone):
        assert [[one.document for one in each] for each in lists] == [["test:2", "test:1"], ["test:2"]]
    assert (after.new_total, after.changed_total, after.gone_total) == (1, 1, 1)
    assert [one.document for one in newest(connection)] == ["test:2"]
    assert [one.document for one in changes(connection)] == ["test:2"]
    assert [one.documents for one in sections(connection, "thst")] == [1]
