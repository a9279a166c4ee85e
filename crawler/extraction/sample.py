"""A captured page as it is learned from: what it says line by line, and what other pages say of it."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256

from crawler.extraction import cards, headline
from crawler.extraction.body import Body
from crawler.extraction.generic import generic
from crawler.extraction.memory import LONG
from crawler.extraction.page import Page
from crawler.extraction.paths import Paths, masked


@dataclass(frozen=True)
class Sample:
    """One captured page, and what other pages say of its address."""

    page: Page
    day: date  # of the capture
    anchors: frozenset[str] = frozenset()  # texts of links to it, squeezed
    days: frozenset[date] = frozenset()  # dates beside them

    @cached_property
    def paths(self) -> Paths:
        """The places of its elements."""
        return Paths()

    @cached_property
    def loose(self) -> list[str]:
        """The place of each line, without positions."""
        return [self.paths.loose(line.element) for line in self.page.lines]

    @cached_property
    def frame(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.loose)

    @cached_property
    def keys(self) -> list[tuple[str, str]]:
        """Place and masked text of each line."""
        return [(path, masked(line.text)) for path, line in zip(self.loose, self.page.lines, strict=True)]

    @cached_property
    def long(self) -> dict[str, int]:
        """Its paragraphs, masked, with their lengths."""
        lines = (line for line in self.page.lines if len(line.text) >= LONG and not line.is_link)
        return {masked(line.text): len(line.text) for line in lines}

    @cached_property
    def rank(self) -> str:
        """Orders pages by what they say."""
        return sha256("\n".join(line.text for line in self.page.lines).encode()).hexdigest()

    @cached_property
    def aside(self) -> frozenset[int]:
        """Numbers of the lines that announce other articles."""
        return cards.found(self.page)

    @cached_property
    def generic(self) -> Body | None:
        """What a reader finds that knows nothing of the site."""
        return generic(self.page, self._headline.at if self._headline else None)

    @cached_property
    def generic_title(self) -> int | None:
        """The line that such a reader takes for the title."""
        body = self.generic
        found = headline.above_text(self.page, self._headline, body.parts[0].at, body.title) if body else None
        return found.at if found else None

    @cached_property
    def _headline(self) -> headline.Headline | None:
        return headline.find(self.page)
