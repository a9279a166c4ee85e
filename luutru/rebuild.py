"""What is derived, made anew from what is kept: storage joined with crawler."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import spiders
from crawler.derivation import Derivation, Learner, anew, give_up
from crawler.rederive import Request, work
from crawler.sites import Site
from storage.collection import Collection
from storage.errors import UnknownSite
from storage.index import related, rereading
from storage.index.engine import Index
from storage.index.rereading import Change, Reread
from storage.locks import index_in_use

NAMED = 1_000  # changes that are told one by one

OnProgress = Callable[[int], None]  # captures that were read


@dataclass(frozen=True, slots=True)
class Changed:
    """A capture of which today's rules say something else; `before` is the document that it was."""

    change: Change
    site: str
    url: str
    document: str | None
    before: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A site whose captures were not read again."""

    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rederived:
    """What reading again came to. All are numbers of captures but `documents` and `versions`, what was read in them."""

    dry_run: bool
    captures: int
    documents: int
    versions: int
    new: int
    same: int
    text: int
    moved: int
    gained: int
    lost: int
    failed: int
    reasons: dict[str, int]  # why articles were lost
    changes: tuple[Changed, ...]  # the first of them
    skipped: tuple[Skipped, ...]
    problems: tuple[str, ...]  # processes that could not go on


def rederive(
    collection: Collection,
    site: str | None = None,
    *,
    since: str | None = None,
    dry_run: bool = False,
    on_progress: OnProgress = lambda _: None,
) -> Rederived:
    """Read captures again by today's rules where they were not, of one site or of all, since a moment or ever.

    Without a moment the templates of the sites are learned anew before: the same captures teach the same.
    It may be ended at any instant: what was read again stays, and the next call goes on. `dry_run` writes nothing.
    Raises UnknownSite, AlreadyRunning, StorageError.
    """
    with index_in_use(collection.home):
        return _rederive(collection, site, since, dry_run, on_progress)


def _rederive(
    collection: Collection, site: str | None, since: str | None, dry_run: bool, on_progress: OnProgress
) -> Rederived:
    with collection.index.read() as connection:
        held = rereading.archived(connection)
    if site is not None and site not in held:
        spiders.site(site, collection.home, collection.config.own_sites)  # says which come near
    known, skipped = _sites(collection, held)
    chosen = tuple(key for key in known if site in (None, key))
    tally = _Tally(on_progress)
    request = Request(collection.home, known, chosen, since, write=not dry_run)
    if chosen and since is None and not dry_run and (problem := Learner(anew(collection.home, chosen)).run()):
        tally.problems.append(problem)
    if chosen:
        _run(request, tally)
    if not dry_run and since is None and not tally.problems:
        rereading.forget_mentions(collection.index, chosen)
    while not dry_run and related.keep_up(collection.index):
        pass
    return tally.told(dry_run, [one for one in skipped if site in (None, one.site)])


def derive_all(collection: Collection, *, on_progress: OnProgress = lambda _: None) -> Rederived:
    """Read captures that were never read, all of them, learn from them, and read again what was learned of."""
    with collection.index.read() as connection:
        held = rereading.archived(connection)
    known, _ = _sites(collection, held)
    tally = _Tally(on_progress)
    if known:
        _run(Request(collection.home, known, tuple(known), None, write=True), tally)
    first = tally.counted
    told = rederive(collection, on_progress=lambda captures: on_progress(first + captures))
    return replace(told, problems=(*tally.problems, *told.problems))


def _sites(collection: Collection, held: dict[str, str]) -> tuple[dict[str, Site], list[Skipped]]:
    known, skipped = {}, []
    for key, url in held.items():
        try:
            known[key] = spiders.of_captures(key, url, collection.home, collection.config.own_sites)
        except UnknownSite as error:
            skipped.append(Skipped(key, f"its definition is gone: {error}"))
    return known, skipped


def _run(request: Request, tally: "_Tally") -> None:
    processes = len(os.sched_getaffinity(0))
    derivation = Derivation(
        request.home, partial(work, request), processes, lost=partial(tally.lose, request.write), hear=tally.count
    )
    try:
        derivation.finish()
    except BaseException:  # an interrupt above all: nothing of ours outlives it
        derivation.stop()
        derivation.finish()
        raise
    if derivation.failure:
        raise derivation.failure
    tally.problems += derivation.problems


class _Tally:
    """Counts what the processes tell."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.problems: list[str] = []
        self._on_progress = on_progress
        self._counted: Counter[Change] = Counter()
        self._reasons: Counter[str] = Counter()
        self._documents: set[str] = set()
        self._versions: set[tuple[str, str]] = set()
        self._failed: set[int] = set()
        self._changes: list[Changed] = []

    def count(self, told: Iterable[Reread]) -> None:
        """What a process has read."""
        for one in told:
            if one.change is Change.FAILED:
                if one.capture in self._failed:
                    continue
                self._failed.add(one.capture)
            self._counted[one.change] += 1
            if one.document and one.digest:
                self._documents.add(one.document)
                self._versions.add((one.document, one.digest))
            if one.change is Change.LOST and one.reason:
                self._reasons[one.reason] += 1
            if one.change not in (Change.SAME, Change.NEW) and len(self._changes) < NAMED:
                self._changes.append(Changed(one.change, one.site, one.url, one.document, one.before, one.reason))
        self._on_progress(self._counted.total())

    @property
    def counted(self) -> int:
        """How many captures were read."""
        return self._counted.total()

    def lose(self, write: bool, index: Index, capture: int, reason: str) -> None:
        """A process ended at a capture: what was read in it before stays."""
        with index.read() as connection:
            one = rereading.known(connection, capture)
        if write:
            give_up(index, capture, reason)
        self.count([Reread(capture, one.site, one.url, Change.FAILED, reason=reason)])

    def told(self, dry_run: bool, skipped: Iterable[Skipped]) -> Rederived:
        """All of it."""
        return Rederived(
            dry_run=dry_run,
            captures=self._counted.total(),
            documents=len(self._documents),
            versions=len(self._versions),
            **{change.value: self._counted[change] for change in Change},
            reasons=dict(sorted(self._reasons.items())),
            changes=tuple(self._changes),
            skipped=tuple(skipped),
            problems=tuple(self.problems),
        )
