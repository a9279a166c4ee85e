"""The end of a crawl: what it came to, judged once, in its last file and in its row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from crawler import drift
from crawler.capture import Tally
from crawler.expectations import LOOKED_AT, WEEKS, Found
from crawler.expectations import judge as expect
from crawler.outcome import Account, judge, warnings
from crawler.sites import Site
from storage.accounts import tell, tell_addresses
from storage.errors import ArchiveError
from storage.index import accounts, captures, crawls, documents, expectations, facts, frontier, recovery
from storage.index.crawls import Counts, Documents
from storage.index.engine import Index
from storage.model import Crawl, Drift, Expected, Kind, Outcome
from storage.warc import CaptureWriter

_WHOLE = (Outcome.COMPLETED, Outcome.PARTIAL)


@dataclass(frozen=True, slots=True)
class Ending:
    """A crawl of which everything is committed and read, as far as it will be."""

    index: Index
    writer: CaptureWriter
    site: Site
    crawl: str
    since: str | None  # when the first crawl began that this one continues
    expect: Mapping[str, float]  # what was set for the site, by kind
    derives: bool
    limited: bool  # to a number of pages

    def tell(self, counted: Account, tally: Tally, *, complete: bool) -> Crawl:
        """Say how the crawl went, in its last file, which is sealed, and in its row; the bytes come first.

        Where the last file is not `complete`, only the row is written, and the next crawl takes up what is there.
        Raises StorageError.
        """
        if complete:
            try:
                self._count_interrupted(counted)
                told = tell_addresses(self.writer, self.index, self.site.key, self.crawl, self.since)
                return self._end(counted, tally, told)
            except ArchiveError as error:
                if counted.storage is None:
                    self._end(replace(counted, storage=str(error)), tally, None)
                    raise
        return self._end(counted, tally, None)

    def _count_interrupted(self, counted: Account) -> None:
        """Tell what documents crawls met that were interrupted, now that their captures have been read."""
        if not self.derives or counted.storage:
            return
        with self.index.write() as connection:
            for one in recovery.count_documents(connection, self.site.key):
                tell(self.writer, accounts.account(connection, one))
            self.writer.sync()

    def _end(self, counted: Account, tally: Tally, told: int | None) -> Crawl:
        """The row; and the account, behind so many addresses, where the last file can be completed."""
        changes = None if counted.storage else self._changes()
        account = replace(self._account(counted), drift=tuple(one.detail for one in changes or ()))
        with self.index.read() as connection:
            counts = crawls.counts(connection, self.crawl)
            met = crawls.documents(connection, self.crawl) if self.derives else None
        expected = None
        if self.derives and not self.limited and not account.silent and judge(account) in _WHOLE:
            expected = self._expected(counts, met, account, tally, changes or ())
            account = replace(account, unexpected=tuple(one.detail for one in expected if one.detail))
        with self.index.write() as connection:
            ended = crawls.end(
                connection,
                self.crawl,
                outcome=judge(account),
                captures=counts.captures,
                revisits=counts.revisits,
                requisites=counts.requisites,
                attempts=tally.attempts,
                bytes=tally.bytes,
                documents_new=met.new if met else None,
                documents_changed=met.changed if met else None,
                documents_unchanged=met.unchanged if met else None,
                errors=account.errors,
                warnings=json.dumps(warnings(account), ensure_ascii=False),
                drift=None if changes is None else json.dumps([asdict(one) for one in changes], ensure_ascii=False),
                expected=None if expected is None else expectations.as_text(expected),
            )
            if told is not None:
                tell(self.writer, accounts.account(connection, self.crawl) | {"told": told})
                self.writer.close()
                for sealed in self.writer.take_sealed():
                    captures.seal(connection, self.crawl, sealed.name, sealed.bytes, sealed.sha256)
        return ended

    def _expected(
        self, counts: Counts, met: Documents | None, account: Account, tally: Tally, changes: Sequence[Drift]
    ) -> tuple[Expected, ...]:
        """What was expected of this crawl, and what it gave."""
        site, crawl = self.site.key, self.crawl
        with self.index.read() as connection:
            started = crawls.started(connection, crawl)
            began = datetime.fromisoformat(started)
            previous = expectations.last(connection, site, started)
            past = expectations.judged(connection, site, LOOKED_AT, started)
            found = Found(
                started=began,
                captures=counts.captures,
                attempts=tally.attempts,
                errors=account.errors,
                bytes=tally.bytes,
                seconds=(datetime.now(UTC) - began).total_seconds(),
                unchanged=expectations.unchanged(connection, crawl),
                finishes=self.since is not None,
                previous=datetime.fromisoformat(previous) if previous else None,
                documents=expectations.has_articles(connection, site),
                facts=facts.alone(connection, site, crawl),
                drift=changes,
                weeks=expectations.new_by_week(connection, site, started, met.new if met else None, WEEKS),
            )
        return expect(found, past, self.site, self.expect)

    def _account(self, counted: Account) -> Account:
        """With what only the index knows."""
        with self.index.read() as connection:
            failed = frontier.failures(connection, self.crawl)
            unread = documents.failed(connection, self.crawl)
            left = frontier.count_waiting(connection, self.site.key) if self.limited else 0
        pages = tuple(f"{url} ({reason})" for url, kind, reason in failed if kind is not Kind.REQUISITE)
        return replace(
            counted,
            failed=pages,
            failed_requisites=len(failed) - len(pages),
            unread=(*counted.unread, *unread),
            left=left,
        )

    def _changes(self) -> tuple[Drift, ...] | None:
        """What has changed on the site, by the pages of this crawl that were read; None when there are none."""
        if not self.derives:
            return None
        with self.index.read() as connection:
            evidence = facts.of_crawl(connection, self.site.key, self.crawl, drift.WINDOW)
        if not evidence.newest:
            return None
        layouts = bool(self.site.layouts_at(datetime.now(UTC).date()))
        return drift.judge(evidence.newest, evidence.known, evidence.lasting, layouts=layouts)
