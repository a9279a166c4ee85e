"""The index is a cache: dropped, and made anew from the WARC files, it says what it said."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any
from zlib import crc32

import pytest
from homes import HASTE, Home, Page, Web, article
from rebuilding import DUMP as DERIVED
from rebuilding import FULLTEXT, rederive, story

from luutru.demo import pdf

NEWS, TOWN, ALONE = "news.example", "town.example", "alone.example"
SITE = """
SITE = Site(
    key="{key}",
    name="{key}",
    hosts=("{host}",),
    seeds=(Listing("http://{host}/"),),
    rules=(
        Rule(r"{host}/", Kind.LIST),
        Rule(r"{host}/list/\\d+", Kind.LIST),
        Rule(r"{host}/a/(?P<id>\\d+)", Kind.ARTICLE, identity="{key}/{{id}}"),
    ),
    layouts=(Layout("plain", title=("h1",), container=("article",)),),
)
"""

# Numbers of rows are left out, and named by what they number instead. Besides:
# - reading.reread (in DERIVED): that there were other rules is not in the files
# - memory.learned, memory.captures, and memories that are not current: when something was learned
ROWS = {
    "crawls": "SELECT * FROM crawl",
    "files": "SELECT name, crawl, bytes, sha256 FROM file",
    "captures": """
        SELECT capture.crawl, capture.site, capture.url, urlkey, date, kind, type, status, mime, file.name,
          capture.offset, length, record_id, payload_digest, payload_length, ip, truncated, error, derived, place
        FROM capture JOIN file ON file.id = capture.file LEFT JOIN place ON place.id = original""",
    "frontier": """
        SELECT site, url, kind, priority, hops, via, state, attempts, status, error, etag, last_modified, found,
          visited, due, frontier.crawl, changed, place
        FROM frontier LEFT JOIN place ON place.id = frontier.capture""",
    "entries": "SELECT site, url, list, said FROM entry JOIN frontier ON frontier.id = address",
    "offers": """
        SELECT identity, digest, offer.url, name
        FROM offer JOIN version ON version.id = offer.version JOIN document ON document.id = version.document""",
    "fixity": "SELECT * FROM fixity",
    "bodies": "SELECT digest, rule, bands, marks, compared IS NOT NULL FROM body",
    "bands": "SELECT value, digest FROM band JOIN body ON body.id = body",
    "near": """
        SELECT a.digest, b.digest, similarity
        FROM near JOIN body AS a ON a.id = body JOIN body AS b ON b.id = other""",
    "memory": "SELECT site, version, content FROM memory WHERE id IN (SELECT max(id) FROM memory GROUP BY site)",
}
PLACE = """
CREATE TEMP VIEW place AS SELECT capture.id, file.name || ' ' || capture.offset AS place
FROM capture JOIN file ON file.id = capture.file"""
BY_PLACE = {
    "readings": """
        SELECT place, identity, digest, views, reason, reading.rules, reading.method, characters, dated, signed
        FROM reading JOIN place ON place.id = reading.capture LEFT JOIN version ON version.id = reading.version
        LEFT JOIN document ON document.id = version.document""",
    "mentions": "SELECT place, target, anchor, day, rules FROM mention JOIN place ON place.id = mention.capture",
}


# What reading by other rules may change, before `rederive`, in a text that stays the same.
OF_RULES = frozenset({"rules", "method", "confidence"})

Rows = dict[str, list[tuple[tuple[str, Any], ...]]]


def dump(home: Home, without: frozenset[str] = frozenset()) -> Rows:
    """All that the index says, full text word by word, but for columns of these names."""
    with closing(sqlite3.connect(home.path / "index.db")) as connection:
        connection.execute(PLACE)
        for name in FULLTEXT:
            connection.execute(f"CREATE VIRTUAL TABLE temp.{name} USING fts5vocab(main, version_{name}, instance)")
        return {name: _rows(connection.execute(query), without) for name, query in (DERIVED | ROWS | BY_PLACE).items()}


def _rows(cursor: sqlite3.Cursor, without: frozenset[str]) -> list[tuple[tuple[str, Any], ...]]:
    names = [column[0] for column in cursor.description]
    rows = (zip(names, row, strict=True) for row in cursor)
    return sorted((tuple(one for one in row if one[0] not in without) for row in rows), key=repr)


def command(home: Home, *words: str) -> list[str]:
    return [sys.executable, "-m", "luutru", "--home", str(home.path), *words]


def reindex(home: Home, status: int = 0) -> Any:
    """What `luutru reindex --json` tells."""
    import json

    done = subprocess.run(command(home, "reindex", "--json"), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (status, "")
    return json.loads(done.stdout)


def exported(home: Home, *options: str) -> bytes:
    """What `luutru export jsonl` writes."""
    words = command(home, "export", "jsonl", *options)
    return subprocess.run(words, capture_output=True, timeout=60, check=True).stdout


class Town:
    """Three hosts: lists, articles that change, redirects, retries, files, pictures, a page that never answers."""

    def __init__(self) -> None:
        self.texts = {number: story(number) for number in range(1, 9)}
        self.failing = {f"{TOWN}/a/2": 1, f"{NEWS}/a/3": 9}
        self.gates: dict[str, Event] = {}
        self.asked = {f"{TOWN}/a/5": Event()}

    def __call__(self, host: str, path: str) -> Page:
        place = host + path
        if place in self.gates:
            self.asked[place].set()
            self.gates[place].wait(120)
        if self.failing.get(place):
            self.failing[place] -= 1
            return Page(b"busy", status=503)
        if path == "/":
            cards = "".join(f'<p><a href="/a/{n}">Bản tin số {n}</a> {n % 27 + 1:02}/03/2025</p>' for n in self.texts)
            more = '<a href="/list/2">2</a> <a href="/moved">x</a> <a href="/k.pdf">pdf</a> <img src="/i.png">'
            return Page(f"<html><head><link rel=stylesheet href=/s.css></head><ul>{cards}</ul>{more}</html>".encode())
        if path == "/list/2":
            return Page(b'<html><ul><li><a href="/a/8">again</a></ul></html>')
        if path == "/moved":
            return Page(status=301, headers={"Location": "/a/1"})
        if path == "/k.pdf":
            return Page(pdf.write("Kế hoạch", story(99).split("|")), headers={"Content-Type": "application/pdf"})
        if path == "/s.css":
            return Page(b"body { background: url(/b.png) }", headers={"Content-Type": "text/css"})
        if path.endswith(".png"):
            return Page(b"\x89PNG" + path.encode(), headers={"Content-Type": "image/png"})
        number = path.removeprefix("/a/")
        if not number.isdigit() or int(number) not in self.texts:
            return Page(status=404)
        title = f"Bản tin {number} {'riêng' if host == ALONE else ''}"
        offer = 'Xem <a href="/k.pdf">Kế hoạch của tỉnh</a>'
        body = article(title, *self.texts[int(number)].split("|"), offer, links="<img src=/i.png>")
        return Page(body, headers={"Content-Type": "text/html", "ETag": f'"{crc32(body)}"'})


def kill(home: Home, web: Web, town: Town, place: str) -> None:
    """A crawl of the town that is killed while it waits for an answer."""
    gate = town.gates[place] = Event()
    words = ["crawl", "town", "--connect-to", web.at(TOWN)]
    words += [
        word for name, value in (HASTE | {"CONCURRENT_REQUESTS": 1}).items() for word in ("--set", f"{name}={value}")
    ]
    with subprocess.Popen(command(home, *words), stderr=subprocess.DEVNULL, start_new_session=True) as process:
        assert town.asked[place].wait(120)
        os.killpg(process.pid, signal.SIGKILL)
    del town.gates[place]
    gate.set()


def fall_due(home: Home, site: str) -> None:
    """Time passes: all of a site is asked for again by its next crawl."""
    with closing(sqlite3.connect(home.path / "index.db")) as connection, connection:
        connection.execute("UPDATE frontier SET due = '2025-01-01' WHERE due > '2025' AND site = ?", (site,))


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two sites and one without a definition, after several crawls, of which one was killed."""
    path = tmp_path_factory.mktemp("lively") / "home"
    home = Home.of(path, news=SITE.format(key="news", host=NEWS), town=SITE.format(key="town", host=TOWN))
    town = Town()
    with Web(town) as web:
        assert home.crawl("town", web.at(TOWN), WARC_MAXSIZE=5000)["outcome"] == "completed"
        assert home.crawl("news", web.at(NEWS))["outcome"] == "partial"
        fall_due(home, "town")
        kill(home, web, town, f"{TOWN}/a/5")
        town.texts[4] = story(4, " đã sửa")
        del town.texts[7]
        town.texts[9] = story(9)
        assert home.crawl("town", web.at(TOWN), WARC_MAXSIZE=5000, REQUISITES="off")["outcome"] == "completed"
        home.crawl(f"http://{ALONE}/", web.at(ALONE))
        fall_due(home, "news")
        assert home.crawl("news", web.at(NEWS), DERIVE="off")["documents_new"] is None
    rederive(home)
    assert subprocess.run(command(home, "verify"), capture_output=True, timeout=60, check=False).returncode == 0
    return path


