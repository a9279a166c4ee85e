"""The contract of the index, for every kind of database: captures, frontier, documents, crawls."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, event, inspect, select, text, update

from storage.errors import NewerIndex, StorageError
from storage.index import accounts, captures, crawls, documents, frontier, recovery, revisits
from storage.index.captures import Observation, Place
from storage.index.documents import Derived
from storage.index.engine import HEAD, Index
from storage.index.frontier import State, Visited
from storage.index.tables import address, capture, crawl, document, mention, metadata, offer, reading, version
from storage.index.tables import frontier as addresses
from storage.index.views import VIEWS
from storage.model import (
    Article,
    Attachment,
    Capture,
    Found,
    Kind,
    Mention,
    Original,
    Outcome,
    Reading,
    RecordType,
    Truncated,
)
from storage.moments import now, written

SITE, CRAWL, WARC = "thst", "c1", "warc/thst/2026/a.warc.gz"
START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
EVERY = frozenset(Kind)
LONG_AGO, FAR = "2000-01-01T00:00:00.000000+00:00", "2100-01-01T00:00:00.000000+00:00"


@pytest.fixture(params=["sqlite"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """A fresh index with a crawl in it."""
    opened = begun(tmp_path / f"{request.param}.db")
    yield opened
    opened.close()


def begun(path: Path) -> Index:
    opened = Index.open(path)
    with opened.write() as connection:
        crawls.begin(connection, CRAWL, SITE, "d" * 64)
    return opened


def url(number: int) -> str:
    return f"https://thst.vn/t/{number}"


def found(number: int, kind: Kind = Kind.ARTICLE, priority: int = 20) -> Found:
    return Found(url(number), kind, priority, 1, "https://thst.vn/")


def captured(number: int, **changes: Any) -> Capture:
    kept = Capture(
        url=url(number),
        date=START + timedelta(days=number),
        type=RecordType.RESPONSE,
        status=200,
        mime="text/html",
        warc=WARC,
        offset=1000 * number,
        length=900,
        payload_digest=f"sha1:{number}",
        payload_length=2000,
        record_id=f"00000000-0000-4000-8000-{number:012}",
        ip="127.0.0.1",
    )
    return replace(kept, **changes)


def observed(number: int, **changes: Any) -> Observation:
    return Observation(Kind.ARTICLE, captured(number, **changes), derivable=True)


def discover(index: Index, *some: Found, site: str = SITE) -> int:
    with index.write() as connection:
        return frontier.discover(connection, site, some)


def visit(index: Index, *visits: Visited, crawl: str = CRAWL) -> None:
    with index.write() as connection:
        frontier.visit(connection, crawl, visits)


def states(index: Index) -> dict[str, tuple[str, str | None]]:
    with index.read() as connection:
        rows = connection.execute(select(addresses.c.url, addresses.c.state, addresses.c.error)).all()
    return {row.url: (row.state, row.error) for row in rows}


def waiting(index: Index, site: str = SITE, without: Sequence[int] = (), limit: int = 99) -> list[str]:
    with index.read() as connection:
        return [one.url for one in frontier.waiting(connection, site, EVERY, limit, without)]


def ids(index: Index) -> dict[str, int]:
    with index.read() as connection:
        return {row.url: row.id for row in connection.execute(select(addresses.c.url, addresses.c.id))}


# The schema


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # of these, tests/test_migrations.py knows
def test_a_fresh_index_has_what_the_tables_say_and_nothing_else(index: Index) -> None:
    with index.read() as connection:
        inspector = inspect(connection)
        tables = set(inspector.get_table_names())
        fulltext = {name for name in tables if name.startswith(("version_folded", "version_exact", "version_pairs"))}
        assert {"version_folded", "version_exact", "version_pairs"} <= fulltext
        assert tables - fulltext == {*metadata.tables, "alembic_version"}
        assert set(inspector.get_view_names()) == VIEWS.keys()
        for table in metadata.sorted_tables:
            there = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
            assert there == {column.name: column.nullable for column in table.columns}
            names = {one["name"] for one in inspector.get_indexes(table.name)}
            plain = [one for one in table.indexes if all(isinstance(each, Column) for each in one.expressions)]
            assert {one.name for one in plain} <= names
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD


def test_an_index_that_is_there_is_opened_as_it_is(index: Index) -> None:
    discover(index, found(1))
    again = Index.open(index.path)
    assert waiting(again) == [url(1)]
    again.close()


def test_it_opens_and_is_read_while_another_process_writes(index: Index) -> None:
    with index.write() as writing:
        writing.execute(text("UPDATE crawl SET captures = captures"))
        again = Index.open(index.path)
        with again.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM crawl")) == 1
        again.close()


def test_an_index_of_a_newer_version_is_left_alone(index: Index) -> None:
    with index.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerIndex, match="9999"):
        Index.open(index.path)
    with index.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


# Captures


def test_a_capture_comes_back_as_it_was(index: Index) -> None:
    kept = captured(7, status=None, mime=None, ip=None, truncated=Truncated.TIME, error="chậm", payload_digest=None)
    assert captures.record_batch(index, CRAWL, SITE, [Observation(Kind.PAGE, kept)]) == captures.Recorded(0)
    with index.read() as connection:
        (row,) = connection.execute(text("SELECT * FROM captures")).mappings()
    assert (row["url"], row["warc"], row["offset"], row["length"]) == (url(7), WARC, 7000, 900)
    assert (row["urlkey"], row["timestamp"], row["kind"], row["type"]) == (
        "vn,thst)/t/7",
        "20260109030405",
        "page",
        "response",
    )
    assert (row["status"], row["mime"], row["ip"], row["truncated"], row["error"]) == (None, None, None, "time", "chậm")
    assert datetime.fromisoformat(row["date"]) == kept.date


def test_a_capture_its_address_and_what_it_leads_to_are_known_together(index: Index) -> None:
    discover(index, found(1))
    seen = Visited(ids(index)[url(1)], State.DONE, 0, LONG_AGO, 200, etag='"x"', last_modified="heute")
    stream = Found("https://thst.vn/a.m3u8", Kind.REQUISITE, 40, 2, url(1))
    one = replace(observed(1), visited=seen, found=(found(2), found(1)), streams=(stream,))
    assert captures.record_batch(index, CRAWL, SITE, [one]).new == 1
    assert states(index) == {
        url(1): ("done", None),
        url(2): ("waiting", None),
        stream.url: ("skipped", "a stream is not fetched"),
    }
    with index.read() as connection:
        row = connection.execute(select(addresses).where(addresses.c.url == url(1))).one()
    assert (row.status, row.etag, row.last_modified, row.crawl, row.due) == (200, '"x"', "heute", CRAWL, LONG_AGO)


def test_the_next_page_is_known_only_where_this_one_names_something_new(index: Index) -> None:
    following = Found("https://thst.vn/?page=2", Kind.LIST, 10, 1, None)
    discover(index, found(1))
    stale = replace(observed(1), kind=Kind.LIST, found=(found(1),), onward=(following,))
    assert captures.record_batch(index, CRAWL, SITE, [stale]).new == 0
    assert following.url not in states(index)
    fresh = replace(observed(2), kind=Kind.LIST, found=(found(2),), onward=(following,))
    assert captures.record_batch(index, CRAWL, SITE, [fresh]).new == 2
    assert following.url in states(index)


@pytest.mark.parametrize(
    "broken",
    [
        {"offset": 1000},  # lies where another capture lies
        {"record_id": None},
        {"length": 2**70},
        {"error": "\ud800"},
        {"status": object()},
    ],
    ids=["taken", "missing", "too large", "no text", "no number"],
)
def test_one_bad_row_costs_one_row(index: Index, broken: dict[str, Any]) -> None:
    discover(index, *map(found, range(1, 5)))
    numbers = ids(index)
    batch = [
        replace(
            observed(number, **(broken if number == 3 else {})),
            visited=Visited(numbers[url(number)], State.DONE, 0, LONG_AGO),
            found=(found(10 + number),),
        )
        for number in range(1, 5)
    ]
    recorded = captures.record_batch(index, CRAWL, SITE, batch)
    assert recorded.new == 3
    (sentence,) = recorded.lost
    assert sentence.startswith(f"{url(3)}: ")
    with index.read() as connection:
        assert connection.scalars(select(capture.c.url).order_by(capture.c.id)).all() == [url(1), url(2), url(4)]
    known = states(index)
    assert {number for number in (11, 12, 13, 14) if url(number) in known} == {11, 12, 14}
    assert [known[url(number)][0] for number in range(1, 5)] == ["done", "done", "failed", "done"]
    assert known[url(3)][1]
    assert url(3) not in waiting(index)  # or the crawl would fetch it for ever


def test_a_revisit_points_at_its_original(index: Index) -> None:
    first = captured(1)
    repeated = Original(first.url, first.date, first.record_id, first.warc, first.offset)
    in_the_batch = captured(2, type=RecordType.REVISIT, refers_to=repeated)
    captures.record_batch(index, CRAWL, SITE, [observed(1), Observation(Kind.PAGE, in_the_batch, derivable=True)])
    other_file = captured(3, type=RecordType.REVISIT, refers_to=repeated, warc="warc/thst/2026/b.warc.gz", offset=7)
    unknown = captured(4, type=RecordType.REVISIT, refers_to=replace(repeated, offset=5))
    captures.record_batch(
        index, CRAWL, SITE, [Observation(Kind.PAGE, one, derivable=True) for one in (other_file, unknown)]
    )
    with index.read() as connection:
        originals = {one.url: one.original for one in captures.pending(connection, SITE, 0, 1, 10)}
    place = Place(first.warc, first.offset, written(first.date))
    assert originals == {url(1): None, url(2): place, url(3): place, url(4): None}


def test_only_a_whole_answer_in_a_sealed_file_is_an_original(index: Index) -> None:
    cut, moved = captured(1, truncated=Truncated.TIME), captured(2, status=301)
    captures.record_batch(index, CRAWL, SITE, [Observation(Kind.PAGE, one) for one in (cut, moved)] + [observed(3)])

    def original(number: int) -> Original | None:
        with index.read() as connection:
            return captures.original_of(connection, f"sha1:{number}")

    assert original(3) is None
    with index.write() as connection:
        assert not captures.any_sealed(connection)
        captures.seal(connection, CRAWL, WARC, 12345, "f" * 64)
        assert captures.any_sealed(connection)
    kept = captured(3)
    assert original(3) == Original(kept.url, kept.date, kept.record_id, kept.warc, kept.offset)
    assert [original(number) for number in (1, 2, 4)] == [None, None, None]


def test_pending_captures_are_shared_out_and_each_comes_once(index: Index) -> None:
    captures.record_batch(index, CRAWL, SITE, [observed(number) for number in range(1, 8)])
    captures.record_batch(index, CRAWL, SITE, [Observation(Kind.PAGE, captured(8))])  # nothing to derive
    with index.read() as connection:
        parts = [captures.pending(connection, SITE, part, 3, 10) for part in range(3)]
        assert captures.pending(connection, "other", 0, 1, 10) == []
    assert sorted(one.url for part in parts for one in part) == [url(number) for number in range(1, 8)]
    assert all(parts)
    with index.write() as connection:
        documents.give_up(connection, parts[0][0].id, "failed: why")
    with index.read() as connection:
        assert captures.pending(connection, SITE, 0, 3, 10) == parts[0][1:]
        assert documents.failed(connection, CRAWL) == [f"{parts[0][0].url} (failed: why)"]


# Frontier


def test_an_address_is_new_once_in_each_site(index: Index) -> None:
    assert discover(index, found(1), found(2), found(1)) == 2
    assert discover(index, found(2), found(3)) == 1
    assert discover(index, found(1), site="other") == 1
    assert discover(index) == 0
    assert waiting(index) == [url(1), url(2), url(3)]
    assert waiting(index, "other") == [url(1)]


def test_addresses_wait_in_the_order_of_priority_then_of_discovery(index: Index) -> None:
    discover(index, found(1, priority=20), found(2, priority=10), found(3, priority=20), found(4, priority=10))
    assert waiting(index) == [url(2), url(4), url(1), url(3)]
    assert waiting(index, limit=2, without=[ids(index)[url(2)]]) == [url(4), url(1)]
    with index.read() as connection:
        (one,) = frontier.waiting(connection, SITE, EVERY, 1, ())
        assert frontier.waiting(connection, SITE, {Kind.LIST}, 9, ()) == []
    assert (one.url, one.kind, one.hops, one.via, one.attempts) == (url(2), Kind.ARTICLE, 1, "https://thst.vn/", 0)


def test_an_address_that_is_not_due_waits_longer(index: Index) -> None:
    discover(index, found(1), found(2))
    numbers = ids(index)
    visit(index, Visited(numbers[url(1)], State.WAITING, 1, FAR, 500, "status 500"))
    assert waiting(index) == [url(2)]
    with index.read() as connection:
        assert frontier.next_due(connection, SITE, EVERY, {numbers[url(2)]}) == FAR
        assert frontier.next_due(connection, SITE, {Kind.LIST}, ()) is None
        assert frontier.next_due(connection, SITE, EVERY, set(numbers.values())) is None


def test_the_last_of_several_visits_stands(index: Index) -> None:
    discover(index, found(1))
    (id_,) = ids(index).values()
    visit(index, Visited(id_, State.WAITING, 1, LONG_AGO, 500, "status 500"), Visited(id_, State.DONE, 0, FAR, 200))
    assert states(index) == {url(1): ("done", None)}
    assert waiting(index) == []


def test_what_is_due_is_woken_except_what_is_skipped(index: Index) -> None:
    discover(index, *map(found, range(1, 6)))
    numbers = ids(index)
    due = {
        1: (State.DONE, LONG_AGO),
        2: (State.DONE, FAR),
        3: (State.FAILED, LONG_AGO),
        4: (State.SKIPPED, LONG_AGO),
        5: (State.REFUSED, LONG_AGO),
    }
    visit(index, *(Visited(numbers[url(n)], state, 3, when, error="why") for n, (state, when) in due.items()))
    discover(index, found(1), site="other")
    visit(index, Visited(len(due) + 1, State.DONE, 0, LONG_AGO))
    woken = [-1]
    while woken[-1]:
        with index.write() as connection:
            woken.append(revisits.wake(connection, SITE, now(), limit=2))
    assert woken[1:] == [2, 1, 0]
    assert waiting(index) == [url(1), url(3), url(5)]
    assert waiting(index, "other") == []
    with index.read() as connection:
        attempts = select(addresses.c.attempts).where(addresses.c.site == SITE, addresses.c.state == State.WAITING)
        assert set(connection.scalars(attempts)) == {0}


def _wake(index: Index) -> None:
    with index.write() as connection:
        revisits.wake(connection, SITE, now())


@pytest.mark.parametrize(
    ("page", "plan"),
    [
        (lambda index: list(accounts.addresses(index, SITE, CRAWL)), "INTEGER PRIMARY KEY (rowid>?)"),
        (_wake, "INDEX ix_frontier_due (site=? AND due<?)"),
    ],
    ids=["addresses", "wake"],
)
def test_no_page_reads_the_whole_site(index: Index, page: Callable[[Index], None], plan: str) -> None:
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        raw = connection.connection.driver_connection
        plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))

    discover(index, found(1))
    event.listen(index._engine, "before_cursor_execute", explain)
    page(index)
    assert {one for one in plans if "frontier" in one} == {f"SEARCH frontier USING {plan}"}


def test_what_a_crawl_could_not_get(index: Index) -> None:
    discover(index, *map(found, range(1, 5)))
    numbers = ids(index)
    visit(index, Visited(numbers[url(1)], State.FAILED, 3, LONG_AGO, 500, "status 500"))
    visit(index, Visited(numbers[url(2)], State.REFUSED, 0, LONG_AGO, None, "forbidden by robots.txt"))
    visit(index, Visited(numbers[url(3)], State.DONE, 0, LONG_AGO, 200))
    visit(index, Visited(numbers[url(4)], State.FAILED, 3, LONG_AGO), crawl="earlier")
    with index.read() as connection:
        assert frontier.failures(connection, CRAWL) == [(url(1), Kind.ARTICLE, "status 500")]


# Crawls


def test_a_crawl_from_its_beginning_to_its_end(index: Index) -> None:
    revisit = captured(2, type=RecordType.REVISIT)
    picture = captured(3)
    captures.record_batch(
        index, CRAWL, SITE, [observed(1), Observation(Kind.PAGE, revisit), Observation(Kind.REQUISITE, picture)]
    )
    with index.write() as connection:
        assert crawls.counts(connection, CRAWL) == crawls.Counts(captures=2, revisits=1, requisites=1)
        ended = crawls.end(connection, CRAWL, outcome=Outcome.PARTIAL, captures=2, warnings='["một"]')
        assert (ended.crawl, ended.outcome, ended.captures, ended.warnings) == (CRAWL, Outcome.PARTIAL, 2, ("một",))
        crawls.begin(connection, "c2", SITE, "d" * 64)
        crawls.begin(connection, "c3", "other", "d" * 64)
        (dead,) = recovery.unburied(connection, SITE, [])
        assert [recovery.tell(connection, dead, ["torn"]) for _ in range(2)] == [True, False]
        assert recovery.bury(connection, dead).warnings == ("the process ended before the crawl did", "torn")
        rows = dict(tuple(row) for row in connection.execute(select(crawl.c.id, crawl.c.outcome)))
    assert rows == {CRAWL: "partial", "c2": "interrupted", "c3": "running"}


# Documents


PUBLISHED = [None, date(2026, 1, 1), date(2026, 1, 2), datetime(2026, 1, 2, 8, tzinfo=UTC)]


OFFERS = [
    (),
    (Attachment("https://thst.vn/f", "Kế hoạch"),),
    (Attachment("http://thst.vn/f", "Quyết định"), Attachment("https://thst.vn/g", "Tải về")),
]


@st.composite
def derivations(draw: st.DrawFn) -> list[Derived]:
    """What derivation finds in some captures of two documents and of the lists that name them."""
    made = []
    for number in range(1, draw(st.integers(2, 8)) + 1):
        named = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=2))
        mentions = tuple(
            Mention(f"https://thst.vn/{path}", "tin", date(2025, 12, 20 + day) if day else None) for path, day in named
        )
        path = draw(st.sampled_from("abc"))
        which = draw(st.integers(1, 2))
        article = Article(
            title=f"Bài {which}",
            text="Nội dung.",
            lead=draw(st.sampled_from([None, "Dẫn."])),
            published=(published := draw(st.sampled_from(PUBLISHED))),
            published_from="page" if published else None,
            section=tuple(draw(st.lists(st.sampled_from(["Thời sự", "Kinh tế"]), max_size=2))),
            rules="r1",
        )
        what = draw(st.sampled_from(["article", "list", "page", "file", "scan"]))
        path = path if what in ("article", "list") else draw(st.sampled_from("fg"))
        article = replace(article, attachments=draw(st.sampled_from(OFFERS)))
        if what == "file":
            file = Article(title=path, title_from="file name", text=f"Bài {which}", method="pdf", rules="r1")
            read = Reading(file, None, f"web:{path}", kind=Kind.ATTACHMENT)
        elif what == "scan":
            read = Reading(None, "no text layer", f"web:{path}", kind=Kind.ATTACHMENT)
        elif what == "page":
            read = Reading(article, None, f"web:{path}")
        elif what == "article":
            read = Reading(article, None, "thst/c" if path == "c" else "thst/ab", mentions)
        else:
            read = Reading(None, "list", None, mentions)
        day = written(START + timedelta(days=number))
        digest = str(which) * 64 if read.article else None
        site = draw(st.sampled_from([SITE, "other"]))
        made.append(Derived(number, site, f"https://thst.vn/{path}", day, read, digest, 1, "r1"))
    return made


def derived_in_order(index: Index, made: Sequence[Derived], cuts: Sequence[int]) -> dict[str, Any]:
    """What the tables say, without the numbers of their rows, after deriving in this order; then it is taken back."""
    with index._writing.connect() as connection:
        captures.record(connection, CRAWL, SITE, [observed(number) for number in range(1, len(made) + 1)])
        for begin, end in zip([0, *cuts], [*cuts, len(made)], strict=True):
            if made[begin:end]:
                documents.record(connection, made[begin:end])
        told = contents(connection)
        connection.rollback()
    return told


def contents(connection: Connection) -> dict[str, Any]:
    standing = version.alias()
    asked = {
        "documents": select(
            *(one for one in document.c if one.name not in ("id", "version")), standing.c.digest
        ).outerjoin(standing, standing.c.id == document.c.version),
        "versions": select(*(one for one in version.c if one.name not in ("id", "document")), document.c.identity).join(
            document, document.c.id == version.c.document
        ),
        "addresses": select(address.c.url, address.c.first_seen, document.c.identity).join(
            document, document.c.id == address.c.document
        ),
        "offers": select(offer.c.url, offer.c.name, version.c.digest).join(version, version.c.id == offer.c.version),
        "readings": select(reading.c.capture, reading.c.reason, version.c.digest).outerjoin(
            version, version.c.id == reading.c.version
        ),
        "mentions": select(mention.c.target, mention.c.anchor, mention.c.day),
        "derived": select(capture.c.id, capture.c.derived),
    }
    told: dict[str, Any] = {name: sorted(map(str, connection.execute(query))) for name, query in asked.items()}
    return told | {
        word: connection.scalar(text(f"SELECT count(*) FROM version_folded WHERE version_folded MATCH '{word}'"))
        for word in ("bai", "dan")
    }


@pytest.fixture(scope="module", params=["sqlite"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index with a crawl in it, whose further transactions are all taken back."""
    opened = begun(tmp_path_factory.mktemp(request.param) / "index.db")
    yield opened
    opened.close()


