"""How much the archive holds."""

from fastapi import APIRouter

from luutru.api import V1
from luutru.responses import JsonResponse
from luutru.room import Asked
from storage.index import holdings

router = APIRouter(prefix=V1, tags=["holdings"])


@router.get("/stats", response_model=holdings.Stats)
def stats(room: Asked) -> JsonResponse:
    """How much the whole archive holds, as `luutru stats` tells."""
    with room.read() as connection:
        return JsonResponse(holdings.stats(connection))
