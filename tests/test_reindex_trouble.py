"""Reindexing what is not as it should be: files that were moved, lost, damaged, cut off; and files of others."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from exchanges import INFO, PAGE
from homes import Home
from rebuilding import HOST, News, crawled, definition, dump, story
from sites_for_tests import until
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from luutru.indexing import Indexer, Problem
from storage.config import Config
from storage.index.engine import Index
from storage.locks import crawl_lock, index_alone, index_in_use
from storage.model import Kind
from storage.sweeping import held
from storage.warc import CaptureWriter, original_of


def command(home: Home, *words: str) -> list[str]:
    return [sys.executable, "-m", "luutru", "--home", str(home.path), *words]


def run(home: Home, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(home, *words), capture_output=True, text=True, timeout=120, check=False)


def index(home: Home) -> list[Problem]:
    """Index the files alone, reading nothing; what was wrong with them."""
    for path in home.path.glob("index.db*"):
        path.unlink()
    made = Index.open(home.path / "index.db")
    indexer = Indexer(home.path, Config.load(home.path), made, lambda _: None)
    indexer.index(held(home.path))
    made.close()
    return indexer.problems


def reindex(home: Home, status: int = 0) -> Any:
    done = run(home, "reindex", "--json")
    assert (done.returncode, done.stderr) == (status, "")
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of six articles in several files."""
    with crawled(tmp_path_factory.mktemp("archive") / "home", News(*map(story, range(1, 7))), WARC_MAXSIZE=3000) as (
        home,
        _,
    ):
        return home.path


@pytest.fixture
def home(archive: Path, tmp_path: Path) -> Home:
    shutil.copytree(archive, tmp_path / "home")
    return Home(tmp_path / "home")


def sealed(home: Home) -> list[Path]:
    return [path for path in home.warcs() if path.name.endswith(".warc.gz")]


def captures(home: Home) -> list[tuple[str, str]]:
    return sorted((row["url"], row["date"]) for row in home.rows("SELECT url, date FROM capture"))


def test_moved_files_are_indexed_where_they_are_and_told(home: Home) -> None:
    before, first = captures(home), sealed(home)[0]
    (home.path / "warc" / "elsewhere").mkdir()
    first.rename(home.path / "warc" / "elsewhere" / "other.warc.gz")
    told = reindex(home, status=1)
    assert captures(home) == before
    (problem,) = told["problems"]
    assert problem["warc"] == "warc/elsewhere/other.warc.gz"
    assert f"was {first.relative_to(home.path).as_posix()}" in problem["detail"]


def test_missing_files_are_told_and_the_others_indexed(home: Home) -> None:
    before, first = captures(home), sealed(home)[1]
    name = first.relative_to(home.path).as_posix()
    held = home.rows("SELECT count(*) AS n FROM capture JOIN file ON file.id = file WHERE name = ?", name)[0]["n"]
    first.unlink()
    assert [one.warc for one in index(home)] == [name]
    assert len(captures(home)) == len(before) - held


def test_the_same_file_twice_is_indexed_once(home: Home) -> None:
    before = captures(home)
    shutil.copy(sealed(home)[0], home.path / "warc" / "copy.warc.gz")
    (problem,) = index(home)
    assert captures(home) == before
    assert (problem.warc, "is the same as" in problem.detail) == ("warc/copy.warc.gz", True)


