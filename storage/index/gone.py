"""What has become of a document that disappears: what its captures say, and since when."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text

from storage.index.dialects import dialect_of
from storage.index.tables import address, capture, reading
from storage.surt import surt

ERROR_PAGE = "error page"  # reasons of readings: a page that says with status 200 that there is none,
FRONT_PAGE = "moved to the front page"  # and a redirect to where the host begins
_Row = Row[*tuple[Any, ...]]
_NOT_THERE = (404, 410)
_NOT_FOUND = (ERROR_PAGE, FRONT_PAGE)
_ANSWERED = text("capture.status IN (404, 410)")  # in the words of the partial indexes
_READ = text("reading.reason IN ('error page', 'moved to the front page')")
_CAPTURES = (
    select(capture.c.id, capture.c.url, capture.c.date, capture.c.status, reading.c.reason)
    .outerjoin(reading, reading.c.capture == capture.c.id)
    .where(capture.c.urlkey.in_(bindparam("urlkeys", expanding=True)))
    .where(capture.c.url.in_(bindparam("urls", expanding=True)))
)
_SOME = 200  # documents whose captures are read at a time


def is_gone(one: _Row) -> bool | None:
    """Whether a capture says that there is nothing; None where it says neither, such as a server in trouble.

    A row has `status` and, of its reading, `reason`.
    """
    if one.status in _NOT_THERE or one.reason in _NOT_FOUND:
        return True
    if one.status and (one.status < 300 or one.status == 304):
        return False
    return None


def standing(captures: Iterable[_Row], addresses: Iterable[str]) -> Iterator[tuple[_Row, bool]]:
    """Captures, oldest first, each with whether the document is gone with it: all of its addresses that said anything.

    `captures` are in the order of their dates; those that say nothing, or at no address of the document, are left out.
    """
    ours, said = set(addresses), dict[str, bool]()
    for one in captures:
        says = is_gone(one) if one.url in ours else None
        if says is not None:
            said[one.url] = says
            yield one, all(said.values())


def gone_since(captures: Iterable[_Row], addresses: Iterable[str]) -> str | None:
    """The moment at which the last address of a document was found to be gone; None while one still answers."""
    since: str | None = None
    for one, gone in standing(captures, addresses):
        since = (since or one.date) if gone else None
    return since


def gone(
    connection: Connection, site: str | None = None, since: str | None = None, until: str | None = None
) -> dict[int, str]:
    """The numbers of the documents that are gone, and since when; only those of a site, or within a time."""
    documents = _of_documents(connection, _saying_so(connection, site, since, until))
    found = {}
    for at in range(0, len(documents), _SOME):
        some = dict(islice(documents.items(), at, at + _SOME))
        captures = _captures_at(connection, sorted({url for addresses in some.values() for url in addresses}))
        for id_, addresses in some.items():
            rows = sorted(
                (row for url in addresses for row in captures.get(url, ())), key=lambda row: (row.date, row.id)
            )
            moment = gone_since(rows, addresses)
            if moment and (since or "") <= moment < (until or "~"):
                found[id_] = moment
    return found


def _saying_so(connection: Connection, site: str | None, since: str | None, until: str | None) -> set[str]:
    """Addresses of which a capture says that there is nothing."""
    narrowed = [
        *([capture.c.site == site] if site else []),
        *([capture.c.date >= since] if since else []),
        *([capture.c.date < until] if until else []),
    ]
    answered = select(capture.c.url).where(_ANSWERED, *narrowed)
    read = select(capture.c.url).where(capture.c.id.in_(select(reading.c.capture).where(_READ)), *narrowed)
    return {*connection.scalars(answered), *connection.scalars(read)}


def _of_documents(connection: Connection, urls: Collection[str]) -> dict[int, list[str]]:
    """All addresses of the documents that have one of these."""
    named = select(address.c.document).where(address.c.url.in_(dialect_of(connection).among(list(urls))))
    rows = connection.execute(select(address.c.document, address.c.url).where(address.c.document.in_(named)))
    found: dict[int, list[str]] = {}
    for id_, url in rows:
        found.setdefault(id_, []).append(url)
    return found


def _captures_at(connection: Connection, urls: Sequence[str]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = {}
    keys = sorted({surt(url) for url in urls})
    for row in connection.execute(_CAPTURES, {"urlkeys": keys, "urls": urls}).all():
        found.setdefault(row.url, []).append(row)
    return found
