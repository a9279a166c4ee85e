"""When an address was captured, and what each capture found there."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, func, select, tuple_

from storage.errors import NotFound
from storage.index.mentions import ICT
from storage.index.naming import spellings
from storage.index.tables import capture, document, file, reading, version
from storage.index.withheld import standing
from storage.model import RecordType
from storage.surt import surt

_Row = Row[*tuple[Any, ...]]
_SHOWN = ("id", "date", "url", "type", "status", "mime", "payload_length", "offset", "length")
_other = version.alias("other")
_earlier = tuple_(_other.c.first_seen, _other.c.digest) <= tuple_(version.c.first_seen, version.c.digest)
_number = select(func.count()).where(_other.c.document == version.c.document, _earlier).scalar_subquery()
_AT = (
    capture.c.urlkey.in_(bindparam("keys", expanding=True)),
    capture.c.url.in_(bindparam("urls", expanding=True)),
)
_CAPTURES = (
    select(*(capture.c[name] for name in ("id", "date", "url", "type", "status", "payload_digest", "error")))
    .where(*_AT)
    .order_by(capture.c.date, capture.c.id)
)
_VISITS = (
    select(*(capture.c[name] for name in _SHOWN))
    .add_columns(file.c.name.label("warc"), document.c.identity.label("document"))
    .add_columns(case((version.c.id.is_(None), None), else_=_number).label("number"))
    .join(file, file.c.id == capture.c.file)
    .outerjoin(reading, reading.c.capture == capture.c.id)
    .outerjoin(version, version.c.id == reading.c.version)
    .outerjoin(document, document.c.id == version.c.document)
    .where(*_AT, capture.c.date.between(bindparam("first"), bindparam("last")))
    .order_by(capture.c.date, capture.c.id)
)
_OK, _MOVED, _NOT_MODIFIED, _BAD = 200, 300, 304, 400


class Found(StrEnum):
    """What a capture found at its address."""

    NEW = "new"  # another payload than the capture before
    SAME = "same"  # a payload that was there before
    NOT_MODIFIED = "304"  # the server says that nothing has changed
    MOVED = "moved"  # a redirect
    ERROR = "error"  # any other answer, or none that is whole


@dataclass(frozen=True, slots=True)
class Visit:
    """One capture of an address; `day` is a local one.

    `version` is the number of the text that it gave to `document`; both are None where it gave none.
    """

    timestamp: str
    date: str
    day: str
    url: str
    status: int | None
    found: Found
    type: str
    mime: str | None
    bytes: int  # of the payload
    warc: str
    offset: int
    length: int
    document: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The captures of an address in one year, the earliest first, and how many there are in each year."""

    url: str
    years: tuple[tuple[int, int], ...]
    year: int
    first: str
    last: str
    total: int
    visits: tuple[Visit, ...]

    @property
    def days(self) -> dict[str, tuple[Visit, ...]]:
        """The captures of each day on which there are any."""
        found: dict[str, list[Visit]] = {}
        for one in self.visits:
            found.setdefault(one.day, []).append(one)
        return {day: tuple(visits) for day, visits in found.items()}


def calendar(connection: Connection, url: str, year: int | None = None, zone: tzinfo = ICT) -> Calendar:
    """The captures of an address, whatever its scheme, in a year, or in the newest that has any.

    Raises NotFound, Withheld.
    """
    urls = spellings(url)
    held = standing(connection)
    for one in urls:
        held.refuse_address(one)
    at = {"keys": list({surt(one) for one in urls}), "urls": urls}
    rows = connection.execute(_CAPTURES, at).all()
    if not rows:
        raise NotFound(f"no capture of {url[:200]!r} in the archive: try `luutru search WORDS`")
    of_row = [_local(row.date, zone).year for row in rows]
    years = Counter(of_row)
    shown = max(years) if year is None else year
    found = {
        row.id: (row.date, what) for row, what, its in zip(rows, _found(rows), of_row, strict=True) if its == shown
    }
    return Calendar(
        url=rows[-1].url,
        years=tuple(sorted(years.items())),
        year=shown,
        first=rows[0].date,
        last=rows[-1].date,
        total=len(rows),
        visits=_visits(connection, at, found, zone) if found else (),
    )


def _found(rows: Iterable[_Row]) -> Iterator[Found]:
    """What each capture found, seen after those before it."""
    known = set[str]()
    for row in rows:
        yield _what(row, row.payload_digest in known)
        if row.payload_digest and row.status == _OK:
            known.add(row.payload_digest)


def _what(row: _Row, is_known: bool) -> Found:
    if row.status == _NOT_MODIFIED:
        return Found.NOT_MODIFIED
    if row.status is None or row.error or row.status >= _BAD:
        return Found.ERROR
    if row.status >= _MOVED:
        return Found.MOVED
    return Found.SAME if is_known or row.type == RecordType.REVISIT else Found.NEW


def _visits(
    connection: Connection, at: Mapping[str, Any], found: Mapping[int, tuple[str, Found]], zone: tzinfo
) -> tuple[Visit, ...]:
    dates = [date for date, _ in found.values()]
    rows = connection.execute(_VISITS, {**at, "first": dates[0], "last": dates[-1]}).all()
    return tuple(
        Visit(
            timestamp=re.sub(r"\D", "", row.date)[:14],
            date=row.date,
            day=_local(row.date, zone).date().isoformat(),
            url=row.url,
            status=row.status,
            found=found[row.id][1],
            type=row.type,
            mime=row.mime,
            bytes=row.payload_length,
            warc=row.warc,
            offset=row.offset,
            length=row.length,
            document=row.document,
            version=row.number,
        )
        for row in rows
    )


def _local(moment: str, zone: tzinfo) -> datetime:
    return datetime.fromisoformat(moment).astimezone(zone)
