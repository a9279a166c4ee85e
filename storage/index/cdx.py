"""Looking captures up by their urlkeys, as CDX servers do: an address, or all below one, in an order that is asked for.

Captures come a page a read, so that nobody waits for who looks up much. What is withheld is not there.
"""

import heapq
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice, pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, tuple_

from storage.errors import NotFound, UsageError
from storage.index.engine import Index
from storage.index.listings import Listed, captures
from storage.index.tables import address, capture, document, file
from storage.index.withheld import standing
from storage.surt import surt
from storage.urls import canonicalize

_PAGE = 500
_NEAR = 10_000  # captures among which the closest are found where many addresses are asked for
_PARTS = ((0, ""), (4, "-"), (6, "-"), (8, "T"), (10, ":"), (12, ":"), (14, ""))  # of a timestamp, and what joins them
_NO_MOMENT = "{!r} is no moment: a timestamp is YYYYMMDDhhmmss, or the beginning of it"
_SECOND = len("2026-11-22T07:50:40")
_LAST = "\x7f"  # sorts behind all that a moment or an urlkey may go on with


class Match(StrEnum):
    """Which addresses are meant by one."""

    EXACT = "exact"  # those of its urlkey
    PREFIX = "prefix"  # those that begin so
    HOST = "host"
    DOMAIN = "domain"  # the host and those below it


class Sort(StrEnum):
    """The order: by urlkey and moment, the other way round, or by nearness to a moment."""

    DEFAULT = "default"
    REVERSE = "reverse"
    CLOSEST = "closest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked up: urlkeys from `first` to `last`, moments from `since` to `until`, in an order."""

    first: str
    last: str
    since: str = ""
    until: str = _LAST
    backwards: bool = False
    closest: datetime | None = None

    @classmethod
    def of(
        cls,
        url: str,
        match: Match | None = None,
        since: str = "",
        until: str = "",
        sort: Sort = Sort.DEFAULT,
        closest: str = "",
    ) -> "Wanted":
        """As CDX servers are asked: `*.host` and `address*` are matches, too, timestamps may be cut; UsageError."""
        if match is None and url.startswith("*."):
            url, match = url[2:], Match.DOMAIN
        elif match is None and url.endswith("*"):
            url, match = url[:-1], Match.PREFIX
        if sort is Sort.CLOSEST and not closest:  # as pywb asks when no moment is meant
            sort = Sort.DEFAULT
        return cls(
            *_range(url, match or Match.EXACT),
            since=_moment(since),
            until=_moment(until) + _LAST,
            backwards=sort is Sort.REVERSE,
            closest=_padded(closest) if closest else None,
        )

    @property
    def is_one(self) -> bool:
        """Whether all have one urlkey."""
        return self.first == self.last


def found(index: Index, wanted: Wanted) -> Iterator[Listed]:
    """The captures that are looked up, in their order."""
    if wanted.closest is None:
        return _pages(index, wanted, backwards=wanted.backwards)
    near = _by_nearness(wanted.closest)
    if not wanted.is_one:
        return iter(sorted(islice(_pages(index, wanted), _NEAR), key=near))
    moment = wanted.closest.strftime("%Y-%m-%dT%H:%M:%S")
    before = _pages(index, wanted, capture.c.date < moment, backwards=True)
    behind = _pages(index, wanted, capture.c.date >= moment)
    return heapq.merge(behind, before, key=near)


def mementos(index: Index, wanted: Wanted) -> Iterator[Listed]:
    """Those of the captures that are answers of HTTP; of several in one second the first."""
    last = None
    for row in found(index, wanted):
        if row.status is not None and row.date[:_SECOND] != last:
            last = row.date[:_SECOND]
            yield row


@dataclass(frozen=True, slots=True)
class Around:
    """The capture of an address that is closest to a moment, and the moments of those before and after it."""

    url: str
    date: str
    before: str | None
    after: str | None
    document: str | None  # that the address is of


