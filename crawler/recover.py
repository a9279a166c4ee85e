"""What crawls that died left behind, taken up by the next one of their site: files, captures and their links."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from crawler.observe import Observer
from crawler.taking import original, take
from storage.accounts import tell, tell_addresses
from storage.errors import BrokenRecord
from storage.index import accounts, captures, recovery
from storage.index.engine import Index
from storage.kept import begun, kept_exchanges
from storage.records import read_record
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


def bury(index: Index, writer: CaptureWriter, site: str, dead: Sequence[str]) -> None:
    """Say of dead crawls that they were interrupted, in the WARC file and in rows; the bytes come first."""
    for crawl in dead:
        told = tell_addresses(writer, index, site, crawl)
        with index.write() as connection:
            recovery.bury(connection, crawl)
            tell(writer, accounts.account(connection, crawl) | {"told": told})
            writer.sync()


def _recover_file(home: Path, index: Index, observer: Observer, left: Unsettled) -> bool:
    """Whether there was anything in the file."""
    with index.read() as connection:
        last = recovery.last_capture(connection, left.name)
    mended = mend(home, left.name, last)
    if mended is None:
        return False
    first = begun(read_record(home, left.name, 0))
    with index.write() as connection:
        if first is not None:
            recovery.ensure(connection, left.crawl, observer.site.key, first.date, first.definition)
        recovery.tell(connection, left.crawl, list(_said(left.name, mended)))
    told = list(_index(home, index, observer, left, last))
    with index.write() as connection:
        recovery.tell(connection, left.crawl, told)
        captures.seal(connection, left.crawl, left.name, mended.bytes, mended.sha256)
    return True


def _index(home: Path, index: Index, observer: Observer, left: Unsettled, last: int) -> Iterator[str]:
    """Let the records behind the last row become rows, one by one: a page may have discovered the next."""
    found = 0
    try:
        for one in kept_exchanges(home, left.name, partial(original, index), last):
            lost = take(index, observer, left.crawl, one)
            yield from lost
            found += not lost
    except BrokenRecord as error:
        yield str(error)
    if found:
        yield f"{left.name}: {found} capture{'s' if found > 1 else ''} without a row, now indexed"


def _said(warc: str, mended: Mended) -> Iterator[str]:
    if mended.cut:
        yield f"{warc} was torn: cut behind its last whole record, at {mended.bytes:,} bytes ({mended.cut:,} taken off)"
    if mended.damaged is not None:
        yield f"{warc} is damaged at offset {mended.damaged}, where a capture should be: run `luutru verify`"
