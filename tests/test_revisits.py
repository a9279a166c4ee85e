"""What the index remembers of visits, what may be asked on condition, and what waits again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from index_fixtures import add_version
from sqlalchemy import Connection, insert, select, update

from crawler.derive import derive
from crawler.sites import Layout, Listing, Rule, Site
from storage.index import captures, crawls, frontier, revisits
from storage.index import tables as of
from storage.index.captures import Observation
from storage.index.engine import Index
from storage.index.frontier import UNJUDGED, State, Visited
from storage.index.gone import FRONT_PAGE
from storage.model import Capture, Found, Kind, Original, Reading, RecordType, Truncated
from storage.moments import now, written
from storage.records import StoredResponse

SITE, CRAWL, WARC = "thst", "c1", "warc/thst/2026/a.warc.gz"
EVERY = frozenset(Kind)
SEEDS = {
    "https://thst.vn/": (Kind.LIST, 0),
    "https://thst.vn/muc": (Kind.LIST, 1),
    "https://thst.vn/muc?p=2": (Kind.LIST, 2),
    "https://thst.vn/t/a": (Kind.ARTICLE, 2),
    "https://thst.vn/a.pdf": (Kind.ATTACHMENT, 3),
}
LIST, ARTICLE, FILE = "https://thst.vn/muc", "https://thst.vn/t/a", "https://thst.vn/a.pdf"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index.db")
    with opened.write() as connection:
        crawls.begin(connection, CRAWL, SITE, "d" * 64)
        frontier.discover(connection, SITE, [Found(url, kind, 20, hops, None) for url, (kind, hops) in SEEDS.items()])
    yield opened
    opened.close()


def row(index: Index, url: str) -> Any:
    with index.read() as connection:
        return connection.execute(select(of.frontier).where(of.frontier.c.url == url)).one()


class Visits:
    """Answers that are recorded one after the other, as a crawl does it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._offset = 0

    def __call__(
        self, url: str, payload: str | None = "sha1:A", status: int = 200, found: tuple[Found, ...] = (), **other: Any
    ) -> Capture:
        self._offset += 100
        kind = SEEDS[url][0]
        made = Capture(
            url=url,
            date=datetime.now(UTC),
            type=other.get("type", RecordType.RESPONSE),
            status=status,
            mime="text/html",
            warc=other.get("warc", WARC),
            offset=self._offset,
            length=90,
            payload_digest=payload,
            payload_length=7 if payload else 0,
            record_id=f"r{self._offset}",
            truncated=other.get("truncated"),
            refers_to=other.get("refers_to"),
        )
        whole = status == 200 and made.truncated is None
        visited = Visited(
            row(self._index, url).id,
            State.DONE,
            0,
            UNJUDGED,
            status,
            etag=other.get("etag"),
            place=(made.warc, made.offset) if whole else None,
            payload=payload if whole and kind is not Kind.LIST else None,
        )
        one = Observation(kind, made, visited, found=found)
        assert captures.record_batch(self._index, CRAWL, SITE, [one]).lost == ()
        return made

    def seal(self, warc: str = WARC) -> None:
        with self._index.write() as connection:
            captures.seal(connection, CRAWL, warc, 1, "f" * 64)

    def again(self, url: str) -> frontier.Waiting:
        """The address as the next crawl gets it."""
        with self._index.write() as connection:
            connection.execute(update(of.frontier).where(of.frontier.c.url == url).values(state=State.WAITING))
            (found,) = [one for one in frontier.waiting(connection, SITE, EVERY, 99, ()) if one.url == url]
        return found


@pytest.fixture
def visit(index: Index) -> Visits:
    return Visits(index)


@pytest.mark.parametrize(
    ("url", "first", "second", "changed"),
    [
        (FILE, {}, {}, False),
        (FILE, {}, {"payload": "sha1:B"}, True),
        (FILE, {}, {"payload": None, "status": 304}, False),
        (FILE, {}, {"payload": "sha1:C", "status": 404}, True),
        (FILE, {"status": 404}, {"status": 404, "payload": "sha1:D"}, False),
        (FILE, {"status": 404}, {}, True),
        (FILE, {"status": 503}, {}, False),
        (LIST, {}, {"payload": "sha1:B"}, False),
        (LIST, {}, {"found": (Found("https://thst.vn/t/b", Kind.ARTICLE, 20, 2, None),)}, True),
        (LIST, {}, {"found": (Found("https://thst.vn/b.css", Kind.REQUISITE, 40, 2, None),)}, False),
        (LIST, {}, {"found": (Found(ARTICLE, Kind.ARTICLE, 20, 2, None),)}, False),
    ],
)
def test_a_visit_tells_whether_something_changed(
    index: Index, visit: Visits, url: str, first: dict[str, Any], second: dict[str, Any], changed: bool
) -> None:
    visit(url, **first)
    assert row(index, url).changed is None
    visit(url, **second)
    assert (row(index, url).changed is not None) is changed


