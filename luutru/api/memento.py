"""Memento (RFC 7089): which captures there are of an address, and which one is closest to a moment."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request, Response
from starlette.responses import StreamingResponse

from luutru.addressed import address_behind
from luutru.api import failures
from luutru.replay import memento_url
from luutru.room import Asked, Room
from storage.errors import NotFound, UsageError
from storage.exports.cdxj import timestamp
from storage.index import cdx
from storage.index.cdx import Wanted
from storage.index.listings import Listed
from storage.index.withheld import standing

router = APIRouter(tags=["memento"])

_FAILURES = failures(404, 451)
Url = Annotated[
    str, Path(description="The address as it is, not encoded, with its query.", examples=["https://thst.vn/"])
]
_LINKS = "application/link-format"
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {_LINKS: {}}, "description": "The captures, oldest first."},
}


@dataclass(frozen=True, slots=True)
class Original:
    """An address, and where this server tells of it."""

    url: str
    room: str  # origin of the reading room, as it is called
    replay: str | None

    @property
    def timegate(self) -> str:
        return f"{self.room}/timegate/{self.url}"

    def timemap(self, kind: str) -> str:
        """The list of captures, as `link` or `json`."""
        return f"{self.room}/timemap/{kind}/{self.url}"

    def memento(self, date: str) -> str:
        """Where a capture is shown; without a replay, the reading room's page of it."""
        return memento_url(self.replay or f"{self.room}/replay/", timestamp(date), self.url)


@router.head("/timemap/link/{url:path}", include_in_schema=False)
@router.get("/timemap/link/{url:path}", response_class=StreamingResponse, responses=_FAILURES | _LISTED)
def timemap(room: Asked, request: Request, url: Url) -> Response:
    """The captures of an address as links (RFC 7089, section 5)."""
    original = _original(room, request, 2)
    rows = cdx.mementos(room.collection.index, Wanted.of(original.url))
    first = _first(rows, original)
    return StreamingResponse(_links(original, first, rows), media_type=_LINKS, headers={"Cache-Control": "no-cache"})


@router.head("/timemap/json/{url:path}", include_in_schema=False)
@router.get("/timemap/json/{url:path}", responses=_FAILURES)
def timemap_json(room: Asked, request: Request, url: Url) -> Response:
    """The captures of an address as JSON, in the shape that Memento aggregators give."""
    original = _original(room, request, 2)
    rows = cdx.mementos(room.collection.index, Wanted.of(original.url))
    listed = [_shape(original, row) for row in _together(_first(rows, original), rows)]
    told = {
        "original_uri": original.url,
        "self": original.timemap("json"),
        "timegate_uri": original.timegate,
        "timemap_uri": {f"{kind}_format": original.timemap(kind) for kind in ("link", "json")},
        "mementos": {"first": listed[0], "last": listed[-1], "list": listed},
    }
    return Response(json.dumps(told), media_type="application/json", headers={"Cache-Control": "no-cache"})


@router.head("/timegate/{url:path}", include_in_schema=False)
@router.get("/timegate/{url:path}", status_code=302, response_class=Response, responses=_FAILURES)
def timegate(room: Asked, request: Request, url: Url) -> Response:
    """To the capture that is closest to `Accept-Datetime`, else to the newest (RFC 7089, section 4.2)."""
    original = _original(room, request, 1)
    moment = _moment(request.headers.get("accept-datetime"))
    wanted = Wanted.of(original.url)
    asked = Wanted(wanted.first, wanted.last, backwards=moment is None, closest=moment)
    row = _first(cdx.mementos(room.collection.index, asked), original)
    if original.replay is None:
        raise HTTPException(503, "no replay runs here: the TimeMap lists the captures", {"Vary": "accept-datetime"})
    links = [
        _link(original.url, "original"),
        _link(original.timemap("link"), "timemap", type=_LINKS),
        _memento(original, row, "memento"),
    ]
    headers = {"Location": original.memento(row.date), "Vary": "accept-datetime", "Link": ", ".join(links)}
    return Response(status_code=302, headers=headers | {"Cache-Control": "no-cache"})


def _original(room: Room, request: Request, names: int) -> Original:
    """The address that is asked about; raises UsageError, Withheld."""
    url = address_behind(request, names)
    with room.read() as connection:
        standing(connection).refuse_address(url)
    return Original(url, str(request.base_url).rstrip("/"), room.replay_url)


def _first(rows: Iterator[Listed], original: Original) -> Listed:
    first = next(rows, None)
    if first is None:
        raise NotFound(f"the archive has no capture of {original.url}")
    return first


def _together(first: Listed, rows: Iterable[Listed]) -> Iterator[Listed]:
    yield first
    yield from rows


def _links(original: Original, first: Listed, rows: Iterator[Listed]) -> Iterator[str]:
    yield f"{_link(original.url, 'original')},\n"
    yield f"{_link(original.timemap('link'), 'self', type=_LINKS)},\n"
    yield f"{_link(original.timegate, 'timegate')},\n"
    row, rel = first, "first memento"
    for following in rows:
        yield f"{_memento(original, row, rel)},\n"
        row, rel = following, "memento"
    yield f"{_memento(original, row, 'first last memento' if row is first else 'last memento')}\n"


def _memento(original: Original, row: Listed, rel: str) -> str:
    return _link(original.memento(row.date), rel, datetime=format_datetime(_date(row), usegmt=True))


def _shape(original: Original, row: Listed) -> dict[str, str]:
    return {"datetime": _date(row).strftime("%Y-%m-%dT%H:%M:%SZ"), "uri": original.memento(row.date)}


def _date(row: Listed) -> datetime:
    return datetime.fromisoformat(row.date).replace(microsecond=0).astimezone(UTC)


def _link(url: str, rel: str, **more: str) -> str:
    return "; ".join([f"<{url}>", f'rel="{rel}"', *(f'{name}="{value}"' for name, value in more.items())])


def _moment(said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        moment = parsedate_to_datetime(said)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        example = format_datetime(datetime.now(UTC), usegmt=True)
        raise UsageError(f"Accept-Datetime {said[:50]!r} is no date: write it as {example!r}") from error
