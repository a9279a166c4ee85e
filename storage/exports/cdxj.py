"""CDXJ, the index of captures as pywb reads it: a line a capture, sorted as `LC_ALL=C sort` does.

The fields are those that pywb writes; `filename` is the path below the archive's home, and `truncated` says why a body
is not whole. Where a server answered 304 the line has the place of what it confirmed, under the moment of the 304:
pywb would show the 304 itself as an empty page.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import groupby

from storage.index.engine import Index
from storage.index.listings import Listed, captures_by_urlkey
from storage.model import RecordType

_NOT_MODIFIED = 304


def lines(index: Index, site: str | None = None) -> Iterator[str]:
    """The lines, each with its end, of all sites or of one; raises StorageError."""
    yield from moved(index, site, lambda warc, offset: (warc, offset))


def moved(index: Index, site: str | None, place: Callable[[str, int], tuple[str, int] | None]) -> Iterator[str]:
    """The lines of captures whose files lie elsewhere: `place` says where, None where the line is left out."""
    for (urlkey, timestamp), rows in groupby(captures_by_urlkey(index, site), key=_key):
        found = (_placed(_fields(row), place) for row in rows)
        yield from sorted(f"{urlkey} {timestamp} {json.dumps(fields)}\n" for fields in found if fields)


def _placed(fields: dict[str, str], place: Callable[[str, int], tuple[str, int] | None]) -> dict[str, str] | None:
    found = place(fields["filename"], int(fields["offset"]))
    return fields | {"filename": found[0], "offset": str(found[1])} if found else None


def _key(row: Listed) -> tuple[str, str]:
    return row.urlkey, re.sub(r"\D", "", row.date)[:14]


def _fields(row: Listed) -> dict[str, str]:
    is_revisit = row.type == RecordType.REVISIT
    if is_revisit and row.status == _NOT_MODIFIED and row.original_warc:
        status, mime, digest = row.original_status, row.original_mime, row.original_payload_digest
        length, offset, warc = row.original_length, row.original_offset, row.original_warc
    else:
        status, mime, digest = row.status, row.mime, row.payload_digest
        length, offset, warc = row.length, row.offset, row.warc
        if is_revisit:
            status, mime = None, "warc/revisit"
        elif row.type == RecordType.RESOURCE:
            mime = "application/octet-stream"
    fields = {
        "url": row.url,
        "mime": mime or "unk",
        "status": str(status) if status else None,
        "digest": digest.removeprefix("sha1:") if digest else None,
        "length": str(length),
        "offset": str(offset),
        "truncated": row.truncated,
        "filename": warc,
    }
    return {name: value for name, value in fields.items() if value is not None}