def test_validators_belong_to_the_last_whole_answer(index: Index, visit: Visits) -> None:
    visit(ARTICLE, etag='"1"')
    kept = row(index, ARTICLE).capture
    visit(ARTICLE, payload=None, status=304)
    visit(ARTICLE, payload="sha1:X", status=404)
    visit(ARTICLE, truncated=Truncated.TIME)
    assert (row(index, ARTICLE).etag, row(index, ARTICLE).capture) == ('"1"', kept)
    visit(ARTICLE, payload=None, status=304, etag='"2"')
    assert (row(index, ARTICLE).etag, row(index, ARTICLE).capture) == ('"2"', kept)
    visit(ARTICLE)
    assert row(index, ARTICLE).etag is None
    assert row(index, ARTICLE).capture != kept


def test_only_a_response_in_a_sealed_file_may_be_asked_about(visit: Visits) -> None:
    first = visit(ARTICLE, etag='"1"')
    assert visit.again(ARTICLE).condition is None
    visit.seal()
    original = Original(first.url, first.date, first.record_id, first.warc, first.offset)
    condition = visit.again(ARTICLE).condition
    assert condition is not None
    assert (condition.etag, condition.last_modified, condition.original) == ('"1"', None, original)
    visit(ARTICLE, type=RecordType.REVISIT, refers_to=original, etag='"2"', warc="warc/thst/2026/b.warc.gz")
    condition = visit.again(ARTICLE).condition
    assert condition is not None
    assert (condition.etag, condition.original) == ('"2"', original)  # of a revisit, its original
    visit(ARTICLE, payload="sha1:B", etag='"3"', warc="warc/thst/2026/b.warc.gz")
    assert visit.again(ARTICLE).condition is None  # not sealed yet, and of the older one nothing is known


def test_what_has_no_validator_or_another_address_is_asked_without_condition(visit: Visits) -> None:
    first = visit(ARTICLE)
    original = Original(first.url, first.date, first.record_id, first.warc, first.offset)
    visit(FILE, type=RecordType.REVISIT, refers_to=original, etag='"1"')
    visit.seal()
    assert visit.again(ARTICLE).condition is None
    assert visit.again(FILE).condition is None  # what its answer repeats was given at another address


def test_a_document_changes_when_its_text_does(index: Index, visit: Visits) -> None:
    visit(ARTICLE)
    visit(ARTICLE, payload="sha1:COUNTED")
    with index.write() as connection:
        _document(connection, "Một", "2024-01-01")
    assert _unjudged(index).changed is None
    assert (_unjudged(index).published, _unjudged(index).is_document) == ("2024-01-01", True)
    with index.write() as connection:
        second = add_version(connection, 1, 2, "Hai")
    assert _unjudged(index).changed == datetime(2024, 1, 2, tzinfo=UTC)  # it came back after the second day
    with index.write() as connection:
        connection.execute(update(of.document).values(version=second))
    assert _unjudged(index).changed == datetime(2024, 1, 2, tzinfo=UTC)
    visit(ARTICLE, payload="sha1:X", status=404)
    assert _unjudged(index).changed == datetime.fromisoformat(row(index, ARTICLE).visited)  # it is gone


def _document(connection: Connection, text: str, published: str) -> None:
    moment = "2024-01-01T00:00:00.000000+00:00"
    common = {"first_seen": moment, "last_seen": moment}
    document = {"id": 1, "identity": "thst/a", "kind": "article", "site": SITE, "url": ARTICLE, "day": published}
    connection.execute(insert(of.document).values(**document, **common, published=published))
    connection.execute(insert(of.address).values(url=ARTICLE, document=1, first_seen=moment))
    version = add_version(connection, 1, 1, text, published=published)
    connection.execute(update(of.document).values(version=version))


def _unjudged(index: Index) -> revisits.Unjudged:
    with index.read() as connection:
        (one,) = [one for one in revisits.unjudged(connection, SITE) if one.url == ARTICLE]
    return one


