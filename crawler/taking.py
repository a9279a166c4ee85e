"""What records tell the index: they become exchanges again and go through the Observer that reads live ones."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from crawler.observe import Observer
from crawler.scope import PRIORITIES, SEEDED, Scope
from storage.index import captures, frontier, recovery
from storage.index.captures import Observation
from storage.index.engine import Index
from storage.index.frontier import Condition
from storage.kept import Kept, Reference
from storage.model import Exchange, Found, Kind, Original


def take(index: Index, observer: Observer, crawl: str, kept: Kept) -> tuple[str, ...]:
    """Give a capture its row, its address's state and its links; tells which rows could not be written."""
    observation = observed(index, observer, kept)
    lost = captures.record_batch(index, crawl, observer.site.key, [observation]).lost
    return tuple(f"a row that could not be written: {reason}" for reason in lost)


def observed(index: Index, observer: Observer, kept: Kept) -> Observation:
    """All that a capture tells; its address has a row then."""
    meta = _asked(index, observer, kept.exchange)
    if kept.exchange.status == 304 and kept.capture.refers_to:  # it was asked whether it is still this one
        meta["condition"] = Condition(None, None, kept.capture.refers_to, _is_readable(index, kept.capture.refers_to))
    try:
        return observer.exchange(kept.exchange, kept.capture, meta)
    except Exception as error:  # noqa: BLE001  # a mistake of ours over one page must not keep all others from their rows
        if "address" not in meta:
            return Observation(meta["kind"], kept.capture)
        return replace(observer.given_up(meta, f"{type(error).__name__}: {error}"), capture=kept.capture)


def original(index: Index, reference: Reference) -> Original | None:
    """What a revisit repeats, as far as it has a row."""
    with index.read() as connection:
        return recovery.original(connection, reference)


def _is_readable(index: Index, original: Original) -> bool:
    with index.read() as connection:
        return recovery.is_readable(connection, original)


def _asked(index: Index, observer: Observer, exchange: Exchange) -> dict[str, Any]:
    """What its request knew of an address: what its row says, which is made where a power cut took it."""
    site, kind = observer.site, exchange.kind
    if kind is Kind.ROBOTS:
        return {"kind": kind}
    with index.read() as connection:
        row = frontier.known(connection, site.key, exchange.url)
    if row is None and kind is None and (exchange.hops == 0 or urlsplit(exchange.url).path == "/robots.txt"):
        return {"kind": Kind.ROBOTS}  # seeds have their rows, and records of earlier versions do not tell
    if row is None:
        kind = kind or Scope(site).kind(exchange.url) or Kind.REQUISITE
        with index.write() as connection:
            priority = PRIORITIES[kind] if exchange.hops else SEEDED
            found = Found(exchange.url, kind, priority, exchange.hops, exchange.via)
            frontier.discover(connection, site.key, [found])
            row = frontier.known(connection, site.key, exchange.url)
    if row is None:
        raise LookupError(f"no row for the address {exchange.url}")
    return {"address": row.id, "kind": kind or row.kind, "attempts": row.attempts}
