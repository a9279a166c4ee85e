"""Where the archive has the pictures of an article."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from storage.errors import NotFound
from storage.index.tables import capture, file
from storage.index.withheld import standing
from storage.index.wordings import Place
from storage.surt import surt

_Row = Row[*tuple[Any, ...]]
_original, _original_file = capture.alias("original"), file.alias("original_file")


@dataclass(frozen=True, slots=True)
class Picture:
    """A capture of a picture; for a revisit, the `original` has its bytes."""

    url: str
    date: str
    warc: str
    offset: int
    original: Place | None


def pictures(connection: Connection, urls: Collection[str], moment: str) -> dict[str, Picture]:
    """The capture of each of these addresses that is nearest to a moment, by address."""
    captured = _captured().where(capture.c.urlkey.in_({surt(url) for url in urls}), capture.c.url.in_(urls))
    found: dict[str, _Row] = {}
    shown = standing(connection).captures_shown()
    for row in connection.execute(captured.where(*shown).order_by(capture.c.date)):
        known = found.get(row.url)
        if known is None or known.date < moment:  # the last one before it, or the first one after
            found[row.url] = row
    return {url: _picture(row) for url, row in found.items()}


def picture_at(connection: Connection, warc: str, offset: int) -> Picture:
    """The capture at an offset of a file; raises NotFound, Withheld."""
    row = connection.execute(_captured().where(file.c.name == warc, capture.c.offset == offset)).first()
    if row is None:
        raise NotFound(f"no whole picture is known at {warc[:200]!r}, offset {offset}")
    standing(connection).refuse_address(row.url)
    return _picture(row)


def _captured() -> Select[Any]:
    return (
        select(capture.c.url, capture.c.date, file.c.name.label("warc"), capture.c.offset)
        .add_columns(_original_file.c.name.label("original_warc"), _original.c.offset.label("original_offset"))
        .join(file, file.c.id == capture.c.file)
        .outerjoin(_original, _original.c.id == capture.c.original)
        .outerjoin(_original_file, _original_file.c.id == _original.c.file)
        .where(capture.c.status.in_((200, 304)), capture.c.truncated.is_(None))
    )


def _picture(row: _Row) -> Picture:
    original = Place(row.original_warc, row.original_offset) if row.original_warc else None
    return Picture(row.url, row.date, row.warc, row.offset, original)
