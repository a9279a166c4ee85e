"""`luutru verify` on archives that are whole, and on archives that were broken on purpose."""

import base64
import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from archives import Written, at, crawled, original
from exchanges import REQUEST, SILENT, UNKNOWN_PROTOCOL
from homes import Member, members
from hypothesis import given
from hypothesis import strategies as st

from storage import manifest
from storage.collection import Collection
from storage.fixity import Report, verify
from storage.locks import crawl_lock
from storage.model import Truncated
from storage.scanning import _is_base32

HEAD_REQUEST = REQUEST.replace(b"GET", b"HEAD")
NOT_MODIFIED = at(30, "a", b"", status=b"304 Not Modified", lines=b"Content-Length: 10\r\n")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written, Written]:
    """Two crawls with every kind of record, and every reason for a Content-Length that does not fit."""
    home = tmp_path_factory.mktemp("whole") / "home"
    fits, lies = b"Content-Length: 10\r\n", b"Content-Length: 99\r\n"
    first = crawled(
        home,
        "first000",
        [
            (at(0, "a", lines=fits), None),
            (at(1, "b"), None),  # the same payload: a revisit within the file
            (at(2, "c", b"<p>%b</p>" % os.urandom(30_000), lines=b"content-length:\r\n 30007\r\n"), None),
            (at(3, "404", b"", status=b"404 Not Found", lines=b"Content-Length: 0\r\n"), None),
            (replace(at(4, "head", b"", lines=lies), method="HEAD", request=HEAD_REQUEST), None),
            (replace(at(5, "cut", b"<p>cut", lines=lies), truncated=Truncated.DISCONNECT), None),
            (at(6, "chunks", b"<p>chunks</p>", lines=lies + b"X-Crawler-Transfer-Encoding: chunked\r\n"), None),
            (replace(at(7, "lie", b"<p>lie</p>", lines=lies), notes=(("content-length", b"announced 99"),)), None),
            (at(8, "none", b"", status=b"204 No Content", lines=lies), None),
            (at(9, "alone", b"", status=b"304 Not Modified", lines=lies), None),
            (UNKNOWN_PROTOCOL, None),
            (SILENT, None),
        ],
    )
    second = crawled(
        home, "second00", [(NOT_MODIFIED, original(first.captures[0])), (at(31, "d"), original(first.captures[0]))]
    )
    return home, first, second


@pytest.fixture
def home(whole: tuple[Path, Written, Written], tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole[0], tmp_path / "home"))


@pytest.fixture
def first(whole: tuple[Path, Written, Written]) -> Written:
    return whole[1]


@pytest.fixture
def second(whole: tuple[Path, Written, Written]) -> Written:
    return whole[2]


def verified(home: Path, **options: Any) -> Report:
    with closing(Collection.open(home)) as collection:
        return verify(collection, **options)


def found(report: Report) -> list[tuple[str, str, int | None]]:
    return [(one.kind.value, one.warc, one.offset) for one in report.problems]


def write(home: Path, statement: str, *values: Any) -> int:
    with closing(sqlite3.connect(home / "index.db")) as connection, connection:
        return connection.execute(statement, values).rowcount


def ask(home: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "index.db")) as connection:
        return connection.execute(query, values).fetchall()


def rewrite(path: Path, change: Callable[[bytearray], object]) -> None:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def member_at(home: Path, warc: str, offset: int) -> Member:
    return next(one for one in members(home / warc, home) if one.offset == offset)


def reseal(home: Path, warc: str) -> None:
    """Let manifest and index agree with what the file is now, as if it had been written so."""
    data = (home / warc).read_bytes()
    digest = sha256(data).hexdigest()
    manifest.add(home, {warc: digest})
    assert write(home, "UPDATE file SET sha256 = ?, bytes = ? WHERE name = ?", digest, len(data), warc) == 1


