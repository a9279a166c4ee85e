"""Archives that are written as a crawl writes them: records first, rows second, files sealed at the end."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from exchanges import INFO, PAGE, STARTED, clock

from storage.collection import Collection
from storage.index import captures, crawls
from storage.index.captures import Observation
from storage.model import Capture, Exchange, Kind, Original, Outcome
from storage.warc import CaptureWriter, original_of

Step = tuple[Exchange, Original | None]


@dataclass(frozen=True)
class Written:
    """What a crawl left: its captures, and the files that it sealed, by name."""

    captures: tuple[Capture, ...]
    files: tuple[str, ...]


def crawled(
    home: Path, crawl: str, steps: Iterable[Step], *, site: str = "soctrang", kind: Kind = Kind.ARTICLE, **options: Any
) -> Written:
    """Keep these exchanges, each with the original that it repeats, as a crawl of its own."""
    collection = Collection.open(home)
    with collection.index.write() as connection:
        crawls.begin(connection, crawl, site, "ab" * 32)
    with closing(CaptureWriter(home, site, crawl, INFO, clock=clock(), **options)) as writer:
        kept = [one for exchange, original in steps if (one := writer.append(exchange, original))]
        writer.append_metadata(f"urn:luutru:crawl:{crawl}", b"{}", "application/json")
    observed = [Observation(kind, one) for one in kept]
    assert captures.record_batch(collection.index, crawl, site, observed).lost == ()
    sealed = writer.take_sealed()
    with collection.index.write() as connection:
        for file in sealed:
            captures.seal(connection, crawl, file.name, file.bytes, file.sha256)
        crawls.end(connection, crawl, outcome=Outcome.COMPLETED)
    collection.close()
    return Written(tuple(kept), tuple(file.name for file in sealed))


def at(
    number: int, name: str, body: bytes = b"<p>tin</p>", *, status: bytes = b"200 OK", lines: bytes = b""
) -> Exchange:
    """An answer at an address, so many minutes after the first."""
    head = b"HTTP/1.1 %b\r\nContent-Type: text/html; charset=utf-8\r\n%b\r\n" % (status, lines)
    return replace(
        PAGE,
        url=f"https://soctrang.example/{name}",
        started=STARTED + timedelta(minutes=number),
        status=int(status[:3]),
        head=head,
        body=body,
    )


def original(capture: Capture) -> Original:
    """A capture as what a later one repeats."""
    return original_of(capture)
