"""What a list says of the articles that it names, as numbers small enough to keep: title, date, summary.

Counters and ages ("2 giờ trước") say nothing, and what stands beside several articles belongs to none.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from zlib import crc32

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.extraction import boilerplate, dates
from crawler.feeds import read_entries
from crawler.links import base_of, decode_html, xml_of
from crawler.scope import Scope
from storage.index.entries import Entry
from storage.model import Kind
from storage.urls import Base, NotAnAddress, canonicalize

_DEEPEST = 40  # elements above a link that are looked at
_HIGHEST = 8  # elements by which an entry is larger than its link
_LONGEST = 4000  # characters of an entry
_LONGEST_DATE = 80  # characters of a line that holds a date or a counter
_SHORTEST = 12  # characters of a line that may be a summary
_AGE = re.compile(r"(?:cách đây\s*)?\d+\s*(?:giây|phút|giờ|ngày|tuần|tháng|năm)\s*trước", re.IGNORECASE)
_COUNT = re.compile(
    r"[\W\d]*(?:(?:lượt\s*)?(?:bình luận|ý kiến|phản hồi|thích|xem|đọc)|comments?|views?|likes?)?[\W\d]*", re.IGNORECASE
)
_TAG = re.compile(r"<[^>]*>")
_MANY = ""


def entries_of(body: bytes, content_type: str, url: str, scope: Scope) -> tuple[Entry, ...]:
    """The articles in scope that a list, a feed or a sitemap names, each once, with what it says of them."""
    xml = xml_of(body)
    said = _listed(xml, url, scope) if xml else _shown(decode_html(body, content_type), url, scope)
    found: dict[str, set[int]] = {}
    for target, text in said:
        found.setdefault(target, set()).add(crc32(text.encode("utf-8", "replace")))
    shape = crc32(re.sub(r"\d+", "", url).encode())
    return tuple(Entry(target, shape, frozenset(numbers)) for target, numbers in found.items())


def _listed(xml: bytes, url: str, scope: Scope) -> Iterator[tuple[str, str]]:
    base = Base.of(url)
    for reference, texts in read_entries(xml):
        target = _article(base, reference, scope)
        if target is not None:
            for text in texts:
                yield from ((target, one) for one in _lines(_TAG.sub("\n", text), 1))


def _shown(html: bytes, url: str, scope: Scope) -> Iterator[tuple[str, str]]:
    tree = LexborHTMLParser(html)
    base = base_of(tree, url)
    targets: dict[str, str | None] = {}
    links: list[tuple[LexborNode, str]] = []
    for node in tree.css("a[href]"):
        href = node.attributes.get("href") or ""
        if href not in targets:
            targets[href] = _article(base, href, scope)
        target = targets[href]
        if target is not None and target != url:
            links.append((node, target))
    owners = _owners(links)
    blocks: set[int] = set()
    for node, target in links:
        yield from ((target, one) for one in _lines(node.text(separator=" "), 1))
        block = _block(node, target, owners)
        if block.mem_id not in blocks:
            blocks.add(block.mem_id)
            yield from ((target, one) for one in _lines(block.text(separator="\n")[:_LONGEST], _SHORTEST))


def _article(base: Base, reference: str, scope: Scope) -> str | None:
    try:
        target = canonicalize(base.absolute(reference))
    except NotAnAddress:
        return None
    return target if scope.kind(target) is Kind.ARTICLE else None


def _owners(links: Iterable[tuple[LexborNode, str]]) -> dict[int, str]:
    """The one article that is named within an element, by the element's number."""
    owners: dict[int, str] = {}
    for node, target in links:
        above: LexborNode | None = node
        for _ in range(_DEEPEST):
            if above is None or owners.get(above.mem_id) == _MANY:
                break
            owners[above.mem_id] = target if owners.get(above.mem_id, target) == target else _MANY
            above = above.parent
    return owners


def _block(node: LexborNode, target: str, owners: dict[int, str]) -> LexborNode:
    """The largest element around a link in which no other article is named."""
    for _ in range(_HIGHEST):
        above = node.parent
        if above is None or above.tag in ("body", "html", "main") or owners.get(above.mem_id) != target:
            break
        node = above
    return node


def _lines(text: str, shortest: int) -> Iterator[str]:
    for line in unicodedata.normalize("NFC", text).splitlines():
        plain = boilerplate.without_counter(_AGE.sub(" ", " ".join(line.split()))).strip()
        moment = dates.on_line(plain) if len(plain) < _LONGEST_DATE else None
        if moment is not None:
            yield dates.as_day(moment).isoformat()
        elif len(plain) >= shortest and not _counts(plain):
            yield plain


def _counts(line: str) -> bool:
    """Whether a line says how often an article was read or answered, and no more."""
    counts = len(line) < _LONGEST_DATE and boilerplate.views(line) is not None
    return counts or _COUNT.fullmatch(line) is not None or boilerplate.is_noise(line)
