"""Counts that the database keeps are those that one would count."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_fixtures import add_document, add_version
from rows import filled
from sqlalchemy import Connection, delete, insert, select, update

from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.holdings import sites, stats
from storage.index.rhythm import Month, Section, months, sections
from storage.index.tables import capture, crawl, document, facet, file, shelf, tally, version

SITES = ("thst", "dangcongsan")
MOMENTS = [f"2025-0{month}-{day}T18:00:00.000000+00:00" for month in (1, 2) for day in ("10", "28", "30")]
MOMENTS = [one for one in MOMENTS if not one.startswith("2025-02-30")]
KEPT = [tally.c[name] for name in ("site", "month", "captures", "revisits", "requisites", "documents", "versions")]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index.open(tmp_path_factory.mktemp("rhythm") / "index.db")
    yield opened
    opened.close()


Rows = list[tuple[object, ...]]


def kept(connection: Connection) -> tuple[set[tuple[object, ...]], Rows, Rows]:
    """The tally without its zeros, what documents say of their versions, and by what these are counted."""
    tallied = {tuple(row) for row in connection.execute(select(*KEPT)) if any(row[2:])}
    said = select(document.c.id, document.c.versions, document.c.changed, document.c.files).order_by(document.c.id)
    faceted = select(facet.c.version, facet.c.document, shelf.c.site, shelf.c.section, facet.c.month, facet.c.has)
    faceted = faceted.join(shelf, shelf.c.id == facet.c.shelf).order_by(facet.c.version)
    documents, facets = ([tuple(row) for row in connection.execute(rows)] for rows in (said, faceted))
    return tallied, documents, facets


Write = tuple[str, int, str, str, str]
WRITES = st.tuples(
    st.sampled_from(["document", "version", "capture", "move", "see", "offer", "stand", "drop version", "drop"]),
    st.integers(0, 5),
    st.sampled_from(SITES),
    st.sampled_from([*MOMENTS, "~"]),
    st.sampled_from(["article", "attachment"]),
)


def write(connection: Connection, number: int, one: Write) -> None:
    """Do something to the rows, as far as there are any."""
    what, which, site, moment, kind = one
    documents = list(connection.scalars(select(document.c.id).order_by(document.c.id)))
    versions = list(connection.scalars(select(version.c.id).order_by(version.c.id)))
    if what == "document":
        files = [{"url": "https://thst.vn/a.pdf", "name": "a"}] * which
        add_document(
            connection, *["một", "hai"][: which % 3], site=site, kind=kind, attachments=files
        ) if which % 3 else None
    elif what == "capture" and moment != "~":
        row = {"crawl": "c1", "site": site, "url": "u", "urlkey": "u", "date": moment, "file": 1, "offset": number}
        kinds = {"kind": "requisite" if which == 0 else "page", "type": "revisit" if which > 3 else "response"}
        rest = {"length": 1, "record_id": "r", "payload_length": 1, "derived": 1}
        connection.execute(insert(capture), row | kinds | rest)
    elif documents and what in ("move", "stand", "drop", "version"):
        id_ = documents[which % len(documents)]
        mine = document.c.id == id_
        if what == "move":
            said = {"section": kind if which % 2 else None, "day": f"2025-0{which + 1}-01"}
            connection.execute(update(document).where(mine).values(site=site, kind=kind, first_seen=moment, **said))
        elif what == "stand":
            own = list(connection.scalars(select(version.c.id).where(version.c.document == id_)))
            stands = own[which % len(own)] if own else None
            connection.execute(update(document).where(mine).values(version=stands))
        elif what == "version":
            add_version(connection, id_, 1, "ba", digest=f"d{number}", seen=moment)
        else:
            connection.execute(delete(version).where(version.c.document == id_))
            connection.execute(delete(document).where(mine))
    elif versions and what in ("see", "offer", "drop version"):
        mine = version.c.id == versions[which % len(versions)]
        if what == "see":
            connection.execute(update(version).where(mine).values(first_seen=moment))
        elif what == "offer":
            connection.execute(update(version).where(mine).values(attachments="[1, 2]" if which % 2 else "[]"))
        else:
            standing = document.c.version == versions[which % len(versions)]
            connection.execute(update(document).where(standing).values(version=None))
            connection.execute(delete(version).where(mine))


@given(st.lists(WRITES, max_size=30))
@settings(max_examples=60)
def test_counts_stay_right_whatever_is_written(index: Index, writes: list[Write]) -> None:
    with index.write() as connection:
        row = {"id": "c1", "site": "thst", "outcome": "completed", "started": MOMENTS[0], "definition": "d"}
        connection.execute(insert(crawl), row)
        connection.execute(insert(file), {"id": 1, "name": "a", "crawl": "c1"})
        for number, one in enumerate(writes):
            write(connection, number, one)
        while_writing = kept(connection)
        dialect_of(connection).keep_counts(connection)
        assert while_writing == kept(connection)
        connection.rollback()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index.open(filled(tmp_path_factory.mktemp("archive")) / "index.db")
    yield opened
    opened.close()


def test_months_tell_what_came_of_each_site(archive: Index) -> None:
    with archive.read() as connection:
        assert months(connection) == [
            Month("dangcongsan", "2025-01", captures=4, revisits=1, documents=1, versions=2),
            Month("thst", "2025-01", captures=2, revisits=0, documents=1, versions=1),
        ]
        assert months(connection, "thst") == months(connection)[1:]
        assert months(connection, "nobody") == []


def test_a_month_is_one_in_viet_nam(index: Index) -> None:
    with index.write() as connection:
        add_document(connection, "một", seen="2024-01-31T16:59:59.999999+00:00")
        add_document(connection, "hai", seen="2024-01-31T17:00:00.000000+00:00")
        assert [(one.month, one.versions) for one in months(connection)] == [("2024-01", 1), ("2024-02", 1)]
        connection.rollback()


def test_sections_are_counted_the_largest_first(index: Index) -> None:
    with index.write() as connection:
        for day, path in ("2024-05-01", ["Tin", "Xã hội"]), ("2024-06-01", ["Xã hội"]), ("2024-07-01", ["Lễ hội"]):
            add_document(connection, "một", section=path, published=day)
        add_document(connection, "khác", site="dangcongsan", section=["Xã hội"])
        add_document(connection, "không")
        assert sections(connection, "thst") == [
            Section("Xã hội", 2, "2024-05-01", "2024-06-01"),
            Section("Lễ hội", 1, "2024-07-01", "2024-07-01"),
        ]
        connection.rollback()


def test_stats_and_sites_are_sums_of_the_same_counts(archive: Index) -> None:
    with archive.read() as connection:
        held, by_site = stats(connection), sites(connection, {})
    assert (held.captures, held.revisits, held.documents, held.versions) == (6, 1, 2, 3)
    for name in "captures", "documents", "versions":
        assert getattr(held, name) == sum(getattr(one, name) for one in by_site)
    assert held.first == min(one.first for one in by_site if one.first)
    assert held.last == max(one.last for one in by_site if one.last)


def test_an_older_index_is_counted_when_it_is_upgraded(tmp_path: Path) -> None:
    home = filled(tmp_path / "home")
    index = Index.open(home / "index.db")
    with index.write() as connection:
        before = kept(connection)
        connection.execute(delete(tally))
        connection.execute(delete(facet))
        connection.execute(update(document).values(versions=0, changed=None, files=0))
        dialect_of(connection).keep_counts(connection)
        assert kept(connection) == before
    index.close()