def replace_member(home: Path, warc: str, offset: int, old: bytes, new: bytes) -> None:
    """Write other bytes of the same number into a record; it stays where it is, with a member of the same length."""
    assert len(old) == len(new)
    member = member_at(home, warc, offset)
    path = home / warc
    data = path.read_bytes()
    plain = gzip.decompress(data[offset : offset + member.length])
    assert plain.count(old) == 1
    for level in range(10):
        packed = gzip.compress(plain.replace(old, new), level, mtime=0)
        if len(packed) <= member.length:
            break
    shift = len(packed) - member.length
    path.write_bytes(data[:offset] + packed + data[offset + member.length :])
    behind = "UPDATE capture SET offset = offset + ? WHERE offset > ? AND file = (SELECT id FROM file WHERE name = ?)"
    write(home, behind.replace("offset + ?", "-offset - ?"), shift, offset, warc)
    write(home, "UPDATE capture SET offset = -offset WHERE offset < 0")
    write(home, "UPDATE capture SET length = length + ? WHERE offset = ?", shift, offset)
    reseal(home, warc)


# A whole archive


def test_nothing_is_found_where_nothing_is_wrong(home: Path, first: Written, second: Written) -> None:
    report = verified(home)
    assert report.problems == ()
    kept = [one for file in (*first.files, *second.files) for one in members(home / file, home)]
    answers = [one for one in kept if one.type in ("response", "revisit", "resource")]
    assert (report.files, report.records, report.captures) == (2, len(kept), len(answers))
    assert len(answers) == len(first.captures) + len(second.captures)
    assert [one.type for one in answers].count("revisit") == 3


def test_others_find_nothing_either(home: Path, tmp_path: Path) -> None:
    files = [str(home / name) for name in manifest.read(home)]
    scripts = Path(sysconfig.get_path("scripts"))
    if program := shutil.which("gzip"):
        subprocess.run([program, "-t", *files], check=True)
    if program := shutil.which("sha256sum"):
        subprocess.run([program, "--strict", "--quiet", "-c", "manifest-sha256.txt"], cwd=home, check=True)
    subprocess.run([str(scripts / "warcio"), "check", *files], check=True)
    for file in files:
        report = tmp_path / "report"
        command = [str(scripts / "fastwarc"), "check", "-p", "-q", "-o", str(report), file]
        subprocess.run(command, check=False, capture_output=True)
        verdicts = [line.rsplit(": ", 1) for line in report.read_text().splitlines()]
        revisits = {one["WARC-Record-ID"] for one in members(Path(file), home) if one.type == "revisit"}
        assert all(verdict.startswith("OK") for _, verdict in verdicts)
        assert {key for key, verdict in verdicts if "PAYLOAD_FAIL" in verdict} <= revisits


def test_an_archive_without_files(tmp_path: Path) -> None:
    assert verified(tmp_path / "home") == Report(0, 0, 0, ())


def test_what_a_real_crawl_wrote(demo_archive: Any, tmp_path: Path) -> None:
    home = Path(shutil.copytree(demo_archive.home, tmp_path / "home"))
    report = verified(home)
    assert report.problems == ()
    assert report.files == len(demo_archive.told["files"])


# Bytes


def test_a_flipped_byte_costs_its_record_and_no_other(home: Path, first: Written) -> None:
    large = first.captures[2]
    rewrite(home / large.warc, lambda data: data.__setitem__(large.offset + 5_000, data[large.offset + 5_000] ^ 1))
    assert found(verified(home)) == [("file-changed", large.warc, None), ("member", large.warc, large.offset)]


@pytest.mark.parametrize("back", [1, 8], ids=["length", "checksum"])
def test_a_flipped_byte_in_the_trailer_of_a_member(home: Path, first: Written, back: int) -> None:
    one = first.captures[3]
    at_ = one.offset + one.length - back
    rewrite(home / one.warc, lambda data: data.__setitem__(at_, data[at_] ^ 1))
    assert found(verified(home)) == [("file-changed", one.warc, None), ("member", one.warc, one.offset)]


@pytest.mark.parametrize("into", [0, 3], ids=["magic", "flags"])
def test_a_flipped_byte_in_the_header_of_a_member(home: Path, first: Written, into: int) -> None:
    one = first.captures[3]
    rewrite(home / one.warc, lambda data: data.__setitem__(one.offset + into, data[one.offset + into] ^ 4))
    assert found(verified(home)) == [("file-changed", one.warc, None), ("member", one.warc, one.offset)]


