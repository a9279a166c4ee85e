"""A page as it was captured, in a frame from the origin of the replay, below a banner that says what and when."""

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request, Response

from luutru.addressed import address_behind
from luutru.pages import rendering
from luutru.pages.links import Links
from luutru.replay import memento_url
from luutru.room import Asked
from storage.exports.cdxj import timestamp
from storage.index.cdx import around

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Beside:
    """Another capture of the address."""

    date: str
    address: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What is shown: `frame` is where the replay has it."""

    url: str
    date: str
    frame: str
    before: Beside | None
    after: Beside | None
    document: str | None


@router.get("/replay/{moment}/{url:path}")
def html(request: Request, room: Asked, moment: str, url: str) -> Response:
    """The capture that is closest to a timestamp."""
    language = rendering.language_of(request.url.path)
    found = around(room.collection.index, address_behind(request, 2 if language == "vi" else 3), moment)
    if room.replay_url is None:
        raise HTTPException(503, "no replay runs here: `luutru replay` starts it")
    to = Links(language)
    before, after = (Beside(date, to.replay(date, found.url)) if date else None for date in (found.before, found.after))
    frame = memento_url(room.replay_url, timestamp(found.date), found.url)
    replayed = Replayed(found.url, found.date, frame, before, after, found.document)
    return rendering.page(request, room, "replay.html", replayed, has_twin=False)
