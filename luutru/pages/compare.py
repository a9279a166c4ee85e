"""Two versions of a document beside each other, word by word."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

import spiders
from luutru.comparison import Effort
from luutru.pages import rendering
from luutru.pages.differences import Line, counted, lines
from luutru.responses import JsonResponse
from luutru.room import SEARCHES, Asked, Room
from storage.errors import NotFound
from storage.index import questions
from storage.index.questions import VersionLine

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How version `a` of a document became version `b`; `coarse` where that was too much to compare every word."""

    document: str
    title: str
    language: str | None
    versions: tuple[VersionLine, ...]
    a: int
    b: int
    from_seen: str
    to_seen: str
    added: int
    removed: int
    coarse: bool
    rows: tuple[Line, ...]

    @property
    def title_changed(self) -> bool:
        """Whether the titles differ."""
        return any(one.number == 0 for one in self.rows)

    @property
    def changed_paragraphs(self) -> int:
        """How many paragraphs came, went or were changed."""
        return sum(1 for one in self.rows if one.op != "equal" and one.number > 0)

    @property
    def same_paragraphs(self) -> int:
        """How many paragraphs are the same."""
        return sum(len(one.paragraphs) for one in self.rows)


@router.get("/compare/{identity:path}.json", dependencies=[SEARCHES])
def json(room: Asked, identity: str, a: int | None = None, b: int | None = None) -> Response:
    """The same for machines."""
    return JsonResponse(comparison(room, identity, a, b))


@router.get("/compare/{identity:path}", dependencies=[SEARCHES])
def html(request: Request, room: Asked, identity: str, a: int | None = None, b: int | None = None) -> Response:
    """The page."""
    return rendering.page(request, room, "compare.html", comparison(room, identity, a, b))


def comparison(room: Room, wanted: str, a: int | None, b: int | None) -> Comparison:
    """How one version became another, the last two unless others are named; raises NotFound."""
    with room.read() as connection:
        shown = questions.show(connection, wanted, spiders.documents(wanted))
        texts = questions.texts(connection, shown.document).texts
    seen = {one.version: one for one in shown.versions}
    if len(seen) < 2:
        raise NotFound(f"{shown.document} has {len(seen) or 'no'} version: there is nothing to compare")
    newest = max(seen)
    b = b or (newest if a != newest else max(number for number in seen if number < newest))
    a = a or max((number for number in seen if number < b), default=newest)
    for number in (a, b):
        if number not in seen:
            raise NotFound(f"{shown.document} has no version {number}: there are {len(seen)}")
    effort = Effort()
    found = lines(texts[a - 1], texts[b - 1], effort)
    added, removed = counted(found)
    return Comparison(
        document=shown.document,
        title=texts[b - 1][0],
        language=shown.language,
        versions=shown.versions,
        a=a,
        b=b,
        from_seen=seen[a].first_seen,
        to_seen=seen[b].first_seen,
        added=added,
        removed=removed,
        coarse=effort.was_short,
        rows=found,
    )