@settings(max_examples=100)
@given(st.data())
def test_the_order_of_derivation_changes_nothing(shared: Index, data: st.DataObject) -> None:
    made = data.draw(derivations())
    shuffled = data.draw(st.permutations(made))
    cuts = data.draw(st.lists(st.integers(0, len(made)), max_size=3).map(sorted))
    assert derived_in_order(shared, shuffled, cuts) == derived_in_order(shared, made, [])


def article(**changes: Any) -> Article:
    return replace(Article(title="Tin", text="Một.", rules="r1"), **changes)


def derive(index: Index, number: int, read: Reading, digest: str | None = "a" * 64) -> None:
    day = written(START + timedelta(days=number))
    documents.record_batch(index, [Derived(number, SITE, url(1), day, read, digest if read.article else None, 1, "r1")])


def published(index: Index) -> tuple[str | None, str | None, str]:
    with index.read() as connection:
        query = select(version.c.published, version.c.published_from, document.c.day)
        return tuple(connection.execute(query.join(document, document.c.version == version.c.id)).one())


@pytest.mark.parametrize("article_first", [True, False])
def test_the_earliest_day_on_a_list_dates_an_article_that_has_none(index: Index, article_first: bool) -> None:
    captures.record_batch(index, CRAWL, SITE, [observed(number) for number in range(1, 5)])
    named = [Reading(None, "list", None, (Mention(url(1), "Tin", date(2025, 12, day)),)) for day in (9, 7, 8)]
    read = Reading(article(), None, "thst/1")
    for number, one in enumerate([read, *named] if article_first else [*named, read], 1):
        derive(index, number, one)
    assert published(index) == ("2025-12-07", "list page", "2025-12-07")


