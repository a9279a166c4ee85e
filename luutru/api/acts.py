"""What may be done in the reading room, with the token of the configuration."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Response
from starlette.exceptions import HTTPException

from luutru import deciding, scheduling
from luutru.acting import ACTS, BY, Back, Bearer, done
from luutru.api import V1, failures
from luutru.room import Asked
from luutru.scheduling import JobShown
from storage import locks
from storage.index.schedule import Run
from storage.index.withholding import Reach, Released

router = APIRouter(prefix=f"{V1}/acts", tags=["acts"], dependencies=[ACTS])

What = Annotated[str, Form(min_length=1, description="The identity or number of a document, or an address.")]
Reason = Annotated[str, Form(min_length=1, description="Why.")]
JobName = Annotated[
    str,
    Form(min_length=1, description="The key of a site, or the name of other work, as `luutru schedule list` shows."),
]
Why = Annotated[str | None, Form(description="Why; it stands with every run that is skipped.")]
Until = Annotated[date | None, Form(description="The last day; from the next on it is shown. Without it: for good.")]
_FAILURES = failures(401, 403, 404, 409, 413, 429)


@router.post("/run", response_model=Run, responses=_FAILURES)
def run(room: Asked, bearer: Bearer, job: JobName, back: Back = "/") -> Response:
    """Let the daemon run the crawl of a site now, or other work such as `verify`, as `luutru schedule run` does."""
    if locks.daemon(room.collection.home) is None:
        raise HTTPException(409, "nobody serves the schedule: start `luutru schedule serve`, then ask again")
    wanted = scheduling.job(scheduling.named_jobs(room.collection), job)
    return done(scheduling.ask(room.collection, wanted, BY), bearer, back)


@router.post("/pause", response_model=JobShown, responses=_FAILURES)
def pause(room: Asked, bearer: Bearer, job: JobName, reason: Why = None, back: Back = "/") -> Response:
    """Begin no planned run of a job until it is resumed, as `luutru schedule pause` does."""
    shown = scheduling.decide(room.collection, job, BY, paused=scheduling.now(), reason=reason)
    return done(shown, bearer, back)


@router.post("/resume", response_model=JobShown, responses=_FAILURES)
def resume(room: Asked, bearer: Bearer, job: JobName, back: Back = "/") -> Response:
    """Let a job run again as it is planned, as `luutru schedule resume` does."""
    return done(scheduling.decide(room.collection, job, BY, paused=None, reason=None), bearer, back)


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
