"""Single records, as the bytes of their WARC file: to be kept, never shown."""

from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.responses import StreamingResponse

from luutru.api import failures
from luutru.room import Asked
from storage.errors import NotFound, StorageError
from storage.index import cdx
from storage.manifest import locate
from storage.records import stored_bytes

router = APIRouter(tags=["captures"])


@router.get(
    "/records/{warc:path}",
    response_class=StreamingResponse,
    responses=failures(404, 451)
    | {200: {"content": {"application/warc": {}}, "description": "The record, a gzip member."}},
)
def record(
    room: Asked,
    warc: Annotated[str, Path(description="The WARC file.")],
    offset: Annotated[int, Query(ge=0, lt=1 << 62, description="Where in it the record begins.")],
) -> Response:
    """The record of one capture; `warc` and `offset` are those that captures have."""
    with room.read() as connection:
        held = cdx.stored(connection, warc, offset)
    home = room.collection.home
    try:
        locate(home, held.warc)
    except StorageError as error:
        raise NotFound(f"{held.warc} is not where it was: the archive has lost it, or put it elsewhere") from error
    name = PurePosixPath(held.warc).name.partition(".")[0]
    return StreamingResponse(
        stored_bytes(home, held.warc, held.offset, held.length),
        media_type="application/warc",
        headers={
            "Content-Length": str(held.length),
            "Content-Disposition": f'attachment; filename="{name}-{held.offset}.warc.gz"',
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{held.record_id}"',
            "Cache-Control": "no-cache",  # it may be withheld tomorrow
        },
    )
