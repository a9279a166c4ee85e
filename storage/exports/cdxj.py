"""CDXJ, the index of captures as pywb reads it: a line a capture, sorted as `LC_ALL=C sort` does.

The fields are those that pywb writes; `filename` is the path below the archive's home, and `truncated` says why a body
is not whole. Where a server answered 304 the line has the place of what it confirmed, under the moment of the 304:
pywb would show the 304 itself as an empty page.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from storage.index.engine import Index
from storage.index.listings import Listed, captures_by_urlkey
from storage.model import RecordType

_NOT_MODIFIED = 304
_REVISIT = "warc/revisit"


def lines(index: Index, site: str | None = None) -> Iterator[str]:
    """The lines, each with its end, of all sites or of one; raises StorageError."""
    yield from moved(index, site, lambda warc, offset: (warc, offset))


def moved(index: Index, site: str | None, place: Callable[[str, int], tuple[str, int] | None]) -> Iterator[str]:
    """The lines of captures whose files lie elsewhere: `place` says where, None where the line is left out."""
    for (urlkey, moment), rows in groupby(captures_by_urlkey(index, site), key=_key):
        found = (_placed(fields(row), place) for row in rows)
        yield from sorted(line(urlkey, moment, said) for said in found if said)


def _key(row: Listed) -> tuple[str, str]:
    return row.urlkey, timestamp(row.date)


def _placed(said: dict[str, str], place: Callable[[str, int], tuple[str, int] | None]) -> dict[str, str] | None:
    found = place(said["filename"], int(said["offset"]))
    return said | {"filename": found[0], "offset": str(found[1])} if found else None


def line(urlkey: str, moment: str, said: Mapping[str, str]) -> str:
    """One line of the format, with its end."""
    return f"{urlkey} {moment} {json.dumps(said)}\n"


def timestamp(date: str) -> str:
    """A moment of the index as 14 digits."""
    return re.sub(r"\D", "", date)[:14]


def fields(row: Listed, *, resolved: bool = False) -> dict[str, str]:
    """What a line says of a capture.

    When `resolved`, a revisit has the place of its original as `orig.…`, and its media type and status, so that it can
    be shown without looking for that.
    """
    is_revisit = row.type == RecordType.REVISIT
    mime, status, place, digest = row.mime, row.status, (row.length, row.offset, row.warc), row.payload_digest
    orig: dict[str, str] = {}
    if is_revisit and row.original_warc:
        original = row.original_length, row.original_offset, row.original_warc
        if row.status == _NOT_MODIFIED:
            mime, status, place, digest = row.original_mime, row.original_status, original, row.original_payload_digest
        elif resolved:
            orig = dict(zip(("orig.length", "orig.offset", "orig.filename"), map(str, original), strict=True))
            mime = row.original_mime
        else:
            mime, status = _REVISIT, None
    elif is_revisit:
        mime, status = _REVISIT, None
    elif row.type == RecordType.RESOURCE:
        mime = "application/octet-stream"
    said = {
        "url": row.url,
        "mime": mime or "unk",
        "status": str(status) if status else None,
        "digest": digest.removeprefix("sha1:") if digest else None,
        "length": str(place[0]),
        "offset": str(place[1]),
        "truncated": row.truncated,
        "filename": place[2],
    }
    return {name: value for name, value in said.items() if value is not None} | orig
