"""From a capture to its reading: the one door to extraction, and the process that goes through it.

Captures that have no reading yet come from the index and their payloads from the WARC files, so it does not matter
whether they were captured a moment or a year ago.
"""

import sys
from collections.abc import Iterator, Mapping
from ctypes import c_longlong
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

from crawler import learning
from crawler.confined import confined
from crawler.derivation import END, IDLE, ORPHANED, RECYCLED, SiteLoader
from crawler.extraction import article, files
from crawler.extraction.memory import Memory
from crawler.extraction.text import DIGEST_RULE, digest
from crawler.links import redirected_to
from crawler.rereading import Found, settle
from crawler.rules import Rules
from crawler.scope import is_front_page
from crawler.sites import Site
from storage.errors import ArchiveError, BrokenRecord, Exhausted
from storage.index import captures, documents, related
from storage.index.captures import Pending
from storage.index.documents import Derived
from storage.index.engine import Index
from storage.index.gone import FRONT_PAGE
from storage.model import Kind, Reading
from storage.records import StoredResponse, decoded, read_payload

_BATCH = 40  # captures read before their readings are written
_REMEMBERED = 200_000  # mentions
_RECYCLE_AFTER = 5_000  # captures; extraction libraries leak
_BATCH_TEXT = 2_000_000  # characters of them: the transaction must be short
DECODED_LIMIT = 64 * 1024 * 1024


def derive(capture: Pending, payload: StoredResponse, site: Site, memory: Memory | None) -> Reading:
    """What one capture says, by the rules of its site; the same for a live crawl, an import and a new derivation.

    A revisit says what its original says: it is read as on that day, by the layouts of that day.
    """
    headers = {name.lower(): value for name, value in reversed(payload.headers)}
    target = redirected_to(payload.status, headers, capture.url)
    if target is not None:
        return Reading(None, FRONT_PAGE if is_front_page(target) else "moved", site.document(capture.url))
    content_type = payload.content_type
    try:
        body = decoded(payload.headers, payload.body, DECODED_LIMIT)
    except ArchiveError as error:
        return Reading(None, str(error), None)
    kind = files.sniff(body)
    if kind is not None or capture.kind is Kind.ATTACHMENT:
        return _file(capture, body, content_type, kind)
    if capture.kind is Kind.LIST:
        return Reading(None, "list", None, article.mentions(body, content_type=content_type, url=capture.url))
    layouts = site.layouts_at(capture.as_of.date())
    result = article.read(
        body, content_type=content_type, url=capture.url, layouts=layouts, captured=capture.as_of, memory=memory
    )
    identity = site.document(capture.url)
    if identity is None and result.article:
        return Reading(None, "not the address of a document", None, result.mentions)
    return Reading(result.article, result.reason, identity, result.mentions)


def _file(capture: Pending, body: bytes, content_type: str | None, kind: str | None) -> Reading:
    """What a file says; it is a document by its address, whether its text is available or not."""
    identity, read = f"web:{capture.url}", files.reader(kind)
    if kind is None and (not body or files.is_page(body, content_type)):
        return Reading(None, "a page instead of a file" if body else "empty", None)
    if kind is None or read is None:
        return Reading(None, files.unread(body, kind, capture.url), identity, kind=Kind.ATTACHMENT)
    try:
        text = confined(lambda: read(body))
    except Exhausted as error:
        return Reading(None, str(error), identity, kind=Kind.ATTACHMENT)
    found = text if isinstance(text, str) else files.article(text, kind, capture.url, f"{article.CODE}/{kind}/-")
    if isinstance(found, str):
        return Reading(None, found, identity, kind=Kind.ATTACHMENT)
    return Reading(found, None, identity, kind=Kind.ATTACHMENT)


