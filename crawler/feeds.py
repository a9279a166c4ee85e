"""Feeds and sitemaps: the addresses that they list."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from lxml import etree

_LIMIT = 50_000  # addresses: what the sitemap protocol allows in one file

_SAID = frozenset({"title", "description", "summary", "pubDate", "date", "updated", "published", "modified", "lastmod"})


class Listed(NamedTuple):
    """What a sitemap lists: pages, and further sitemaps."""

    pages: list[str]
    sitemaps: list[str]


def read_feed(xml: bytes) -> list[str]:
    """The addresses of the entries of an RSS, RDF or Atom feed, as they stand there; [] for anything else."""
    found: list[str] = []
    for element in _elements(xml):
        if len(found) < _LIMIT and _name(element) in ("item", "entry"):
            found.extend(_links(element))
    return found[:_LIMIT]


def read_entries(xml: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a feed or sitemap lists: each address with title, date and summary, those that there are."""
    for element in islice(_elements(xml), 20 * _LIMIT):
        name = _name(element)
        if name in ("item", "entry", "url"):
            links = _links(element) if name != "url" else (_text(one) for one in element if _name(one) == "loc")
            said = tuple(_text(one) for one in element if _name(one) in _SAID and _text(one))
            yield from ((link, said) for link in links if link)


def read_sitemap(xml: bytes) -> Listed:
    """The pages and the sitemaps that a sitemap or a sitemap index lists; none for anything else."""
    listed = Listed([], [])
    for element in _elements(xml):
        name = _name(element)
        if name in ("url", "sitemap"):
            into = listed.pages if name == "url" else listed.sitemaps
            into.extend(_text(child) for child in element if _name(child) == "loc" and _text(child))
    return Listed(listed.pages[:_LIMIT], listed.sitemaps[:_LIMIT])


def _elements(xml: bytes) -> Iterator[etree._Element]:
    # Entities stay unread and nothing is loaded: a feed comes from a stranger.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(xml.lstrip(b"\xef\xbb\xbf \t\r\n"), parser)
    except etree.XMLSyntaxError:
        return iter(())
    return iter(()) if root is None else root.iter(etree.Element)


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _links(entry: etree._Element) -> Iterator[str]:
    for child in entry:
        if _name(child) != "link":
            continue
        if child.get("href") is None:
            yield from filter(None, [_text(child)])
        elif child.get("rel", "alternate") == "alternate":
            yield child.get("href", "")
