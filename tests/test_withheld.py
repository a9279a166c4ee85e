"""What is withheld is kept, and no answer has it: not a text, a place, a count nor a name."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from index_fixtures import add_document
from rows import DOCUMENT, GONE, LIST, MOBILE, MOMENTS, PDF, URL, filled
from serving import serving
from sqlalchemy import Connection, insert

from storage.collection import Collection
from storage.errors import NotFound, Withheld
from storage.exports import cdxj, jsonl
from storage.index import carrying, questions, related, rhythm, withheld, withholding
from storage.index.attachments import offered_by
from storage.index.changes import Changes
from storage.index.search import Results, search
from storage.index.tables import address, capture, document, near, offer, reading, version
from storage.moments import written
from storage.query import parse
from storage.surt import surt

WHY = "Quyết định 12/2026"
ELSEWHERE = "https://dangcongsan.vn/in/592693"
FILE = 4  # the number of a file with a text


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of `rows`, a file with a text in place of that without, and a version at an address of its own."""
    home = filled(tmp_path_factory.mktemp("home"))
    collection = Collection.open(home)
    with collection.index.write() as connection:
        _add_rows(connection)
    collection.close()
    return home


def _add_rows(connection: Connection) -> None:
    url = "https://dangcongsan.vn/files/so-lieu.pdf"
    id_ = add_document(connection, "Số liệu một.", kind="attachment", url=url, identity=f"web:{url}", title="Số liệu")
    assert id_ == FILE
    connection.execute(insert(address), {"url": url, "document": FILE, "first_seen": MOMENTS[0]})
    connection.execute(
        version.update().where(version.c.id == 1).values(attachments=json.dumps([{"url": url, "name": "Số liệu"}]))
    )
    connection.execute(offer.insert(), {"version": 1, "url": url, "name": "Số liệu"})
    row = {"id": 8, "crawl": "c1", "site": "dangcongsan", "url": ELSEWHERE, "urlkey": surt(ELSEWHERE)}
    place = {"date": MOMENTS[1], "type": "response", "status": 200, "file": 1, "offset": 3100, "length": 500}
    rest = {"kind": "article", "record_id": "urn:8", "payload_length": 9, "derived": 1, "mime": "text/html"}
    connection.execute(insert(capture), row | place | rest)
    connection.execute(insert(address), {"url": ELSEWHERE, "document": 1, "first_seen": MOMENTS[1]})
    connection.execute(reading.update().where(reading.c.capture == 2).values(version=None))
    connection.execute(insert(reading), {"capture": 8, "version": 2, "rules": "r1"})  # the edited text, nowhere else
    pairs = [{"body": one, "other": other, "similarity": 900} for one, other in ((1, 2), (2, 1))]
    connection.execute(near.insert(), pairs)


@dataclass
class Archive:
    collection: Collection

    @property
    def home(self) -> Path:
        return self.collection.home

    def withhold(self, what: str, until: str | None = None) -> withholding.Reach:
        with self.collection.index.write() as connection:
            return withholding.withhold(connection, withholding.thing(connection, what), WHY, "an", until)

    def release(self, what: str) -> None:
        with self.collection.index.write() as connection:
            withholding.release(connection, withholding.thing(connection, what), "vì", "an")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.collection.index.read() as connection:
            yield connection

    def search(self, words: str, **options: Any) -> Results:
        with self.read() as connection:
            return search(connection, parse(words), **options)

    def found(self, words: str) -> set[str]:
        return {hit.document for hit in self.search(words).hits}

    def told(self) -> str:
        """Everything that exports say."""
        documents = [repr(one) for one in jsonl.documents(self.collection.index)]
        return "\n".join([*documents, *cdxj.lines(self.collection.index)])


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Iterator[Archive]:
    shutil.copytree(made, tmp_path / "home")
    collection = Collection.open(tmp_path / "home")
    yield Archive(collection)
    collection.close()


