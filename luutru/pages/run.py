"""One crawl: how it ended, what it brought, what it warned of."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from luutru.pages import rendering
from luutru.responses import JsonResponse
from luutru.room import Asked, Room
from storage.index import daybook, holdings
from storage.index.daybook import Named
from storage.model import Crawl

router = APIRouter()


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the page of a crawl tells."""

    crawl: Crawl
    files: tuple[Named, ...]


@router.get("/runs/{crawl}.json")
def json(room: Asked, crawl: str) -> Response:
    """The same for machines."""
    return JsonResponse(run(room, crawl))


@router.get("/runs/{crawl}")
def html(request: Request, room: Asked, crawl: str) -> Response:
    """The page."""
    return rendering.page(request, room, "run.html", run(room, crawl), current="runs")


def run(room: Room, wanted: str) -> RunPage:
    """What the page of a crawl tells; raises NotFound."""
    with room.read() as connection:
        found = holdings.run(connection, wanted)
        return RunPage(found, tuple(daybook.files_of(connection, found.crawl)))
