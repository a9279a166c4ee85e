"""What the archive is: how much it holds, of which sites, from which crawls, and what is the matter with it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from luutru import answers
from luutru.api import V1, Cursor, Limit, failures
from luutru.responses import JsonResponse, Listed
from luutru.room import Asked
from storage.errors import NotFound
from storage.index import holdings
from storage.model import Crawl

router = APIRouter(prefix=V1, tags=["holdings"])

Site = Annotated[str, Path(min_length=1, description="The key of a site.", examples=["dangcongsan"])]
SiteOf = Annotated[str | None, Query(description="Only of this site.", examples=["dangcongsan"])]
CrawlId = Annotated[str, Path(min_length=1, description="The id of a crawl, or how it begins.")]


@router.get("/stats", response_model=holdings.Stats, responses=failures())
def stats(room: Asked) -> JsonResponse:
    """How much the whole archive holds, as `luutru stats` tells."""
    with room.read() as connection:
        return JsonResponse(holdings.stats(connection))


@router.get("/health", response_model=answers.Health, responses=failures())
def health(room: Asked) -> JsonResponse:
    """What needs a person, as `luutru health` tells. Never kept by anybody between: the disk and the clock count."""
    return JsonResponse(answers.health(room.collection), headers={"Cache-Control": "no-store"})


@router.get("/sites", response_model=Listed[holdings.SiteState], responses=failures())
def sites(room: Asked) -> JsonResponse:
    """The sites of which the archive holds something, by key."""
    with room.read() as connection:
        return JsonResponse(Listed(tuple(holdings.sites(connection, {})), None))


@router.get("/sites/{site}", response_model=holdings.SiteState, responses=failures(404))
def site(room: Asked, site: Site) -> JsonResponse:
    """What the archive holds of one site."""
    with room.read() as connection:
        found = next((one for one in holdings.sites(connection, {}) if one.site == site), None)
    if found is None:
        raise NotFound(f"the archive holds nothing of a site {site!r}")
    return JsonResponse(found)


@router.get("/crawls", response_model=Listed[Crawl], responses=failures())
def crawls(room: Asked, site: SiteOf = None, limit: Limit = 20, cursor: Cursor = None) -> JsonResponse:
    """Crawls, the newest first, as `luutru runs` tells."""
    with room.read() as connection:
        found = holdings.runs(connection, site, limit + 1, before=cursor)
    return JsonResponse(Listed(tuple(found[:limit]), found[limit - 1].crawl if len(found) > limit else None))


@router.get("/crawls/{crawl}", response_model=Crawl, responses=failures(404))
def crawl(room: Asked, crawl: CrawlId) -> JsonResponse:
    """One crawl, as `luutru runs show` tells."""
    with room.read() as connection:
        return JsonResponse(holdings.run(connection, crawl))