@pytest.fixture
def home(lively: Path, tmp_path: Path) -> Home:
    shutil.copytree(lively, tmp_path / "home")
    return Home(tmp_path / "home")


def test_made_anew_it_says_what_it_said_field_by_field(home: Home) -> None:
    before, documents, operations = dump(home), exported(home), exported(home, "--operations")
    assert met(home) == {
        "crawls": {"completed", "partial", "interrupted"},
        "records": {("response", 200), ("response", 301), ("response", 404), ("response", 503), ("revisit", 200)}
        | {("revisit", 304)},
        "kinds": {"article", "attachment", "list", "page", "requisite", "robots"},
        "states": {"done", "failed"},
        "elsewhere": {1},
    }
    assert [name for name, rows in before.items() if not rows] == []
    told = reindex(home)
    after = dump(home)
    for name, rows in before.items():
        assert after[name] == rows, name
    assert (exported(home), exported(home, "--operations")) == (documents, operations)
    assert told["problems"] == []
    assert told["captures"] == len(before["captures"])
    assert rederive(home)["captures"] == 0
    assert not (home.path / "reindex").exists()


def met(home: Home) -> dict[str, set[Any]]:
    """What there is in the archive that is to come back; `elsewhere`: revisits of what another site's file holds."""
    queries = {
        "crawls": "SELECT outcome FROM crawl",
        "records": "SELECT type, status FROM capture",
        "kinds": "SELECT kind FROM capture",
        "states": "SELECT state FROM frontier",
        "elsewhere": "SELECT 1 FROM capture AS a JOIN capture AS b ON b.id = a.original WHERE a.site != b.site",
    }
    with closing(sqlite3.connect(home.path / "index.db")) as connection:
        rows = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    return {name: {row if len(row) > 1 else row[0] for row in found} for name, found in rows.items()}


