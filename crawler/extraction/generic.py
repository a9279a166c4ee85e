"""The article of a page of which nothing is known: what trafilatura and the document tree agree on."""

import logging
import re
from collections import Counter
from collections.abc import Container, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import trafilatura
from lxml import etree
from lxml.html import HtmlElement
from trafilatura.settings import Extractor

from crawler.extraction import boilerplate, cards, headline
from crawler.extraction.authors import byline, is_labelled
from crawler.extraction.body import Body, Part, until_end, within
from crawler.extraction.dates import at_start, on_line
from crawler.extraction.page import Line, Page
from crawler.extraction.text import compact

Sums = dict[HtmlElement, list[float]]  # of each element: the weight of all of its lines, of those that were kept

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it discards is for us to judge

# No comments, no duplicate tests, and no second extractor: on the pages measured that costs double and gains nothing.
_OPTIONS = Extractor(fast=True, comments=False, tables=True, dedup=False, images=False, links=False, formatting=False)
_UNREAD = ("aside", "footer", "nav", "noscript", "script", "style", "svg")  # it takes them out itself, only later
_ENOUGH = 250  # characters below which trafilatura's reading is doubted
_LITTLE = 1500  # characters up to which what stands around an article may outweigh it
_SHORTEST = 150  # characters of paragraphs that an article has
_LONG = 60  # characters from which a line is a paragraph by itself
_SHORT = 25  # characters below which a line is found in any text by chance
_SHARE = 0.6  # of what was kept, the least that the article's element holds
_GAP = 3  # foreign lines in a row that end what continues outside of the container
_WORDS = 4  # of the shortest sentence
_GAP_INSIDE = 5  # and within it, around the box with most of the text
_SURE = 0.8  # confidence when everything agrees
_TITLES = 5  # linked titles in a text from which it may be a list
_MENU = 3  # what a lead weighs against a title: bare titles stand beside articles too
_RUN = 3  # paragraphs in a row that no list has
_LEAD_CLASS = re.compile(r"sapo|\blead\b|tom-?_?tat|summary|intro|description|chapeau|standfirst", re.IGNORECASE)
_CLOSING = "\"'”’»)] "  # what may follow the mark that ends a sentence
_STOPS = (".", "!", "?", ":", ";", "…")
_RIGHT = re.compile(r"\bright\b", re.IGNORECASE)


def generic(page: Page, title: int | None = None, repeated: Container[int] = ()) -> Body | None:
    """The element that holds most of what trafilatura kept and little else, with the lead above and the names below it.

    `title` is the number of the line that shows the title, `repeated` those of lines that the site's memory knows as
    no part of any article, where that is known.
    """
    rows = cards.rows(page)
    aside = {n for row in rows for n in row.lines}
    lines = [line._replace(chrome=n in repeated or n in aside or line.chrome) for n, line in enumerate(page.lines)]
    text = _trafilatura(page)
    kept = _kept(page, lines, text)
    if not kept:
        return None
    kept = _below_title(lines, kept, title)
    container, score, sums = _container(lines, kept)
    place = Place(page, lines, container, _core(container, sums), text)
    body = complete(place, kept, title, "generic", round(_SURE * score, 3))
    return replace(body, listing=body.listing or _is_beside_list(rows, body.parts, title)) if body else None


@dataclass(frozen=True)
class Place:
    """Where an article stands: its container, and the box in it that holds most of it.

    `text` is what is known to be text, compacted, for lines that are too short to be judged by themselves.
    """

    page: Page
    lines: Sequence[Line]
    container: HtmlElement
    box: HtmlElement
    text: str

    @cached_property
    def inside(self) -> set[int]:
        """Numbers of the lines in the container."""
        return set(within(self.page, [self.container]))

    @cached_property
    def boxed(self) -> set[int]:
        """Numbers of the lines in the box."""
        return set(within(self.page, [self.box]))

    @cached_property
    def pictures(self) -> set[int]:
        """Numbers of the lines below pictures."""
        return {picture.at for picture in self.page.pictures}


def complete(place: Place, kept: set[int], title: int | None, method: str, confidence: float) -> Body | None:
    """The article whose paragraphs are `kept`: from its lead above the container to the names below it."""
    page, lines = place.page, place.lines
    first, last = _middle(place, kept, title)
    if title is None or not headline.is_near(title, first):
        title = headline.above(page, first) or title
    if title is not None:
        first = _with_lead(place, kept, title, first)
    last = _with_names(place, kept, last)
    span = [n for n in range(first, last + 1) if n in place.inside or n in kept]
    cells = {n for n in span if n in place.boxed and _is_cell(lines[n], place.box)}
    short = {n for n in span if not lines[n].is_link and (n in place.pictures or page.keys[n] in place.text)}
    parts = until_end([Part(n, lines[n].text) for n in span if n in kept or n in cells or n in short], cells)
    own = {link.at for link in page.links if page.is_own(link)}
    titles = {n for n in span if n in own and lines[n].is_link and len(lines[n].text) >= _SHORT}
    long = [part.at for part in parts if len(part.text) >= _LONG]
    listing = len(titles) >= _TITLES and len(titles) * 2 >= len(long) and _longest_run(long, titles) < _RUN
    return Body(tuple(parts), method, confidence, title=title, listing=listing) if parts else None