def test_no_flipped_byte_goes_unseen_or_costs_more_than_its_record(home: Path, first: Written) -> None:
    chance = Random(7)
    path = home / first.files[0]
    data = path.read_bytes()
    with closing(Collection.open(home)) as collection:
        for place in chance.sample(range(len(data)), 40):
            broken = bytearray(data)
            broken[place] ^= 1 << chance.randrange(8)
            path.write_bytes(broken)
            report = verify(collection)
            assert ("file-changed", first.files[0], None) in found(report), place
            assert {one.warc for one in report.problems} == {first.files[0]}, place
            assert report.records >= 44, place  # of 45: one at most is lost
        path.write_bytes(data)
        assert verify(collection).problems == ()


def test_a_torn_tail(home: Path, first: Written) -> None:
    last = first.captures[-1]
    os.truncate(home / last.warc, last.offset + 10)
    assert found(verified(home)) == [("file-changed", last.warc, None), ("member", last.warc, last.offset)]


def test_a_file_cut_between_two_records(home: Path, first: Written) -> None:
    last = first.captures[-1]
    os.truncate(home / last.warc, last.offset)
    assert found(verified(home)) == [("file-changed", last.warc, None), ("row", last.warc, last.offset)]


def test_bytes_behind_the_last_record(home: Path, first: Written) -> None:
    path = home / first.files[0]
    end = path.stat().st_size
    rewrite(path, lambda data: data.extend(b"\0" * 100))
    assert found(verified(home)) == [("file-changed", first.files[0], None), ("member", first.files[0], end)]


def test_a_member_that_is_no_record(home: Path, first: Written) -> None:
    path = home / first.files[0]
    end = path.stat().st_size
    rewrite(path, lambda data: data.extend(gzip.compress(b"hello")))
    assert found(verified(home)) == [("file-changed", first.files[0], None), ("member", first.files[0], end)]


@pytest.mark.parametrize("name", ["WARC-Block-Digest", "WARC-Payload-Digest"])
def test_a_wrong_digest_over_right_bytes(home: Path, first: Written, name: str) -> None:
    one = first.captures[2]
    member = member_at(home, one.warc, one.offset)
    digest = member[name]
    wrong = digest[:-1] + ("A" if digest[-1] != "A" else "B")
    line = f"{name}: {digest}\r\n".encode()
    replace_member(home, one.warc, one.offset, line, line.replace(digest.encode(), wrong.encode()))
    kinds = [kind for kind, *_ in found(verified(home))]
    assert kinds == (["block-digest"] if "Block" in name else ["payload-digest", "row"])  # the row has the right one


@given(st.binary(min_size=16, max_size=64), st.text("ABCXYZ0123456789=abc-ä", max_size=3))
def test_base_32_is_that_of_the_standard_library(raw: bytes, extra: str) -> None:
    right = base64.b32encode(raw).decode()
    assert _is_base32(right, raw)
    assert _is_base32(right.rstrip("=").lower(), raw)
    for wrong in (right[:-9] + extra, right + extra, extra + right, right.translate({ord(right[0]): extra})):
        same = wrong.rstrip("=").upper() == right.rstrip("=")
        assert _is_base32(wrong, raw) is same


def test_a_record_that_is_shorter_than_it_says(home: Path, first: Written) -> None:
    one = first.captures[0]
    length = len(member_at(home, one.warc, one.offset).block)
    right, wrong = (b"application/http;msgtype=response\r\nContent-Length: %d" % n for n in (length, length + 1))
    replace_member(home, one.warc, one.offset, right, wrong)
    assert ("record", one.warc, one.offset) in found(verified(home))


