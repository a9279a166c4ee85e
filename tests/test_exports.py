"""`luutru export`: what others read of the archive, and that pywb shows pages from it."""

import gzip
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from archives import Written, at, crawled, original
from exchanges import UNKNOWN_PROTOCOL
from homes import members
from ports import kept_free
from replaying import listening
from rows import DOCUMENT, filled

from storage.index.questions import Held, Shown, VersionLine
from storage.model import Kind, Truncated

PAGE = "<html><head><title>Trang</title></head><body><p>Trang %s đã lưu.</p></body></html>"
URL = "https://soctrang.example/"


def run(home: Path, *options: str) -> str:
    command = [sys.executable, "-m", "luutru", "export", *options, "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written, Written]:
    home = tmp_path_factory.mktemp("export") / "home"
    page, packed = (PAGE % "một").encode(), gzip.compress((PAGE % "hai").encode(), mtime=0)
    coded = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(packed)
    first = crawled(
        home,
        "first000",
        [
            (at(0, "a", page, lines=b"Content-Length: %d\r\n" % len(page)), None),
            (at(1, "b", packed, lines=coded), None),
            (replace(at(2, "a-cut", b"<p>"), truncated=Truncated.TIME), None),
            (at(3, "A?z=1&b=2", b"", status=b"404 Not Found"), None),
            (UNKNOWN_PROTOCOL, None),
        ],
    )
    a, b = first.captures[:2]
    second = crawled(
        home,
        "second00",
        [
            (at(60, "a", b"", status=b"304 Not Modified", lines=b'ETag: "1"\r\n'), original(a)),
            (at(61, "b", packed, lines=coded), original(b)),
            (at(62, "c", page), original(a)),  # the same payload at another address
        ],
    )
    other = crawled(home, "third000", [(at(0, "x"), None)], site="khac", kind=Kind.REQUISITE)
    assert len(other.captures) == 1
    return home, first, second


def lines(text: str) -> list[tuple[str, str, dict[str, str]]]:
    parted = [line.split(" ", 2) for line in text.splitlines()]
    return [(key, timestamp, json.loads(rest)) for key, timestamp, rest in parted]


# CDXJ


def test_cdxj_is_sorted_as_sort_does(archive: tuple[Path, Written, Written]) -> None:
    text = run(archive[0], "cdxj")
    assert len(text.splitlines()) == 9
    assert text.encode().splitlines() == sorted(text.encode().splitlines())
    if program := shutil.which("sort"):
        subprocess.run([program, "-c"], input=text.encode(), env=os.environ | {"LC_ALL": "C"}, check=True)


def test_cdxj_points_at_records(archive: tuple[Path, Written, Written]) -> None:
    home = archive[0]
    for _key, timestamp, told in lines(run(home, "cdxj")):
        path = home / told["filename"]
        record = next(one for one in members(path, home) if one.offset == int(told["offset"]))
        assert record.uri == told["url"]
        assert record.length == int(told["length"])
        assert (record.get("WARC-Payload-Digest") or record["WARC-Block-Digest"]) == f"sha1:{told['digest']}"
        if (told["url"], timestamp) != (f"{URL}a", "20260102040405"):
            assert "".join(filter(str.isdigit, record["WARC-Date"]))[:14] == timestamp


def test_cdxj_of_each_kind_of_capture(archive: tuple[Path, Written, Written]) -> None:
    found = {(one["url"].removeprefix(URL), timestamp): one for _, timestamp, one in lines(run(archive[0], "cdxj"))}
    first, confirmed = found["a", "20260102030405"], found["a", "20260102040405"]
    assert list(first) == ["url", "mime", "status", "digest", "length", "offset", "filename"]
    assert confirmed == first  # the original's place under the moment of the 304
    repeated = found["b", "20260102040505"]
    assert (repeated["mime"], repeated.get("status")) == ("warc/revisit", None)
    assert repeated["filename"] == archive[2].files[0]
    assert found["a-cut", "20260102030605"]["truncated"] == "time"
    assert found["A?z=1&b=2", "20260102030705"]["status"] == "404"
    resource = found["tin-tuc", "20260102030405"]
    assert (resource["mime"], resource.get("status")) == ("application/octet-stream", None)


def test_cdxj_of_a_site(archive: tuple[Path, Written, Written]) -> None:
    assert [one["url"] for *_, one in lines(run(archive[0], "cdxj", "--site", "khac"))] == [f"{URL}x"]


def test_cdxj_is_what_pywb_itself_makes_of_the_files(archive: tuple[Path, Written, Written], pywb_tools: Path) -> None:
    home = archive[0]
    command = [str(pywb_tools / "cdx-indexer"), "--cdxj", "--sort", "--dir-root", str(home), "--recurse"]
    theirs = subprocess.run([*command, str(home / "warc")], capture_output=True, text=True, check=True).stdout
    ours = run(home, "cdxj")
    made = [one for one in lines(theirs) if not one[2]["url"].startswith("urn:")]
    confirmed = [one for one in lines(ours) if (one[2]["url"], one[1]) != (f"{URL}a", "20260102040405")]
    for *_, one in confirmed:
        one.pop("truncated", None)
    assert confirmed == [one for one in made if (one[2]["url"], one[1]) != (f"{URL}a", "20260102040405")]


# Replay


@pytest.fixture(scope="module")
def port(
    archive: tuple[Path, Written, Written], pywb_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """A pywb that knows the archive by our CDXJ and by nothing else."""
    directory = tmp_path_factory.mktemp("replay")
    (directory / "index.cdxj").write_text(run(archive[0], "cdxj"))
    config = {"collections": {"kept": {"index_paths": "./index.cdxj", "archive_paths": f"{archive[0]}/"}}}
    (directory / "config.yaml").write_text(json.dumps(config))
    with kept_free() as number:
        command = [str(pywb_tools / "wayback"), "--bind", "127.0.0.1", "--port", str(number)]
        with (directory / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
        try:
            listening(number, process)
            yield number
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize(
    ("name", "timestamp", "moment", "word"),
    [
        ("a", "20260102030405", "Fri, 02 Jan 2026 03:04:05 GMT", "một"),
        ("a", "20260102040405", "Fri, 02 Jan 2026 03:04:05 GMT", "một"),  # a 304: pywb tells when what it shows came
        ("b", "20260102030505", "Fri, 02 Jan 2026 03:05:05 GMT", "hai"),
        ("b", "20260102040505", "Fri, 02 Jan 2026 04:05:05 GMT", "hai"),  # the same payload again
        ("c", "20260102040605", "Fri, 02 Jan 2026 04:06:05 GMT", "một"),  # at another address
    ],
)
def test_pywb_shows_each_capture_at_its_moment(port: int, name: str, timestamp: str, moment: str, word: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"/kept/{timestamp}mp_/{URL}{name}")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Memento-Datetime"]) == (200, moment)
        assert f"Trang {word} đã lưu." in answer.read().decode()


def test_pywb_lists_the_304_at_its_own_moment(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"/kept/timemap/cdxj/{URL}a")
        listed = connection.getresponse().read().decode()
    moments = [line.split(" ", 2)[1] for line in listed.splitlines() if line.startswith("example,soctrang)/a ")]
    assert moments == ["20260102030405", "20260102040405"]


# JSON lines


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return filled(tmp_path / "home")


def documents(home: Path, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(home, "jsonl", *options).splitlines()]


def test_jsonl_is_what_show_says_and_all_texts(small: Path) -> None:
    told = documents(small)
    assert [one["document"] for one in told] == [
        DOCUMENT,
        "thst/t/tin-cu",
        "web:https://dangcongsan.vn/files/ke-hoach.pdf",
    ]
    for one in told:
        command = [sys.executable, "-m", "luutru", "show", "--json", one["document"], "--home", str(small)]
        shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert list(one) == list(shown) == [field.name for field in fields(Shown)]
        for name, kind in (("versions", VersionLine), ("captures", Held)):
            keys = [field.name for field in fields(kind) if field.metadata.get("json", True)]
            one[name] = [{key: below[key] for key in keys} for below in one[name]]
        assert one == shown
    document = documents(small)[0]
    assert [one["text"].split("\n")[0] for one in document["versions"]] == [
        "Đoạn một của Đô thị loại I.",
        "Đoạn một của Đô thị loại I (sửa).",
    ]
    assert [(one["version"], one["views"]) for one in document["captures"]] == [(1, 16), (2, 20), (1, None)]


def test_jsonl_of_a_site(small: Path) -> None:
    assert [one["document"] for one in documents(small, "--site", "thst")] == ["thst/t/tin-cu"]


def test_jsonl_does_not_tell_the_numbers_of_rows(small: Path, tmp_path: Path) -> None:
    """Another index, with other numbers in another order, says the same."""
    before = run(small, "jsonl")
    with closing(sqlite3.connect(small / "index.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table, references in {
            "document": ["version.document", "address.document"],
            "version": ["document.version", "reading.version", "offer.version"],
            "capture": ["reading.capture", "mention.capture", "capture.original"],
            "file": ["capture.file"],
        }.items():
            for reference in references:
                other, column = reference.split(".")
                connection.execute(f"UPDATE {other} SET {column} = 1000 - {column}")
            connection.execute(f"UPDATE {table} SET id = 1000 - id")
    assert run(small, "jsonl") == before


def test_operations_are_what_no_file_says(archive: tuple[Path, Written, Written], tmp_path: Path) -> None:
    home = Path(shutil.copytree(archive[0], tmp_path / "home"))
    assert run(home, "jsonl", "--operations") == ""
    subprocess.run([sys.executable, "-m", "luutru", "verify", "--home", str(home)], check=True, capture_output=True)
    told = [json.loads(line) for line in run(home, "jsonl", "--operations", "--site", "soctrang").splitlines()]
    assert [one["file"] for one in told] == [*archive[1].files, *archive[2].files]
    assert {(one["operation"], one["problems"]) for one in told} == {("fixity", 0)}
    assert len(run(home, "jsonl", "--operations").splitlines()) == 3


def test_a_site_that_nobody_knows(small: Path) -> None:
    for form in ("cdxj", "jsonl"):
        command = [sys.executable, "-m", "luutru", "export", form, "--site", "thts", "--home", str(small)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert "did you mean thst" in done.stderr
