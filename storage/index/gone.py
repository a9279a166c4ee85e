"""What has become of a document that disappears: what its captures say, and since when."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from storage.index.tables import address, capture, reading

ERROR_PAGE = "error page"  # reasons of readings: a page that says with status 200 that there is none,
FRONT_PAGE = "moved to the front page"  # and a redirect to where the host begins
_Row = Row[*tuple[Any, ...]]
_NOT_THERE = (404, 410)
_NOT_FOUND = (ERROR_PAGE, FRONT_PAGE)


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


def gone(connection: Connection) -> list[int]:
    """The numbers of the documents that are gone."""
    at_address = capture.c.url == address.c.url
    with_reading = reading.c.capture == capture.c.id
    nowhere = (
        select(address.c.document)
        .join(capture, at_address)
        .outerjoin(reading, with_reading)
        .where(or_(capture.c.status.in_(_NOT_THERE), reading.c.reason.in_(_NOT_FOUND)))
    )
    rows = connection.execute(
        select(address.c.document, capture.c.url, capture.c.date, capture.c.status, reading.c.reason)
        .join(capture, at_address)
        .outerjoin(reading, with_reading)
        .where(address.c.document.in_(nowhere))
        .order_by(address.c.document, capture.c.date, capture.c.id)
    )
    by_document = ((id_, list(held)) for id_, held in groupby(rows, key=lambda row: row.document))
    return [id_ for id_, held in by_document if gone_since(held, [one.url for one in held])]
