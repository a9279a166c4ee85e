"""When something is the matter, each address says what, in a sentence, and none is a 500: pages, their JSON, API."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from lxml import html
from routes import ASKED, paths
from rows import DOCUMENT, URL, filled
from serving import serving

from luutru.limits import Limits
from storage.collection import Collection

BUSY = {"vi": "Kho tạm thời chưa trả lời được", "en": "The archive cannot answer just now"}
OF_THE_PROGRAM = ("/api/v1/openapi.json",)  # what no archive is asked for
LOCKS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode=EXCLUSIVE")
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
IMPATIENT = Limits(query_seconds=0.05)  # for those who would wait in vain


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return filled(tmp_path / "home")


@contextmanager
def asked(
    home: Path, trouble: Callable[[Path], object] = lambda _: None, **options: Any
) -> Iterator[dict[str, httpx.Response]]:
    """What each address answers in an archive that was sound when it was opened, and then met trouble."""
    with serving(home, before=trouble, **options) as room:
        yield {path: room.get(f"{path}?{ASKED.format(url=quote(URL))}") for path in paths() if not path.endswith("/en")}


def check(answers: dict[str, httpx.Response], *statuses: int) -> None:
    """Each answer has one of these statuses, and says in its language what is the matter."""
    assert len(answers) > 60
    for path, answer in answers.items():
        assert answer.status_code in statuses, (path, answer.status_code, answer.text[:500])
        if answer.headers["content-type"].startswith("text/html"):
            document = html.fromstring(answer.text)
            assert document.get("lang") == ("en" if path.startswith("/en") else "vi")
            assert document.xpath("//h1")[0].text_content().strip()
        elif answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
            assert answer.json()["error"]["message"]


def check_unanswered(answers: dict[str, httpx.Response], sentence: str) -> None:
    """Nothing of the archive is answered; pages say so in their language, and why."""
    of_archive = {path: answer for path, answer in answers.items() if path not in OF_THE_PROGRAM}
    check(of_archive, 503)
    for path, answer in of_archive.items():
        assert sentence in answer.text, path
        if answer.headers["content-type"].startswith("text/html"):
            heading = html.fromstring(answer.text).xpath("//h1")[0].text_content().strip()
            assert heading == BUSY["en" if path.startswith("/en") else "vi"]


def test_an_empty_archive(tmp_path: Path) -> None:
    with asked(tmp_path / "home") as answers:
        check(answers, 200, 404, 503)


def test_an_index_that_another_process_has_for_itself(home: Path) -> None:
    locker: list[subprocess.Popen[str]] = []

    def lock(home: Path) -> None:
        command = [sys.executable, "-c", LOCKS, str(home / "index.db")]
        locker.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert locker[0].stdout
        assert locker[0].stdout.readline() == "locked\n"

    try:
        with asked(home, lock, limits=IMPATIENT) as answers:
            check_unanswered(answers, "is locked")
    finally:
        locker[0].communicate()


def test_an_archive_that_a_crawl_is_writing(home: Path) -> None:
    with closing(Collection.open(home)) as collection, collection.index.write(), asked(home) as answers:
        check(answers, 200, 303, 404, 503)
        answered = {path for path, one in answers.items() if one.status_code == 200}
        assert {
            "/",
            "/en/runs.json",
            "/search",
            "/fixity",
            f"/d/{DOCUMENT}",
            f"/en/compare/{DOCUMENT}.json",
        } <= answered


def garbage(home: Path) -> None:
    """Every page of the file but the first is noise."""
    with (home / "index.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "noise": garbage,
    "no database": lambda home: (home / "index.db").write_bytes(b"<html>" * 10_000),
    "cut off": lambda home: os.truncate(home / "index.db", 40_960),
    "empty": lambda home: os.truncate(home / "index.db", 0),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index(home: Path, damage: str) -> None:
    with asked(home, DAMAGES[damage]) as answers:
        check_unanswered(answers, "is damaged")


def test_an_index_that_is_gone(home: Path) -> None:
    with asked(home, lambda home: (home / "index.db").unlink()) as answers:
        check_unanswered(answers, "is gone")


def test_no_warc_file_is_there(home: Path) -> None:
    assert not list(home.rglob("*.warc.gz*"))
    with asked(home) as answers:
        check(answers, 200, 303, 404, 503)
