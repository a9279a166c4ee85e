"""A payload becomes a Page: decoded and parsed once, its text as lines in reading order."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from crawler.extraction.encodings import is_suspect, restore
from crawler.extraction.text import fold
from storage.urls import Base, NotAnAddress, canonicalize, resolve

# A line ends where a block begins or ends: everything that is not one of these is a block.
# fmt: off
_INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
        "i", "img", "ins", "kbd", "label", "mark", "o:p", "q", "rb", "rp", "rt", "ruby", "s", "samp", "small",
        "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "input", "st1:place",
        "st1:country-region",
    )
)
_SKIPPED = frozenset(
    (
        "script", "style", "noscript", "template", "head", "iframe", "select", "textarea", "button", "svg",
        "math", "object", "embed", "applet", "canvas", "video", "audio", "marquee", "datalist", "map",
    )
)
# fmt: on
_CHROME = frozenset(("nav", "footer", "aside", "dialog", "menu"))
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"']+)""", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PHRASES = 200  # characters of the longest line that is looked at by its parts
_BROKEN = "\ufffd"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MEANT = {"ascii": "cp1252", "iso8859-1": "cp1252"}  # WHATWG Encoding: these labels mean windows-1252


class Line(NamedTuple):
    """What a reader sees as one line: its text, how much of it is linked, the block that holds it."""

    text: str
    linked: int  # characters inside of links
    element: HtmlElement
    chrome: bool  # inside of nav, footer, aside, or hidden

    @property
    def is_link(self) -> bool:
        """More than half of it leads elsewhere."""
        return self.linked * 2 > len(self.text)

    @property
    def is_all_link(self) -> bool:
        """Hardly a letter of it leads nowhere."""
        return self.linked * 10 > len(self.text) * 9


class Picture(NamedTuple):
    """An `img` and the number of lines before it."""

    at: int
    element: HtmlElement


class Link(NamedTuple):
    """An `a` with an address, the line that it stands on, and its text."""

    at: int
    element: HtmlElement
    text: str


