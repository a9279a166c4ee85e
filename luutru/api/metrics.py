"""The numbers of the archive, as Prometheus asks for them."""

from fastapi import APIRouter
from starlette.responses import Response

from luutru import metrics
from luutru.room import Asked

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def numbers(room: Asked) -> Response:
    """Counted now, and never kept by anybody between: the disk and the clock count."""
    text = metrics.metrics(room.collection)
    return Response(text, headers={"Content-Type": metrics.CONTENT_TYPE, "Cache-Control": "no-store"})
