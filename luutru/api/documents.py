"""One document: what it says, what it said before, and what else says it."""

from typing import Annotated

from fastapi import APIRouter, Query

from luutru import answers
from luutru.api import V1, Identity, failures
from luutru.responses import JsonResponse, Listed
from luutru.room import SEARCHES, Asked
from storage.errors import UsageError
from storage.index import questions
from storage.index.questions import Period, Shown, VersionLine
from storage.index.related import Republication, republications

router = APIRouter(prefix=V1, tags=["documents"])

Number = Annotated[int | None, Query(ge=1, description="The number of a version; leave both out for the last two.")]


@router.get("/documents/{identity:path}", response_model=Shown, responses=failures(404, 451))
def document(room: Asked, identity: Identity) -> JsonResponse:
    """What a document says and where the proof lies, as `luutru show` tells."""
    with room.read() as connection:
        return JsonResponse(questions.show(connection, identity))


@router.get("/versions/{identity:path}", response_model=Listed[VersionLine], responses=failures(404, 451))
def versions(room: Asked, identity: Identity) -> JsonResponse:
    """The distinct texts of a document, numbered from 1 by their first capture."""
    with room.read() as connection:
        return JsonResponse(Listed(questions.show(connection, identity).versions, None))


@router.get("/history/{identity:path}", response_model=Listed[Period], responses=failures(404, 451))
def history(room: Asked, identity: Identity) -> JsonResponse:
    """When each text of a document stood, as `luutru history` tells."""
    with room.read() as connection:
        return JsonResponse(Listed(tuple(questions.history(connection, identity)), None))


@router.get(
    "/diff/{identity:path}",
    response_model=answers.Comparison,
    responses=failures(404, 429, 451),
    dependencies=[SEARCHES],
)
def diff(room: Asked, identity: Identity, a: Number = None, b: Number = None) -> JsonResponse:
    """How one version of a document becomes another, word by word, as `luutru diff` tells."""
    if (a is None) != (b is None):
        raise UsageError("name both versions with a= and b=, or none for the last two")
    with room.read() as connection:
        return JsonResponse(answers.comparison(connection, identity, (a, b) if a and b else None))


@router.get("/related/{identity:path}", response_model=Listed[Republication], responses=failures(404, 451))
def related(room: Asked, identity: Identity) -> JsonResponse:
    """The documents that have the same text, or nearly, and who had it first, as `luutru related` tells."""
    with room.read() as connection:
        found = republications(connection, questions.find(connection, identity).id)
    return JsonResponse(Listed(tuple(found), None))