def _middle(place: Place, kept: set[int], title: int | None) -> tuple[int, int]:
    """The first and the last line of the text in the container, as far as it goes without a break."""
    lines, inside = place.lines, place.inside
    core = place.boxed & kept or inside & kept
    core = {n for n in core if len(lines[n].text) >= _LONG or _is_sentence(lines[n].text)} or core
    below = {n for n in core if title is not None and n > title}
    core = below if 2 * len(below) > len(core) else core
    top = max([min(inside) - 1, *(n for n in [title] if n is not None and n < min(core))])
    before = _continued(lines, kept & inside, range(min(core) - 1, top, -1), _GAP_INSIDE)
    after = _continued(lines, kept & inside, range(max(core) + 1, max(inside) + 1), _GAP_INSIDE)
    return min([min(core), *before]), max([max(core), *after])


def _with_lead(place: Place, kept: set[int], title: int, first: int) -> int:
    """The first line of the lead between title and text, which is kept; `first` where there is none."""
    page, lines = place.page, place.lines
    near = range(max(title + 1, first - 2), first)
    leads = kept | {n for n in range(title + 1, first) if _is_lead(lines[n])}
    leads |= {n for n in near if _is_prose(lines[n].text) and n not in place.pictures and _once(page, n)}
    lead = _continued(lines, leads, range(first - 1, title, -1))
    kept.update(lead)
    return min([first, *lead])


def _with_names(place: Place, kept: set[int], last: int) -> int:
    """The last line of what goes on below the text: further boxes, cells, captions, the names of its authors."""
    lines = place.lines
    last = max([last, *_continued(lines, kept, range(last + 1, len(lines)))])
    while last + 1 in place.boxed and (_is_cell(lines[last + 1], place.box) or _ends_text(lines[last + 1])):
        last += 1
        kept.add(last)
    end = last
    while last + 1 < len(lines) and _closes(place, last + 1):
        if last > end and byline(lines[last].text) and not byline(lines[last + 1].text):
            break
        last += 1
        kept.add(last)
    return last


def _is_beside_list(rows: Sequence[cards.Row], parts: Sequence[Part], title: int | None) -> bool:
    """What was found is less than a list that stands between the title and it, or before it where no title is shown."""
    first = parts[0].at if parts else 0
    after = title if title is not None and title < first else -1
    size = sum(len(part.text) for part in parts)
    before = [row for row in rows if row.boxes >= _TITLES and after < row.lines[0] < first]
    return any(row.leads + row.titles / _MENU > size for row in before)


def _longest_run(long: Sequence[int], titles: set[int]) -> int:
    """Paragraphs in a row with no title between them: in a list a title comes after every one or two."""
    longest = run = 0
    for before, n in pairwise([-1, *long]):
        run = 1 if any(between in titles for between in range(before + 1, n)) else run + 1
        longest = max(longest, run)
    return longest


def _trafilatura(page: Page) -> str:
    root = copy(page.root)
    etree.strip_elements(root, *_UNREAD, with_tail=False)
    found = trafilatura.bare_extraction(root, options=_OPTIONS)
    body = getattr(found, "body", None)
    return "" if body is None else compact("".join(body.itertext()))


def _kept(page: Page, lines: Sequence[Line], text: str) -> set[int]:
    """Lines that trafilatura kept and those in boxes like theirs; when it kept hardly anything, all paragraphs."""
    open_ = [n for n, line in enumerate(lines) if len(line.text) >= _SHORT and not (line.is_link or line.chrome)]
    kept = {n for n in open_ if page.keys[n] in text}
    sizes: Counter[tuple[str, ...] | None] = Counter()
    for n in kept:
        sizes[_box(lines[n])] += len(lines[n].text)
    box = max(sizes, key=lambda one: sizes[one], default=None)
    if box is not None and sizes[box] >= _SHARE * sizes.total():
        kept.update(n for n in open_ if len(lines[n].text) >= _LONG and _box(lines[n]) == box)
    if sizes.total() < _ENOUGH:
        kept.update(n for n in open_ if len(lines[n].text) >= _LONG and not lines[n].chrome)
    return kept


def _below_title(lines: Sequence[Line], kept: set[int], title: int | None) -> set[int]:
    """Where little was kept, what stands between the title and the next list or heading of one, if that is a text."""
    if title is None or sum(len(lines[n].text) for n in kept) > _LITTLE:
        return kept
    ends = (n for n in range(title + 1, len(lines)) if _is_card(lines[n]) or boilerplate.is_end(lines[n].text))
    end = next(ends, len(lines))
    below = {n for n in kept if title < n < end}
    return below if sum(len(lines[n].text) for n in below if _is_prose(lines[n].text)) >= _SHORTEST else kept


