"""Homes whose rules change, and what their indexes say, so that two of them can be held against each other."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from homes import SITE_FILE, Home, Page, Web

import spiders
from crawler.derivation import Derivation, beside_crawl

HOST = "news.example"
SITE = """
SITE = Site(
    key="news",
    name="News",
    hosts=("{host}",),
    seeds=(Listing("http://{host}/"),),
    rules=(
        Rule(r"{host}/", Kind.LIST),
        Rule(r"{host}/a/(?P<id>\\d+)", Kind.ARTICLE, identity="{identity}"),
    ),
    layouts=(Layout("plain", title=("h1",), container=(".body",), remove={remove}),),
)
"""
WHOLE, BRIEF = (), (".note",)  # what layouts remove: nothing, or a line that no article needs


def definition(remove: tuple[str, ...] = WHOLE, identity: str = "news/{id}") -> str:
    """The site of these tests, as it is read by one set of rules or another."""
    return SITE.format(host=HOST, remove=repr(remove), identity=identity)


def redefine(home: Home, source: str) -> None:
    """From now on other rules are today's."""
    (home.path / "spiders" / "news.py").write_text(SITE_FILE + source)


class News:
    """A site whose pages can be changed: numbers of articles, and what each says."""

    def __init__(self, *texts: str) -> None:
        self.texts = dict(enumerate(texts, 1))
        self.design = "<div class=body>{text}<p class=note>Bài được đăng lại từ bản tin ngày của tòa soạn.</p></div>"

    def __call__(self, _host: str, path: str) -> Page:
        if path == "/":
            cards = "".join(f'<p><a href="/a/{n}">Bản tin số {n}</a> {n % 27 + 1:02}/03/2025</p>' for n in self.texts)
            return Page(f"<html><body><ul>{cards}</ul></body></html>".encode())
        number = path.removeprefix("/a/")
        if not number.isdigit() or int(number) not in self.texts:
            return Page(status=404)
        body = self.design.format(text="".join(f"<p>{one}</p>" for one in self.texts[int(number)].split("|")))
        return Page(
            f"<html><head><meta charset=utf-8><title>Bản tin số {number}</title></head>"
            f"<body><h1>Bản tin số {number}</h1>{body}</body></html>".encode()
        )


def story(number: int, more: str = "") -> str:
    """A text of three paragraphs that no other number has."""
    return "|".join(
        f"Đoạn {part} của câu chuyện thứ {number}{more} kể về một buổi họp ở xã, nơi người dân hỏi và ủy ban trả lời "
        f"về con đường, cây cầu và trường học trong năm."
        for part in ("đầu", "giữa", "cuối")
    )


@contextmanager
def crawled(path: Path, news: News, **given: Any) -> "Iterator[tuple[Home, Web]]":
    """A home that has crawled the site once, by the rules that read everything."""
    home = Home.of(path, news=definition())
    with Web(news) as web:
        assert home.crawl("news", web.at(HOST), **given)["outcome"] == "completed"
        yield home, web


def rederive(home: Home, *options: str, status: int = 0) -> Any:
    """What `luutru rederive --json` tells."""
    command = [sys.executable, "-m", "luutru", "--home", str(home.path), "rederive", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (status, "")
    return json.loads(done.stdout)


def counts(told: dict[str, Any]) -> dict[str, int]:
    """How many captures changed in which way, as far as any did."""
    names = ("captures", "new", "same", "text", "moved", "gained", "lost", "failed")
    return {name: told[name] for name in names if told[name]}


# Left out: row ids (an index numbers as it goes), and `reading.reread`, which tells that there were other rules.
FULLTEXT = ("folded", "exact", "pairs")
DUMP = {
    "documents": """
        SELECT identity, kind, document.site, document.url, document.first_seen, document.last_seen, document.section,
          document.published, day, version.digest
        FROM document LEFT JOIN version ON version.id = document.version""",
    "versions": """
        SELECT identity, digest, digest_rule, version.first_seen, version.last_seen, title, lead, text, authors,
          version.published, published_from, modified, version.section, tags, language, images, attachments, method,
          confidence, rules
        FROM version JOIN document ON document.id = version.document""",
    "readings": """
        SELECT reading.capture, identity, digest, views, reason, reading.rules, reading.method, characters, dated,
          signed
        FROM reading LEFT JOIN version ON version.id = reading.version
        LEFT JOIN document ON document.id = version.document""",
    "addresses": """
        SELECT address.url, identity, address.first_seen
        FROM address JOIN document ON document.id = address.document""",
    "mentions": "SELECT capture, target, anchor, day, rules FROM mention",
    "captures": "SELECT id, derived FROM capture",
    "bodies": """
        SELECT identity, version.digest, body.digest, rule, hex(bands), hex(marks), compared
        FROM body LEFT JOIN version ON version.body = body.id LEFT JOIN document ON document.id = version.document""",
    "bands": "SELECT value, digest FROM band LEFT JOIN body ON body.id = band.body",
    "near": """
        SELECT one.digest, two.digest, similarity
        FROM near LEFT JOIN body AS one ON one.id = near.body LEFT JOIN body AS two ON two.id = near.other""",
    "folded": 'SELECT identity, digest, term, col, "offset" FROM temp.folded JOIN version ON version.id = doc '
    "JOIN document ON document.id = version.document",
    "exact": 'SELECT identity, digest, term, col, "offset" FROM temp.exact JOIN version ON version.id = doc '
    "JOIN document ON document.id = version.document",
    "pairs": 'SELECT identity, digest, term, col, "offset" FROM temp.pairs JOIN version ON version.id = doc '
    "JOIN document ON document.id = version.document",
    "words": "SELECT count(*) FROM temp.folded UNION ALL SELECT count(*) FROM temp.exact "
    "UNION ALL SELECT count(*) FROM temp.pairs",
}


def dump(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """All that the index says of what was read, full text word by word."""
    with closing(sqlite3.connect(home.path / "index.db")) as connection:
        for name in FULLTEXT:
            connection.execute(f"CREATE VIRTUAL TABLE temp.{name} USING fts5vocab(main, version_{name}, instance)")
        return {name: sorted(connection.execute(query), key=repr) for name, query in DUMP.items()}


def derived_from_nothing(home: Home, path: Path) -> Home:
    """A copy of the home in which the same captures were read for the first time, as a crawl reads them."""
    shutil.copytree(home.path, path)
    with closing(sqlite3.connect(path / "index.db")) as connection, connection:
        for name in FULLTEXT:
            connection.execute(f"INSERT INTO version_{name}(version_{name}) VALUES ('delete-all')")
        for name in ("reading", "mention", "address", "version", "document", "near", "band", "body"):
            connection.execute(f"DELETE FROM {name}")  # names of ours
        connection.execute("UPDATE capture SET derived = NULL WHERE derived = 1")
    load = partial(spiders.load, "news", path, True)
    derivation = Derivation(path, beside_crawl(path, load), len(os.sched_getaffinity(0)))
    derivation.finish()
    assert derivation.problems == []
    return Home(path)
