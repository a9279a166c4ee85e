"""Readings by rules: what other rules read is no news, and reading again gives what reading first would have given."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from homes import Home
from rebuilding import (
    BRIEF,
    HOST,
    News,
    counts,
    crawled,
    definition,
    derived_from_nothing,
    dump,
    redefine,
    rederive,
    story,
)
from sites_for_tests import until

FEWER = definition().replace(r"(?P<id>\d+)", "(?P<id>[1-4])")


def versions(home: Home) -> list[tuple[str, int]]:
    """How many texts each document has."""
    query = "SELECT document, count(*) AS texts FROM versions GROUP BY document ORDER BY document"
    return [(row["document"], row["texts"]) for row in home.rows(query)]


def periods(home: Home, document: str) -> list[dict[str, object]]:
    import json

    command = [sys.executable, "-m", "luutru", "--home", str(home.path), "history", document, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_rules_that_read_otherwise_make_no_version_and_a_real_change_among_them_makes_one(tmp_path: Path) -> None:
    news = News(*map(story, range(1, 5)))
    with crawled(tmp_path / "home", news) as (home, web):
        redefine(home, definition(BRIEF))
        news.texts[3] = story(3, " đã sửa")
        told = home.crawl("news", web.at(HOST), full=True)
    assert (told["documents_new"], told["documents_changed"], told["documents_unchanged"]) == (0, 1, 3)
    assert versions(home) == [("news/1", 1), ("news/2", 1), ("news/3", 2), ("news/4", 1)]
    assert home.rows("SELECT count(*) AS n FROM versions WHERE text LIKE '%tòa soạn%'") == [{"n": 0}]
    marked = home.rows("SELECT document, version FROM versions WHERE reread IS NOT NULL ORDER BY document")
    assert [(row["document"], row["version"]) for row in marked] == [(f"news/{n}", 1) for n in (1, 2, 3, 4)]


def test_history_tells_when_each_text_stood_and_which_were_read_again(tmp_path: Path) -> None:
    news = News(story(1), story(2))
    with crawled(tmp_path / "home", news) as (home, web):
        for more in (" đã sửa", ""):
            news.texts[1] = story(1, more)
            home.crawl("news", web.at(HOST), full=True)
        before = periods(home, "news/1")
        redefine(home, definition(BRIEF))
        home.crawl("news", web.at(HOST), full=True)
    after = periods(home, "news/1")
    assert [one["version"] for one in before] == [one["version"] for one in after] == [1, 2, 1]
    assert [one["first_seen"] for one in before] == [one["first_seen"] for one in after]
    assert [one["reread"] is None for one in before] == [True, True, True]
    assert [one["reread"] is None for one in after] == [False, False, False]


def test_a_redesign_with_the_same_text_makes_no_version(tmp_path: Path) -> None:
    news = News(story(1), story(2))
    with crawled(tmp_path / "home", news) as (home, web):
        news.design = "<main><div class=menu><a href=/>Trang chủ</a></div><section class=body>{text}</section></main>"
        redefine(home, definition(BRIEF))
        told = home.crawl("news", web.at(HOST), full=True)
    assert (told["documents_new"], told["documents_changed"], told["documents_unchanged"]) == (0, 0, 2)
    assert versions(home) == [("news/1", 1), ("news/2", 1)]


def test_other_identities_make_no_new_documents(tmp_path: Path) -> None:
    news = News(story(1), story(2))
    with crawled(tmp_path / "home", news) as (home, web):
        redefine(home, definition(identity="news/bai-{id}"))
        told = home.crawl("news", web.at(HOST), full=True)
        assert told["documents_new"] == 0
    assert versions(home) == [("news/bai-1", 1), ("news/bai-2", 1)]


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after three crawls, by rules that read too much; the last one read a part of it by today's rules."""
    news = News(*map(story, range(1, 9)))
    with crawled(tmp_path_factory.mktemp("lively") / "home", news) as (home, web):
        news.texts[2] = story(2, " đã sửa")
        del news.texts[7]
        home.crawl("news", web.at(HOST), full=True)
        redefine(home, definition(BRIEF))
        news.texts[3] = story(3, " lần sau")
        news.texts[9] = story(9)
        home.crawl("news", web.at(HOST), full=True)
    return home.path


