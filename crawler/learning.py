"""When the memory of a site is learned, and from which captures: what a process of its own does after a crawl."""

import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from crawler.derivation import SiteLoader
from crawler.extraction import learning
from crawler.extraction.files import sniff
from crawler.extraction.memory import Memory
from crawler.extraction.page import Page, parse
from crawler.extraction.sample import Sample
from crawler.extraction.text import squeeze
from storage.errors import ArchiveError
from storage.index import memory
from storage.index.captures import Pending
from storage.index.engine import Index
from storage.records import decoded, read_payload

_GROWN = 2  # times as many captures as were there when the site was last learned
_STRANGE = 0.3  # of the articles of a crawl were read without definition and memory
_DECODED_LIMIT = 16 * 1024 * 1024


def load(index: Index, site: str) -> Memory | None:
    """What is known of a site, None before anything was learned."""
    with index.read() as connection:
        known = memory.current(connection, site)
    return Memory.from_json(known.content) if known else None


def learn(index: Index, home: Path, site: str) -> Memory | None:
    """Learn a site from its captures and remember it; None while there are too few, and then nothing is changed."""
    with index.read() as connection:
        captures, chosen = memory.count(connection, site), memory.samples(connection, site)
    if len(chosen) < learning.FEWEST:
        return None
    learned = learning.learn(_samples(index, home, chosen))
    with index.write() as connection:
        memory.remember(connection, site, learned.version, captures, learned.to_json())
    return learned


def is_due(index: Index, site: str, crawl: str) -> bool:
    """Whether a crawl brought enough that is new: twice the pages, or articles of no template that is known."""
    with index.read() as connection:
        known = memory.current(connection, site)
        captures = memory.count(connection, site)
        strange, articles = memory.unrecognised(connection, crawl)
    if captures >= _GROWN * max(known.captures if known else 0, learning.FEWEST):
        return True
    return known is not None and strange >= max(learning.FEWEST, _STRANGE * articles)


def work(home: Path, load_site: SiteLoader, crawl: str) -> None:
    """Learn the site of a crawl that has ended, if that is due; ends the process with the status of an ArchiveError."""
    try:
        index, site = Index(home / "index.db"), load_site()
        if is_due(index, site.key, crawl):
            learn(index, home, site.key)
    except ArchiveError as error:
        sys.exit(error.status)


def work_anew(home: Path, sites: Sequence[str]) -> None:
    """Learn sites from all that there is of them; ends the process with the status of an ArchiveError."""
    try:
        index = Index(home / "index.db")
        for site in sites:
            learn(index, home, site)
    except ArchiveError as error:
        sys.exit(error.status)


def _samples(index: Index, home: Path, chosen: list[Pending]) -> Iterator[Sample]:
    for one in chosen:
        page = _page(home, one)
        if page is not None and page.lines:
            with index.read() as connection:
                said = memory.evidence(connection, one.url)
            yield Sample(
                page=page,
                day=datetime.fromisoformat(one.date).date(),
                anchors=frozenset(map(squeeze, said.anchors)),
                days=frozenset(map(date.fromisoformat, said.days)),
            )


def _page(home: Path, one: Pending) -> Page | None:
    """The page of a capture; a record that cannot be read teaches nothing, and `verify` tells of it."""
    try:
        payload = read_payload(home, one)
        body = decoded(payload.headers, payload.body, _DECODED_LIMIT)
    except ArchiveError:
        return None
    return None if sniff(body) else parse(body, payload.content_type, one.url)
