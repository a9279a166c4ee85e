"""The title of a page, and the line on which it stands."""

import re
from dataclasses import dataclass

from crawler.extraction.boilerplate import is_noise, without_counter
from crawler.extraction.dates import at_start, on_line
from crawler.extraction.page import Line, Page
from crawler.extraction.text import fold, squeeze

_HEADINGS = ("h1", "h2", "h3")
_SEPARATORS = (" | ", " - ", " – ", " — ", " :: ", " » ", " :: ")
_TITLE_CLASS = re.compile(r"title|tieu_?-?de|headline", re.IGNORECASE)
_REACH = 10  # lines above a text among which its title is looked for
_WORDS = 5  # that a line with nothing else to show for it has as a title
_NO_TITLE = re.compile(r"[:;,>/|»]\s*$|>|»|›|\s/\s|\d+[.,]\d{3}\b")
_STOPS = ".!?…;:”"
_FONT_SIZE = re.compile(r"font-size\s*:\s*(\d+(?:\.\d+)?)(px|pt|em|rem)", re.IGNORECASE)
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0}
_LARGE = 20.0
_PARAGRAPH = 100  # characters of one at least
_SHORT = 8  # letters below which a line proves nothing


@dataclass(frozen=True)
class Headline:
    """A title, the number of the line that shows it (None: only the head does), and whether two places agree."""

    text: str
    at: int | None
    agreed: bool


def find(page: Page, chosen: str | None = None) -> Headline | None:
    """The longest line that the page's own `title` or `og:title` contains, else its first heading, else the `title`.

    `chosen` is what a layout says the title is: then only its line is looked for.
    """
    if chosen:
        at = _line_of(page, squeeze(chosen))
        return Headline(without_counter(chosen), at, at is not None)
    named = [squeeze(without_counter(text)) for text in [*page.meta.get("og:title", []), page.title] if text]
    shown = _shown(page, named)
    if shown is not None:
        return Headline(without_counter(page.lines[shown].text), shown, True)
    heading = next(
        (
            n
            for n, line in enumerate(page.lines)
            if heading_of(line) == "h1" and not line.chrome and len(squeeze(line.text)) >= _SHORT
        ),
        None,
    )
    declared = next(iter(page.meta.get("og:title", [])), None)
    if declared:
        return Headline(without_counter(declared), None, False)
    if heading is not None:
        return Headline(without_counter(page.lines[heading].text), heading, False)
    text = without_counter(_without_site(page.title))
    return Headline(text, None, False) if text else None


def above_text(page: Page, found: Headline | None, first: int, at: int | None = None) -> Headline | None:
    """The title of a text that begins on line `first`: where only the head names one, a line above it is better.

    `at` is the number of the line that whoever found the text takes for its title.
    """
    if found is not None and found.at is not None and is_near(found.at, first):
        return found
    line = at if at is not None else above(page, first)
    if line is None or (found and line == found.at):
        return found
    return Headline(without_counter(page.lines[line].text), line, False)


def is_near(title: int, first: int) -> bool:
    """A title stands close above its text; further up it is the name of the site."""
    return title >= first - 2 * _REACH


def above(page: Page, first: int) -> int | None:
    """The line before a text that looks most like its title, for pages whose head names only the site."""
    best: tuple[bool, int, int] | None = None
    for n in range(max(0, first - _REACH), min(first + 3, len(page.lines))):
        line = page.lines[n]
        text = without_counter(line.text)
        if (
            line.chrome
            or line.is_link
            or not 2 * _SHORT <= len(text) <= 300
            or is_noise(text)
            or on_line(text)
            or at_start(text)
        ):
            continue
        apart = _set_apart(line)
        rank = 4 * (heading_of(line) is not None) + 2 * (apart is not None)
        rank += _TITLE_CLASS.search(_classes(line)) is not None
        alone = n == first and (apart == "large" or (apart and text[-1] not in _STOPS) or _is_alone(page, n))
        rank += alone
        if not rank and line.element.find(".//img") is not None:
            continue  # buttons
        if ((n >= first and not alone) or len(text.split()) < _WORDS or _NO_TITLE.search(text)) and rank < 4:
            continue
        found = (not text.endswith("."), rank, n)
        if (found[0] or rank) and (best is None or found > best):
            best = found
    return best[2] if best else None


def _is_alone(page: Page, n: int) -> bool:
    """No line close below stands in an element of the same kind: a title that was taken for the first paragraph."""
    below = [line.element.tag for line in page.lines[n + 1 : n + 1 + _REACH] if len(line.text) >= _PARAGRAPH]
    return len(below) > 1 and page.lines[n].element.tag not in below[:3]


def _set_apart(line: Line) -> str | None:
    """`bold` or `large` where all of the line is."""
    key = squeeze(line.text)
    for node in [line.element, *line.element.iter("b", "strong", "font", "span", "big")]:
        size = _FONT_SIZE.search(node.get("style") or "")
        large = size is not None and float(size[1]) * _PIXELS[size[2].lower()] >= _LARGE
        large = large or (node.get("size") or "").strip("+") in ("4", "5", "6", "7")
        if (large or node.tag in ("b", "strong")) and squeeze(node.text_content()) == key:
            return "large" if large else "bold"
    return None


def _classes(line: Line) -> str:
    node = line.element
    parent = node.getparent()
    return " ".join(value for e in (node, parent) if e is not None for value in (e.get("class"), e.get("id")) if value)


def heading_of(line: Line) -> str | None:
    """The heading element that the line is, or stands in."""
    node = line.element
    for _ in range(3):
        if node is None:
            return None
        if node.tag in _HEADINGS:
            return str(node.tag)
        node = node.getparent()
    return None


def _shown(page: Page, named: list[str]) -> int | None:
    longest = max(map(len, named), default=0) * 2 + 40
    best: tuple[int, bool, int] | None = None
    for n, line in enumerate(page.lines):
        if line.chrome or len(line.text) > longest or (line.is_link and heading_of(line) is None):
            continue
        key = squeeze(without_counter(line.text))
        if len(key) < _SHORT or not any(
            name.startswith(key) or (len(key) >= 2 * _SHORT and key in name) for name in named
        ):
            continue
        rank = (len(key), heading_of(line) is not None, -n)
        if best is None or rank > best:
            best = rank
    return -best[2] if best else None


def _line_of(page: Page, key: str) -> int | None:
    return next((n for n, line in enumerate(page.lines) if len(line.text) < 600 and squeeze(line.text) == key), None)


def _without_site(title: str) -> str:
    """A document title without the site's name behind its last separator."""
    ends = [title.rfind(mark) for mark in _SEPARATORS]
    at = max(ends)
    return fold(title[:at]) if at >= 2 * _SHORT else title