@pytest.fixture
def home(lively: Path, tmp_path: Path) -> Home:
    import shutil

    shutil.copytree(lively, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.mark.parametrize(
    "source",
    [
        definition(BRIEF),
        definition(),
        definition(identity="news/bai-{id}"),
        FEWER,
        definition().replace('"news/{id}"', '"news/all"'),
    ],
    ids=["today", "before", "other identities", "fewer articles", "one document"],
)
def test_reading_again_gives_what_reading_first_would_have_given(home: Home, tmp_path: Path, source: str) -> None:
    redefine(home, source)
    told = rederive(home)
    assert told["failed"] == 0
    found = dump(home)
    assert found == dump(derived_from_nothing(home, tmp_path / "anew"))
    assert any(one != other for one, other, _ in found["near"])
    assert {row[0] for row in found["bodies"]} == {row[0] for row in found["versions"]}
    assert counts(rederive(home)) == {}


def test_a_dry_run_tells_the_same_and_writes_nothing(home: Home) -> None:
    redefine(home, FEWER)
    before = dump(home)
    told = rederive(home, "--dry-run")
    assert dump(home) == before
    done = rederive(home)
    assert counts(told) == counts(done)
    assert told["lost"] > 0
    assert told["reasons"] == done["reasons"] == {"not the address of a document": told["lost"]}
    key = lambda one: (one["url"], one["change"])  # noqa: E731
    assert sorted(told["changes"], key=key) == sorted(done["changes"], key=key)


def test_documents_that_no_capture_gives_any_more_are_gone_and_the_others_keep_their_numbers(home: Home) -> None:
    query = "SELECT identity, id FROM document ORDER BY identity"
    before = home.rows(query)
    redefine(home, FEWER)
    rederive(home)
    assert home.rows(query) == [row for row in before if row["identity"] <= "news/4"]
    assert {row[0] for row in dump(home)["folded"]} == {f"news/{number}" for number in range(1, 5)}


def test_only_what_was_captured_since_is_read_again(home: Home) -> None:
    redefine(home, definition(identity="news/bai-{id}"))
    assert counts(rederive(home, "--since", "2100")) == {}
    assert rederive(home, "--since", "2001-01-01")["captures"] > 0


def test_a_site_whose_definition_is_gone_is_skipped(home: Home) -> None:
    (home.path / "spiders" / "news.py").unlink()
    before = dump(home)
    told = rederive(home, status=1)
    (skipped,) = told["skipped"]
    assert skipped["site"] == "news"
    assert "its definition is gone" in skipped["reason"]
    assert dump(home) == before


def test_what_cannot_be_read_again_stays_as_it_was_read(home: Home) -> None:
    redefine(home, definition(identity="news/bai-{id}"))
    before = versions(home)
    for path in home.warcs():
        if path.name.endswith(".warc.gz"):
            path.unlink()
    told = rederive(home, status=1)
    assert told["failed"] == told["captures"] > 0
    assert versions(home) == before


def test_killed_at_any_instant_it_goes_on(tmp_path: Path) -> None:
    with crawled(tmp_path / "home", News(*map(story, range(1, 161)))) as (home, _):
        redefine(home, definition(BRIEF))
    old = home.rows("SELECT DISTINCT rules FROM reading")[0]["rules"]
    read_again = "SELECT count(*) AS n FROM reading WHERE rules != ?"
    with last_file_held_back(home):  # so that it cannot end before it is killed
        words = ["rederive", "--since", "2001"]  # without what is learned of all files before
        command = [sys.executable, "-m", "luutru", "--home", str(home.path), *words]
        process = subprocess.Popen(command, start_new_session=True)
        until(lambda: home.rows(read_again, old)[0]["n"] or process.poll() is not None, "nothing was read again")
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    done = home.rows(read_again, old)[0]["n"]
    assert 0 < done < 161
    assert rederive(home)["captures"] == 161 - done
    assert dump(home) == dump(derived_from_nothing(home, tmp_path / "anew"))


@contextmanager
def last_file_held_back(home: Home) -> Iterator[None]:
    """Whoever reads the last capture waits for ever."""
    os.mkfifo(home.path / "warc" / "waits")
    last = home.rows("SELECT max(id) AS id, file FROM capture")[0]
    move = "UPDATE capture SET file = ? WHERE id = ?"
    with home.write() as connection:
        number = connection.execute("INSERT INTO file (name, crawl) SELECT 'warc/waits', id FROM crawl").lastrowid
        connection.execute(move, (number, last["id"]))
    yield
    with home.write() as connection:
        connection.execute(move, (last["file"], last["id"]))
        connection.execute("DELETE FROM file WHERE id = ?", (number,))
    (home.path / "warc" / "waits").unlink()
