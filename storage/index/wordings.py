"""What one version of a document says, and the capture in which it was read first."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from storage.errors import NotFound
from storage.index.tables import capture, document, file, fixity, reading, version
from storage.index.withheld import narrowed, standing
from storage.model import Image


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    warc: str
    offset: int


@dataclass(frozen=True, slots=True)
class Verified:
    """When a file was verified last, and how many problems that found."""

    verified: str
    problems: int


@dataclass(frozen=True, slots=True)
class Source:
    """A capture in which a text was read, as its row says it; for a revisit, the `original` has the payload."""

    date: str
    url: str
    status: int | None
    type: str
    warc: str
    offset: int
    length: int
    payload_digest: str | None
    record_id: str
    ip: str | None
    crawl: str
    original: Place | None
    fixity: Verified | None


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a document: all that was read with its text, as `Shown` has it for the one that stands."""

    title: str
    lead: str | None
    text: str
    authors: tuple[str, ...]
    published: str | None
    published_from: str | None
    modified: str | None
    section: tuple[str, ...]
    tags: tuple[str, ...]
    language: str | None
    images: tuple[Image, ...]
    method: str
    confidence: float


_original, _original_file = capture.alias("original"), file.alias("original_file")
_PLAIN = ("title", "lead", "text", "published", "published_from", "modified", "language", "method")
_LISTS = ("authors", "section", "tags")
_OF_CAPTURE = ("date", "url", "status", "type", "offset", "length", "payload_digest", "record_id", "ip", "crawl")
_NUMBERED = (
    select(version)
    .join(document, document.c.id == version.c.document)
    .where(document.c.identity == bindparam("wanted"))
    .order_by(version.c.first_seen, version.c.digest)
    .limit(1)
    .offset(bindparam("before"))
)
_SOURCE = (
    select(*(capture.c[name] for name in _OF_CAPTURE), file.c.name.label("warc"))
    .add_columns(_original_file.c.name.label("original_warc"), _original.c.offset.label("original_offset"))
    .add_columns(fixity.c.verified, fixity.c.problems)
    .select_from(document)
    .join(version, version.c.document == document.c.id)
    .join(reading, reading.c.version == version.c.id)
    .join(capture, capture.c.id == reading.c.capture)
    .join(file, file.c.id == capture.c.file)
    .outerjoin(fixity, fixity.c.file == file.c.name)
    .outerjoin(_original, _original.c.id == capture.c.original)
    .outerjoin(_original_file, _original_file.c.id == _original.c.file)
    .where(document.c.identity == bindparam("wanted"), version.c.digest == bindparam("digest"))
    .order_by(capture.c.date, file.c.name, capture.c.offset)
    .limit(1)
)


def wording(connection: Connection, identity: str, number: int) -> Wording:
    """The version of this number, from 1 by first capture; raises NotFound."""
    row = connection.execute(_NUMBERED, {"wanted": identity, "before": number - 1}).first()
    held = standing(connection)
    if row is None or row.id in held.versions:
        raise NotFound(f"{identity} has no version {number}: `luutru history {identity}` lists them")
    said: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    return Wording(
        **said | {name: tuple(json.loads(getattr(row, name))) for name in _LISTS},
        images=tuple(Image(**one) for one in json.loads(row.images) if not held.covers(one["url"])),
        confidence=row.confidence / 1000,
    )


def source(connection: Connection, identity: str, digest: str) -> Source | None:
    """The earliest capture that gave a document the text of this digest; None where none of them is shown."""
    query = narrowed(_SOURCE, standing(connection).captures_shown())
    row = connection.execute(query, {"wanted": identity, "digest": digest}).first()
    if row is None:
        return None
    return Source(
        **{name: getattr(row, name) for name in (*_OF_CAPTURE, "warc")},
        original=Place(row.original_warc, row.original_offset) if row.original_warc else None,
        fixity=Verified(row.verified, row.problems) if row.verified else None,
    )
