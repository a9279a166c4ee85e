"""What a capture leads to: the links and requisites of a page, in scope and not known yet.

`nofollow`, on a link or a page, is advice to search engines about credit and is not read: what an archive may fetch
is said by robots.txt.
"""

import re
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from selectolax.lexbor import LexborHTMLParser
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

from crawler.feeds import read_feed, read_sitemap
from crawler.requisites import ELEMENTS, Named, Use, css, is_stream, named_by, played
from crawler.scope import PRIORITIES, Scope, is_trap
from crawler.sites import Site
from storage.model import Found, Kind
from storage.urls import Base, NotAnAddress, canonicalize, resolve

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HTML = frozenset({"text/html", "application/xhtml+xml", ""})
_XML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|(?><!--.*?-->)\s*|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>\s*)*"
    rb"<(?:\w+:)?(rss|feed|rdf|urlset|sitemapindex)\b",
    re.IGNORECASE | re.DOTALL,
)
_SITEMAP_LIMIT = 50 * 1024 * 1024  # bytes, by the sitemap protocol
_ASCII = bytes(range(0x21, 0x7F)).decode()


class Link(NamedTuple):
    """A canonical address that a page names, and what for."""

    url: str
    use: Use


Reader = Callable[[bytes, str, "Seen"], list[Link]]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a capture leads to; `streams` are named by the page and never fetched."""

    found: tuple[Found, ...] = ()
    streams: tuple[str, ...] = ()


class Seen:
    """The references that this crawl has met, as 8-byte hashes in a table of fixed size.

    It may forget: a reference that comes again after another has taken its slot is new once more. It never takes one
    reference for another, up to the chance of equal hashes. The key is the reference behind what it attaches to on its
    page (`Base.absolute`), so that `?Page=2` on two lists is two.
    """

    def __init__(self, slots: int = 1 << 20) -> None:
        self._mask = slots - 1  # slots: a power of two
        self._table = array("q", bytes(8 * slots))

    def add(self, address: str, use: Use) -> bool:
        """Whether it is new, for this use; from now on it is not."""
        key = hash(use + address)
        at = key & self._mask
        if self._table[at] == key:
            return False
        self._table[at] = key
        return True


def discover(
    page_kind: Kind,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    url: str,
    site: Site,
    hops: int,
    seen: Seen,
    *,
    requisites: bool = True,
) -> Discovered:
    """The addresses in scope that a capture names and that are not known to `seen`, in the order of the page.

    `headers` by lower-case name, values decoded as Latin-1; `body` without content encoding; `url` canonical, `hops`
    its steps from a seed. A redirect leads to its target, an HTML page to links and requisites, a style sheet to
    requisites only, a feed or sitemap to what it lists; errors, attachments and robots.txt lead nowhere. Without
    `requisites` a page is read for its links only.
    """
    if page_kind is Kind.ROBOTS:
        return Discovered()
    if status in _REDIRECTS:
        return _redirected(page_kind, redirected_to(status, headers, url), url, Scope(site), hops)
    if not 200 <= status < 300 or page_kind is Kind.ATTACHMENT:
        return Discovered()
    content_type = headers.get("content-type", "")
    links = _links(page_kind, content_type, body, url, seen, read_links if requisites else read_anchors)
    return _in_scope(links, url, Scope(site), site.follow_all, hops + 1)


def read_links(html: bytes, url: str, seen: Seen) -> list[Link]:
    """What an HTML page in UTF-8 names and `seen` does not know: links first, then requisites and streams."""
    tree = LexborHTMLParser(html)
    needed = chain.from_iterable(map(named_by, tree.css(ELEMENTS)))
    return _unseen(chain(_anchors(tree), needed, played(html)), base_of(tree, url), seen)


def read_anchors(html: bytes, url: str, seen: Seen) -> list[Link]:
    """The links alone, where nobody asks for requisites."""
    tree = LexborHTMLParser(html)
    return _unseen(_anchors(tree), base_of(tree, url), seen)


def _anchors(tree: LexborHTMLParser) -> Iterator[Named]:
    references = (node.attrs.get("href") or "" for node in tree.css("a[href],area[href]"))
    return ((Use.LINK, reference) for reference in dict.fromkeys(references))


def xml_of(body: bytes) -> bytes | None:
    """The feed or sitemap that a body is, unpacked; None for anything else."""
    if body[:2] == b"\x1f\x8b":
        body = _unzipped(body)
    return body if _XML.match(body.lstrip(b"\xef\xbb\xbf")[:4096]) else None


def redirected_to(status: int | None, headers: Mapping[str, str], url: str) -> str | None:
    """Where an answer sends whoever asks; None where it is no redirect, or leads to no address."""
    location = headers.get("location", "")
    if status not in _REDIRECTS or not location:
        return None
    try:
        return resolve(url, quote_from_bytes(location.encode("latin-1", "replace"), safe=_ASCII))
    except NotAnAddress:
        return None


def decode_html(body: bytes, content_type: str) -> bytes:
    """The page in UTF-8: by its byte order mark, its Content-Type, or what its head declares, in this order."""
    marked, mark = read_bom(body)
    if mark:
        body = body[len(mark) :]
    encoding = marked or http_content_type_encoding(content_type) or html_body_declared_encoding(body[:4096])
    if encoding in (None, "utf-8", "ascii"):
        return body
    return body.decode(encoding, "replace").encode("utf-8", "replace")


def _links(
    page_kind: Kind,
    content_type: str,
    body: bytes,
    url: str,
    seen: Seen,
    read: Callable[[bytes, str, Seen], list[Link]],
) -> list[Link]:
    mime = content_type.partition(";")[0].strip().lower()
    if page_kind is Kind.REQUISITE:
        is_css = mime == "text/css" or (not mime and url.partition("?")[0].endswith(".css"))
        sheet = decode_html(body, content_type).decode("utf-8", "replace") if is_css else ""
        return _unseen(css(sheet), Base.of(url), seen)
    xml = xml_of(body)
    if xml is not None:
        return _unseen(_listed(xml), Base.of(url), seen)
    return read(decode_html(body, content_type), url, seen) if mime in _HTML else []


def _listed(xml: bytes) -> Iterable[Named]:
    root = _XML.match(xml.lstrip(b"\xef\xbb\xbf")[:4096])
    if root is None or root[1].lower() not in (b"urlset", b"sitemapindex"):
        return ((Use.LINK, page) for page in read_feed(xml))
    pages, sitemaps = read_sitemap(xml)
    return chain(((Use.SITEMAP, one) for one in sitemaps), ((Use.LINK, one) for one in pages))


def _unzipped(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, _SITEMAP_LIMIT)
    except zlib.error:
        return b""


def base_of(tree: LexborHTMLParser, url: str) -> Base:
    """What the references of a page attach to."""
    declared = tree.css_first("base[href]")
    if declared is not None:
        try:
            return Base.of(resolve(url, declared.attributes.get("href") or ""))
        except NotAnAddress:
            pass  # a browser falls back to the address of the page as well
    return Base.of(url)


def _unseen(named: Iterable[Named], base: Base, seen: Seen) -> list[Link]:
    links = []
    for use, reference in named:
        if not reference or reference[0] == "#":
            continue
        address = base.absolute(reference)
        if not seen.add(address, use):
            continue
        try:
            url = canonicalize(address)
        except NotAnAddress:
            continue
        if url == address or seen.add(url, use):
            links.append(Link(url, use))
    return links


def _in_scope(links: list[Link], page: str, scope: Scope, follow_all: bool, hops: int) -> Discovered:
    found: dict[str, Found] = {}
    streams: dict[str, None] = {}
    for url, use in links:
        if use is Use.STREAM or is_stream(url):
            streams[url] = None
        elif url != page and url not in found:
            kind = _kind(url, use, page, scope, follow_all, hops)
            if kind is not None:
                found[url] = Found(url, kind, PRIORITIES[kind], hops, page)
    return Discovered(tuple(found.values()), tuple(streams))


def _kind(url: str, use: Use, page: str, scope: Scope, follow_all: bool, hops: int) -> Kind | None:
    if use is Use.REQUISITE:
        return Kind.REQUISITE if scope.shows(url) else None
    if is_trap(url, page, hops):
        return None
    if use is Use.SITEMAP or (use is Use.FEED and follow_all):
        return Kind.LIST if scope.covers(url) else None
    kind = scope.kind(url)
    if kind is None and use is Use.FRAME and scope.shows(url):
        return Kind.REQUISITE
    return kind


def _redirected(page_kind: Kind, target: str | None, url: str, scope: Scope, hops: int) -> Discovered:
    if target is None or target == url or is_trap(target, url, hops + 1):
        return Discovered()
    if is_stream(target):
        return Discovered(streams=(target,))
    kind = scope.moved(page_kind, url, target, hops)
    if kind is None:
        return Discovered()
    return Discovered((Found(target, kind, PRIORITIES[kind], hops + 1, url),))
