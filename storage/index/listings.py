"""The index from its beginning to its end, a page a read, in an order that no row's number decides."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, tuple_

from storage.index.engine import Index
from storage.index.tables import capture, crawl, document, file, reading, version
from storage.index.withheld import Standing, standing
from storage.model import Kind

_PAGE = 500

Listed = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A WARC file that does not change any more."""

    name: str
    bytes: int
    sha256: str


def sites(connection: Connection) -> list[str]:
    """The sites that were crawled, by key."""
    return list(connection.scalars(select(crawl.c.site).distinct().order_by(crawl.c.site)))


def captures() -> Select[Any]:
    """Captures, each with its file as `warc`, and the place and facts of what it repeats as `original_…`."""
    first, first_file = capture.alias("first"), file.alias("first_file")
    return (
        select(capture, file.c.name.label("warc"))
        .add_columns(*(first.c[name].label(f"original_{name}") for name in ("offset", "length", "status", "mime")))
        .add_columns(first.c.payload_digest.label("original_payload_digest"), first_file.c.name.label("original_warc"))
        .join(file, file.c.id == capture.c.file)
        .outerjoin(first, first.c.id == capture.c.original)
        .outerjoin(first_file, first_file.c.id == first.c.file)
    )


def captures_by_urlkey(index: Index, site: str | None) -> Iterator[Listed]:
    """Captures that are not withheld, by urlkey and date; those of equal urlkey and date in no promised order."""
    place = tuple_(capture.c.urlkey, capture.c.date, capture.c.id)
    query = captures().order_by(capture.c.urlkey, capture.c.date, capture.c.id)
    after: tuple[Any, ...] = ("", "", 0)
    while page := _page(index, query.where(place > after), site, Standing.captures_shown):
        yield from page
        after = (page[-1].urlkey, page[-1].date, page[-1].id)


def identities(index: Index, site: str | None) -> Iterator[str]:
    """The identities of all documents that are not withheld, sorted."""
    query = select(document.c.identity, document.c.site).order_by(document.c.identity)
    after = ""
    while page := _page(index, query.where(document.c.identity > after), site, Standing.documents_shown):
        yield from (row.identity for row in page)
        after = page[-1].identity


@dataclass(frozen=True, slots=True)
class Leaf:
    """The newest capture of an article, in a sealed file, and what it is called."""

    document: str
    url: str
    date: str
    title: str
    warc: str
    offset: int


def leaves(index: Index, site: str | None) -> Iterator[Leaf]:
    """The articles that are not withheld, by identity, those that a sealed file shows."""
    query = select(document.c.id, document.c.identity, document.c.site).where(document.c.kind == Kind.ARTICLE)
    after = ""
    ordered = query.order_by(document.c.identity)
    while page := _page(index, ordered.where(document.c.identity > after), site, Standing.documents_shown):
        with index.read() as connection:
            yield from _leaves(connection, [row.id for row in page])
        after = page[-1].identity


def _leaves(connection: Connection, documents: Sequence[int]) -> Iterator[Leaf]:
    shown = standing(connection)
    rows = connection.execute(
        select(document.c.identity, capture.c.url, capture.c.date, version.c.title, file.c.name, capture.c.offset)
        .join(version, version.c.document == document.c.id)
        .join(reading, reading.c.version == version.c.id)
        .join(capture, capture.c.id == reading.c.capture)
        .join(file, file.c.id == capture.c.file)
        .where(document.c.id.in_(documents), file.c.sha256.is_not(None), *shown.captures_shown())
        .order_by(document.c.identity, capture.c.date, capture.c.id)
    )
    newest = {row.identity: Leaf(*row) for row in rows}
    yield from newest.values()


def sealed_files(index: Index, site: str | None) -> list[Sealed]:
    """The sealed WARC files of all sites or of one, by name."""
    query = select(file.c.name, file.c.bytes, file.c.sha256).join(crawl, crawl.c.id == file.c.crawl)
    mine = query.where(crawl.c.site == site) if site else query
    with index.read() as connection:
        rows = connection.execute(mine.where(file.c.sha256.is_not(None)).order_by(file.c.name))
        return [Sealed(*row) for row in rows]


def _page(
    index: Index, query: Select[Any], site: str | None, shown: Callable[[Standing], list[ColumnElement[bool]]]
) -> list[Listed]:
    of_site = query.selected_columns["site"] == site
    with index.read() as connection:
        shown_rows = (query.where(of_site) if site else query).where(*shown(standing(connection)))
        return list(connection.execute(shown_rows.limit(_PAGE)))