def _is_card(line: Line) -> bool:
    return line.is_link and line.chrome


def _box(line: Line) -> tuple[str, ...] | None:
    """The class names of the boxes around a line: a text in several boxes has them in each."""
    parent = line.element.getparent()
    outer = parent.getparent() if parent is not None else None
    if parent is None or outer is None or not (parent.get("class") and outer.get("class")):
        return None
    return (str(line.element.tag), parent.get("class", ""), outer.get("class", ""))


def _container(lines: Sequence[Line], kept: set[int]) -> tuple[HtmlElement, float, Sums]:
    """The deepest element with the best balance between holding what was kept and nothing else, and that balance."""
    sums: Sums = {}
    for n, line in enumerate(lines):
        weight = _weight(line)
        own = sums.setdefault(line.element, [0.0, 0.0])
        own[0] += weight + 3
        own[1] += weight if n in kept else 0.0
    total = sum(good for _, good in sums.values())
    for element in reversed(list(lines[0].element.getroottree().iter())):
        parent = element.getparent()
        if element in sums and parent is not None:
            own, above = sums[element], sums.setdefault(parent, [0.0, 0.0])
            above[0] += own[0]
            above[1] += own[1]
    wide = [element for element, own in sums.items() if own[1] >= _SHARE * total]
    best = max(wide, key=lambda element: (round(_balance(sums[element], total), 9), _depth(element)))
    return best, _balance(sums[best], total), sums


def _core(container: HtmlElement, sums: Sums) -> HtmlElement:
    """The deepest element in a container that holds most of what was kept."""
    least = _SHARE * sums[container][1]
    core: HtmlElement | None = container
    while core is not None:
        container = core
        core = next((child for child in core if child in sums and sums[child][1] >= least), None)
    return container


def _balance(sums: list[float], total: float) -> float:
    coverage, purity = sums[1] / total, sums[1] / sums[0]
    return 2 * coverage * purity / (purity + coverage)


def _weight(line: Line) -> float:
    return float(max(0, len(line.text) - 20) ** 1.2)


def _depth(element: HtmlElement) -> int:
    return sum(1 for _ in element.iterancestors())


def _continued(lines: Sequence[Line], kept: Container[int], away: range, gap: int = _GAP) -> list[int]:
    """Long lines outside of the container that follow without a break: a lead before it, a text in several boxes."""
    found: list[int] = []
    foreign = 0
    for n in away:
        line = lines[n]
        if boilerplate.is_end(line.text) or foreign >= gap:
            break
        if n in kept and _is_prose(line.text) and not (line.is_link or line.chrome):
            found.append(n)
            foreign = 0
        else:
            foreign += 2 if line.is_link else 1
    return found


def _closes(place: Place, n: int) -> bool:
    """A short line that still belongs to the text above it: a byline, a caption, thanks."""
    line, inside = place.page.lines[n], n in place.inside
    if line.is_link or line.chrome or boilerplate.is_noise(line.text) or boilerplate.is_end(line.text):
        return False
    if on_line(line.text) is not None or line.linked or line.text.endswith(":"):
        return False
    if byline(line.text):
        return (
            inside
            or is_labelled(line.text)
            or _RIGHT.search(f"{line.element.get('style')} {line.element.get('align')}") is not None
        )
    return inside and (n in place.pictures or place.page.keys[n] in place.text)


def _ends_text(line: Line) -> bool:
    """A short sentence in the box of the text: thanks, a last answer."""
    if line.linked or line.chrome or boilerplate.is_noise(line.text) or boilerplate.is_end(line.text):
        return False
    return _is_sentence(line.text)


def _is_lead(line: Line) -> bool:
    nodes = [line.element, line.element.getparent()]
    names = " ".join(node.get(name) or "" for node in nodes if node is not None for name in ("class", "id"))
    return at_start(line.text) is not None or _LEAD_CLASS.search(names) is not None


def _once(page: Page, n: int) -> bool:
    return page.keys.count(page.keys[n]) == 1


def _is_prose(text: str) -> bool:
    """A line of some length that ends as a sentence does: a title, a name, a button does not."""
    return len(text) >= _LONG and _is_sentence(text)


def _is_sentence(text: str) -> bool:
    return text.rstrip(_CLOSING).endswith(_STOPS) and len(text.split()) >= _WORDS


def _is_cell(line: Line, box: HtmlElement) -> bool:
    """An item of a list or a cell of a table that stands in the text's own box: of a list without links, of data."""
    if line.is_link or line.chrome or line.element is box:
        return False
    frame = next((e for e in line.element.iterancestors() if e is box or e.tag in ("ul", "ol", "table")), box)
    return frame is not box and not frame.xpath("boolean(.//a[@href] | .//img | .//form | .//input)")
