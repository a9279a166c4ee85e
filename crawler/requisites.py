"""What a page names and what for: its links, what it needs to be shown, and the streams that are left out."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum

from selectolax.lexbor import LexborNode

# The loops are possessive: else a hostile page or sheet would cost time that is exponential in its size.
_URL = r"""url\(\s*+(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|((?:[^\s"'()\\]|\\[0-9a-f]{1,6}\s?|\\.)*+))\s*\)"""
_STRING = r""""((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'"""
_GAP = r"(?:\s|/\*.*?\*/)*+"
_CSS = re.compile(rf"/\*.*?(?:\*/|\Z)|@import{_GAP}(?:{_STRING})|{_URL}|{_STRING}", re.IGNORECASE | re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})\s?|(\n)|(.))", re.DOTALL)
_CANDIDATE = re.compile(r"[\s,]*(\S*[^\s,])(?:\s(?:[^,(]|\([^)]*\))*+)?(?:,|$)")
_REFRESH = re.compile(r"""\s*[\d.]*\s*[;,\s]\s*(?:url\s*=\s*)?(["']?)(.+?)\1\s*$""", re.IGNORECASE | re.DOTALL)
_STREAM = re.compile(
    r"\.(?:m3u8?|mpd|f4m|ism|mp4|m4v|webm|mov|avi|flv|wmv|mkv|mpe?g|3gp|ogv|mp3|m4a|aac|ogg|oga|opus|wav|wma|flac)$",
    re.IGNORECASE,
)
_PLAYED = re.compile(rb"""["'](https?:(?:[^"'\s<>\\]|\\/){1,1000}?\.m3u8(?:\?[^"'\s<>\\]{0,500})?)["']""")
_LAZY = ("data-src", "data-original", "data-lazy-src")
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml")
_SHOWN = frozenset(
    {"stylesheet", "icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "modulepreload"}
)
_PRELOADED = frozenset({"font", "style", "script", "image"})
_FOLLOWED = frozenset({"next", "prev", "canonical", "amphtml"})


class Use(StrEnum):
    """What a page names an address for."""

    LINK = "link"
    FEED = "feed"
    SITEMAP = "sitemap"
    FRAME = "frame"  # a page inside of the page: followed if it is one of the site's, else needed to show this one
    REQUISITE = "requisite"
    STREAM = "stream"  # sound and moving pictures: never fetched


Named = tuple[Use, str]

ELEMENTS = (
    "link[href],script[src],img,source,iframe,frame[src],embed[src],object[data],video,audio,track[src],input[src],"
    "image,use,meta[http-equiv],style,[style],[background]"
)


def named_by(node: LexborNode) -> Iterator[Named]:
    """The references in one element of `ELEMENTS`, as they stand there."""
    attributes = node.attributes
    read = _READERS.get(node.tag or "")
    if read:
        for use, reference in read(node, attributes):
            if reference:
                yield use, reference
    if style := attributes.get("style"):
        yield from css(style)
    if background := attributes.get("background"):
        yield Use.REQUISITE, background


def css(sheet: str) -> Iterator[Named]:
    """What a style sheet imports and shows: `@import` and `url()` with quotes, escapes and comments (CSS Syntax 3)."""
    for found in _CSS.finditer(sheet):
        reference = found[1] or found[2] or found[3] or found[4] or found[5]
        if reference:
            yield Use.REQUISITE, _CSS_ESCAPE.sub(_unescape, reference)


def srcset(value: str) -> Iterator[Named]:
    """The addresses in a `srcset` (HTML, section 4.8.4.2.1)."""
    return ((Use.REQUISITE, found[1]) for found in _CANDIDATE.finditer(value))


def played(html: bytes) -> Iterator[Named]:
    """The addresses of live streams in the scripts of a page; a player is told of them there."""
    if b".m3u8" in html:
        for found in _PLAYED.finditer(html):
            yield Use.STREAM, found[1].decode("utf-8", "replace").replace("\\/", "/")


def is_stream(url: str) -> bool:
    """Whether the name of an address says that it is sound or moving pictures."""
    return _STREAM.search(url.partition("?")[0]) is not None


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        code = int(found[1], 16)
        return chr(code) if 0 < code <= 0x10FFFF else "\ufffd"
    return found[3] or ""


Attributes = dict[str, str | None]
_Pairs = Iterator[tuple[Use, str | None]]


def _link(_: LexborNode, attributes: Attributes) -> _Pairs:
    relations = set((attributes.get("rel") or "").lower().split())
    kind = (attributes.get("type") or "").lower().partition(";")[0].strip()
    preloaded = "preload" in relations and (attributes.get("as") or "").lower() in _PRELOADED
    if relations & _SHOWN or preloaded:
        yield Use.REQUISITE, attributes.get("href")
    elif "alternate" in relations and kind in _FEEDS:
        yield Use.FEED, attributes.get("href")
    elif relations & _FOLLOWED or ("alternate" in relations and kind in ("", "text/html")):
        yield Use.LINK, attributes.get("href")


def _picture(node: LexborNode, attributes: Attributes) -> _Pairs:
    parent = node.parent
    if node.tag == "source" and parent is not None and parent.tag in ("video", "audio"):
        yield Use.STREAM, attributes.get("src")
        return
    for name in ("src", *_LAZY):
        yield Use.REQUISITE, attributes.get(name)
    for name in ("srcset", "data-srcset"):
        yield from srcset(attributes.get(name) or "")


def _media(_: LexborNode, attributes: Attributes) -> _Pairs:
    yield Use.REQUISITE, attributes.get("poster")
    yield Use.STREAM, attributes.get("src")


def _frame(_: LexborNode, attributes: Attributes) -> _Pairs:
    for name in ("src", *_LAZY):
        yield Use.FRAME, attributes.get(name)


def _embedded(_: LexborNode, attributes: Attributes) -> _Pairs:
    yield Use.FRAME, attributes.get("src") or attributes.get("data")


def _source(_: LexborNode, attributes: Attributes) -> _Pairs:
    yield Use.REQUISITE, attributes.get("src")


def _drawn(_: LexborNode, attributes: Attributes) -> _Pairs:
    reference = attributes.get("href") or attributes.get("xlink:href") or ""
    yield Use.REQUISITE, None if reference.startswith("#") else reference


def _meta(_: LexborNode, attributes: Attributes) -> _Pairs:
    if (attributes.get("http-equiv") or "").strip().lower() == "refresh":
        found = _REFRESH.match(attributes.get("content") or "")
        yield Use.LINK, found[2] if found else None


def _style(node: LexborNode, _: Attributes) -> _Pairs:
    return css(node.text())


_READERS: dict[str, Callable[[LexborNode, Attributes], _Pairs]] = {
    "link": _link,
    "script": _source,
    "img": _picture,
    "source": _picture,
    "video": _media,
    "audio": _media,
    "iframe": _frame,
    "frame": _frame,
    "embed": _embedded,
    "object": _embedded,
    "track": _source,
    "input": _source,
    "image": _drawn,
    "use": _drawn,
    "meta": _meta,
    "style": _style,
}
