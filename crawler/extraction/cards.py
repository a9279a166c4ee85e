"""Which lines of a page announce other articles: titles that are links, beside their like, and their boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lxml.html import HtmlElement

from crawler.extraction.page import Line, Page
from crawler.extraction.text import squeeze

_TITLE = 20  # characters of a link that may be a title
_LIKE = 3  # boxes side by side, each with one title, that make a list
_LONG = 60  # characters of a paragraph
_MOST = 3  # paragraphs in one box: more are an article that links to one other
_LARGEST = 1200  # characters of all that they say


@dataclass(frozen=True)
class Row:
    """Boxes side by side: how many they are, the numbers of their lines, and the characters of titles and of leads."""

    boxes: int
    lines: tuple[int, ...]
    titles: int
    leads: int


@lru_cache(maxsize=1)  # the reader by memory and the one without ask one after the other
def rows(page: Page) -> tuple[Row, ...]:
    """All lists of other articles on the page, in the order of their titles."""
    beside: dict[tuple[HtmlElement, object], list[HtmlElement]] = {}
    for box in _boxes(page):
        parent = box.getparent()
        if parent is not None:
            beside.setdefault((parent, box.tag), []).append(box)
    alike = [row for row in beside.values() if len(row) >= _LIKE]
    inside = iter(_inside(page.lines, [box for row in alike for box in row]))
    return tuple(_row(page.lines, [next(inside) for _ in row]) for row in alike)


def found(page: Page) -> frozenset[int]:
    """Numbers of the lines in all of these lists."""
    return frozenset(n for row in rows(page) for n in row.lines)


def _row(lines: Sequence[Line], boxes: Sequence[list[int]]) -> Row:
    announcing = [box for box in boxes if _is_short(lines, box)]
    numbers = tuple(n for box in announcing for n in box)
    sizes = {linked: sum(len(lines[n].text) for n in numbers if lines[n].is_link is linked) for linked in (True, False)}
    return Row(len(announcing), numbers, sizes[True], sizes[False])


def _boxes(page: Page) -> list[HtmlElement]:
    """The largest elements around each title link that hold no link with another text."""
    titles = [(line.element, squeeze(line.text)) for line in page.lines if _is_title(page, line)]
    holds: dict[HtmlElement, str | None] = {}
    for element, title in titles:
        node: HtmlElement | None = element
        while node is not None:
            held = holds.setdefault(node, title)
            if held is None:
                break
            if held != title:
                holds[node] = None
            node = node.getparent()
    boxes: dict[HtmlElement, None] = {}
    for element, _ in titles:
        node = element
        while node is not None and holds[node] is not None:
            box, node = node, node.getparent()
        if node is not element:
            boxes[box] = None
    return list(boxes)


def _is_title(page: Page, line: Line) -> bool:
    return line.is_link and len(line.text) >= _TITLE and squeeze(line.text) not in squeeze(page.title)


def _inside(lines: Sequence[Line], boxes: Sequence[HtmlElement]) -> list[list[int]]:
    owner = {node: n for n, box in enumerate(boxes) for node in box.iter()}
    inside: list[list[int]] = [[] for _ in boxes]
    for n, line in enumerate(lines):
        if (box := owner.get(line.element)) is not None:
            inside[box].append(n)
    return inside


def _is_short(lines: Sequence[Line], box: Sequence[int]) -> bool:
    texts = [lines[n].text for n in box if not lines[n].is_link]
    return sum(map(len, texts)) <= _LARGEST and sum(len(text) >= _LONG for text in texts) <= _MOST
