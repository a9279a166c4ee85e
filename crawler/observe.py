"""What an exchange tells the index: its capture, what becomes of its address, the addresses found on it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from scrapy.settings import BaseSettings

from crawler.entries import entries_of
from crawler.extraction import files
from crawler.framing import parse_head
from crawler.frontier import Retries, judge
from crawler.links import Discovered, Seen, discover, redirected_to
from crawler.scope import PRIORITIES, Scope, is_front_page
from crawler.settings import switched_on
from crawler.sites import Site
from crawler.walk import Walk
from storage.coding import TooLarge, Undecodable, decoded
from storage.compose import is_repeatable
from storage.index.captures import LISTS, Observation
from storage.index.entries import Entry
from storage.index.frontier import UNJUDGED, Condition, State, Visited
from storage.index.revisits import FRONT_HOPS
from storage.model import PAGES, Capture, Exchange, Found, Kind
from storage.moments import now, written

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_LEADING = _HTML | {
    "text/css",
    "text/xml",
    "text/plain",
    "application/xml",
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/gzip",
    "application/x-gzip",
}
_DOCUMENTS = frozenset({Kind.ARTICLE, Kind.PAGE, Kind.ATTACHMENT})  # what may be a document
_ON_A_LIST = 1 << 12  # references that are remembered while one list is read


@dataclass(slots=True)
class Observer:
    """Reads exchanges for one crawl; remembers the links that it has seen."""

    site: Site
    retries: Retries
    requisites: bool
    decoded_limit: int
    seen: Seen = field(default_factory=Seen)
    walk: Walk = field(init=False)

    def __post_init__(self) -> None:
        self.walk = Walk(self.site)

    @classmethod
    def of(cls, site: Site, settings: BaseSettings) -> Self:
        """The observer of a crawl with these settings."""
        return cls(
            site,
            Retries(settings.getint("RETRY_TIMES"), settings.getfloat("RETRY_DELAY")),
            requisites=switched_on(settings, "REQUISITES"),
            decoded_limit=settings.getint("DECODED_MAXSIZE"),
        )

    def exchange(self, exchange: Exchange, capture: Capture | None, meta: Mapping[str, Any]) -> Observation:
        """All that one exchange tells; `meta` is that of its request."""
        kind = Kind(meta.get("kind", Kind.PAGE))
        headers = _headers(exchange)
        visited = self._visited(exchange, kind, capture, headers, meta)
        if capture is None or exchange.error or capture.truncated or capture.status is None:
            return Observation(kind, capture, visited)
        led, entries = self._leads(exchange, capture, kind, headers)
        onward = self.walk.onward(capture.url, led.found) if kind is Kind.LIST else ()
        return Observation(
            kind=kind,
            capture=capture,
            visited=visited,
            found=led.found,
            streams=tuple(_found(url, Kind.REQUISITE, exchange) for url in led.streams),
            onward=tuple(_found(url, Kind.LIST, exchange) for url in onward),
            overlap=self.walk.overlap and exchange.hops <= FRONT_HOPS[Kind.LIST] and len(onward) == 1,
            entries=entries,
            derivable=self._is_derivable(exchange, capture, kind, headers, meta.get("condition")),
        )

    def refused(self, meta: Mapping[str, Any], reason: str) -> Observation:
        """An address that must not be asked for: by robots.txt or the address guard."""
        visited = Visited(meta["address"], State.REFUSED, 0, now(), error=reason)
        return Observation(Kind(meta["kind"]), None, visited)

    def given_up(self, meta: Mapping[str, Any], reason: str) -> Observation:
        """An address whose answer our own code could not take."""
        visited = Visited(meta["address"], State.FAILED, meta["attempts"] + 1, now(), error=reason)
        return Observation(Kind(meta["kind"]), None, visited)

    def _visited(
        self,
        exchange: Exchange,
        kind: Kind,
        capture: Capture | None,
        headers: Mapping[str, str],
        meta: Mapping[str, Any],
    ) -> Visited | None:
        if "address" not in meta or meta.get("asked_again"):  # what becomes of it is not known yet
            return None
        verdict = judge(
            exchange,
            meta["attempts"],
            self.retries,
            datetime.now(UTC),
            random.random(),  # noqa: S311
        )
        whole = capture if capture and is_repeatable(exchange) else None
        keeps = whole is not None or exchange.status == 304
        return Visited(
            meta["address"],
            verdict.state,
            verdict.attempts,
            written(verdict.due) if verdict.due else UNJUDGED,
            exchange.status,
            verdict.error,
            headers.get("etag") if keeps else None,
            headers.get("last-modified") if keeps else None,
            (whole.warc, whole.offset) if whole else None,
            whole.payload_digest if whole and kind not in LISTS else None,
        )

    def _is_derivable(
        self,
        exchange: Exchange,
        capture: Capture,
        kind: Kind,
        headers: Mapping[str, str],
        condition: Condition | None,
    ) -> bool:
        """A page or an attachment; also what is a file by its first bytes, whatever it is said to be.

        So is what says that one of them is what it was, or is no more.
        """
        if capture.status == 304:
            return capture.refers_to is not None and condition is not None and condition.is_readable
        target = redirected_to(capture.status, headers, capture.url)
        if target is not None:
            return kind in _DOCUMENTS and is_front_page(target)
        if capture.status != 200:
            return False
        if kind is Kind.ATTACHMENT or (kind in PAGES and capture.mime in _HTML):
            return True
        return kind in PAGES and files.sniff(self._body(exchange, headers) or b"") is not None

    def _body(self, exchange: Exchange, headers: Mapping[str, str]) -> bytes | None:
        """Without its content codings; None where they cannot be undone, which derivation tells in the reading."""
        try:
            return decoded(headers.items(), exchange.body, self.decoded_limit)
        except (Undecodable, TooLarge):
            return None

    def _leads(
        self, exchange: Exchange, capture: Capture, kind: Kind, headers: Mapping[str, str]
    ) -> tuple[Discovered, tuple[Entry, ...]]:
        status = exchange.status or 0
        moved = 300 <= status < 400
        if not moved and capture.mime not in _LEADING and capture.mime is not None:
            return Discovered(), ()
        body = b"" if moved else self._body(exchange, headers)
        if body is None:
            return Discovered(), ()
        is_list = kind is Kind.LIST
        led = discover(
            kind,
            status,
            headers,
            body,
            capture.url,
            self.site,
            exchange.hops,
            Seen(_ON_A_LIST) if is_list else self.seen,  # what a list names again may be a sign
            requisites=self.requisites,
        )
        if not is_list or status != 200:
            return led, ()
        return led, entries_of(body, headers.get("content-type", ""), capture.url, Scope(self.site))


def _headers(exchange: Exchange) -> dict[str, str]:
    """By lower-case name; the first of several lines counts, as for a browser."""
    head = parse_head(exchange.head) if exchange.head else None
    lines = head.headers if head else []
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(lines)}


def _found(url: str, kind: Kind, exchange: Exchange) -> Found:
    return Found(url, kind, PRIORITIES[kind], exchange.hops + 1, exchange.url)