def test_a_server_that_lied_is_no_problem_only_where_the_archive_says_so(home: Path) -> None:
    honest = replace(at(50, "honest", b"<p>x</p>"), head=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
    silent = replace(honest, url="https://soctrang.example/silent", body=b"<p>y</p>")
    written = crawled(home, "third000", [(replace(honest, notes=(("content-length", b"x"),)), None), (silent, None)])
    assert found(verified(home)) == [("content-length", written.files[0], written.captures[1].offset)]


# Files


def test_a_file_that_is_gone_with_the_originals_of_another(home: Path, first: Written, second: Written) -> None:
    (home / first.files[0]).unlink()
    report = verified(home)
    revisits = [("original", second.files[0], one.offset) for one in second.captures]
    assert found(report) == [("file-missing", first.files[0], None), *revisits]
    assert f"{len(first.captures)} captures" in report.problems[0].detail
    assert (report.files, report.captures) == (1, 2)


def test_a_file_that_nobody_knows(home: Path) -> None:
    (home / "warc" / "soctrang" / "note.txt").write_text("x")
    assert found(verified(home)) == [("file-unknown", "warc/soctrang/note.txt", None)]


def test_a_file_that_only_the_manifest_knows_is_held_against_it(home: Path, second: Written) -> None:
    (warc,) = second.files
    write(home, "DELETE FROM capture WHERE crawl = 'second00'")
    write(home, "DELETE FROM file WHERE name = ?", warc)
    assert found(verified(home)) == [("file-unknown", warc, None)]
    rewrite(home / warc, lambda data: data.__setitem__(-1, data[-1] ^ 1))
    assert [kind for kind, *_ in found(verified(home))] == ["file-unknown", "file-changed", "member"]


def test_a_file_that_no_crawl_seals(home: Path, first: Written) -> None:
    growing = home / (first.files[0].replace("00000", "00001") + ".open")
    growing.write_bytes((home / first.files[0]).read_bytes()[:700])
    report = verified(home)
    assert found(report) == [("file-unsealed", growing.relative_to(home).as_posix().removesuffix(".open"), None)]
    assert "luutru crawl soctrang" in report.problems[0].detail


def test_files_of_a_crawl_that_runs_are_left_alone(home: Path, first: Written, second: Written) -> None:
    write(home, "UPDATE crawl SET outcome = 'running' WHERE id = 'second00'")
    write(home, "UPDATE file SET sha256 = NULL WHERE name = ?", second.files[0])
    write(home, "DELETE FROM capture WHERE crawl = 'second00'")
    (home / second.files[0]).rename(home / (second.files[0] + ".open"))
    (home / (first.files[0].replace("first000", "second00") + ".open")).write_bytes(b"")
    with crawl_lock(home, "soctrang", "5f3a9c01"):
        report = verified(home)
    assert (report.problems, report.files) == ((), 1)
    assert "file-unsealed" in [kind for kind, *_ in found(verified(home))]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read(home: Path, first: Written) -> None:
    (home / first.files[0]).chmod(0)
    assert found(verified(home)) == [("file-unreadable", first.files[0], None)]


# Rows


PLACE = "UPDATE capture SET offset = ? WHERE record_id = ?"


def test_two_rows_that_changed_places(home: Path, first: Written) -> None:
    a, b = first.captures[0], first.captures[2]
    for place, one in ((-1, a), (a.offset, b), (b.offset, a)):
        assert write(home, PLACE, place, one.record_id) == 1
    write(home, "UPDATE capture SET length = 1 WHERE record_id = ?", a.record_id)
    expected = [("row", a.warc, a.offset), ("row", a.warc, b.offset)]
    assert found(verified(home)) == expected
    report = verified(home, repair=True)
    assert [one.mended for one in report.problems] == [True, True]  # type: ignore[attr-defined]
    assert verified(home).problems == ()
    rows = ask(home, "SELECT record_id, offset, length FROM capture WHERE crawl = 'first000' ORDER BY offset")
    assert rows == [(one.record_id, one.offset, one.length) for one in first.captures]


def test_a_row_that_lies_in_the_way_is_not_overwritten(home: Path, first: Written) -> None:
    a, b = first.captures[0], first.captures[2]
    write(home, "UPDATE capture SET record_id = 'none' WHERE record_id = ?", b.record_id)
    write(home, PLACE, 7, a.record_id)
    write(home, PLACE, a.offset, "none")
    report = verified(home, repair=True)
    assert found(report) == [("row", a.warc, 7), ("row", a.warc, a.offset), ("row-missing", a.warc, b.offset)]
    assert not any(one.mended for one in report.problems)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("date = '2020-01-01T00:00:00.000000+00:00'", "date"),
        ("url = 'https://soctrang.example/x'", "address"),
        ("type = 'resource'", "type"),
        ("status = 500", "status"),
        ("payload_digest = 'sha1:AAAA'", "digest"),
        ("payload_length = 1", "payload length"),
        ("truncated = 'time'", "truncated"),
    ],
)
def test_a_row_that_says_something_else(home: Path, first: Written, change: str, told: str) -> None:
    one = first.captures[2]
    assert write(home, f"UPDATE capture SET {change} WHERE record_id = ?", one.record_id) == 1
    report = verified(home)
    assert found(report) == [("row", one.warc, one.offset)]
    assert report.problems[0].detail.startswith(f"its row says {told} ")


