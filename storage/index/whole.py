"""Documents with everything that the index says of them: what `show` tells, all texts, and what each capture gave.

Nothing of it depends on the order in which rows were written.
"""

import json
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, select, tuple_

from storage.index.questions import Held, Shown, VersionLine, show
from storage.index.tables import capture, document, file, reading, version
from storage.index.withheld import standing
from storage.model import Attachment, Image


@dataclass(frozen=True, slots=True)
class WholeVersion(VersionLine):
    """A version with everything that it says."""

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
    attachments: tuple[Attachment, ...]
    method: str
    confidence: float
    digest_rule: int
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeCapture(Held):
    """A capture, when exactly it was made, and what was read from it."""

    date: str
    version: int | None
    views: int | None


@dataclass(frozen=True, slots=True)
class Whole(Shown):
    """A document as it is shown, and all that its versions and captures say."""

    versions: tuple[WholeVersion, ...]
    captures: tuple[WholeCapture, ...]


_SAID = tuple(one.name for one in fields(WholeVersion) if one not in fields(VersionLine))


def whole(connection: Connection, identity: str) -> Whole:
    """The document of this identity; raises NotFound, Withheld."""
    shown = show(connection, identity)
    held = standing(connection)
    numbers: dict[int, int] = {}
    versions = []
    rows = connection.execute(
        select(version)
        .join(document, document.c.id == version.c.document)
        .where(document.c.identity == identity)
        .order_by(version.c.first_seen, version.c.digest)
    ).mappings()
    lines = {line.version: line for line in shown.versions}
    for number, row in enumerate(rows, 1):
        if number not in lines:  # withheld
            continue
        line = lines[number]
        numbers[row["id"]] = line.version
        own = {
            one.name: _read(one.name, row[one.name]) for one in fields(WholeVersion) if one.name not in _values(line)
        }
        files = {
            name: tuple(one for one in own[name] if not held.covers(one.url)) for name in ("images", "attachments")
        }
        versions.append(WholeVersion(**_values(line), **own | files))
    captures = _captures(connection, shown.captures, numbers)
    return Whole(**_values(shown) | {"versions": tuple(versions), "captures": captures})


def _captures(connection: Connection, held: tuple[Held, ...], numbers: dict[int, int]) -> tuple[WholeCapture, ...]:
    place = tuple_(file.c.name, capture.c.offset)
    rows = connection.execute(
        select(file.c.name, capture.c.offset, capture.c.date, reading.c.version, reading.c.views)
        .join(file, file.c.id == capture.c.file)
        .outerjoin(reading, reading.c.capture == capture.c.id)
        .where(place.in_([(one.warc, one.offset) for one in held]))
    )
    read = {(row.name, row.offset): row for row in rows}
    return tuple(
        WholeCapture(**_values(one), date=row.date, version=numbers.get(row.version), views=row.views)
        for one in held
        for row in [read[one.warc, one.offset]]
    )


def _read(name: str, value: Any) -> Any:
    """A value of the table as the answer has it."""
    if name in ("authors", "section", "tags"):
        return tuple(json.loads(value))
    if name in ("images", "attachments"):
        kind = Image if name == "images" else Attachment
        return tuple(kind(**one) for one in json.loads(value))
    return value / 1000 if name == "confidence" else value


def _values(answer: Shown | VersionLine | Held) -> dict[str, Any]:
    return {one.name: getattr(answer, one.name) for one in fields(answer)}