def test_without_an_index_it_is_made(home: Home) -> None:
    before = dump(home)
    for path in home.path.glob("index.db*"):
        path.unlink()
    done = subprocess.run(command(home, "stats"), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "luutru reindex" in done.stderr) == (4, True)
    reindex(home)
    assert dump(home) == before | {"fixity": []}  # what people and clocks decided is lost with it


def test_a_killed_crawl_that_nobody_took_up_is_known_by_its_records_and_goes_on(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home", town=SITE.format(key="town", host=TOWN))
    town = Town()
    states = "SELECT url, kind, priority, hops, via, state, attempts, status FROM frontier ORDER BY url"
    with Web(town) as web:
        kill(home, web, town, f"{TOWN}/a/5")
        known = home.rows(states)
        for path in home.path.glob("index.db*"):
            path.unlink()
        assert reindex(home)["problems"] == []
        assert home.rows("SELECT outcome, documents_new FROM crawl") == [
            {"outcome": "interrupted", "documents_new": None}
        ]
        told = home.rows(states)  # the files may know of an answer of which no row was written yet
        assert [one for one in known if one not in told and one["status"] is not None] == []
        places = [{one[name] for name in ("url", "kind", "priority", "hops", "via")} for one in told]
        assert all({one[name] for name in ("url", "kind", "priority", "hops", "via")} in places for one in known)
        held = {row["url"] for row in home.rows("SELECT url FROM capture WHERE kind = 'article' AND status = 200")}
        assert len(held) >= 3
        web.asked.clear()
        assert home.crawl("town", web.at(TOWN))["outcome"] == "completed"
        assert not held & {f"http://{host}{path}" for host, path in web.asked}
    assert home.rows("SELECT outcome, documents_new FROM crawl ORDER BY started LIMIT 1")[0]["documents_new"] == len(
        held
    )
    before, memory = dump(home, OF_RULES), dump(home)["memory"]
    reindex(home)
    after = dump(home, OF_RULES)
    assert (memory, len(after["memory"])) == ([], 1)
    assert after | {"memory": []} == before