def test_a_capture_without_a_row(home: Path, first: Written) -> None:
    one = first.captures[2]
    write(home, "DELETE FROM capture WHERE record_id = ?", one.record_id)
    assert found(verified(home)) == [("row-missing", one.warc, one.offset)]


def test_a_length_that_is_wrong_is_mended(home: Path, first: Written) -> None:
    one = first.captures[2]
    write(home, "UPDATE capture SET length = 1 WHERE record_id = ?", one.record_id)
    verified(home, repair=True)
    assert verified(home).problems == ()


# Originals


def test_an_original_without_a_row(home: Path, first: Written, second: Written) -> None:
    one = first.captures[0]
    write(home, "UPDATE capture SET original = NULL")
    write(home, "DELETE FROM capture WHERE record_id = ?", one.record_id)
    report = verified(home, repair=True)
    assert found(report) == [
        ("row-missing", one.warc, one.offset),
        ("original", one.warc, first.captures[1].offset),
        *(("original", second.files[0], revisit.offset) for revisit in second.captures),
    ]
    assert not any(one.mended for one in report.problems)  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", ["NULL", "(SELECT min(id) FROM capture WHERE status = 404)"])
def test_a_row_that_names_another_original_is_mended(home: Path, second: Written, wrong: str) -> None:
    right = ask(home, "SELECT id, original FROM capture ORDER BY id")
    write(home, f"UPDATE capture SET original = {wrong} WHERE crawl = 'second00'")
    assert found(verified(home)) == [("original", second.files[0], one.offset) for one in second.captures]
    verified(home, repair=True)
    assert verified(home).problems == ()
    assert ask(home, "SELECT id, original FROM capture ORDER BY id") == right


def test_a_revisit_of_a_revisit(home: Path, first: Written) -> None:
    written = crawled(home, "third000", [(at(60, "e"), original(first.captures[1]))])
    assert found(verified(home)) == [("original", written.files[0], written.captures[0].offset)]


# The manifest and the row of a file


def lines(home: Path) -> list[str]:
    return (home / "manifest-sha256.txt").read_text().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (lambda line: "", ["manifest"]),
        (lambda line: "0" * 64 + line[64:], ["manifest"]),
        (lambda line: line.replace("  ", " x"), ["manifest", "manifest"]),
        (lambda line: "x" + line[1:], ["manifest", "manifest"]),
    ],
    ids=["removed", "digest", "mark", "not a digest"],
)
def test_a_line_of_the_manifest(home: Path, change: Callable[[str], str], kinds: list[str]) -> None:
    kept = lines(home)
    (home / "manifest-sha256.txt").write_text("".join([change(kept[0]), *kept[1:]]))
    assert [kind for kind, *_ in found(verified(home))] == kinds
    assert [kind for kind, *_ in found(verified(home, sample=1))] == kinds  # though it is verified already
    assert all(one.mended for one in verified(home, repair=True).problems)  # type: ignore[attr-defined]
    assert lines(home) == kept
    assert verified(home).problems == ()


def test_a_manifest_that_is_gone(home: Path) -> None:
    kept = lines(home)
    (home / "manifest-sha256.txt").unlink()
    verified(home, repair=True)
    assert lines(home) == kept