def test_what_is_planned_is_not_planned_again(index: Index, visit: Visits) -> None:
    visit(ARTICLE)
    visit(FILE)
    with index.write() as connection:
        found = revisits.unjudged(connection, SITE, limit=1)
        revisits.plan(connection, [(found[0].id, "2030")])
        rest = revisits.unjudged(connection, SITE)
    assert len(found) == len(rest) == 1
    assert found != rest


def test_what_is_not_planned_rests_but_for_the_lists_that_every_crawl_asks(index: Index, visit: Visits) -> None:
    for url in SEEDS:
        visit(url)
    with index.write() as connection:
        revisits.wake(connection, SITE, now())
        waiting = {one.url for one in frontier.waiting(connection, SITE, EVERY, 99, ())}
    assert waiting == {"https://thst.vn/", LIST}
    with index.write() as connection:
        revisits.wake(connection, SITE, None)
        assert {one.url for one in frontier.waiting(connection, SITE, EVERY, 99, ())} == set(SEEDS)


def test_a_sign_rouses_what_was_not_visited_since(index: Index, visit: Visits) -> None:
    before = now()
    visit(ARTICLE)
    with index.write() as connection:
        revisits.plan(connection, [(row(index, ARTICLE).id, written(datetime.now(UTC) + timedelta(days=9)))])
        assert revisits.rouse(connection, SITE, [ARTICLE, FILE, "https://thst.vn/unknown"], before) == 0
        assert revisits.rouse(connection, SITE, [ARTICLE, FILE, "https://thst.vn/unknown"], now()) == 1
    assert row(index, ARTICLE).state == State.WAITING


def test_due_counts_tell_each_address_once(index: Index, visit: Visits) -> None:
    visit(FILE)
    moment = datetime.now(UTC)
    with index.write() as connection:
        revisits.plan(connection, [(row(index, FILE).id, written(moment + timedelta(days=3)))])
        ends = [written(moment + timedelta(days=days)) for days in (0, 1, 7, 30)]
        counted = {one.kind: one for one in revisits.due_counts(connection, SITE, ends)}
    assert counted["attachment"] == revisits.DueCount("attachment", 1, 0, 0, 1, 0, 0)
    assert replace(counted["list"], kind="") == revisits.DueCount("", 3, 3, 0, 0, 0, 0)  # they were never visited


# What a revisit says


def _reading(day: str, original: str | None, body: bytes, *, status: int = 200, location: str = "") -> Reading:
    place = captures.Place(WARC, 0, original) if original else None
    pending = captures.Pending(1, SITE, ARTICLE, day, Kind.ARTICLE, WARC, 100, place)
    headers = (("Content-Type", "text/html; charset=utf-8"), *((("Location", location),) if location else ()))
    kind = RecordType.REVISIT if original else RecordType.RESPONSE
    stored = StoredResponse(ARTICLE, datetime.fromisoformat(day), kind, status, b"", headers, body, None)
    return derive(pending, stored, REDESIGNED, None)


REDESIGNED = Site(
    key="thst",
    name="THST",
    hosts=("thst.vn",),
    seeds=(Listing("https://thst.vn/"),),
    rules=(Rule(r"thst\.vn/t/(?P<id>\w+)", Kind.ARTICLE, identity="thst/{id}"),),
    layouts=(
        Layout("old", valid_until=date(2024, 6, 30), title=("h1",), container=(".cu",)),
        Layout("new", title=("h1",), container=(".moi",)),
    ),
)


def test_a_revisit_is_read_like_its_original_whenever_it_was_made() -> None:
    text = "Hội đồng nhân dân thành phố họp kỳ thứ bảy và thông qua nghị quyết về đô thị loại I."
    head = "<title>Bài</title><h1>Bài</h1>"
    body = f"{head}<div class=cu><p>{text}</p></div><div class=moi><p>{text * 2}</p></div>".encode()
    first, later = "2024-03-01T00:00:00.000000+00:00", "2025-03-01T00:00:00.000000+00:00"
    assert _reading(later, first, body) == _reading(first, None, body)
    assert _reading(later, None, body) != _reading(first, None, body)


@pytest.mark.parametrize(
    ("location", "reason"),
    [("/", FRONT_PAGE), ("https://www.thst.vn/Default.aspx", FRONT_PAGE), ("/t/b", "moved"), ("/?m=7", "moved")],
)
def test_a_redirect_tells_whether_it_leads_to_the_front_page(location: str, reason: str) -> None:
    reading = _reading("2024-03-01T00:00:00.000000+00:00", None, b"", status=302, location=location)
    assert (reading.article, reading.reason, reading.document) == (None, reason, "thst/a")