@pytest.mark.parametrize("list_first", [True, False])
def test_the_date_on_the_page_beats_that_on_a_list(index: Index, list_first: bool) -> None:
    captures.record_batch(index, CRAWL, SITE, [observed(number) for number in range(1, 4)])
    undated = Reading(article(), None, "thst/1")
    named = Reading(None, "list", None, (Mention(url(1), "Tin", date(2025, 12, 7)),))
    dated = Reading(article(published=date(2025, 12, 9), published_from="page"), None, "thst/1")
    for number, one in enumerate([undated, named, dated] if list_first else [dated, undated, named], 1):
        derive(index, number, one)
    assert published(index) == ("2025-12-09", "page", "2025-12-09")


def test_a_text_that_comes_back_is_the_version_that_it_was(index: Index) -> None:
    captures.record_batch(index, CRAWL, SITE, [observed(number) for number in range(1, 4)])
    for number, digest in enumerate(("a" * 64, "b" * 64, "a" * 64), 1):
        derive(index, number, Reading(article(), None, "thst/1"), digest)
    with index.read() as connection:
        rows = connection.execute(select(version.c.digest, version.c.first_seen, version.c.last_seen)).all()
        standing = connection.scalar(select(version.c.digest).join(document, document.c.version == version.c.id))
        changed = crawls.documents(connection, CRAWL)
    days = [written(START + timedelta(days=number)) for number in range(4)]
    assert sorted(rows) == [("a" * 64, days[1], days[3]), ("b" * 64, days[2], days[2])]
    assert standing == "a" * 64
    assert changed == crawls.Documents(new=0, changed=0, unchanged=1)  # seen before the crawl began: START is past


