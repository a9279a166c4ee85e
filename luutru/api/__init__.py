"""What machines ask by HTTP: one file a subject, each with a `router` that names whole addresses."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query

from luutru.responses import Failure

V1 = "/api/v1"
_SENTENCES = {
    400: "A parameter is not what it must be; the sentence says what to write.",
    404: "The archive holds nothing of that name.",
    409: "Another process is at it.",
    429: "Too many questions: `Retry-After` says when to come again.",
    451: "It is withheld.",
    503: "The archive cannot answer now, or not in time.",
}

Identity = Annotated[
    str,
    Path(
        min_length=1,
        max_length=4_000,
        description="The identity of a document, its number or one of its addresses. Percent-encode `?`, `#` and `%`.",
        examples=["vnpt:soctrang/396962"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1_000, description="Go on where an earlier answer ended: its `next`.")]


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The declaration of these answers, and of those that every address may give."""
    return {
        status: {"model": Failure, "description": _SENTENCES.get(status, HTTPStatus(status).phrase)}
        for status in sorted({400, 503, *statuses})
    }
