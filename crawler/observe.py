"""What an exchange tells the index: its capture, what becomes of its address, the addresses found on it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from crawler.extraction import files
from crawler.framing import parse_head
from crawler.frontier import Retries, judge
from crawler.links import Discovered, Seen, discover
from crawler.scope import PRIORITIES, next_page
from crawler.sites import Site
from storage.coding import TooLarge, Undecodable, decoded
from storage.index.captures import Observation
from storage.index.frontier import State, Visited
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


@dataclass(slots=True)
class Observer:
    """Reads exchanges for one crawl; remembers the links that it has seen."""

    site: Site
    retries: Retries
    requisites: bool
    decoded_limit: int
    seen: Seen = field(default_factory=Seen)

    def exchange(self, exchange: Exchange, capture: Capture | None, meta: Mapping[str, Any]) -> Observation:
        """All that one exchange tells; `meta` is that of its request."""
        kind = Kind(meta.get("kind", Kind.PAGE))
        headers = _headers(exchange)
        visited = self._visited(exchange, kind, headers, meta)
        if capture is None or exchange.error or capture.truncated or capture.status is None:
            return Observation(kind, capture, visited)
        led = self._leads(exchange, capture, kind, headers)
        following = next_page(self.site, capture.url) if kind is Kind.LIST and led.found else None
        return Observation(
            kind=kind,
            capture=capture,
            visited=visited,
            found=led.found,
            streams=tuple(_found(url, Kind.REQUISITE, exchange) for url in led.streams),
            next_page=_found(following, Kind.LIST, exchange) if following else None,
            derivable=capture.status == 200 and self._is_derivable(exchange, capture, kind, headers),
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
        self, exchange: Exchange, kind: Kind, headers: Mapping[str, str], meta: Mapping[str, Any]
    ) -> Visited | None:
        if "address" not in meta or meta.get("asked_again"):  # what becomes of it is not known yet
            return None
        verdict = judge(
            exchange,
            kind,
            meta["attempts"],
            self.retries,
            datetime.now(UTC),
            random.random(),  # noqa: S311
        )
        return Visited(
            meta["address"],
            verdict.state,
            verdict.attempts,
            written(verdict.due),
            exchange.status,
            verdict.error,
            headers.get("etag"),
            headers.get("last-modified"),
        )

    def _is_derivable(self, exchange: Exchange, capture: Capture, kind: Kind, headers: Mapping[str, str]) -> bool:
        """A page or an attachment; also what is a file by its first bytes, whatever it is said to be."""
        if kind is Kind.ATTACHMENT or (kind in PAGES and capture.mime in _HTML):
            return True
        return kind in PAGES and files.sniff(self._body(exchange, headers) or b"") is not None

    def _body(self, exchange: Exchange, headers: Mapping[str, str]) -> bytes | None:
        """Without its content codings; None where they cannot be undone, which derivation tells in the reading."""
        try:
            return decoded(headers.items(), exchange.body, self.decoded_limit)
        except (Undecodable, TooLarge):
            return None

    def _leads(self, exchange: Exchange, capture: Capture, kind: Kind, headers: Mapping[str, str]) -> Discovered:
        status = exchange.status or 0
        moved = 300 <= status < 400
        if not moved and capture.mime not in _LEADING and capture.mime is not None:
            return Discovered()
        body = b"" if moved else self._body(exchange, headers)
        if body is None:
            return Discovered()
        return discover(
            kind,
            status,
            headers,
            body,
            capture.url,
            self.site,
            exchange.hops,
            self.seen,
            requisites=self.requisites,
        )


def _headers(exchange: Exchange) -> dict[str, str]:
    """By lower-case name; the first of several lines counts, as for a browser."""
    head = parse_head(exchange.head) if exchange.head else None
    lines = head.headers if head else []
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(lines)}


def _found(url: str, kind: Kind, exchange: Exchange) -> Found:
    return Found(url, kind, PRIORITIES[kind], exchange.hops + 1, exchange.url)
