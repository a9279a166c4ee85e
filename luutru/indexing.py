"""The record pass: what WARC files hold becomes rows, read by the same Observer as live exchanges."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import spiders
from crawler.observe import Observer
from crawler.run import of_home
from crawler.sites import Site
from crawler.taking import original, take
from luutru.importing import Importer
from storage import manifest
from storage.accounts import told_in
from storage.config import Config
from storage.errors import BrokenRecord, UnknownSite
from storage.index import accounts, captures, recovery
from storage.index.engine import Index
from storage.kept import ANSWERS, Begun, Kept, Reference, groups, kept
from storage.records import Record
from storage.sweeping import Gap, Held, digest_of, sweep

_TOLD_EVERY = 100  # captures between two reports of progress


@dataclass(frozen=True, slots=True)
class Problem:
    """What was not as it should be in a WARC file, or in all of them."""

    warc: str | None
    offset: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class _Late:
    """A revisit that came before what it repeats."""

    warc: str
    offset: int
    reference: Reference


class Indexer:
    """Fills an index that is empty; `problems` are those that it met."""

    def __init__(self, home: Path, config: Config, index: Index, on_progress: Callable[[int], None]) -> None:
        self.problems: list[Problem] = []
        self._home = home
        self._own = config.own_sites
        self._index = index
        self._settings = of_home(config)
        self._on_progress = on_progress
        self._captures = 0
        self._sites: dict[str, Site] = {}
        self._late: list[_Late] = []
        self._known: dict[str, str] = {}  # by SHA-256: the files that are taken in
        self._settled: dict[str, int] = {}  # by site: the newest address that a crawl has told of
        self._told: dict[str, list[str]] = {}  # by crawl: the addresses that it tells of

    def index(self, files: Iterable[Held]) -> None:
        """Take in all files, in this order, then what only all of them tell; raises StorageError."""
        present = list(files)
        listed, bad = manifest.legible(self._home)
        for line in bad:
            self._problem(manifest.MANIFEST, None, f"line {line} cannot be read: run `luutru verify --repair`")
        missing = {digest: name for name, digest in listed.items()}
        for one in present:
            if digest := listed.get(one.name):
                missing.pop(digest, None)
                self._known[digest] = one.name
        for one in present:
            self._file(one, listed.get(one.name), missing)
        for name in missing.values():
            self._problem(name, None, "is missing: put it back from a copy, then run `luutru reindex` again")
        self._settle_revisits()
        with self._index.write() as connection:
            for crawl in recovery.running(connection):
                recovery.bury(connection, crawl)

    def _file(self, one: Held, digest: str | None, missing: dict[str, str]) -> None:
        """One file, in one transaction; `digest` is that of the manifest."""
        size = one.path.stat().st_size
        if digest is None and not one.is_open:
            size, digest = digest_of(one.path)
            before = missing.pop(digest, None)
            if before:
                self._problem(one.name, None, f"was {before}: name it so again, or correct the manifest")
            elif digest not in self._known and one.begun:
                self._problem(one.name, None, "is not in the manifest: run `luutru verify --repair`")
        if digest and self._known.setdefault(digest, one.name) != one.name:
            self._problem(one.name, None, f"is the same as {self._known[digest]}: it is not indexed twice")
            return
        with self._index.together() as index:
            crawl = self._crawled(index, one, one.begun) if one.begun else self._imported(index, one, digest or "")
            if digest is not None and crawl:
                with index.write() as connection:
                    captures.seal(connection, crawl, one.name, size, digest)

    def _crawled(self, index: Index, one: Held, begun: Begun) -> str:
        """A file of a crawl of ours."""
        with index.write() as connection:
            recovery.ensure(connection, begun.crawl, begun.site, begun.date, begun.definition)
            self._settled.setdefault(begun.site, accounts.last_address(connection))
        observer: Observer | None = None
        for group in groups(self._records(one)):
            told = told_in(group[0])
            if told:
                self._tell(index, begun.site, told)
            elif group[0].type in ANSWERS and (found := self._kept(index, one, group)):
                observer = observer or Observer.of(self._site(begun.site, found.exchange.url), self._settings)
                self._count(found, take(index, observer, begun.crawl, found))
        return begun.crawl

    def _imported(self, index: Index, one: Held, digest: str) -> str | None:
        """A file that others wrote."""
        sites = list(spiders.sites(self._home, self._own).values())
        importer = Importer(index, digest, sites, lambda site: Observer.of(site, self._settings))
        for group in groups(self._records(one)):
            if group[0].type in ANSWERS and (found := self._kept(index, one, group)):
                self._count(found, importer.take(found))
        return importer.end()

    def _records(self, one: Held) -> Iterator[Record]:
        for found in sweep(one.path):
            if isinstance(found, Gap):
                detail = f"{found.end - found.offset:,} bytes are no whole record: {found.reason}"
                self._problem(one.name, found.offset, detail)
            else:
                yield found

    def _kept(self, index: Index, one: Held, group: list[Record]) -> Kept | None:
        try:
            return kept(self._home, one.name, group, partial(original, index))
        except BrokenRecord as error:
            self._problem(one.name, group[0].offset, error.reason)
        return None

    def _count(self, found: Kept, lost: Iterable[str]) -> None:
        capture = found.capture
        for one in lost:
            self._problem(capture.warc, capture.offset, one)
        if found.refers_to and capture.refers_to is None:
            self._late.append(_Late(capture.warc, capture.offset, found.refers_to))
        self._captures += 1
        if self._captures % _TOLD_EVERY == 0:
            self._on_progress(self._captures)

    def _tell(self, index: Index, site: str, told: dict[str, Any]) -> None:
        """What a crawl says of itself: with its account, all addresses that there were have been told."""
        crawl = told["crawl"]
        with index.write() as connection:
            if "addresses" in told:
                accounts.restore_addresses(connection, site, told["addresses"])
                self._told.setdefault(crawl, []).extend(address["url"] for address in told["addresses"])
            elif accounts.restore(connection, told) and len(self._told.get(crawl, ())) == told.get("told"):
                accounts.forget_others(connection, site, self._settled[site], self._told.pop(crawl, []))
                self._settled[site] = accounts.last_address(connection)

    def _settle_revisits(self) -> None:
        for one in self._late:
            found = original(self._index, one.reference)
            if found is None:
                what = f"what it repeats is not there: {one.reference.url} of {one.reference.date.isoformat()}"
                self._problem(one.warc, one.offset, what)
                continue
            with self._index.write() as connection:
                readable = recovery.is_readable(connection, found)
                captures.name_original(connection, one.warc, one.offset, found, readable=readable)

    def _site(self, key: str, url: str) -> Site:
        """The site that a crawl was of; without rules where there is no definition any more."""
        if key not in self._sites:
            try:
                self._sites[key] = spiders.of_captures(key, url, self._home, self._own)
            except UnknownSite:
                return Site(key=key, name=key, hosts=(), seeds=())  # derivation says so
        return self._sites[key]

    def _problem(self, warc: str | None, offset: int | None, detail: str) -> None:
        self.problems.append(Problem(warc, offset, detail))
