"""A large archive for measuring: Vietnamese-like texts from a seeded vocabulary, written straight into the index.

    python benchmarks/holdings.py DIR [--documents 100000]

Several sites, sections and years; some documents have several versions, files, or the text of another document. Every
document has captures of its own and requisites beside it. The records of captures that gave a version are real, so that
provenance can be read; the file of all others is not there.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert

from storage.collection import Collection
from storage.index import captures, tables
from storage.index.dialects import dialect_of
from storage.index.mentions import day_of
from storage.model import Exchange
from storage.moments import written
from storage.surt import surt
from storage.warc import CaptureWriter, WarcInfo

SITES = ("thst", "dangcongsan", "soctrang", "vinhchau")
SECTIONS = ("Thời sự", "Kinh tế", "Văn hóa", "Xã hội", "Giáo dục", "Nông nghiệp", "Lễ hội", "Thông báo", "Pháp luật")
COMMON = "đô thị"  # two words of which each stands in most texts
RARE = "bến đò chợ nổi ngã năm"  # a phrase of which a few texts have one
SYLLABLES = 620  # a text: about 3 kB
CAPTURES = 5  # of each document, and as many requisites beside them

_BATCH = 1_000
_BEGAN = datetime(2018, 7, 17, 1, tzinfo=UTC)
_DAYS = 3_000
_CONSONANTS = "b c ch d đ g gi h k kh l m n ng nh p ph qu r s t th tr v x"
_RHYMES = (
    "a ai an ang anh ao at ay ăn ăng ân âu ây e em en eo ê ên ênh i ich iên iêu im in inh o oa oan oi on ong ô ôi ôn "
    "ông ơ ơi ơn u ua uân ui un ung uôi uông ư ưa ưng ươi ương"
)
_ORDER = (tables.capture, tables.document, tables.version, tables.reading, tables.address)
_INFO = WarcInfo("luutru", "benchmark <a@example.org>", "luutru (+https://example.org/)", "RFC 9309", "d" * 64)
_EXCHANGE = Exchange(
    url="",
    method="GET",
    started=_BEGAN,
    elapsed=0.1,
    request=b"GET / HTTP/1.1\r\n\r\n",
    status=200,
    ip="203.0.113.7",
    protocols=("http/1.1", "tls/1.3"),
    cipher="TLS_AES_256_GCM_SHA384",
)
_TONES = str.maketrans("aăâeêioôơuư", "áắấéếíóốớúứ"), str.maketrans("aăâeêioôơuư", "ạặậẹệịọộợụự"), {}


@dataclass(frozen=True)
class Text:
    """What one version says."""

    title: str
    lead: str
    text: str


class Writer:
    """Writes texts: the same ones for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self.random = random.Random(seed)  # the same archive each time
        syllables = [
            (consonant + rhyme).translate(tone)
            for consonant in _CONSONANTS.split()
            for rhyme in _RHYMES.split()
            for tone in _TONES
        ]
        self.random.shuffle(syllables)
        self.syllables = COMMON.split() + syllables
        self.weights = list(accumulate(1 / (rank + 30) for rank in range(len(self.syllables))))

    def words(self, count: int) -> list[str]:
        """So many syllables, the first of the vocabulary most often."""
        return self.random.choices(self.syllables, cum_weights=self.weights, k=count)

    def text(self, number: int) -> Text:
        """A new text; one in some thousands has the rare phrase."""
        words = self.words(SYLLABLES)
        if number % 4_000 == 17:
            words[50:50] = RARE.split()
        paragraphs = [" ".join(words[at : at + 90]).capitalize() + "." for at in range(0, len(words), 90)]
        return Text(
            " ".join(self.words(12)).capitalize(), " ".join(self.words(25)).capitalize() + ".", "\n\n".join(paragraphs)
        )

    def changed(self, text: Text) -> Text:
        """The same with a few other words."""
        words = text.text.split(" ")
        for _ in range(5):
            words[self.random.randrange(len(words))] = self.words(1)[0]
        return replace(text, text=" ".join(words))