def around(index: Index, url: str, timestamp: str) -> Around:
    """The capture of a canonical address that is closest to a timestamp; raises NotFound, Withheld, UsageError."""
    wanted = Wanted.of(url, closest=timestamp)
    with index.read() as connection:
        held = standing(connection)
        held.refuse_address(url)
        owner = select(document.c.identity).join(address, address.c.document == document.c.id)
        name = connection.scalar(owner.where(address.c.url == url, *held.documents_shown()).order_by(document.c.id))
    row = next(mementos(index, wanted), None)
    if row is None:
        raise NotFound(f"the archive has no capture of {url}")
    second = row.date[:_SECOND]
    before = next(mementos(index, replace(wanted, closest=None, backwards=True, until=second)), None)
    after = next(mementos(index, replace(wanted, closest=None, since=second + _LAST)), None)
    return Around(row.url, row.date, before.date if before else None, after.date if after else None, name)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record of a capture, as bytes of a file."""

    warc: str
    offset: int
    length: int
    record_id: str


def stored(connection: Connection, warc: str, offset: int) -> Stored:
    """The record of a capture that lies there; raises NotFound, Withheld."""
    columns = (file.c.name, capture.c.offset, capture.c.length, capture.c.record_id, capture.c.url)
    at = (file.c.name == warc, capture.c.offset == offset)
    row = connection.execute(select(*columns).join(file, file.c.id == capture.c.file).where(*at)).first()
    if row is None:
        raise NotFound(f"no capture lies in {warc[:200]!r} at {offset}")
    standing(connection).refuse_address(row.url)
    return Stored(*tuple(row)[:4])


def _by_nearness(moment: datetime) -> Any:
    return lambda row: abs((datetime.fromisoformat(row.date).replace(microsecond=0) - moment).total_seconds())


def _pages(index: Index, wanted: Wanted, *more: ColumnElement[bool], backwards: bool = False) -> Iterator[Listed]:
    columns = capture.c.urlkey, capture.c.date, capture.c.id
    query = captures().where(capture.c.urlkey >= wanted.first, capture.c.urlkey <= wanted.last, *more)
    query = query.where(capture.c.date >= wanted.since, capture.c.date <= wanted.until).limit(_PAGE)
    query = query.order_by(*(column.desc() for column in columns) if backwards else columns)
    place, following = tuple_(*columns), query
    while True:
        with index.read() as connection:
            page = connection.execute(following.where(*standing(connection).captures_shown())).all()
        yield from page
        if len(page) < _PAGE:
            return
        last = tuple(getattr(page[-1], column.name) for column in columns)
        following = query.where(place < last if backwards else place > last)


def _range(url: str, match: Match) -> tuple[str, str]:
    """The urlkeys between which captures lie; those of pywb."""
    key = surt(canonicalize(url if "://" in url else f"http://{url}"))
    host = key.partition(")")[0]
    if match is Match.EXACT:
        return key, key
    if match is Match.HOST:
        return f"{host})/", f"{host}){_LAST}"
    if match is Match.DOMAIN:
        return (f"{host})/" if "," in host else f"{host},"), f"{host},{_LAST}"
    ends = url[-1:] if url[-1:] in ("/", "?") and not key.endswith(url[-1:]) else ""
    return key + ends, key + ends + _LAST


def _moment(timestamp: str) -> str:
    """The beginning of a moment that the digits of a timestamp are, however many; raises UsageError."""
    if not timestamp:
        return ""
    digits = _digits(timestamp)
    return "".join(mark + digits[at:to] for (at, mark), (to, _) in pairwise(_PARTS) if digits[at:to])


def _padded(timestamp: str) -> datetime:
    """The latest moment that begins with these digits, as pywb reads it; raises UsageError."""
    digits = _digits(timestamp)
    padded = digits + "99991231235959"[len(digits) :]
    last_days = (31, 30, 29, 28) if len(digits) <= len("YYYYMM") else (int(padded[6:8]),)
    for day in last_days:
        with suppress(ValueError):
            return datetime.strptime(f"{padded[:6]}{day:02}{padded[8:]}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    raise UsageError(_NO_MOMENT.format(timestamp))


def _digits(timestamp: str) -> str:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 20):
        raise UsageError(_NO_MOMENT.format(timestamp[:50]))
    return timestamp[:14]