def test_a_document_is_in_no_answer(archive: Archive) -> None:
    assert archive.found("đô thị") == {DOCUMENT, "thst/t/tin-cu"}
    reach = archive.withhold(DOCUMENT)
    assert (reach.what, reach.kind, reach.reason, reach.by, reach.until) == (DOCUMENT, "document", WHY, "an", None)
    assert (reach.captures, reach.documents) == (4, (DOCUMENT,))
    assert reach.beside == ("thst/t/tin-cu", f"web:{PDF}", "web:https://dangcongsan.vn/files/so-lieu.pdf")
    found = archive.search("đô thị")
    assert [hit.document for hit in found.hits] == ["thst/t/tin-cu"]
    assert (found.total, found.facets.site, found.facets.section) == (1, (("thst", 1),), ())
    assert archive.search("site:dangcongsan").total == 0
    assert archive.search("đô thị", distinct=True).hits[0].also == ()
    told = archive.told()
    assert "thst/t/tin-cu" in told
    assert all(one not in told for one in (DOCUMENT, URL, MOBILE, ELSEWHERE, "sửa"))
    with archive.read() as connection:
        assert related.republications(connection, 2) == []
        assert offered_by(connection, [FILE]) == {}
        for question in questions.show, questions.history, questions.texts:
            for name in (DOCUMENT, "1", URL, MOBILE, f"www.{URL.removeprefix('https://')}/", ELSEWHERE):
                with pytest.raises(Withheld, match=rf" is withheld since \d{{4}}-\d\d-\d\d: {WHY}"):
                    question(connection, name)


def test_an_address_takes_the_document_with_it_that_has_no_other(archive: Archive) -> None:
    reach = archive.withhold("http://www.thst.vn/t/tin-cu/")
    assert (reach.kind, reach.captures, reach.documents) == ("address", 2, ("thst/t/tin-cu",))
    assert DOCUMENT in reach.beside
    assert archive.found("đô thị") == {DOCUMENT}
    assert GONE not in archive.told()
    with archive.read() as connection, pytest.raises(Withheld):
        questions.show(connection, "thst/t/tin-cu")


def test_an_address_of_several_takes_what_stood_there_only(archive: Archive) -> None:
    reach = archive.withhold(ELSEWHERE)
    assert (reach.captures, reach.documents) == (1, ())
    assert DOCUMENT in reach.beside
    with archive.read() as connection:
        shown = questions.show(connection, DOCUMENT)
        assert shown.addresses == (URL, MOBILE)
        assert [one.version for one in shown.versions] == [1]
        assert {one.url for one in shown.captures} == {URL, MOBILE}
        assert {one.version for one in questions.history(connection, DOCUMENT)} == {1}
        texts = questions.texts(connection, DOCUMENT)
        assert (texts.texts[1], texts.withheld) == (("", ""), {2})
        with pytest.raises(Withheld):
            questions.show(connection, ELSEWHERE)
    (hit,) = archive.search("site:dangcongsan đô thị").hits
    assert (hit.versions, hit.url) == (1, URL)
    assert archive.found('"sửa"') == set()
    assert "sửa" not in archive.told()


def test_what_only_a_withheld_version_says_is_in_no_count_and_no_facet(archive: Archive) -> None:
    with archive.collection.index.write() as connection:
        told = {"section": "Việc riêng", "published": "2031-05-06", "day": "2031-05-06", "version": 2}
        connection.execute(document.update().where(document.c.id == 1).values(told))
    with archive.read() as connection:
        assert [one.section for one in rhythm.sections(connection, "dangcongsan")] == ["Việc riêng"]
    before = archive.search("site:dangcongsan do thi")
    assert before.hits[0].published == "2031-05-06"
    assert ("2031-05", 1) in before.facets.month
    assert ("changes", 1) in before.facets.has
    archive.withhold(ELSEWHERE)
    found = archive.search("site:dangcongsan do thi")
    (hit,) = found.hits
    assert (hit.version, hit.versions, hit.published) == (1, 1, "2025-01-01")
    assert (found.facets.section, found.facets.month) == ((), ())
    assert "changes" not in dict(found.facets.has)
    assert archive.found("site:dangcongsan do thi has:changes") == set()
    with archive.read() as connection:
        assert withheld.standing(connection).partly == {1: 1}
        assert rhythm.sections(connection, "dangcongsan") == []
    archive.release(ELSEWHERE)
    assert archive.search("site:dangcongsan do thi") == before