def test_behind_a_damaged_record_reading_goes_on(home: Home) -> None:
    before = captures(home)
    row = home.rows(
        "SELECT name, offset, length, url, capture.id FROM capture JOIN file ON file.id = file "
        "WHERE url LIKE '%/a/%' ORDER BY file.id, offset LIMIT 1"
    )[0]
    with (home.path / row["name"]).open("r+b") as file:
        file.seek(row["offset"] + row["length"] // 2)
        file.write(b"\0" * 20)
    assert [(one.warc, one.offset) for one in index(home)] == [(row["name"], row["offset"])]
    assert [url for url, _ in captures(home)] == [url for url, _ in before if url != row["url"]]


def test_a_file_cut_off_gives_what_is_whole(home: Home) -> None:
    path = sealed(home)[0]
    os.truncate(path, path.stat().st_size - 5)
    (problem,) = index(home)
    assert "cut off" in problem.detail
    assert len(captures(home)) > 0


def test_a_revisit_finds_its_original_in_a_file_that_was_begun_later(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home", news=definition())
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    mine = CaptureWriter(home.path, "news", "aaaaaaaa", INFO, clock=lambda: begun)
    theirs = CaptureWriter(home.path, "other.example", "bbbbbbbb", INFO, clock=lambda: begun + timedelta(hours=1))
    first = theirs.append(replace(PAGE, url="http://other.example/a/1", kind=Kind.PAGE))
    theirs.close()
    assert first is not None
    mine.append(replace(PAGE, url=f"http://{HOST}/a/1", kind=Kind.ARTICLE), original_of(first))
    mine.close()
    assert index(home) == []
    rows = "SELECT a.url, a.type, a.derived, b.url AS original FROM capture a LEFT JOIN capture b ON b.id = a.original"
    (revisit, _) = home.rows(f"{rows} ORDER BY a.type DESC")
    told = {"url": f"http://{HOST}/a/1", "type": "revisit", "derived": None, "original": first.url}
    assert revisit == told
    (home.path / first.warc).unlink()
    assert [one.detail.partition(":")[0] for one in index(home)] == ["is missing", "what it repeats is not there"]
    assert home.rows(rows) == [told | {"original": None}]


def test_killed_before_it_is_whole_it_leaves_the_old_index(home: Home) -> None:
    before = dump(home)
    new = home.path / "index.db.new"
    with (
        closing(sqlite3.connect(home.path / "index.db")) as writer,
        subprocess.Popen(command(home, "reindex"), start_new_session=True, stdout=subprocess.DEVNULL) as process,
    ):
        writer.execute("BEGIN IMMEDIATE")  # so that it cannot put the new one in the place of the old
        until(lambda: new.exists() or process.poll() is not None, "no index is made")
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert dump(home) == before
    assert json.loads(run(home, "stats", "--json").stdout)["documents"] == 6
    reindex(home)
    assert not new.exists()
    assert not (home.path / "reindex").exists()


def test_readers_keep_reading_while_the_index_is_replaced(home: Home) -> None:
    with closing(sqlite3.connect(home.path / "index.db")) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*) FROM documents").fetchone()
        reindex(home)
        assert reader.execute("SELECT count(*) FROM documents").fetchone() == before
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM documents").fetchone() == before
    assert home.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_no_crawl_runs_meanwhile(home: Home) -> None:
    with index_alone(home.path):
        turned_away = [run(home, *words) for words in (["crawl", "news"], ["rederive"], ["verify"], ["reindex"])]
    assert [done.returncode for done in turned_away] == [3, 3, 3, 3]
    assert all(f"rebuilt by process {os.getpid()}" in done.stderr for done in turned_away)
    with index_in_use(home.path), crawl_lock(home.path, "news", "0badcafe"):
        done = run(home, "reindex")
    assert done.returncode == 3
    assert f"news is being crawled by process {os.getpid()}" in done.stderr
    assert "crawl 0badcafe" in done.stderr


# Files of others

HEAD = [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")]


def write(writer: WARCWriter, record: ArcWarcRecord) -> None:
    writer.write_record(record)
    record.raw_stream.close()


@pytest.fixture
def others(home: Home) -> Home:
    """The same archive with a file of another program: an article of the site, one of a host that nobody declared."""
    folder = home.path / "warc" / "from" / "elsewhere"
    folder.mkdir(parents=True)
    for name, gzip in (("plain.warc", False), ("packed.warc.gz", True)):
        with (folder / name).open("wb") as out:
            writer = WARCWriter(out, gzip=gzip)
            host = "blog.example" if gzip else HOST
            write(writer, writer.create_warcinfo_record(name, {"software": "other/1.0", "isPartOf": "x"}))
            page = News(*map(story, range(21, 40)))("", "/a/9").body.replace("Bản tin số 9".encode(), name.encode())
            chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(page), page)
            head = StatusAndHeaders("200 OK", HEAD, "HTTP/1.1")
            date = {"WARC-Date": "2019-05-06T07:08:09Z"}
            url = f"http://{host}/a/99"
            record = writer.create_warc_record(
                url, "response", payload=BytesIO(chunked), http_headers=head, warc_headers_dict=date
            )
            write(writer, record)
            again = {"WARC-Date": "2019-06-06T07:08:09Z"}
            write(
                writer,
                writer.create_revisit_record(
                    url,
                    record.rec_headers.get_header("WARC-Payload-Digest"),
                    url,
                    date["WARC-Date"],
                    http_headers=head,
                    warc_headers_dict=again,
                ),
            )
            dns = BytesIO(b"20190506\nblog.example. 5 IN A 192.0.2.1\n")
            write(writer, writer.create_warc_record("dns:blog.example", "resource", payload=dns))
    return home


def test_files_of_others_are_indexed_by_the_rules_of_the_sites(others: Home) -> None:
    addresses = others.rows("SELECT url, state, due FROM frontier ORDER BY url")
    assert reindex(others)["problems"] == []
    rows = others.rows(
        "SELECT capture.site, url, type, crawl.kind, crawl.outcome, crawl.started, crawl.captures, crawl.revisits "
        "FROM capture JOIN crawl ON crawl.id = crawl WHERE date < '2020' ORDER BY capture.site, date"
    )
    told = [(row["site"], row["url"], row["type"]) for row in rows]
    assert told == [
        (site, f"http://{host}/a/99", type_)
        for site, host in (("blog.example", "blog.example"), ("news", HOST))
        for type_ in ("response", "revisit")
    ]
    assert {(row["kind"], row["outcome"], row["started"][:10], row["captures"], row["revisits"]) for row in rows} == {
        ("import", "completed", "2019-05-06", 2, 1)
    }
    documents = others.rows("SELECT document, title, first_seen, last_seen, versions FROM documents ORDER BY 1")
    found = {row["document"]: row for row in documents}
    assert found["news/99"]["title"] == "plain.warc"
    assert found["web:http://blog.example/a/99"]["title"] == "packed.warc.gz"
    assert found["news/99"]["last_seen"][:7] == "2019-06"
    assert others.rows("SELECT url, state, due FROM frontier ORDER BY url") == addresses
    before = others.rows("SELECT id FROM crawl ORDER BY id")
    reindex(others)
    assert others.rows("SELECT id FROM crawl ORDER BY id") == before
