"""Which captures are evidence for drift: first readings of whole article pages, each with what stood there before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text, update

from storage.collection import Collection
from storage.index import facts, tables
from storage.index.engine import Index
from storage.model import Fact


def moment(number: int) -> str:
    return f"2025-01-01T00:{number // 60:02}:{number % 60:02}.000000+00:00"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    collection = Collection.open(tmp_path / "home")
    with collection.index.write() as connection:
        yield connection
    collection.close()


def crawl(connection: Connection, id_: str, begins: int, drift: str | None = None) -> None:
    values = {"id": id_, "site": "s", "outcome": "completed", "started": moment(begins), "definition": "d"}
    connection.execute(insert(tables.crawl).values(**values, drift=drift))
    connection.execute(insert(tables.file).values(id=begins + 1, name=id_, crawl=id_))


def capture(connection: Connection, id_: int, crawl: str, file: int, url: str = "", **values: Any) -> None:
    row = {"site": "s", "kind": "article", "type": "response", "derived": 1, "length": 1, "payload_length": 1}
    told = {"reason": None, "method": "generic", "characters": id_, "dated": 1, "signed": 0}
    row |= {"id": id_, "crawl": crawl, "file": file, "offset": id_, "date": moment(id_), "record_id": str(id_)}
    row |= {"url": url or f"http://s.test/{id_}", "urlkey": url or f"test,s)/{id_}"}
    connection.execute(insert(tables.capture).values(row | {k: v for k, v in values.items() if k not in told}))
    reading = told | {k: v for k, v in values.items() if k in told}
    connection.execute(insert(tables.reading).values(capture=id_, rules="r", **reading))


def lengths(told: tuple[Fact, ...]) -> list[int | None]:
    return [one.characters for one in told]


def test_a_crawl_is_judged_by_its_own_captures_and_those_before_it(connection: Connection) -> None:
    crawl(connection, "a", 0)
    for number in range(1, 6):
        capture(connection, number, "a", 1)
    crawl(connection, "b", 10)
    for number in range(11, 14):
        capture(connection, number, "b", 11)
    crawl(connection, "c", 20)
    capture(connection, 21, "c", 21)
    evidence = facts.of_crawl(connection, "s", "b", few=2)
    assert (lengths(evidence.newest), lengths(evidence.known)) == ([11, 12, 13], [1, 2, 3, 4, 5])
    evidence = facts.of_crawl(connection, "s", "b", few=5)
    assert (lengths(evidence.newest), lengths(evidence.known)) == ([4, 5, 11, 12, 13], [1, 2, 3])
    assert facts.of_crawl(connection, "s", "a", few=5).known == ()
    evidence = facts.of_site(connection, "s", 3)
    assert (lengths(evidence.newest), lengths(evidence.known)) == ([12, 13, 21], [1, 2, 3, 4, 5, 11])
    assert facts.articles(connection, "s", 3) == [12, 13, 21]


def test_a_crawl_that_captured_no_article_says_nothing(connection: Connection) -> None:
    crawl(connection, "a", 0)
    capture(connection, 1, "a", 1)
    crawl(connection, "b", 10)
    capture(connection, 11, "b", 11, kind="list", reason="list")
    assert facts.of_crawl(connection, "s", "b", few=5) == facts.Evidence((), ())


def test_what_is_no_evidence(connection: Connection) -> None:
    crawl(connection, "a", 0)
    capture(connection, 1, "a", 1, truncated="time")
    capture(connection, 2, "a", 1, reason="failed: ValueError: x")
    capture(connection, 3, "a", 1, reason="not the address of a document")
    capture(connection, 4, "a", 1, kind="page", reason="list")  # may always have been a list
    capture(connection, 5, "a", 1, kind="page", reason="list", url="http://s.test/was-an-article")
    capture(connection, 6, "a", 1, reason="list")
    capture(connection, 7, "a", 1, site="t")
    document = {"id": 1, "identity": "d", "kind": "article", "site": "s", "url": "u", "first_seen": "", "last_seen": ""}
    connection.execute(insert(tables.document).values(**document, day=""))
    connection.execute(insert(tables.address).values(url="http://s.test/was-an-article", document=1, first_seen=""))
    assert facts.articles(connection, "s", 10) == [5, 6]


def test_an_address_is_compared_with_its_last_capture_by_a_crawl_without_drift(connection: Connection) -> None:
    crawl(connection, "a", 0, "[]")
    capture(connection, 1, "a", 1, url="x")
    capture(connection, 2, "a", 1, url="x")
    crawl(connection, "b", 10, '[{"kind": "date", "detail": "d"}]')
    capture(connection, 11, "b", 11, url="x")
    crawl(connection, "c", 20)
    capture(connection, 21, "c", 21, url="x")
    capture(connection, 22, "c", 21)
    evidence = facts.of_crawl(connection, "s", "c", few=1)
    again, new = evidence.newest
    assert again.before is not None
    assert (again.again, again.before.characters) == (True, 2)
    assert (new.again, new.before) == (False, None)
    assert (lengths(evidence.known), lengths(evidence.lasting)) == ([1, 2], [11])


def test_reading_an_older_capture_again_is_no_evidence_for_a_crawl(connection: Connection) -> None:
    crawl(connection, "a", 0)
    capture(connection, 1, "a", 1)
    crawl(connection, "b", 10)
    capture(connection, 11, "b", 11)
    before = facts.of_crawl(connection, "s", "b", few=1).newest
    connection.execute(update(tables.reading).where(tables.reading.c.capture == 1).values(dated=0, rules="new"))
    assert facts.of_crawl(connection, "s", "b", few=1).newest == before


def test_the_newest_facts_are_found_by_their_index(connection: Connection) -> None:
    statements = [str(facts._of("s").order_by(tables.capture.c.date.desc()).limit(1).compile(connection))]
    (statement,) = (one.replace("?", "'s'") for one in statements)
    plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))]
    assert any("ix_capture_pages" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


def test_an_older_index_gets_the_facts_from_its_versions(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    import storage

    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    index = Index(tmp_path / "index.db")
    with index.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement in OLD:
            connection.exec_driver_sql(statement)
    index.close()
    index = Index.open(tmp_path / "index.db")
    with index.read() as connection:
        columns = "capture, method, characters, dated, signed"
        rows = [tuple(row) for row in connection.exec_driver_sql(f"SELECT {columns} FROM reading ORDER BY capture")]
    index.close()
    assert rows == [(1, "layout:x", 4, 1, 1), (2, "generic", 4, 0, 0), (3, None, None, None, None)]


_VERSION = (
    "INSERT INTO version (id, document, digest, digest_rule, first_seen, last_seen, title, text, authors, published, "
    "published_from, section, tags, images, attachments, method, confidence, rules) VALUES "
)
OLD = [
    "INSERT INTO crawl (id, site, outcome, started, definition) VALUES ('a', 's', 'completed', '1', 'd')",
    "INSERT INTO file (id, name, crawl) VALUES (1, 'f', 'a')",
    *(
        "INSERT INTO capture (id, crawl, site, url, urlkey, date, kind, type, file, offset, length, record_id, "
        f"payload_length, derived) VALUES ({n}, 'a', 's', 'u', 'u', '1', 'article', 'response', 1, {n}, 1, 'r', 1, 1)"
        for n in (1, 2, 3)
    ),
    "INSERT INTO document (id, identity, kind, site, url, first_seen, last_seen, day) "
    "VALUES (1, 'd', 'article', 's', 'u', '1', '1', '')",
    _VERSION + "(1, 1, 'x', 1, '1', '1', 't', 'bài.', '[\"An\"]', '2025-01-01', 'meta', '[]', '[]', '[]', '[]', "
    "'layout:x', 1, 'r')",
    _VERSION + "(2, 1, 'y', 1, '1', '1', 't', 'bài.', '[]', '2025-01-01', 'list page', '[]', '[]', '[]', '[]', "
    "'generic', 1, 'r')",
    "INSERT INTO reading (capture, version, rules) VALUES (1, 1, 'r'), (2, 2, 'r'), (3, NULL, 'r')",
]