def site(number: int) -> str:
    """The site of a document: most are of the last."""
    return SITES[min(number * 7919 % 10, len(SITES) - 1)]


def identity(number: int) -> str:
    """The identity of a document."""
    return f"{site(number)}/{number}"


def address(number: int) -> str:
    """The address of a document."""
    return f"https://{site(number)}.example/{number // 1000}/tin-{number}.html"


class Builder:
    """Writes rows as a crawl would have left them, a batch of documents at a time."""

    def __init__(self, home: Path, documents: int) -> None:
        self.collection = Collection.open(home)
        self.writer = Writer()
        self.random = self.writer.random
        self.step = timedelta(days=_DAYS) / documents
        self.recent: list[Text] = []
        self.warcs = {
            site: CaptureWriter(home, site, f"b{n}", _INFO, clock=lambda: _BEGAN) for n, site in enumerate(SITES)
        }
        self.files: dict[str, int] = {}
        self.rows: dict[Table, list[dict[str, Any]]] = {}
        self.captures = self.versions = 0

    def crawls(self, connection: Connection) -> None:
        """A crawl for each site, and a file that is not there for captures whose records nobody asks for."""
        rows = [
            {"id": f"b{n}", "site": site, "outcome": "completed", "definition": "d" * 64}
            | {"started": written(_BEGAN), "finished": written(_BEGAN + timedelta(days=_DAYS))}
            for n, site in enumerate(SITES)
        ]
        connection.execute(insert(tables.crawl), rows)
        names = {site: f"warc/{site}/lost.warc.gz" for site in SITES} | {
            f"{site} kept": self.warcs[site].current for site in SITES
        }
        for number, (key, name) in enumerate(names.items(), 1):
            self.files[key] = number
            of = f"b{SITES.index(key.split()[0])}"
            connection.execute(insert(tables.file), {"id": number, "name": name, "crawl": of, "bytes": 1_000})

    def batch(self, connection: Connection, numbers: range) -> None:
        """Write these documents."""
        self.rows = {table: [] for table in _ORDER}
        fed = [text for number in numbers for text in self._document(number)]
        for table, rows in self.rows.items():
            if rows:
                connection.execute(insert(table), rows)
        dialect_of(connection).add_to_fulltext(connection, fed)

    def _document(self, number: int) -> Iterator[tuple[int, str, str, str]]:
        site_, url = site(number), address(number)
        seen = _BEGAN + self.step * number
        section = SECTIONS[number * 31 % len(SECTIONS)]
        repeats = number % 20 == 3 and self.recent
        texts = [self.random.choice(self.recent) if repeats else self.writer.text(number)]
        while number % 10 == 7 and len(texts) < 2 + number % 3:
            texts.append(self.writer.changed(texts[-1]))
        self.recent = [*self.recent[-200:], texts[0]]
        files = [{"url": f"https://{site_}.example/f/{number}.pdf", "name": "Kế hoạch"}] if number % 8 == 5 else []
        for order, text in enumerate(texts):
            moment = seen + timedelta(days=order * 9)
            self.versions += 1
            row = {"id": self.versions, "document": number + 1, "digest": f"{number}-{order}", "digest_rule": 1}
            row |= {"first_seen": written(moment), "last_seen": written(moment + timedelta(days=8))}
            row |= {"title": text.title, "lead": text.lead, "text": text.text, "authors": '["Minh Thư"]'}
            row |= {"published": seen.date().isoformat(), "published_from": "layout", "language": "vi"}
            row |= {"section": json.dumps(["Trang chủ", section], ensure_ascii=False), "tags": "[]", "images": "[]"}
            row |= {
                "attachments": json.dumps(files, ensure_ascii=False),
                "method": "layout:b",
                "confidence": 950,
                "rules": "1/b/0",
            }
            self.rows[tables.version].append(row)
            self._kept(site_, url, moment, text)
            yield self.versions, text.title, text.lead, text.text
        self._others(site_, url, seen)
        day = day_of(seen.date().isoformat(), written(seen))
        row = {"id": number + 1, "identity": identity(number), "kind": "article", "site": site_, "url": url}
        row |= {"first_seen": written(seen), "last_seen": written(moment), "version": self.versions}
        row |= {"section": section, "published": seen.date().isoformat(), "day": day}
        self.rows[tables.document].append(row)
        self.rows[tables.address].append({"url": url, "document": number + 1, "first_seen": written(seen)})

    def _kept(self, site: str, url: str, moment: datetime, text: Text) -> None:
        """The capture that gave a version, with its records."""
        body = f"<!doctype html><h1>{text.title}</h1><p>{text.lead}</p>{text.text}".encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        kept = self.warcs[site].append(replace(_EXCHANGE, url=url, started=moment, head=head, body=body))
        assert kept is not None
        self._capture(
            site, url, moment, self.files[f"{site} kept"], kept.offset, kept.length, "article", kept.payload_digest
        )
        reading = {"capture": self.captures, "version": self.versions, "rules": "1/b/0", "method": "layout:b"}
        self.rows[tables.reading].append(reading | {"characters": len(text.text), "dated": 1, "signed": 1})

    def _others(self, site: str, url: str, seen: datetime) -> None:
        """Captures that found nothing new, and requisites."""
        file = self.files[site]
        for n in range(1, CAPTURES):
            moment = seen + timedelta(days=30 * n)
            self._capture(
                site, url, moment, file, self.captures + 1, 500, "article", "sha1:A", type="revisit", status=304
            )
            name = f"https://{site}.example/anh/{self.captures}.jpg"
            self._capture(site, name, seen, file, self.captures + 1, 9_000, "requisite", f"sha1:{self.captures}")

    def _capture(
        self,
        site: str,
        url: str,
        moment: datetime,
        file: int,
        offset: int,
        length: int,
        kind: str,
        digest: str | None,
        **more: Any,
    ) -> None:
        self.captures += 1
        row = {"id": self.captures, "crawl": f"b{SITES.index(site)}", "site": site, "url": url, "urlkey": surt(url)}
        row |= {
            "date": written(moment),
            "kind": kind,
            "type": "response",
            "status": 200,
            "mime": "text/html",
            "file": file,
        }
        row |= {"offset": offset, "length": length, "record_id": f"{self.captures:036}", "payload_digest": digest}
        self.rows[tables.capture].append(row | {"payload_length": 3_000, "ip": "203.0.113.7", "derived": 1} | more)

    def finish(self) -> None:
        """Seal the files, and bring the full text into one piece, as idle times do."""
        for site, writer in self.warcs.items():
            writer.close()
            for sealed in writer.take_sealed():
                with self.collection.index.write() as connection:
                    captures.seal(connection, f"b{SITES.index(site)}", sealed.name, sealed.bytes, sealed.sha256)
        with self.collection.index.write() as connection:
            for name in "version_folded", "version_exact", "version_pairs":
                connection.exec_driver_sql(f"INSERT INTO {name}({name}) VALUES ('optimize')")
        self.collection.close()


def make(home: Path, documents: int) -> None:
    """Make the archive in `home`, unless it is there."""
    if (home / "index.db").exists():
        return
    builder = Builder(home, documents)
    with builder.collection.index.write() as connection:
        builder.crawls(connection)
    for first in range(0, documents, _BATCH):
        with builder.collection.index.write() as connection:
            builder.batch(connection, range(first, min(first + _BATCH, documents)))
    builder.finish()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("home", type=Path)
    options.add_argument("--documents", type=int, default=100_000)
    chosen = options.parse_args()
    begun = time.monotonic()
    make(chosen.home, chosen.documents)
    print(f"{chosen.documents:,} documents in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