def test_a_reading_that_cannot_be_written_costs_itself_alone(index: Index) -> None:
    captures.record_batch(index, CRAWL, SITE, [observed(number) for number in range(1, 4)])
    day = written(START)
    batch = [
        Derived(number, SITE, url(number), day, Reading(one, None, f"thst/{number}"), str(number) * 64, 1, "r1")
        for number, one in ((1, article()), (2, article(lead="\ud800")), (3, article()))
    ]
    documents.record_batch(index, batch)
    with index.read() as connection:
        assert connection.scalars(select(document.c.identity).order_by(document.c.id)).all() == ["thst/1", "thst/3"]
        (sentence,) = documents.failed(connection, CRAWL)
        assert captures.pending(connection, SITE, 0, 1, 9) == []
    assert sentence.startswith(f"{url(2)} (failed: ")


def test_a_version_is_findable_at_once(index: Index) -> None:
    captures.record_batch(index, CRAWL, SITE, [observed(1)])
    derive(index, 1, Reading(article(text="Đô thị loại I."), None, "thst/1"))
    with index.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM version_folded WHERE version_folded MATCH 'do thi'")) == 1


# Several processes


def write_some(path: Path, name: str, together: Barrier) -> None:
    """Reads, then writes what it read plus one, over and over: loses counts where transactions begin too late."""
    index = Index(path)
    together.wait()
    for number in range(40):
        with index.write() as connection:
            counted = connection.scalar(select(crawl.c.attempts).where(crawl.c.id == CRAWL))
            frontier.discover(
                connection, SITE, [found(number), Found(f"https://{name}/{number}", Kind.PAGE, 1, 1, None)]
            )
            connection.execute(update(crawl).where(crawl.c.id == CRAWL).values(attempts=counted + 1))
    index.close()


def test_an_index_that_stays_locked_is_told(index: Index) -> None:
    other = Index(index.path)
    event.listen(other._engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 0"))
    with index.write(), pytest.raises(StorageError, match="is locked"), other.write():
        pass
    other.close()


def test_processes_write_at_once_and_lose_nothing(index: Index) -> None:
    context = get_context("spawn")
    together = context.Barrier(2)
    writers = [context.Process(target=write_some, args=(index.path, name, together)) for name in ("a.vn", "b.vn")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with index.read() as connection:
        assert connection.scalar(select(crawl.c.attempts)) == 80
    assert len(states(index)) == 3 * 40
