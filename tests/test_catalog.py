"""The catalog of documents against a model of dictionaries, under everything that may happen to it in any order."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from crawler.extraction.text import DIGEST_RULE, digest
from storage.index import captures, crawls, documents, rereading
from storage.index.captures import Observation
from storage.index.dialects import dialect_of
from storage.index.documents import Derived
from storage.index.engine import Index
from storage.index.tables import address, document, reading, version
from storage.model import Article, Capture, Kind, Reading, RecordType
from storage.moments import written
from storage.query import Term

SITE, CRAWL, WARC = "vamsen", "c1", "warc/vamsen/2026/a.warc.gz"
START = datetime(2026, 1, 2, tzinfo=UTC)
WORDS = ("mot", "hai", "ba", "bon")  # one word a text, so that full text is asked for each
TEXTS = st.sampled_from((*WORDS, None))  # None: no article


class Catalog(RuleBasedStateMachine):
    """Captures come in any order of their dates, are read, read again by other rules, given up."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.index = Index.open(Path(self._folder.name) / "index.db")
        with self.index.write() as connection:
            crawls.begin(connection, CRAWL, SITE, "d" * 64)
        self.model: dict[int, tuple[str, str, str, str | None]] = {}  # capture: document, address, date, text
        self.rules = 1

    def teardown(self) -> None:
        self.index.close()
        self._folder.cleanup()

    @rule(of=st.integers(0, 2), at=st.integers(0, 1), day=st.integers(0, 9), text=TEXTS)
    def captured(self, of: int, at: int, day: int, text: str | None) -> None:
        """One more capture of a document, older or newer than the others, and its reading."""
        number = len(self.model) + 1
        url, date = f"https://vamsen.example/{at}/{of}", START + timedelta(days=day, microseconds=number)
        capture = Capture(
            url=url,
            date=date,
            type=RecordType.RESPONSE,
            status=200,
            mime="text/html",
            warc=WARC,
            offset=1000 * number,
            length=900,
            payload_digest=None,
            payload_length=9,
            record_id=f"00000000-0000-4000-8000-{number:012}",
        )
        with self.index.write() as connection:
            captures.record(connection, CRAWL, SITE, [Observation(Kind.ARTICLE, capture, derivable=True)])
        self.model[number] = (f"vamsen/{of}", url, written(date), text)
        documents.record_batch(self.index, [self.derived(number, text)])

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def read_again(self, data: st.DataObject) -> None:
        """Other rules read other texts in all captures of a document."""
        self.rules += 1
        chosen = data.draw(st.sampled_from(sorted({one[0] for one in self.model.values()})))
        group = [number for number, one in self.model.items() if one[0] == chosen]
        texts = {number: data.draw(TEXTS) for number in group}
        told = rereading.replace_batch(self.index, [[self.derived(number, texts[number]) for number in group]])
        assert told[0] is not None
        for number, text in texts.items():
            self.model[number] = (*self.model[number][:3], text)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def read_twice(self, data: st.DataObject) -> None:
        """A reading that came already changes nothing."""
        number = data.draw(st.sampled_from(sorted(self.model)))
        documents.record_batch(self.index, [self.derived(number, self.model[number][3])])

    @invariant()
    def says_what_the_model_says(self) -> None:
        with self.index.read() as connection:
            rows = connection.execute(
                select(document.c.identity, version.c.text, version.c.first_seen, version.c.last_seen)
                .join(version, version.c.document == document.c.id)
                .order_by(document.c.identity, version.c.text)
            ).all()
            standing = connection.execute(
                select(document.c.identity, document.c.first_seen, document.c.last_seen, version.c.text)
                .outerjoin(version, version.c.id == document.c.version)
                .order_by(document.c.identity)
            ).all()
            read = connection.execute(
                select(reading.c.capture, version.c.text)
                .outerjoin(version, version.c.id == reading.c.version)
                .order_by(reading.c.capture)
            ).all()
            named = connection.execute(
                select(document.c.identity, address.c.url, address.c.first_seen)
                .join(address, address.c.document == document.c.id)
                .order_by(document.c.identity, address.c.url)
            ).all()
            found = {
                word: len(
                    connection.execute(
                        dialect_of(connection).folded([Term((word,))]),
                        dialect_of(connection).sought([Term((word,))], []),
                    ).all()
                )
                for word in WORDS
            }
        texts = self.grouped((document_, text) for document_, _, _, text in self.model.values())
        assert [tuple(row) for row in rows] == [
            (*key, min(dates), max(dates)) for key, dates in sorted(self.dates(texts).items())
        ]
        assert [tuple(row) for row in standing] == [
            (one, min(dates), max(dates), text) for one, (dates, text) in sorted(self.stands().items())
        ]
        assert [tuple(row) for row in read] == [(number, one[3]) for number, one in sorted(self.model.items())]
        addresses: dict[tuple[str, str], list[str]] = {}
        for identity, url, date, text in self.model.values():
            if text is not None:
                addresses.setdefault((identity, url), []).append(date)
        assert [tuple(row) for row in named] == [(*key, min(dates)) for key, dates in sorted(addresses.items())]
        assert found == {word: sum(text == word for _, text in texts) for word in WORDS}

    def grouped(self, pairs: Iterable[tuple[str, str | None]]) -> set[tuple[str, str]]:
        return {(one, text) for one, text in pairs if text is not None}

    def dates(self, texts: set[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
        return {key: [date for one, _, date, text in self.model.values() if (one, text) == key] for key in texts}

    def stands(self) -> dict[str, tuple[list[str], str]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for identity, _, date, text in self.model.values():
            if text is not None:
                found.setdefault(identity, []).append((date, text))
        return {identity: ([date for date, _ in said], max(said)[1]) for identity, said in found.items()}

    def derived(self, number: int, text: str | None) -> Derived:
        identity, url, date, _ = self.model[number]
        article = Article(title="Bản tin", text=text, method="test", confidence=1.0) if text else None
        return Derived(
            capture=number,
            site=SITE,
            url=url,
            date=date,
            reading=Reading(article, None if article else "no text", identity),
            digest=digest("Bản tin", text) if text else None,
            digest_rule=DIGEST_RULE,
            rules=f"test/{self.rules}",
        )


Catalog.TestCase.settings = settings(max_examples=25, stateful_step_count=20)
TestCatalog = Catalog.TestCase
