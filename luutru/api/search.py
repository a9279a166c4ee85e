"""The texts, searched."""

from typing import Annotated

from fastapi import APIRouter, Query

from luutru import answers
from luutru.api import V1, Cursor, Limit, failures
from luutru.responses import JsonResponse
from luutru.room import SEARCHES, Asked
from storage.index.search import search as ask
from storage.query import parse

router = APIRouter(prefix=V1, tags=["search"])

Question = Annotated[
    str,
    Query(
        description='All words must occur, with or without diacritics. `"…"` is a phrase, `-word` excludes, `word*` '
        "is a beginning; `site:` `section:` `author:` `after:` `before:` `has:pdf` `in:latest` `gone:yes` narrow. "
        "An empty question asks for everything, the newest first.",
        examples=["đô thị loại I site:dangcongsan after:2025"],
    ),
]


@router.get("/search", response_model=answers.Page, responses=failures(429), dependencies=[SEARCHES])
def search(
    room: Asked,
    q: Question = "",
    limit: Limit = 20,
    cursor: Cursor = None,
    distinct: Annotated[bool, Query(description="Count republications once: name them with the first.")] = False,
    sort: Annotated[answers.Sort, Query(description="The best first, or the newest by day.")] = "rank",
) -> JsonResponse:
    """Documents whose texts answer a question; matches stand in brackets, as `luutru search` tells."""
    query = parse(q)
    with room.read() as connection:
        found = ask(connection, query, limit=limit, cursor=cursor, distinct=distinct, by_day=sort == "new")
    return JsonResponse(answers.page(found))
