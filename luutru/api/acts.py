"""What may be done in the reading room, with the token of the configuration."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Response

from luutru import deciding
from luutru.acting import ACTS, BY, Back, Bearer, done
from luutru.api import V1, failures
from luutru.room import Asked
from storage.index.withholding import Reach, Released

router = APIRouter(prefix=f"{V1}/acts", tags=["acts"], dependencies=[ACTS])

What = Annotated[str, Form(min_length=1, description="The identity or number of a document, or an address.")]
Reason = Annotated[str, Form(min_length=1, description="Why.")]
Until = Annotated[date | None, Form(description="The last day; from the next on it is shown. Without it: for good.")]
_FAILURES = failures(401, 403, 404, 409, 413, 429)


@router.post("/withhold", response_model=Reach, responses=_FAILURES)
def withhold(
    room: Asked, bearer: Bearer, what: What, reason: Reason, until: Until = None, back: Back = "/"
) -> Response:
    """Keep an address or a document, and show it no longer, as `luutru withhold` does."""
    return done(deciding.withhold(room.collection, what, reason, BY, until), bearer, back)


@router.post("/release", response_model=Released, responses=_FAILURES)
def release(room: Asked, bearer: Bearer, what: What, reason: Reason, back: Back = "/") -> Response:
    """Show again what was withheld, as `luutru release` does."""
    return done(deciding.release(room.collection, what, reason, BY), bearer, back)
