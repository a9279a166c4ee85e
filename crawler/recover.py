"""What crawls that died left behind, taken up by the next one of their site: files, captures and their links."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.observe import Observer
from crawler.scope import PRIORITIES, Scope
from storage.errors import BrokenRecord
from storage.index import captures, frontier, recovery
from storage.index.captures import Observation
from storage.index.engine import Index
from storage.index.frontier import Unanswered
from storage.kept import Reference, begun, kept_exchanges
from storage.model import Capture, Crawl, Exchange, Found, Kind, Original
from storage.recovery import Mended, Unsettled, mend, unsettled
from storage.warc import CaptureWriter


def recover(home: Path, index: Index, observer: Observer) -> list[str]:
    """Seal what dead crawls of the site left, and give every capture in it its row, its address's state and its links.

    The crawls that are to be buried; what a person should know of them stands in their warnings. The seeds must be
    known and the site's lock be held. Cut off at any instant, the next call goes on. Raises StorageError.
    """
    site = observer.site.key
    with index.read() as connection:
        settled, unsealed = recovery.settled(connection, site), recovery.unsealed(connection, site)
    touched = [left.crawl for left in unsettled(home, site, settled) if _recover_file(home, index, observer, left)]
    lost = [(warc, crawl) for warc, crawl in unsealed if not (home / warc).exists()]
    with index.write() as connection:
        for warc, crawl in lost:
            if recovery.tell(connection, crawl, [f"{warc} is lost: put it back from a copy"]):
                touched.append(crawl)
        return recovery.unburied(connection, site, touched)


def bury(index: Index, writer: CaptureWriter, dead: Sequence[str]) -> None:
    """Say of dead crawls that they were interrupted, in the WARC file and in rows; the bytes come first."""
    if not dead:
        return
    with index.write() as connection:
        for crawl in dead:
            row = recovery.bury(connection, crawl)
            unanswered: list[Unanswered] = []
            while page := frontier.unanswered(connection, crawl, unanswered[-1].id if unanswered else 0):
                unanswered += page
            writer.append_metadata(f"urn:luutru:crawl:{crawl}", _account(row, unanswered), "application/json")
        writer.sync()


def _account(row: Crawl, unanswered: Sequence[Unanswered]) -> bytes:
    """What its last record would have said."""
    told = {
        "crawl": row.crawl,
        "site": row.site,
        "outcome": row.outcome,
        "attempts": row.attempts,
        "errors": row.errors,
        "warnings": row.warnings,
        "unanswered": [
            {"url": one.url, "state": one.state, "status": one.status, "error": one.error, "via": one.via}
            for one in unanswered
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _recover_file(home: Path, index: Index, observer: Observer, left: Unsettled) -> bool:
    """Whether there was anything in the file."""
    with index.read() as connection:
        last = recovery.last_capture(connection, left.name)
    mended = mend(home, left.name, last)
    if mended is None:
        return False
    with index.write() as connection:
        recovery.ensure(connection, left.crawl, observer.site.key, *begun(home, left.name))
        recovery.tell(connection, left.crawl, list(_said(left.name, mended)))
    told = list(_index(home, index, observer, left, last))
    with index.write() as connection:
        recovery.tell(connection, left.crawl, told)
        captures.seal(connection, left.crawl, left.name, mended.bytes, mended.sha256)
    return True


def _index(home: Path, index: Index, observer: Observer, left: Unsettled, last: int) -> Iterator[str]:
    """Let the records behind the last row become rows, one by one: a page may have discovered the next."""
    found = 0

    def find(reference: Reference) -> Original | None:
        with index.read() as connection:
            return recovery.original(connection, reference)

    try:
        for exchange, capture in kept_exchanges(home, left.name, find, last):
            observation = _observed(observer, exchange, capture, _asked(index, observer, exchange))
            recorded = captures.record_batch(index, left.crawl, observer.site.key, [observation])
            yield from (f"a row that could not be written: {reason}" for reason in recorded.lost)
            found += not recorded.lost
    except BrokenRecord as error:
        yield str(error)
    if found:
        yield f"{left.name}: {found} capture{'s' if found > 1 else ''} without a row, now indexed"


def _observed(observer: Observer, exchange: Exchange, capture: Capture, meta: dict[str, Any]) -> Observation:
    try:
        return observer.exchange(exchange, capture, meta)
    except Exception as error:  # noqa: BLE001  # a mistake of ours over one page must not keep every crawl from starting
        if "address" not in meta:
            return Observation(meta["kind"], capture)
        return replace(observer.given_up(meta, f"{type(error).__name__}: {error}"), capture=capture)


def _said(warc: str, mended: Mended) -> Iterator[str]:
    if mended.cut:
        yield f"{warc} was torn: cut behind its last whole record, at {mended.bytes:,} bytes ({mended.cut:,} taken off)"
    if mended.damaged is not None:
        yield f"{warc} is damaged at offset {mended.damaged}, where a capture should be: run `luutru verify`"


def _asked(index: Index, observer: Observer, exchange: Exchange) -> dict[str, Any]:
    """What its request knew of an address: what its row says, which is made where a power cut took it."""
    site = observer.site
    with index.read() as connection:
        row = frontier.known(connection, site.key, exchange.url)
    if row is None and (exchange.hops == 0 or urlsplit(exchange.url).path == "/robots.txt"):
        return {"kind": Kind.ROBOTS}  # seeds have their rows
    if row is None:
        kind = Scope(site).kind(exchange.url) or Kind.REQUISITE
        with index.write() as connection:
            found = Found(exchange.url, kind, PRIORITIES[kind], exchange.hops, exchange.via)
            frontier.discover(connection, site.key, [found])
            row = frontier.known(connection, site.key, exchange.url)
    return {"address": row.id, "kind": row.kind, "attempts": row.attempts} if row else {"kind": Kind.ROBOTS}
