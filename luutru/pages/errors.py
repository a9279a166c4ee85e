"""The page that says what is the matter: what, what to do, and what is near."""

from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import Request, Response

from luutru.pages import rendering
from luutru.room import Room
from storage.errors import ArchiveError
from storage.index.nearby import Near, nearby

_KINDS = {
    400: "usage",
    401: "refused",
    403: "refused",
    404: "not_found",
    405: "usage",
    409: "busy",
    413: "usage",
    414: "usage",
    421: "usage",
    422: "usage",
    429: "many",
    451: "withheld",
    503: "busy",
    504: "slow",
}
_SLOW = ("too-slow", "timeout")


@dataclass(frozen=True, slots=True)
class Failure:
    """What is the matter; `url` is the address that was asked for, `words` are those to search for instead."""

    kind: str
    status: int
    subject: str
    detail: str
    url: str | None = None
    words: str = ""
    near: tuple[Near, ...] = ()


def error_page(request: Request, status: int, code: str, message: str) -> Response:
    """The page of a failure."""
    room: Room = request.app.state.room
    kind = "slow" if code in _SLOW else _KINDS.get(status, "unexpected")
    subject = unquote(request.url.path)[:300]
    failure = Failure(kind, status, subject, message[:500])
    if status == 404:
        failure = _missing(request, room, failure)
    return rendering.page(request, room, "error.html", failure, status=status, has_twin=False)


def _missing(request: Request, room: Room, failure: Failure) -> Failure:
    """What was asked for, as far as it can be told, and what is near it."""
    root = "/en" if rendering.language_of(failure.subject) == "en" else ""
    path = failure.subject.removeprefix(root)
    is_address = path == "/address"
    url = request.query_params.get("url", "")[:2000] if is_address else path.removeprefix("/d/").removeprefix("web:")
    found = nearby_of(room, url) if "." in url else ()
    last = url.rpartition("/")[2].replace("-", " ").replace("_", " ")
    words = " ".join(part for part in last.split() if part.isalnum())
    return Failure(
        kind="no_capture" if is_address else failure.kind,
        status=failure.status,
        subject=url if is_address else failure.subject,
        detail=failure.detail,
        url=url if is_address and "://" in url else None,
        words=words[:100],
        near=found,
    )


def nearby_of(room: Room, url: str) -> tuple[Near, ...]:
    """Addresses that are near; none where the index does not answer: that is told elsewhere."""
    try:
        with room.read() as connection:
            return tuple(nearby(connection, url))
    except ArchiveError:
        return ()
