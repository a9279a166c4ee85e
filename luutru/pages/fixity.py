"""Whether what is kept is still what it was: every file, when it was verified, and what that found."""

from dataclasses import asdict, dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from luutru.pages import rendering
from luutru.responses import JsonResponse
from luutru.room import Asked, Room
from storage.index import fixity
from storage.index.fixity import FileState, Summary

router = APIRouter()
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class File(FileState):
    """A file, and whether it is not where the index says."""

    is_missing: bool


@dataclass(frozen=True, slots=True)
class FixityPage:
    """What the page tells; `missing` are files of this page that are not there."""

    summary: Summary
    files: tuple[File, ...]
    missing: tuple[str, ...]
    next: str | None


@router.get("/fixity.json")
def json(room: Asked, after: str = "") -> Response:
    """The same for machines."""
    return JsonResponse(state(room, after))


@router.get("/fixity")
def html(request: Request, room: Asked, after: str = "") -> Response:
    """The page."""
    return rendering.page(request, room, "fixity.html", state(room, after))


def state(room: Room, after: str) -> FixityPage:
    """How the files stand whose names come behind `after`."""
    with room.read() as connection:
        summary = fixity.summary(connection)
        states = fixity.file_states(connection, after, _SHOWN + 1)
    files = tuple(File(**asdict(one), is_missing=_is_missing(room.collection.home, one)) for one in states[:_SHOWN])
    return FixityPage(
        summary=summary,
        files=files,
        missing=tuple(one.name for one in files if one.is_missing),
        next=files[-1].name if len(states) > _SHOWN else None,
    )


def _is_missing(home: Path, one: FileState) -> bool:
    return not any((home / name).exists() for name in (one.name, f"{one.name}.open"))
