"""Captures in WARC files that others wrote: what they are to a site of ours, and what there is to be read in them.

They lead nowhere: what is still to be crawled is not for others to say.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from crawler.observe import Observer
from crawler.scope import Scope
from crawler.sites import Site
from storage.index.captures import Observation
from storage.kept import Kept
from storage.model import Kind

_HTML = frozenset({"text/html", "application/xhtml+xml"})


def observed(observer: Observer, kept: Kept) -> Observation:
    """What a capture of theirs tells."""
    kind = _kind(observer.site, kept)
    try:
        told = observer.exchange(kept.exchange, kept.capture, {"kind": kind})
    except Exception:  # noqa: BLE001  # a page that breaks our own code leads nowhere either
        return Observation(kind, kept.capture)
    return replace(told, found=(), streams=(), onward=(), entries=())


def _kind(site: Site, kept: Kept) -> Kind:
    if urlsplit(kept.exchange.url).path == "/robots.txt":
        return Kind.ROBOTS
    found = Scope(site).kind(kept.exchange.url)
    return found or (Kind.PAGE if kept.capture.mime in _HTML else Kind.REQUISITE)
