"""Where a capture comes from, as far as the index knows, and which pages date a document."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, select

from storage.errors import NotFound
from storage.index.tables import address, capture, crawl, document, file, fixity, mention, reading, version
from storage.index.withheld import narrowed, standing


@dataclass(frozen=True, slots=True)
class Repeated:
    """Where the original of a revisit lies, which has its payload."""

    url: str
    date: str
    warc: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Origin:
    """One capture as its row says it; digests are those of its headers.

    `document` is what was read in it. `verified` is when its file was verified last, and `problems` what that found.
    """

    url: str
    date: str
    timestamp: str
    site: str
    kind: str
    type: str
    status: int | None
    mime: str | None
    warc: str
    offset: int
    length: int
    record_id: str
    payload_digest: str | None
    payload_length: int
    ip: str | None
    truncated: str | None
    error: str | None
    original: Repeated | None
    document: str | None
    text_digest: str | None
    crawl: str
    crawled: str  # when the crawl began
    sha256: str | None  # of the file, once it is sealed
    verified: str | None
    problems: int | None


@dataclass(frozen=True, slots=True)
class Dating:
    """That a page names an address of a document, with a day beside it."""

    day: str
    page: str
    anchor: str
    captured: str


_SHOWN = (
    *("url", "date", "site", "kind", "type", "status", "mime", "offset", "length", "record_id", "payload_digest"),
    *("payload_length", "ip", "truncated", "error", "crawl"),
)
_DATINGS: Select[Any] = (
    select(mention.c.day, capture.c.url.label("page"), mention.c.anchor, capture.c.date.label("captured"))
    .select_from(document)
    .join(address, address.c.document == document.c.id)
    .join(mention, and_(mention.c.target == address.c.url, mention.c.day != ""))
    .join(capture, capture.c.id == mention.c.capture)
    .where(document.c.identity == bindparam("wanted"))
    .order_by(mention.c.day, capture.c.date, capture.c.id)
    .limit(bindparam("most"))
)
_original, _original_file = capture.alias("original"), file.alias("original_file")


def origin(connection: Connection, warc: str, offset: int) -> Origin:
    """The capture that lies there; raises NotFound, Withheld."""
    row = connection.execute(
        select(*(capture.c[name] for name in _SHOWN))
        .add_columns(file.c.name.label("warc"), file.c.sha256, fixity.c.verified, fixity.c.problems)
        .add_columns(document.c.identity.label("document"), version.c.digest.label("text_digest"))
        .add_columns(crawl.c.started.label("crawled"))
        .add_columns(*(_original.c[name].label(f"original_{name}") for name in ("url", "date", "offset", "length")))
        .add_columns(_original_file.c.name.label("original_warc"))
        .join(file, file.c.id == capture.c.file)
        .join(crawl, crawl.c.id == capture.c.crawl)
        .outerjoin(fixity, fixity.c.file == file.c.name)
        .outerjoin(reading, reading.c.capture == capture.c.id)
        .outerjoin(version, version.c.id == reading.c.version)
        .outerjoin(document, document.c.id == version.c.document)
        .outerjoin(_original, _original.c.id == capture.c.original)
        .outerjoin(_original_file, _original_file.c.id == _original.c.file)
        .where(file.c.name == warc, capture.c.offset == offset)
    ).first()
    if row is None:
        raise NotFound(f"no capture lies in {warc[:200]!r} at offset {offset}: `luutru show DOC` names those there are")
    standing(connection).refuse_address(row.url)
    values = {name: getattr(row, name) for name in _SHOWN}
    return Origin(
        **values,
        timestamp=re.sub(r"\D", "", row.date)[:14],
        warc=row.warc,
        original=_repeated(row),
        document=row.document,
        text_digest=row.text_digest,
        crawled=row.crawled,
        sha256=row.sha256,
        verified=row.verified,
        problems=row.problems,
    )


def _repeated(row: Row[Any]) -> Repeated | None:
    if row.original_warc is None:
        return None
    place = row.original_warc, row.original_offset, row.original_length
    return Repeated(row.original_url, row.original_date, *place)


def datings(connection: Connection, identity: str, limit: int = 20) -> list[Dating]:
    """The pages that name a day beside an address of a document, the earliest day first."""
    held = standing(connection)
    shown = [*held.documents_shown(), *held.captures_shown()]
    rows = connection.execute(narrowed(_DATINGS, shown), {"wanted": identity, "most": limit}).all()
    return [Dating(*row) for row in rows]