def test_a_manifest_that_is_no_text(home: Path) -> None:
    kept = lines(home)
    rewrite(home / "manifest-sha256.txt", lambda data: data.__setitem__(80, 0xFF))
    verified(home, repair=True)
    assert lines(home) == kept


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_the_row_of_a_file(home: Path, first: Written, digest: str | None) -> None:
    before = ask(home, "SELECT name, bytes, sha256 FROM file")
    write(home, "UPDATE file SET bytes = NULL, sha256 = ? WHERE name = ?", digest, first.files[0])
    assert found(verified(home)) == [("index", first.files[0], None)]
    verified(home, repair=True)
    assert ask(home, "SELECT name, bytes, sha256 FROM file") == before
    assert verified(home).problems == ()


def test_a_sealed_file_that_lost_its_name(home: Path, first: Written) -> None:
    path = home / first.files[0]
    path.rename(path.with_name(path.name + ".open"))
    assert found(verified(home)) == [("file-unsealed", first.files[0], None)]
    verified(home, repair=True)
    assert verified(home).problems == ()


def test_repair_writes_no_sealed_file(home: Path, first: Written) -> None:
    one = first.captures[2]
    rewrite(home / one.warc, lambda data: data.__setitem__(one.offset + 5_000, data[one.offset + 5_000] ^ 1))
    data = (home / one.warc).read_bytes()
    report = verified(home, repair=True)
    assert [one.mended for one in report.problems] == [False, False]  # type: ignore[attr-defined]
    assert (home / one.warc).read_bytes() == data
    assert all("copy" in one.detail for one in report.problems)


# What is remembered


def test_results_are_kept_and_the_oldest_come_first(home: Path, first: Written, second: Written) -> None:
    files = (*first.files, *second.files)
    assert verified(home, sample=50).files == 1
    assert [row[0] for row in ask(home, "SELECT file FROM fixity")] == [files[0]]
    assert verified(home, sample=50).files == 1
    rows = ask(home, "SELECT file, sha256, problems FROM fixity ORDER BY verified")
    assert rows == [(file, manifest.read(home)[file], 0) for file in files]
    verified(home, sample=0.1)
    assert [row[0] for row in ask(home, "SELECT file FROM fixity ORDER BY verified")] == [files[1], files[0]]
    write(home, "UPDATE capture SET length = 1 WHERE record_id = ?", first.captures[2].record_id)
    verified(home)
    assert ask(home, "SELECT problems FROM fixity ORDER BY file") == [(1,), (0,)]
    verified(home, repair=True)
    assert ask(home, "SELECT problems FROM fixity ORDER BY file") == [(0,), (0,)]


def test_memory_does_not_grow_with_a_record(tmp_path: Path) -> None:
    """A record of 150 MB, unpacked."""
    home = tmp_path / "home"
    crawled(home, "large000", [(at(0, "large", b"x" * 150_000_000), None)])
    code = (
        "import sys; from pathlib import Path; from contextlib import closing\n"
        "from storage.collection import Collection; from storage.fixity import verify\n"
        "with closing(Collection.open(Path(sys.argv[1]))) as collection:\n"
        "    assert verify(collection).problems == ()\n"
        "print(Path('/proc/self/status').read_text())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert int(peak) < 130_000


# The command


def run(home: Path, *options: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "luutru", "verify", "--home", str(home), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_command(home: Path, first: Written) -> None:
    status, told, errors = run(home, "--json")
    assert (status, errors) == (0, "")
    assert json.loads(told) == {"files": 2, "records": 45, "captures": 13, "problems": []}
    write(home, "UPDATE capture SET length = 1 WHERE record_id = ?", first.captures[2].record_id)
    status, told, _ = run(home, "--json", "--sample", "100%")
    (problem,) = json.loads(told)["problems"]
    assert (status, list(problem)) == (1, ["kind", "warc", "offset", "detail"])
    status, told, _ = run(home, "--json", "--repair")
    (problem,) = json.loads(told)["problems"]
    assert (status, list(problem), problem["mended"]) == (0, ["kind", "warc", "offset", "detail", "mended"], True)
    status, told, _ = run(home)
    assert (status, told) == (0, "2 files, 45 records, 13 captures verified: 0 problems\n")


@pytest.mark.parametrize("share", ["0", "101%", "x", "-5%", "nan"])
def test_a_share_that_is_none(home: Path, share: str) -> None:
    status, told, errors = run(home, "--sample", share)
    assert (status, told) == (2, "")
    assert "write a share such as 5%" in errors