def test_a_page_of_a_document_tells_of_the_versions_that_are_shown(archive: Archive) -> None:
    archive.withhold(URL)  # which has version 1
    with serving(archive.home) as room:
        told = room.json(f"/d/{DOCUMENT}.json")
        assert [one["version"] for one in told["versions"]] == [2]
        assert told["last_seen"] == told["versions"][0]["last_seen"]
        assert f"/compare/{DOCUMENT}" not in room.get(f"/d/{DOCUMENT}").text
        assert room.get(f"/compare/{DOCUMENT}").status_code == 404


def test_a_document_keeps_its_other_addresses_and_its_text_there(archive: Archive) -> None:
    archive.withhold(URL)  # with MOBILE, which has the same urlkey
    with archive.read() as connection:
        shown = questions.show(connection, DOCUMENT)
    assert (shown.url, shown.addresses) == (ELSEWHERE, (ELSEWHERE,))
    assert (shown.title, shown.version) == ("Đô thị loại I (sửa)", 2)
    (hit,) = archive.search("site:dangcongsan đô thị").hits
    assert (hit.url, hit.title) == (ELSEWHERE, "Đô thị loại I (sửa)")
    told = archive.told()
    assert URL not in told
    assert MOBILE not in told


def test_a_withheld_image_or_file_is_left_out_of_the_article(archive: Archive) -> None:
    archive.withhold("https://dangcongsan.vn/a.jpg")
    archive.withhold(f"web:{PDF}")
    with archive.read() as connection:
        shown = questions.show(connection, DOCUMENT)
    assert shown.images == ()
    assert [one.url for one in shown.attachments] == ["https://dangcongsan.vn/files/so-lieu.pdf"]
    assert PDF not in archive.told()
    assert "a.jpg" not in archive.told()


def test_what_is_no_document_can_be_withheld(archive: Archive) -> None:
    assert archive.withhold(LIST).captures == 1
    assert archive.withhold("https://thst.vn/t/chua-co").captures == 0  # not captured yet
    with archive.read() as connection:
        for url in LIST, "https://thst.vn/t/chua-co":
            with pytest.raises(Withheld):
                questions.find(connection, url)


@pytest.mark.parametrize("wanted", ["thst/t/khong-co", "999", "khong co gi", "ftp://thst.vn/moi"])
def test_only_what_is_meant_is_withheld(archive: Archive, wanted: str) -> None:
    with pytest.raises(NotFound):
        archive.withhold(wanted)


def test_the_last_step_decides(archive: Archive) -> None:
    archive.withhold(DOCUMENT)
    archive.release(DOCUMENT)
    assert archive.found("đô thị") == {DOCUMENT, "thst/t/tin-cu"}
    archive.withhold(DOCUMENT)
    assert archive.found("đô thị") == {"thst/t/tin-cu"}
    with pytest.raises(NotFound, match=f"because {DOCUMENT} is: release that"):
        archive.release(URL)
    archive.release("1")
    with pytest.raises(NotFound, match="is not withheld"):
        archive.release(DOCUMENT)
    with archive.read() as connection:
        steps = [one.step for one in withholding.steps(connection, "dangcongsan") if one.url is None]
    assert steps == ["withhold", "release", "withhold", "release"]


def test_it_ends_by_itself(archive: Archive) -> None:
    over, lasts = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    archive.withhold(DOCUMENT, over.isoformat(timespec="microseconds"))
    assert DOCUMENT in archive.found("đô thị")
    archive.withhold(DOCUMENT, lasts.isoformat(timespec="microseconds"))
    assert DOCUMENT not in archive.found("đô thị")
    with archive.read() as connection:
        assert [one.until for one in withheld.listed(connection)] == [lasts.isoformat(timespec="microseconds")]


