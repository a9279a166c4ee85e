"""All answers to a question, for other programs: a feed, and files that are written as they are found."""

from collections.abc import Iterable
from itertools import chain

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from luutru import feeds
from luutru.feeds import Feed
from luutru.pages.links import Links
from luutru.pages.rendering import language_of
from luutru.room import SEARCHES, Asked, Room
from storage.index.hits import Hit
from storage.index.search import walk
from storage.query import parse

router = APIRouter(dependencies=[SEARCHES])
_ENTRIES = 50


@router.get("/search.atom")
def atom(request: Request, room: Asked, q: str = "", cursor: str | None = None) -> Response:
    """The newest answers, as a feed."""
    query = parse(q)
    with room.read() as connection:
        hits, following = walk(connection, query, cursor, _ENTRIES)
    base = str(request.base_url).rstrip("/")
    to = Links(language_of(request.url.path))
    address = f"{base}{to.feed(q)}"
    feed = Feed(
        title=f"luutru: {q.strip()}" if q.strip() else "luutru",
        address=f"{address}{_more(address, cursor)}" if cursor else address,
        page=f"{base}{to.search(q)}",
        next=f"{address}{_more(address, following)}" if following else None,
        documents=f"{base}{to.document('')}",
        authority=next(iter(room.collection.config.hosts), request.url.hostname or "localhost"),
        author=room.collection.config.operator or "luutru",
        language=to.language,
    )
    return Response(feeds.atom(feed, hits), media_type="application/atom+xml")


@router.get("/search.csv")
def csv(room: Asked, q: str = "") -> Response:
    """All answers, a line each, for spreadsheets."""
    return _file("csv", "text/csv", feeds.comma_separated(_all(room, q)))


@router.get("/search.jsonl")
def jsonl(room: Asked, q: str = "") -> Response:
    """All answers, an object a line."""
    return _file("jsonl", "application/jsonl", feeds.jsonl(_all(room, q)))


def _more(address: str, cursor: str) -> str:
    return f"{'&' if '?' in address else '?'}cursor={cursor}"


def _all(room: Room, text: str) -> Iterable[Hit]:
    """All answers; the first page is read before anything is sent, so that an error is told as one."""
    query = parse(text)

    def turn(cursor: str | None) -> tuple[tuple[Hit, ...], str | None]:
        with room.read() as connection:
            return walk(connection, query, cursor)

    found = feeds.hits(turn)
    return chain((one for one in [next(found, None)] if one), found)


def _file(suffix: str, media_type: str, lines: Iterable[bytes]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="luutru.{suffix}"'}
    return StreamingResponse(lines, media_type=media_type, headers=headers)
