"""What is known of a site's pages from its own captures, and how a page is read by it.

A Memory is learned by `crawler.extraction.learning` and changes no more. It knows templates: kinds of article pages,
told apart by the places that their blocks stand at; and of each the lines that repeat, the element that holds the
article, and the places of title, date, view counter and byline.
"""

import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from lxml.html import HtmlElement

from crawler.extraction import boilerplate, dates
from crawler.extraction.authors import byline
from crawler.extraction.body import Body, Part, until_end, within
from crawler.extraction.dates import Moment
from crawler.extraction.page import Page
from crawler.extraction.paths import Paths, masked, places

LONG = 60  # characters from which a line is a paragraph, and never boilerplate for its frequency alone
_ALIKE = 0.5  # of the places of a page and a template, the least that both have when it is one of its pages
_ABOVE = 8  # lines before the container among which a lead is looked for
_INTO = 6  # lines of the container among which the title may stand
_SHORTEST_TITLE, _LONGEST_TITLE = 16, 300
_BELOW = 3  # lines after the container among which its byline is looked for


@dataclass(frozen=True)
class Template:
    """One kind of article page of a site. Places are as in `crawler.extraction.paths`, None where none was learned."""

    pages: int  # distinct pages that it was learned from
    frame: tuple[str, ...]  # places that most of its pages have
    repeated: dict[str, tuple[str, ...]]  # masked lines that come again and again, by their place
    container: str | None = None
    title: str | None = None
    published: str | None = None
    clock: str | None = None
    views: str | None = None
    byline: str | None = None  # behind the container

    @cached_property
    def places(self) -> frozenset[str]:
        """The frame, for comparing."""
        return frozenset(self.frame)

    @cached_property
    def keys(self) -> frozenset[tuple[str, str]]:
        """The repeated lines, for looking up."""
        return frozenset((path, text) for path, texts in self.repeated.items() for text in texts)


@dataclass(frozen=True)
class Memory:
    """The templates of a site, in the order of their frames."""

    templates: tuple[Template, ...] = field(default=())

    @cached_property
    def version(self) -> str:
        """Eight digits that name what is known: the same knowledge has the same name."""
        return sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """All of it, as it is stored."""
        return json.dumps([asdict(one) for one in self.templates], ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Memory":
        """What `to_json` wrote."""
        return cls(tuple(_template(one) for one in json.loads(text)))


def _template(said: dict[str, Any]) -> Template:
    repeated = {path: tuple(texts) for path, texts in said["repeated"].items()}
    return Template(**(said | {"frame": tuple(said["frame"]), "repeated": repeated}))


@dataclass(frozen=True)
class Recognised:
    """A page of a template that is known: the numbers of its lines that stand at the learned places."""

    page: Page
    template: Template
    repeated: frozenset[int]
    container: HtmlElement | None
    title: int | None
    _at: dict[str, list[int]]

    def body(self) -> Body | None:
        """The article's element without what repeats, with the lead above and the byline below it; None without it."""
        if self.container is None:
            return None
        lines = self.page.lines
        inside = within(self.page, [self.container])
        own = [n for n in inside if self._is_text(n)]
        if not own:
            return None
        first = own[0] if self.title is None or self.title >= own[-1] else max(own[0], self.title)
        above = [
            n
            for n in range(max(self._top(own[0]), own[0] - _ABOVE), own[0])
            if n not in self.repeated and not lines[n].is_link and self._may_lead(lines[n].text)
        ]
        below = [
            n
            for n in range(inside[-1] + 1, min(inside[-1] + 1 + _BELOW, len(lines)))
            if n in self._at.get(self.template.byline or "", ()) and byline(lines[n].text)
        ]
        chosen = above + [n for n in own if n >= first] + below
        parts = until_end([Part(n, lines[n].text) for n in chosen])
        return Body(tuple(parts), "memory", 0.0, title=self.title) if parts else None

    def published(self) -> Moment | None:
        """The date at the learned place, when it is one."""
        return next(self._moments(self.template.published), None)

    def is_clock(self, moment: Moment) -> bool:
        """The page's clock shows this day."""
        return dates.as_day(moment) in map(dates.as_day, self._moments(self.template.clock))

    def views(self) -> int | None:
        """The count at the learned place."""
        counts = (boilerplate.views(self.page.lines[n].text) for n in self._at.get(self.template.views or "", ()))
        return next((count for count in counts if count is not None), None)

    def _moments(self, place: str | None) -> Iterator[Moment]:
        for n in self._at.get(place or "", ()):
            if (moment := dates.shown(self.page.lines[n].text)) is not None:
                yield moment

    def _is_text(self, n: int) -> bool:
        """Of the lines inside of the container: a paragraph is never boilerplate for its frequency alone."""
        line = self.page.lines[n]
        return not line.is_link and (n not in self.repeated or len(line.text) >= LONG)

    def _may_lead(self, text: str) -> bool:
        return len(text) >= LONG or dates.at_start(text) is not None

    def _top(self, first: int) -> int:
        return self.title + 1 if self.title is not None and self.title < first else first


def recognise(page: Page, memory: Memory | None) -> Recognised | None:
    """The page as one of the template whose places it shares most of; None when it is like none of them."""
    if memory is None or not memory.templates:
        return None
    paths = Paths()
    loose = [paths.loose(line.element) for line in page.lines]
    frame = frozenset(loose)
    template = max(memory.templates, key=lambda one: (alike(frame, one.places), one.frame))
    if alike(frame, template.places) < _ALIKE:
        return None
    repeated = frozenset(n for n, path in enumerate(loose) if (path, masked(page.lines[n].text)) in template.keys)
    at: dict[str, list[int]] = {}
    for n, line in enumerate(page.lines):
        for path in {paths.of(line.element), loose[n]}:
            at.setdefault(path, []).append(n)
    container = None
    if template.container is not None:
        container = fullest(page, places(page, paths).get(template.container, ()), repeated)
    first = within(page, [container])[0] if container is not None else len(page.lines)
    titles = set(at.get(template.title or "", ()))
    title = next((n for n in before_text(page, repeated, first + _INTO) if n in titles), None)
    return Recognised(page, template, repeated, container, title, at)


def before_text(page: Page, repeated: Container[int], first: int) -> Iterator[int]:
    """Numbers of the lines, up to the beginning of a text, that may be a title."""
    for n in range(min(first + 2, len(page.lines))):
        if n not in repeated and _SHORTEST_TITLE <= len(page.lines[n].text) <= _LONGEST_TITLE:
            yield n


def fullest(page: Page, elements: Iterable[HtmlElement], repeated: frozenset[int]) -> HtmlElement | None:
    """Of several elements at one place that with most text of its own."""
    candidates = list(elements)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    sizes = [sum(len(page.lines[n].text) for n in within(page, [e]) if n not in repeated) for e in candidates]
    return candidates[sizes.index(max(sizes))]


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index of two sets of places."""
    return len(one & other) / len(one | other) if one or other else 1.0
