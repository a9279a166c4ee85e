"""Which lines of a page are its article, as its layout says: by selectors or by text anchors."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from crawler.extraction import boilerplate
from crawler.extraction.page import Line, Page
from crawler.sites import Layout

AGREES = 0.5  # agreement from which two readings found the same article
_TITLE = 16  # characters of the shortest title that is looked for
_LONG = 60  # characters that must stand before a heading can end an article


@dataclass(frozen=True)
class Part:
    """One paragraph: the number of the page's line that it stands on, and its text (all of the line or a part)."""

    at: int
    text: str


@dataclass(frozen=True)
class Body:
    """The paragraphs of an article as one way found them."""

    parts: tuple[Part, ...]
    method: str
    confidence: float
    layout: str = "-"
    title: int | None = None  # number of the line that shows the title
    listing: bool = False  # what was found is a list of links with their leads

    @property
    def size(self) -> int:
        """Characters of text."""
        return sum(len(part.text) for part in self.parts)


def agreement(one: Body, other: Body) -> float:
    """How much of the shorter of two readings is in the longer one, from 0 to 1."""
    ours, theirs = ({part.at: len(part.text) for part in body.parts} for body in (one, other))
    both = sum(size for n, size in ours.items() if n in theirs)
    return both / max(1, min(sum(ours.values()), sum(theirs.values())))


@cache
def _selector(css: str) -> CSSSelector:
    return CSSSelector(css, translator="html")


@cache
def _pattern(anchor: str) -> re.Pattern[str]:
    return re.compile(anchor)


def select(page: Page, selectors: Iterable[str]) -> list[HtmlElement]:
    """The elements that the first selector with any match finds, in reading order."""
    for css in selectors:
        if found := cast("list[HtmlElement]", _selector(css)(page.root)):
            return found
    return []


def within(page: Page, elements: Iterable[HtmlElement]) -> list[int]:
    """Numbers of the lines that stand inside of the elements."""
    inside = {node for element in elements for node in element.iter()}
    return [n for n, line in enumerate(page.lines) if line.element in inside] if inside else []


def by_layout(page: Page, layout: Layout) -> Body | None:
    """The lines in the layout's container, with the lead that stands before it; None when no container matches."""
    elements = select(page, layout.container)
    chosen = within(page, elements)
    if not chosen:
        return None
    lead = [n for n in within(page, select(page, layout.lead)) if n < chosen[0]]
    removed = set(within(page, (e for css in layout.remove for e in select(page, [css]))))
    lines = [n for n in lead + chosen if n not in removed]
    parts = _anchored(page, lines, layout)[0]
    parts = until_end(_without_links(page, parts))
    titled = bool(select(page, layout.title))
    return Body(tuple(parts), f"layout:{layout.name}", 0.95 if titled else 0.8, layout.name) if parts else None


def by_anchors(page: Page, layout: Layout) -> Body | None:
    """The lines between the layout's text anchors; None when it has none or they do not stand on the page."""
    parts, started, ended = _anchored(page, range(len(page.lines)), layout)
    if not (started and ended):
        return None
    parts = [part for part in _without_links(page, parts) if not page.lines[part.at].chrome]
    if not parts:
        return None
    return Body(tuple(until_end(parts)), f"anchors:{layout.name}", 0.85, layout.name, title=_heading(parts))


def _heading(parts: Sequence[Part]) -> int | None:
    """The line right behind the anchor where it looks like the title of what follows: on some sites it stands there."""
    first = parts[0].text
    is_title = len(parts) > 1 and _TITLE <= len(first) <= 3 * _LONG and first[-1] not in ".!;:"
    return parts[0].at if is_title else None


def _anchored(page: Page, lines: Iterable[int], layout: Layout) -> tuple[list[Part], bool, bool]:
    """What stands after the last start and before the first end, and whether there was a start and an end."""
    parts = [Part(n, page.lines[n].text) for n in lines]
    starts = [i for i, part in enumerate(parts) if _hit(part.text, layout.starts)]
    if starts:
        parts = _kept(parts[starts[-1]], layout.starts) + parts[starts[-1] + 1 :]
    end = next((i for i, part in enumerate(parts) if _hit(part.text, layout.ends)), None)
    if end is not None:
        parts = parts[:end] + _kept(parts[end], layout.ends)
    dropped: list[Part] = []
    for part in parts:
        dropped += _kept(part, layout.drop) if _hit(part.text, layout.drop) else [part]
    return dropped, bool(starts), end is not None


def matches_anchor(text: str, anchor: str) -> bool:
    """Whether a line is what a text anchor names."""
    return _hit(text, [anchor]) is not None


def _hit(text: str, anchors: Iterable[str]) -> re.Match[str] | None:
    return next((found for found in (_pattern(a).fullmatch(text) for a in anchors) if found), None)


def _kept(part: Part, anchors: Iterable[str]) -> list[Part]:
    """What an anchor's group `text` keeps of its line."""
    found = _hit(part.text, anchors)
    text = (found.groupdict().get("text") or "").strip() if found else ""
    return [Part(part.at, text)] if text else []


def _without_links(page: Page, parts: Iterable[Part]) -> list[Part]:
    return [part for part in parts if not _leads_away(page.lines[part.at])]


def _leads_away(line: Line) -> bool:
    return line.is_link and not line.text.rstrip().endswith((".", "!", "?", "…”", ".”"))


def until_end(parts: Sequence[Part], cells: Container[int] = ()) -> list[Part]:
    """The paragraphs before the first heading of what follows an article, without noise; `cells` are never noise."""
    seen = 0
    out: list[Part] = []
    rest = sum(len(part.text) for part in parts)
    for part in parts:
        rest -= len(part.text)
        if seen >= _LONG and rest < seen and boilerplate.is_end(part.text):
            break
        if part.at in cells or not (boilerplate.is_noise(part.text) or boilerplate.is_end(part.text)):
            out.append(part)
            seen += len(part.text)
    return out
