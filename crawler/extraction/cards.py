"""Which lines of a page announce other articles: titles that are links, each in a box that stands beside its like."""

from collections.abc import Sequence

from lxml.html import HtmlElement

from crawler.extraction.page import Line, Page
from crawler.extraction.text import squeeze

_TITLE = 20  # characters of a link that may be a title
_LIKE = 3  # boxes side by side, each with one title, that make a list
_LONG = 60  # characters of a paragraph
_MOST = 3  # paragraphs in one box: more are an article that links to one other
_LARGEST = 1200  # characters of all that they say


def found(page: Page) -> frozenset[int]:
    """Numbers of the lines in boxes that stand beside their like and lead to one article each."""
    boxes = _boxes(page)
    beside: dict[HtmlElement, list[HtmlElement]] = {}
    for box in boxes:
        parent = box.getparent()
        if parent is not None:
            beside.setdefault(parent, []).append(box)
    alike = [box for row in beside.values() for box in _alike(row)]
    return frozenset(n for lines in _inside(page.lines, alike) if _is_short(page.lines, lines) for n in lines)


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


def _alike(row: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Those of one parent's children that have at least two others of their kind beside them."""
    kinds: dict[object, list[HtmlElement]] = {}
    for box in row:
        kinds.setdefault(box.tag, []).append(box)
    return [box for kind in kinds.values() if len(kind) >= _LIKE for box in kind]


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
