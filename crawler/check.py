"""Whether the definition of a site still fits: its newest captures of articles, read from the WARC by today's rules."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from crawler import drift, learning
from crawler.derive import DECODED_LIMIT, derive
from crawler.extraction.matching import Expression, expressions, matching
from crawler.extraction.memory import Memory
from crawler.sites import Layout, Site
from storage.errors import ArchiveError
from storage.index import captures, facts
from storage.index.captures import Pending
from storage.index.engine import Index
from storage.model import Fact, Reading
from storage.records import StoredResponse, decoded, read_payload

_NEWEST = 50  # captures that are read
_MAY_BE_ABSENT = ("remove", "drop")  # what they name need not be on every page


@dataclass(frozen=True, slots=True)
class Reason:
    """Why no article was read, and from how many captures."""

    reason: str
    captures: int


@dataclass(frozen=True, slots=True)
class Matched:
    """On how many pages a selector or text anchor matched."""

    part: str
    expression: str
    pages: int


@dataclass(frozen=True, slots=True)
class LayoutCheck:
    """One layout, the captures made while it was valid, and what it found on them."""

    layout: str
    captures: int
    matched: tuple[Matched, ...]


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """What a site's newest captures give; shares are between 0 and 1, of all captures that were read."""

    site: str
    captures: int
    title: float
    date: float
    author: float
    text: float
    reasons: tuple[Reason, ...]
    layouts: tuple[LayoutCheck, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """One capture, read by today's rules, and what matched by the name of each layout valid at its time."""

    reading: Reading
    matched: dict[str, frozenset[Expression]]


def check(index: Index, home: Path, site: Site) -> SiteCheck | None:
    """Reads the newest captures of a site's articles; None where there are none. Raises StorageError."""
    with index.read() as connection:
        evidence = facts.of_site(connection, site.key, _NEWEST)
        ids = facts.articles(connection, site.key, _NEWEST)
        places = {one.id: one for one in captures.of_ids(connection, ids)}
    if not ids:
        return None
    memory = learning.load(index, site.key)
    pages = [_page(home, places[id_], site, memory) for id_ in ids]
    layouts = tuple(_layout(layout, pages) for layout in site.all_layouts)
    newest = [_fact(one, page.reading) for one, page in zip(evidence.newest, pages, strict=True)]
    current = bool(site.layouts_at(datetime.now(UTC).date()))
    changed = drift.judge(newest, evidence.known, evidence.lasting, layouts=current)
    reasons = Counter(page.reading.reason for page in pages if page.reading.reason)
    articles = [page.reading.article for page in pages if page.reading.article]
    return SiteCheck(
        site=site.key,
        captures=len(pages),
        title=_of(pages, [bool(one.title) for one in articles]),
        date=_of(pages, [one.published is not None for one in articles]),
        author=_of(pages, [bool(one.authors) for one in articles]),
        text=_of(pages, [bool(one.text) for one in articles]),
        reasons=tuple(Reason(reason, number) for reason, number in reasons.most_common()),
        layouts=layouts,
        problems=(*(one.detail for one in changed), *(told for one in layouts for told in _missing(one))),
    )


def _page(home: Path, capture: Pending, site: Site, memory: Memory | None) -> _Page:
    payload = read_payload(home, capture, capture.original)
    layouts = site.layouts_at(capture.as_of.date())
    reading = derive(capture, payload, site, memory)
    return _Page(reading, {one.name: _matching(capture, payload, one) for one in layouts})


def _matching(capture: Pending, payload: StoredResponse, layout: Layout) -> frozenset[Expression]:
    try:
        body = decoded(payload.headers, payload.body, DECODED_LIMIT)
    except ArchiveError:  # the reading has it as its reason
        return frozenset()
    return matching(body, payload.content_type, capture.url, layout)


def _layout(layout: Layout, pages: Iterable[_Page]) -> LayoutCheck:
    valid = [page.matched[layout.name] for page in pages if layout.name in page.matched]
    counted = Counter(one for matched in valid for one in matched)
    found = tuple(Matched(one.part, one.text, counted[one]) for one in expressions(layout))
    return LayoutCheck(layout.name, len(valid), found)


def _missing(checked: LayoutCheck) -> list[str]:
    """The parts of a layout for which nothing matched on any page; one of several ways to find a part is enough."""
    if not checked.captures:
        return []
    pages: dict[str, int] = {}
    for one in checked.matched:
        pages[one.part] = pages.get(one.part, 0) + one.pages
    return [
        f"layout {checked.layout}: nothing of its {part} matched on any of {checked.captures} pages"
        for part, number in pages.items()
        if not number and part not in _MAY_BE_ABSENT
    ]


def _fact(known: Fact, reading: Reading) -> Fact:
    """The same capture as today's rules read it."""
    found = reading.article
    if found is None:
        return replace(known, reason=reading.reason or "no text", method=None, characters=None, title=None)
    return replace(
        known,
        reason=None,
        method=found.method,
        characters=len(found.text),
        dated=found.published is not None,
        signed=bool(found.authors),
        title=found.title,
    )


def _of(pages: Sequence[_Page], found: Sequence[bool]) -> float:
    return round(sum(found) / len(pages), 3)