@dataclass(frozen=True)
class Page:
    """A decoded, parsed payload. Nobody changes its tree: all readers share it."""

    root: HtmlElement
    url: str

    @cached_property
    def base(self) -> str:
        """What relative addresses are relative to."""
        found = self.root.find(".//base[@href]")
        try:
            return self.url if found is None else resolve(self.url, found.get("href", ""))
        except NotAnAddress:
            return self.url

    @cached_property
    def _attach(self) -> Base:
        return Base.of(self.base)

    @cached_property
    def _absolute(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def _read(self) -> tuple[list[Line], list[Picture], list[Link]]:
        return _Reader().read(self.root)

    @property
    def lines(self) -> list[Line]:
        """All lines of the page in reading order."""
        return self._read[0]

    @property
    def pictures(self) -> list[Picture]:
        """All pictures of the page in reading order."""
        return self._read[1]

    @property
    def links(self) -> list[Link]:
        """All links of the page in reading order."""
        return self._read[2]

    @cached_property
    def keys(self) -> list[str]:
        """The lines without white space, as `compact` makes them."""
        return [line.text.replace(" ", "") for line in self.lines]

    @cached_property
    def meta(self) -> dict[str, list[str]]:
        """Contents of the `meta` elements by lower-case name, property or itemprop."""
        found: dict[str, list[str]] = {}
        for element in self.root.iter("meta"):
            content = fold(element.get("content") or "")
            name = element.get("property") or element.get("name") or element.get("itemprop")
            if name and content:
                found.setdefault(name.strip().lower(), []).append(content)
        return found

    @cached_property
    def title(self) -> str:
        """What stands in the `title` element."""
        found = self.root.find(".//title")
        return "" if found is None else fold(found.text_content())

    def phrases(self, n: int) -> list[str]:
        """A line, and what the inline elements in it say each by itself, where its block holds no other line."""
        line = self.lines[n]
        if len(line.text) > _PHRASES or fold(line.element.text_content()) != line.text:
            return [line.text]
        inner = [fold(e.text_content()) for e in line.element.iter(*_INLINE)]
        return list(dict.fromkeys([line.text, *(text for text in inner if text)]))

    def is_own(self, link: Link) -> bool:
        """The link leads to the host that served the page."""
        target = self.absolute(link.element.get("href") or "")
        return target is not None and target.split("/", 3)[2] == self.url.split("/", 3)[2]

    def absolute(self, href: str) -> str | None:
        """The canonical address that a link leads to; None when it is none of the web or a place on this page."""
        if href not in self._absolute:
            self._absolute[href] = self._canonical(href)
        return self._absolute[href]

    def _canonical(self, href: str) -> str | None:
        if href.lstrip().startswith(("#", "javascript:", "data:")):
            return None
        try:
            return canonicalize(self._attach.absolute(href))
        except NotAnAddress:
            return None


class _Reader:
    """Walks a tree once and writes down lines, pictures and links."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.pictures: list[Picture] = []
        self.links: list[Link] = []
        self._parts: list[str] = []
        self._linked = 0
        self._block: HtmlElement | None = None
        self._chrome = False

    def read(self, root: HtmlElement) -> tuple[list[Line], list[Picture], list[Link]]:
        body = root.find("body")
        top = root if body is None else body
        blocks: list[HtmlElement] = [top]
        anchors: list[tuple[HtmlElement, list[str]]] = []
        chrome: list[HtmlElement] = []
        walk = etree.iterwalk(top, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if event == "start":
                if tag in _SKIPPED:
                    walk.skip_subtree()
                    self._flush_at(tag, blocks[-1])
                    continue
                if tag not in _INLINE:
                    if self._parts:
                        self._flush()
                    blocks.append(element)
                    if _is_chrome(element):
                        chrome.append(element)
                        self._chrome = True
                elif tag == "a":
                    anchors.append((element, []))
                elif tag == "img":
                    self.pictures.append(Picture(len(self.lines) + bool(self._parts), element))
                if element.text:
                    self._add(element.text, blocks[-1], anchors)
                continue
            if tag not in _SKIPPED:
                if tag not in _INLINE:
                    if self._parts:
                        self._flush()
                    blocks.pop()
                elif tag == "a" and anchors:
                    self._close(*anchors.pop())
                if chrome and chrome[-1] is element:
                    self._flush()
                    chrome.pop()
                    self._chrome = bool(chrome)
            if element.tail and element is not top:
                self._add(element.tail, blocks[-1], anchors)
        self._flush()
        return self.lines, self.pictures, self.links

    def _add(self, text: str, block: HtmlElement, anchors: list[tuple[HtmlElement, list[str]]]) -> None:
        if self._block is None and text.isspace():
            return
        if self._block is None:
            self._block = block
        self._parts.append(text)
        if anchors:
            self._linked += len(text.strip())
            anchors[-1][1].append(text)

    def _close(self, element: HtmlElement, parts: list[str]) -> None:
        if element.get("href"):
            text = fold("".join(parts)) or fold(element.get("title") or "")
            self.links.append(Link(len(self.lines), element, text))

    def _flush_at(self, tag: str, block: HtmlElement) -> None:
        if tag not in ("script", "style", "noscript", "template", "button", "select"):
            self._flush()

    def _flush(self) -> None:
        if self._parts:
            text = fold("".join(self._parts))
            if text and self._block is not None:
                self.lines.append(Line(text, self._linked, self._block, self._chrome))
            self._parts.clear()
        self._linked = 0
        self._block = None


_PARSER = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_PARSER.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))  # lxml.html's own asks Python


def _is_chrome(element: HtmlElement) -> bool:
    if element.tag in _CHROME:
        return True
    style = element.get("style")
    return (style is not None and _HIDDEN.search(style) is not None) or element.get("hidden") is not None


def parse(payload: bytes, content_type: str | None, url: str) -> Page | None:
    """The page, or None when the payload holds no document."""
    data = to_utf8(payload, content_type).replace(b"\0", b"")
    if not data.strip():
        return None
    try:
        root = document_fromstring(data, parser=_PARSER)
    except etree.ParserError:
        return None
    if is_suspect(data):
        restore(root, data)
    return Page(root, url)


def to_utf8(payload: bytes, content_type: str | None) -> bytes:
    """The payload in UTF-8, by its byte order mark, else what its bytes prove, else what header and `meta` declare.

    Bytes beyond ASCII that are valid UTF-8 are UTF-8 whatever is declared: no other encoding looks so by chance. A
    few broken ones among them are just broken.
    """
    for mark, name in _BOMS:
        if payload.startswith(mark):
            return payload.decode(name, "replace").encode("utf-8", "replace")
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        sound = filter(_is_sound, _decoded(payload, content_type))
        return next(sound, payload.decode("cp1252", "replace")).encode("utf-8", "replace")
    return payload


def _decoded(payload: bytes, content_type: str | None) -> Iterator[str]:
    header = _HEADER_CHARSET.search(content_type or "")
    declared = _CHARSET.search(payload[:4096])
    names = [header.group(1)] if header else []
    names += [declared.group(1).decode("ascii")] if declared else []
    for name in ("utf-8", *names):
        try:
            yield payload.decode(_MEANT.get(codecs.lookup(name).name, name), "replace")
        except (LookupError, UnicodeError):  # no encoding of text, or one that cannot pass over what is broken
            continue


def _is_sound(text: str) -> bool:
    return text.count(_BROKEN) * 2 <= len(_BEYOND_ASCII.findall(text))
