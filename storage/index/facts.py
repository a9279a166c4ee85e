"""What captures of articles told, in the order of capture: the evidence for whether a site has changed.

A capture counts when its payload came whole and was read. On a site without rules, where an address may be anything,
it counts when the address gave an article at least once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, or_, select, text

from storage.index.dialects import dialect_of
from storage.index.tables import address, capture, crawl, reading, version
from storage.model import Fact, Kind

NEWEST = 500  # facts of one sort that are looked at
_NOT_EVIDENCE = "not the address of a document"
PAGES = text("capture.kind IN ('article', 'page')")  # in the words of the index ix_capture_pages

_EARLIER, _EARLIER_READING, _EARLIER_CRAWL = capture.alias(), reading.alias(), crawl.alias()
_SAME = and_(_EARLIER.c.urlkey == capture.c.urlkey, _EARLIER.c.url == capture.c.url, _EARLIER.c.date < capture.c.date)
_SOUND = or_(crawl.c.drift.is_(None), crawl.c.drift == "[]")
_BEFORE = (  # the newest earlier capture of the address that a crawl without drift made
    select(_EARLIER.c.id)
    .join(_EARLIER_READING, _EARLIER_READING.c.capture == _EARLIER.c.id)
    .join(_EARLIER_CRAWL, _EARLIER_CRAWL.c.id == _EARLIER.c.crawl)
    .where(_SAME, _EARLIER.c.truncated.is_(None), _EARLIER.c.crawl != capture.c.crawl)
    .where(or_(_EARLIER_CRAWL.c.drift.is_(None), _EARLIER_CRAWL.c.drift == "[]"))
    .order_by(_EARLIER.c.date.desc())
    .limit(1)
    .correlate(capture)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of a crawl and those to compare them with, each oldest first."""

    newest: tuple[Fact, ...]  # the crawl's own, and earlier ones where these are few; empty when it has none
    known: tuple[Fact, ...]  # before them, from crawls that met no drift
    lasting: tuple[Fact, ...] = ()  # before them and after the known ones, from crawls that did


def of_crawl(connection: Connection, site: str, id_: str, few: int) -> Evidence:
    """The facts of one crawl, with so many before them that they are no `few`, and what is known of the site."""
    began = connection.scalar(select(crawl.c.started).where(crawl.c.id == id_)) or ""
    own = _newest(connection, _of(site).where(capture.c.date >= began, capture.c.crawl == id_))
    if not own:
        return Evidence((), ())
    if len(own) < few:
        own = _newest(connection, _of(site).where(capture.c.date < began), few - len(own)) + own
    return _evidence(connection, site, own, min(began, own[0].date))


def alone(connection: Connection, site: str, id_: str) -> tuple[Fact, ...]:
    """The facts of one crawl, and nothing to compare them with."""
    began = connection.scalar(select(crawl.c.started).where(crawl.c.id == id_)) or ""
    return tuple(map(_fact, _newest(connection, _of(site).where(capture.c.date >= began, capture.c.crawl == id_))))


def of_site(connection: Connection, site: str, number: int) -> Evidence:
    """The newest facts of a site, whichever crawls made them, and what is known of it."""
    own = _newest(connection, _of(site), number)
    return _evidence(connection, site, own, own[0].date) if own else Evidence((), ())


def articles(connection: Connection, site: str, number: int) -> list[int]:
    """The newest captures that count, oldest first."""
    return [row.id for row in _newest(connection, _of(site), number)]


def _evidence(connection: Connection, site: str, own: Sequence[Row[tuple[Any, ...]]], until: str) -> Evidence:
    earlier = _of(site).where(capture.c.date < until)
    known = _newest(connection, earlier.where(_SOUND))
    if known:
        earlier = earlier.where(capture.c.date > known[-1].date)
    lasting = _newest(connection, earlier.where(~_SOUND))
    return Evidence(_with_earlier(connection, own), tuple(map(_fact, known)), tuple(map(_fact, lasting)))


def _of(site: str) -> Select[tuple[Any, ...]]:
    """The captures of a site that count."""
    return _FACTS.where(capture.c.site == site, PAGES, IS_ARTICLE)


IS_ARTICLE: ColumnElement[bool] = or_(
    capture.c.kind == Kind.ARTICLE,
    reading.c.version.is_not(None),
    exists().where(address.c.url == capture.c.url),
)
COUNTS = and_(
    capture.c.truncated.is_(None),
    or_(reading.c.reason.is_(None), ~or_(reading.c.reason == _NOT_EVIDENCE, reading.c.reason.like("failed: %"))),
)
_FACTS: Select[tuple[Any, ...]] = (
    select(
        capture.c.id,
        capture.c.date,
        reading.c.reason,
        reading.c.method,
        reading.c.characters,
        reading.c.dated,
        reading.c.signed,
        version.c.title,
        version.c.document,
        exists().where(_SAME).correlate(capture).label("again"),
    )
    .select_from(capture)
    .join(reading, reading.c.capture == capture.c.id)
    .join(crawl, crawl.c.id == capture.c.crawl)
    .outerjoin(version, version.c.id == reading.c.version)
    .where(COUNTS)
)


def _newest(connection: Connection, query: Select[tuple[Any, ...]], limit: int = NEWEST) -> list[Row[tuple[Any, ...]]]:
    rows = connection.execute(query.order_by(capture.c.date.desc(), capture.c.id.desc()).limit(limit)).all()
    return list(reversed(rows))


def _with_earlier(connection: Connection, own: Sequence[Row[tuple[Any, ...]]]) -> tuple[Fact, ...]:
    dialect = dialect_of(connection)
    again = [row.id for row in own if row.again]
    pairs = select(capture.c.id, _BEFORE.label("before")).where(capture.c.id.in_(dialect.among(again)))
    before = {row.id: row.before for row in connection.execute(pairs) if row.before} if again else {}
    if not before:
        return tuple(map(_fact, own))
    rows = connection.execute(_FACTS.where(capture.c.id.in_(dialect.among(sorted(set(before.values()))))))
    facts = {row.id: _fact(row) for row in rows}
    return tuple(_fact(row, facts.get(before.get(row.id, 0))) for row in own)


def _fact(row: Row[tuple[Any, ...]], before: Fact | None = None) -> Fact:
    told: list[Any] = list(row)[2:]
    reason, method, characters, dated, signed, title, document, again = told
    return Fact(reason, method, characters, bool(dated), bool(signed), title, document, bool(again), before)
