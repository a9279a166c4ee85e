"""What machines ask by HTTP: one file a subject, each with a `router` that names whole addresses."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query

from luutru.responses import Failure

V1 = "/api/v1"
_SENTENCES = {
    400: "A parameter is not what it must be; the sentence says what to write.",
    401: "The token is missing or wrong.",
    403: "Nobody may act here, or not from this page.",
    404: "The archive holds nothing of that name.",
    409: "Another process is at it.",
    413: "The body is too long.",
    414: "The address is too long.",
    421: "The host name is not one of the reading room's.",
    429: "Too many questions: `Retry-After` says when to come again.",
    451: "It is withheld: kept, and not shown.",
    500: "Something unforeseen went wrong.",
    503: "The archive cannot answer now, or not in time.",
}

Identity = Annotated[
    str,
    Path(
        min_length=1,
        description="The identity of a document, its number or one of its addresses. Percent-encode `?`, `#` and `%`.",
        examples=["vnpt:soctrang/396962"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str | None, Query(description="Go on where an earlier answer ended: its `next`.")]


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The declaration of these answers, and of those that every address may give."""
    return {
        status: {"model": Failure, "description": _SENTENCES.get(status, HTTPStatus(status).phrase)}
        for status in sorted({400, 414, 421, 500, 503, *statuses})
    }
