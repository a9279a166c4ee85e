"""Which selectors and text anchors of a layout match on a page: for the check of a site's definition."""

from dataclasses import dataclass

from crawler.extraction.body import matches_anchor, select
from crawler.extraction.page import parse
from crawler.sites import Layout

SELECTORS = ("title", "container", "lead", "authors", "published", "section", "tags", "views", "remove")
ANCHORS = ("starts", "ends", "drop")


@dataclass(frozen=True, slots=True)
class Expression:
    """One selector or text anchor of a layout, and the part that it is for."""

    part: str
    text: str


def expressions(layout: Layout) -> tuple[Expression, ...]:
    """All of a layout, in the order of its parts."""
    return tuple(Expression(part, one) for part in (*SELECTORS, *ANCHORS) for one in getattr(layout, part))


def matching(payload: bytes, content_type: str | None, url: str, layout: Layout) -> frozenset[Expression]:
    """Those that match on a page, whether or not an earlier one of their part would be enough."""
    page = parse(payload, content_type, url)
    if page is None:
        return frozenset()
    return frozenset(
        one
        for one in expressions(layout)
        if (
            select(page, [one.text])
            if one.part in SELECTORS
            else any(matches_anchor(line.text, one.text) for line in page.lines)
        )
    )
