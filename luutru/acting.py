"""Who may act in the reading room: whoever has the token, from no page but our own."""

from hmac import compare_digest
from typing import Annotated, Any

from fastapi import Depends, Form, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from luutru.responses import JsonResponse
from luutru.room import Asked, too_often, visitor

BY = "the reading room"  # who has decided, as far as rows can tell: the token is no name

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="The `token` of luutru.toml.")),
]
Back = Annotated[str, Form(description="For a form of a page: the path that it leads back to.")]
_Token = Annotated[str, Form(description="For a form of a page: the token, which a program sends in the header.")]


def done(answer: Any, bearer: Bearer, back: str) -> Response:
    """What was done, for a program; for whoever sent a form, the page that it leads back to."""
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return JsonResponse(answer) if bearer else RedirectResponse(back if is_ours else "/", 303)


async def _acting(request: Request, room: Asked, bearer: Bearer, token: _Token = "") -> None:
    """Raise 401, 403 or 429 where this request may not act."""
    wanted = room.collection.config.token
    if not wanted:
        raise HTTPException(403, "nobody may act here: write a token into luutru.toml, then start `luutru serve` again")
    origin, host = request.headers.get("origin"), request.headers.get("host", "").lower()
    if origin is None and bearer is None:  # no browser sends a form without saying where it stands
        raise _unauthorized("the token is missing: send it as Authorization: Bearer …")
    if origin not in (None, f"{request.url.scheme}://{host}", f"https://{host}"):
        raise HTTPException(403, "this may be asked from a page of the reading room only")
    seconds = room.wrong_tokens.wait(visitor(request))
    if seconds:
        raise too_often("too many wrong tokens came from this address: wait", seconds)
    given = bearer.credentials if bearer else token
    if not compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
        room.wrong_tokens.take(visitor(request))
        raise _unauthorized("the token is wrong")


ACTS = Depends(_acting)  # a dependency of whatever acts


def _unauthorized(sentence: str) -> HTTPException:
    return HTTPException(401, sentence, {"WWW-Authenticate": "Bearer"})
