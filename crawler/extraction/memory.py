"""What is known of a site's pages from its own captures, and how a page is read by it.

A Memory is learned by `crawler.extraction.learning` and changes no more. It knows templates: kinds of article pages,
told apart by the places that their blocks stand at; and of each the lines that repeat, the element that holds the
article, and the places of title, date, clock and view counter.
"""

import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from lxml.html import HtmlElement

from crawler.extraction import boilerplate, cards, dates
from crawler.extraction.body import Body, within
from crawler.extraction.dates import Moment
from crawler.extraction.generic import Place, complete
from crawler.extraction.page import Page
from crawler.extraction.paths import Paths, masked, places

LONG = 60  # characters from which a line is a paragraph, and never boilerplate for its frequency alone
_ALIKE = 0.5  # of the places of a page and a template, the least that both have when it is one of its pages
_SHORTEST_TITLE, _LONGEST_TITLE = 16, 300


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
    aside: frozenset[int]  # lines that announce other articles
    container: HtmlElement | None
    title: int | None
    _at: dict[str, list[int]]

    @cached_property
    def body(self) -> Body | None:
        """The article in the learned element, without what repeats there and cards of others; None without it."""
        if self.container is None:
            return None
        page = self.page
        inside = within(page, [self.container])
        own = {n for n in inside if self._is_text(n)}
        kept = {n for n in own if len(page.lines[n].text) >= LONG}
        if not kept:
            return None
        lines = [
            line._replace(chrome=n in self.aside or (n in self.repeated and n not in own) or line.chrome)
            for n, line in enumerate(page.lines)
        ]
        text = "".join(page.keys[n] for n in sorted(own))
        place = Place(page, lines, self.container, self.container, text)
        return complete(place, kept, self.title, "memory", 0.0)

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
        return not line.is_link and n not in self.aside and (n not in self.repeated or len(line.text) >= LONG)


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
    inside = within(page, [container]) if container is not None else range(len(page.lines))
    first = next((n for n in inside if len(page.lines[n].text) >= LONG and n not in repeated), inside[0])
    titles = set(at.get(template.title or "", ()))
    title = next((n for n in before_text(page, repeated, first) if n in titles), None)
    return Recognised(page, template, repeated, cards.found(page), container, title, at)


def before_text(page: Page, repeated: Container[int], first: int) -> Iterator[int]:
    """Numbers of the lines, up to the first of a text, that may be a title."""
    for n in range(min(first + 1, len(page.lines))):
        text = page.lines[n].text
        if n not in repeated and _SHORTEST_TITLE <= len(text) <= _LONGEST_TITLE and not _is_no_title(text):
            yield n


def _is_no_title(text: str) -> bool:
    return text.endswith(".") or dates.shown(text) is not None


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
