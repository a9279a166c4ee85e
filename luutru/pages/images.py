"""Archived pictures, so that an article can be read with them.

Only what its own bytes say is a picture made of points is given, under that type and sandboxed: an archived file that
is a document, such as SVG, would run as one of the reading room's own.
"""

from fastapi import APIRouter, Response

from luutru.room import Asked
from storage.coding import decoded
from storage.errors import NotFound
from storage.index.pictures import picture_at
from storage.records import read_payload

router = APIRouter()
_LARGEST = 20_000_000
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/images/{warc:path}")
def image(room: Asked, warc: str, offset: int) -> Response:
    """The picture of a capture; raises NotFound where it is none."""
    with room.read() as connection:
        found = picture_at(connection, warc, offset)
    response = read_payload(room.collection.home, found, found.original)
    body = decoded(response.headers, response.body, _LARGEST)
    kind = media_type(body)
    if kind is None:
        raise NotFound(f"the capture at {warc[:200]}, offset {offset}, is no picture that can be shown")
    return Response(body, media_type=kind, headers=_HEADERS)


def media_type(body: bytes) -> str | None:
    """What a file is by its first bytes, where it is a picture made of points."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    if body[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return "image/bmp" if body[:2] == b"BM" else None