def work(home: Path, load: SiteLoader, part: int, parts: int, news: Connection, current: c_longlong) -> None:
    """Read until the parent says that nothing will come, taking the captures whose id leaves `part` of `parts`.

    `current` holds the capture that is being read. Ends the process with RECYCLED or the status of an ArchiveError.
    """
    try:
        index, site, unsaid = Index(home / "index.db"), load(), Unsaid()
        reader = Reader(home, {site.key: Rules(site, learning.load(index, site.key))})
        current.value = IDLE
        read, last = 0, False
        while True:
            if news.poll():  # also while there is enough to do: a full pipe would hold up the crawl
                last = _told(news) == END
            batch = list(_readings(index, reader, site.key, part, parts, current, unsaid))
            if batch:
                settle(index, batch, reader)
                read += len(batch)
                if read >= _RECYCLE_AFTER:
                    sys.exit(RECYCLED)
                continue  # texts are compared when none come: each that comes may undo what was compared
            if related.keep_up(index, part, parts) or (
                last and related.keep_up(index)
            ):  # in the end also what others left
                continue
            if last:
                return
            last = _told(news) == END
    except ArchiveError as error:
        sys.exit(error.status)


class Reader:
    """Reads captures by today's rules, those of the sites that it is given."""

    def __init__(self, home: Path, rules: Mapping[str, Rules]) -> None:
        self._home = home
        self._rules = rules

    def __call__(self, capture: Pending) -> Derived:
        """What a capture says; where that goes wrong, the reason begins with FAILED."""
        rules = self._rules.get(capture.site)
        if rules is None:
            reason = f"{documents.FAILED}no definition of the site {capture.site} is at hand"
            return Derived(
                capture.id, capture.site, capture.url, capture.date, Reading(None, reason, None), None, DIGEST_RULE, ""
            )
        return _derived(capture, rules, _reading(self._home, capture, rules))


class Unsaid:
    """Leaves out the mentions that this process has written already: most stand on many pages of a site.

    Of equal mentions by the same rules that of the lowest capture is kept.
    """

    def __init__(self) -> None:
        self._said: dict[int, int] = {}

    def of(self, one: Derived) -> Derived:
        """The same without what was said before."""
        keys = [hash((one.rules, mention)) for mention in one.reading.mentions]
        fresh = [key for key in keys if self._said.get(key, one.capture) >= one.capture]
        if len(self._said) > _REMEMBERED:
            self._said.clear()
        self._said.update(dict.fromkeys(fresh, one.capture))
        said = set(keys) - set(fresh)
        left = tuple(m for key, m in zip(keys, one.reading.mentions, strict=True) if key not in said)
        return replace(one, reading=replace(one.reading, mentions=left))

    def forget(self) -> None:
        """What was left out for being written was not written."""
        self._said.clear()


def _told(news: Connection) -> bytes:
    """The next message of the parent; its death ends this process, for the next crawl reads what is left."""
    parent = parent_process()
    if parent is None or news not in wait([news, parent.sentinel]):
        sys.exit(ORPHANED)
    try:
        message = news.recv_bytes()
        while message != END and news.poll():
            message = news.recv_bytes()
    except EOFError:
        sys.exit(ORPHANED)
    return message


def _readings(
    index: Index, read: Reader, site: str, part: int, parts: int, current: c_longlong, unsaid: Unsaid
) -> Iterator[Found]:
    with index.read() as connection:
        waiting = captures.pending(connection, site, part, parts, _BATCH)
    size = 0
    for capture in waiting:
        current.value = capture.id
        one = read(capture)
        yield capture, unsaid.of(one)
        size += len(one.reading.article.text) if one.reading.article else 0
        if size > _BATCH_TEXT:
            break
    current.value = IDLE


def _reading(home: Path, capture: Pending, rules: Rules) -> Reading:
    try:
        return derive(capture, read_payload(home, capture, capture.original), rules.site, rules.memory)
    except BrokenRecord as error:
        return Reading(None, f"{documents.FAILED}{error}", None)
    except Exception as error:  # noqa: BLE001  # a page that breaks our own code costs its reading, and the crawl says so
        return Reading(None, f"{documents.FAILED}{type(error).__name__}: {error}", None)


def _derived(capture: Pending, rules: Rules, reading: Reading) -> Derived:
    found = reading.article
    failed = (reading.reason or "").startswith(documents.FAILED)
    title = found.title if found and found.title_from != files.FILE_NAME else ""  # an address is no text
    return Derived(
        capture=capture.id,
        site=capture.site,
        url=capture.url,
        date=capture.date,
        reading=reading,
        digest=digest(title, found.text) if found else None,
        digest_rule=DIGEST_RULE,
        rules="" if failed else rules.name,
    )
