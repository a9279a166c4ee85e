"""The captures of one address."""

from typing import Annotated

from fastapi import APIRouter, Query

from luutru.api import V1, Cursor, Limit, failures
from luutru.responses import JsonResponse, Listed
from luutru.room import Asked
from storage.index import questions
from storage.index.questions import Held

router = APIRouter(prefix=V1, tags=["captures"])

Address = Annotated[
    str,
    Query(min_length=1, description="An address; its scheme may be left out.", examples=["https://thst.vn/"]),
]


@router.get("/captures", response_model=Listed[Held], responses=failures(404, 451))
def captures(room: Asked, url: Address, limit: Limit = 100, cursor: Cursor = None) -> JsonResponse:
    """Where each capture of an address lies, oldest first, requisites too."""
    with room.read() as connection:
        found, following = questions.captures_at(connection, url, limit, cursor)
    return JsonResponse(Listed(found, following))
