"""Where on its page a block stands, in words that hold for other pages of the same template."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2s

from lxml.html import HtmlElement

from crawler.extraction.page import Page

_DIGITS = re.compile(r"\d+")
_WEEKDAY = re.compile(r"\b(?:thứ (?:hai|ba|tư|năm|sáu|bảy|0)|chủ nhật)\b")
_COUNTED = frozenset(("article", "center", "div", "main", "section", "table", "tbody", "td", "tr"))
_FURTHEST = 9  # position among like siblings from which they are all the same
_LONGEST = 100  # characters of a masked text; longer ones are kept by their beginning and a digest


class Paths:
    """The paths of a page's elements: tags from the root with their class and id names, digits masked.

    A structural element without names also has its position among its like, as in `body/table[1]/tr[0]/td[1]`;
    `loose` leaves positions out.
    """

    def __init__(self) -> None:
        self._known: dict[HtmlElement, tuple[str, str]] = {}

    def of(self, element: HtmlElement) -> str:
        """With positions."""
        return self._both(element)[0]

    def loose(self, element: HtmlElement) -> str:
        """Without positions."""
        return self._both(element)[1]

    def _both(self, element: HtmlElement) -> tuple[str, str]:
        chain = []
        node: HtmlElement | None = element
        while node is not None and node not in self._known:
            chain.append(node)
            node = node.getparent()
        above = self._known[node] if node is not None else ("", "")
        for node in reversed(chain):
            step = _step(str(node.tag), node.get("class") or "", node.get("id") or "")
            place = _place(node) if step in _COUNTED else ""
            above = self._known[node] = (f"{above[0]}/{step}{place}", f"{above[1]}/{step}")
        return above


def places(page: Page, paths: Paths) -> dict[str, list[HtmlElement]]:
    """The elements that hold lines, at any depth, by their path with and without positions, in reading order."""
    found: dict[str, list[HtmlElement]] = {}
    met: set[HtmlElement] = set()
    for line in page.lines:
        node: HtmlElement | None = line.element
        while node is not None and node not in met:
            met.add(node)
            for path in {paths.of(node), paths.loose(node)}:
                found.setdefault(path, []).append(node)
            node = node.getparent()
    return found


@lru_cache(maxsize=8192)
def masked(text: str) -> str:
    """A line as it is compared with those of other pages: without case, its digits and weekday masked."""
    plain = _WEEKDAY.sub("thứ", _DIGITS.sub("0", unicodedata.normalize("NFC", text).casefold()))
    return (
        plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…{blake2s(plain.encode(), digest_size=4).hexdigest()}"
    )


@lru_cache(maxsize=8192)
def _step(tag: str, classes: str, name: str) -> str:
    names = "".join(f".{one}" for one in sorted({_DIGITS.sub("0", one) for one in classes.split()})[:3])
    return f"{tag}{names}{'#' + _DIGITS.sub('0', name.strip()) if name.strip() else ''}"


def _place(node: HtmlElement) -> str:
    before = 0
    for sibling in node.itersiblings(node.tag, preceding=True):
        before += not (sibling.get("class") or sibling.get("id"))
        if before == _FURTHEST:
            break
    return f"[{before}]"
