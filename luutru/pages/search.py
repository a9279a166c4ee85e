"""The answers to a question: how many, when, which, and how to narrow them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response

from luutru.answers import Sort
from luutru.pages import asked, rendering
from luutru.pages.links import Links
from luutru.pages.words import Words
from luutru.responses import JsonResponse
from luutru.room import SEARCHES, Asked, Room
from storage.errors import UsageError
from storage.folding import accented
from storage.index.brief import Brief, briefs
from storage.index.facets import Facets
from storage.index.search import Results, search
from storage.query import Filter, Query, parse, straight

router = APIRouter()
_SHOWN = 20
_VALUES = 8  # of a facet
SAMPLES = (
    ("kênh rạch", "all"),
    ('"bờ kênh"', "phrase"),
    ("-sạt", "without"),
    ("chỉnh*", "prefix"),
    ("site:thst", "site"),
    ('section:"Thông báo"', "section"),
    ("author:Anh", "author"),
    ("after:2024-03 before:2024-12", "time"),
    ("has:pdf", "pdf"),
    ("gone:yes", "gone"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, and the question that chooses it, or that no longer does where it is chosen."""

    value: str
    count: int
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A way to narrow."""

    field: str
    values: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is in force, and the question without it."""

    field: str
    value: str
    excluded: bool
    without: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the page of a question tells; without `results` there is a `problem`: its `date` or `cursor` is wrong."""

    query: Query | None
    results: Results | None
    also: Mapping[str, Brief]
    facets: tuple[Facet, ...]
    filters: tuple[Chip, ...]
    cursor: str | None = None
    sort: Sort = "rank"
    problem: str | None = None
    is_empty: bool = False

    @property
    def months(self) -> Iterable[tuple[str, int]]:
        """Documents by month."""
        return self.results.facets.month if self.results else ()

    @property
    def year(self) -> str | None:
        """The year to which the question is limited."""
        return asked.year_of(self.query) if self.query else None

    @property
    def has_words(self) -> bool:
        """Whether the answers are ranked."""
        return bool(self.query and self.query.terms)

    @property
    def plain(self) -> bool:
        """Whether words were typed, and none of them with diacritics."""
        terms = self.query.terms if self.query else ()
        return bool(terms) and not any(accented(str(one)) for one in terms)

    @property
    def unfiltered(self) -> str:
        """The question without any filter."""
        return asked.written(replace(self.query, filters=())) if self.query else ""

    def link(self, to: Links, text: str, **more: object) -> str:
        """Where another question leads, in the same order."""
        return to.search(text, sort=self.sort if self.sort != "rank" else None, **more)

    def period_link(self, to: Links) -> Callable[[str, str], str]:
        """Where a period of the chart leads: from one month to another."""
        query = self.query or Query()
        return cache(lambda first, last: self.link(to, asked.within(query, first, last)))

    def export(self, to: Links, form: str) -> str:
        """Where all results are given as a file."""
        return to.export(asked.written(self.query or Query()), form)


@router.get("/search", dependencies=[SEARCHES])
def html(request: Request, room: Asked, q: str = "", cursor: str | None = None, sort: Sort = "rank") -> Response:
    """The page."""
    return room.kept.page(request, lambda: _page(request, room, q, cursor, sort))


def _page(request: Request, room: Room, q: str, cursor: str | None, sort: Sort) -> Response:
    found = answer(room, q, cursor, sort, rendering.MARKS)
    words = rendering.words_of(request, room)
    status = 400 if found.problem else 200
    shown: dict[str, Any] = {
        "query": q.strip(),
        "count": _count(words, found.results),
        "samples": SAMPLES,
        "current": "search",
    }
    return rendering.page(request, room, "search.html", found, status=status, **shown)


@router.get("/search.json", dependencies=[SEARCHES])
def json(room: Asked, q: str = "", cursor: str | None = None, sort: Sort = "rank") -> Response:
    """The same for machines, as `luutru search` tells."""
    by_day = sort == "new"
    with room.read() as connection:
        return JsonResponse(search(connection, parse(q), limit=_SHOWN, cursor=cursor, distinct=True, by_day=by_day))


def answer(room: Room, text: str, cursor: str | None, sort: Sort, marks: tuple[str, str]) -> Found:
    """What the page of a question tells."""
    try:
        query = parse(text)
    except UsageError:
        return Found(None, None, {}, (), (), problem="date")
    chips = tuple(_chips(query))
    with room.read() as connection:
        try:
            results = search(
                connection, query, limit=_SHOWN, cursor=cursor, distinct=True, by_day=sort == "new", marks=marks
            )
        except UsageError:
            return Found(query, None, {}, (), chips, sort=sort, problem="cursor")
        others = [one for hit in results.hits for one in hit.also]
        also = briefs(connection, others) if others else {}
    is_empty = query == Query() and not results.total
    return Found(query, results, also, tuple(_facets(query, results.facets)), chips, cursor, sort, is_empty=is_empty)


def _count(words: Words, results: Results | None) -> str:
    if results is None:
        return words("search.unread")
    if results.total_capped:
        return words("search.more", n=results.total)
    return words("count.documents", n=results.total)


def _chips(query: Query) -> Iterable[Chip]:
    """The filters; a time between two days is one."""
    after, before = (
        [one for one in query.filters if one.field == field and not one.excluded] for field in ("after", "before")
    )
    between = (after[0], before[0]) if len(after) == len(before) == 1 else ()
    for one in query.filters:
        if one not in between:
            yield Chip(one.field, one.value, one.excluded, asked.widened(query, one))
    if between:
        yield Chip("period", f"{after[0].value}/{before[0].value}", False, asked.widened(query, *between))


def _facets(query: Query, facets: Facets) -> Iterable[Facet]:
    for field, values in (("site", facets.site), ("section", facets.section), ("has", facets.has)):
        choices = tuple(
            _choice(query, Filter(field, straight(value)), value, count) for value, count in values[:_VALUES]
        )
        if choices:
            yield Facet(field, choices)


def _choice(query: Query, one: Filter, value: str, count: int) -> Choice:
    chosen = one in query.filters
    text = asked.widened(query, one) if chosen else asked.narrowed(query, one.field, one.value)
    return Choice(value, count, text, chosen)
