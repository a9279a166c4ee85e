"""The answers to a question for other programs: a feed (Atom, RFC 4287), and files that are written as they are found.

Pure: what reads the archive is given, a page of answers at a time, so that nothing of it is held meanwhile.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from luutru.output import plain
from storage.index.hits import Hit

Turn = Callable[[str | None], tuple[tuple[Hit, ...], str | None]]  # a cursor: its page, and the next cursor

COLUMNS = (
    *("document", "kind", "site", "title", "lead", "published", "section", "url"),
    *("captured", "version", "versions"),
)
_ATOM = "http://www.w3.org/2005/Atom"
_NEVER = "1970-01-01T00:00:00+00:00"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SAFE = "/:@!$'()*,;=~"
_BOM = "\ufeff"  # else spreadsheets take it for another encoding, and no Vietnamese letter is right


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a feed stands: absolute addresses, and the language of its own words."""

    title: str
    address: str  # of the feed itself
    page: str  # of the same answers for people
    next: str | None  # of the entries that follow
    documents: str  # what stands before the identity of a document in the address of its page
    authority: str  # host name under which the ids of entries are minted (RFC 4151)
    author: str
    language: str


def atom(feed: Feed, hits: Iterable[Hit]) -> bytes:
    """A feed whose entries are documents; an entry is updated when a new version of it is found."""
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": feed.language})
    entries = list(hits)
    _text(root, "id", feed.address)
    _text(root, "title", feed.title)
    _text(root, "updated", max((_moment(one.captured) for one in entries), default=_NEVER))
    _text(SubElement(root, "author"), "name", feed.author)
    for relation, href in ("self", feed.address), ("alternate", feed.page), ("next", feed.next):
        if href:
            SubElement(root, "link", {"rel": relation, "href": href, "type": _TYPES[relation]})
    for one in entries:
        _entry(root, feed, one)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()


_TYPES = {"self": "application/atom+xml", "alternate": "text/html", "next": "application/atom+xml"}


def _entry(root: Element, feed: Feed, one: Hit) -> None:
    entry = SubElement(root, "entry")
    name = quote(one.document, safe=_SAFE)
    _text(entry, "id", f"tag:{feed.authority},2025:{name}")
    _text(entry, "title", one.title).set("xml:lang", "vi")
    _text(entry, "updated", _moment(one.captured))
    if one.published and len(one.published) > len("2025-01-02"):
        _text(entry, "published", _moment(one.published))
    SubElement(entry, "link", {"rel": "alternate", "href": f"{feed.documents}{name}", "type": "text/html"})
    SubElement(entry, "link", {"rel": "via", "href": _xml(one.url)})
    for section in one.section:
        SubElement(entry, "category", {"term": _xml(section)})
    _text(entry, "summary", one.lead or one.snippet).set("xml:lang", "vi")


def _moment(moment: str) -> str:
    """RFC 3339: as the index has it, or a local one with its offset."""
    return datetime.fromisoformat(moment).isoformat()


def _text(parent: Element, name: str, text: str) -> Element:
    child = SubElement(parent, name)
    child.text = _xml(text)
    return child


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def hits(turn: Turn) -> Iterator[Hit]:
    """All answers, page after page."""
    cursor: str | None = None
    while True:
        page, cursor = turn(cursor)
        yield from page
        if cursor is None:
            return


def jsonl(found: Iterable[Hit]) -> Iterator[bytes]:
    """A line a document, with the fields of `luutru search --json`."""
    for one in found:
        line = json.dumps(plain(one), ensure_ascii=False, allow_nan=False)
        yield f"{line}\n".encode("utf-8", "backslashreplace")


def comma_separated(found: Iterable[Hit]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8 with its mark, the first record naming the columns.

    What a spreadsheet would take for a formula has an apostrophe before it.
    """
    yield _BOM.encode() + _record(COLUMNS)
    for one in found:
        values = plain(one) | {"section": " › ".join(one.section)}
        yield _record(["" if values[name] is None else values[name] for name in COLUMNS])


def _record(values: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([_inert(one) if isinstance(one, str) else one for one in values])
    return out.getvalue().encode("utf-8", "replace")


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