def test_an_answer_is_another_from_the_second_on_in_which_a_time_is_over(archive: Archive) -> None:
    end = datetime.now(UTC) + timedelta(days=1)
    clock = [written(end - timedelta(seconds=1))]
    with closing(Changes(archive.home / "index.db", clock=lambda: clock[0])) as changes:
        before = changes.stamp()
        archive.withhold(DOCUMENT, written(end))
        withheld_now = changes.stamp()
        assert len({before, withheld_now, None}) == 3
        assert changes.stamp() == withheld_now
        clock[0] = written(end)
        assert changes.stamp() not in (before, withheld_now)


def test_it_survives_an_index_made_anew_and_another_name(archive: Archive, tmp_path: Path) -> None:
    archive.withhold(DOCUMENT)
    filled(tmp_path / "anew")
    new = Collection.open(tmp_path / "anew")
    with new.index.write() as connection:
        connection.exec_driver_sql("DELETE FROM withholding")
        connection.exec_driver_sql("UPDATE document SET identity = 'dangcongsan/khac' WHERE id = 1")
    carrying.carry(archive.collection.index, new.index)
    with new.index.read() as connection:
        assert {hit.document for hit in search(connection, parse("đô thị")).hits} == {"thst/t/tin-cu"}
        with pytest.raises(Withheld):
            questions.show(connection, "dangcongsan/khac")
    new.close()


# COMMANDS


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "luutru", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_commands(archive: Archive) -> None:
    home = archive.home
    told = run(home, "withhold", DOCUMENT, "--reason", WHY, "--until", "2999-12-31")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[0] == f"withheld until 3000-01-01 00:00: {DOCUMENT} (4 captures, 1 document)"
    assert "  still shown: thst/t/tin-cu" in told.stdout
    refused = run(home, "show", URL)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"luutru: {URL} is withheld since 20")
    assert "is over" in run(home, "withhold", "2", "--reason", WHY, "--until", "2020-01-01").stderr
    (listed,) = map(json.loads, run(home, "withheld", "--json").stdout.splitlines())
    assert (listed["what"], listed["until"]) == (DOCUMENT, "2999-12-31T17:00:00.000000+00:00")
    assert DOCUMENT in run(home, "sql", "SELECT document FROM documents").stdout
    decided = [json.loads(line) for line in run(home, "export", "jsonl", "--operations").stdout.splitlines()]
    assert {one["url"] for one in decided if one.get("document") == DOCUMENT} == {None, ELSEWHERE, URL}
    assert json.loads(run(home, "release", DOCUMENT, "--reason", "vì", "--json").stdout)["what"] == DOCUMENT
    assert run(home, "withheld").stdout == "nothing is withheld\n"
    assert run(home, "show", URL).returncode == 0


@pytest.mark.parametrize("words", [("withhold", "1"), ("withhold", "1", "--reason", " "), ("release", "1")])
def test_a_reason_is_needed(archive: Archive, words: tuple[str, ...]) -> None:
    done = run(archive.home, *words)
    assert done.returncode == 2
    assert "reason" in done.stderr


@pytest.mark.parametrize("day", ["31/12/2999", "2027-02-30", "mai"])
def test_a_day_is_told_in_words(archive: Archive, day: str) -> None:
    done = run(archive.home, "withhold", DOCUMENT, "--reason", WHY, "--until", day)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"'{day}' is not a day: write it as YYYY-MM-DD" in done.stderr


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (DOCUMENT, f"{DOCUMENT} is not withheld: `luutru withheld` lists what is"),
        ("thst/t/khong-co", "no document 'thst/t/khong-co' in the archive: name it as `luutru search` does"),
    ],
)
def test_only_what_is_withheld_can_be_released(archive: Archive, what: str, told: str) -> None:
    done = run(archive.home, "release", what, "--reason", "vì")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"luutru: {told}")


def test_versions_are_compared_that_are_shown(archive: Archive) -> None:
    archive.withhold(ELSEWHERE)
    done = run(archive.home, "diff", DOCUMENT, "1", "2")
    assert (done.returncode, "has no version 2" in done.stderr) == (1, True)
    assert "one text only" in run(archive.home, "diff", DOCUMENT).stderr
