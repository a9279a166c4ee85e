"""WACZ: opened and checked by other software than ours; what is withheld is not in it."""

import gzip
import io
import json
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from sites_for_tests import HOST, NewsSite, Reply, crawl, make_home, page, run
from warcio.archiveiterator import ArchiveIterator

URL = f"http://{HOST}/a/2"


@pytest.fixture(scope="module")
def lately(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with pages that were captured again: a confirmation (304), and repetitions."""
    home = make_home(tmp_path_factory.mktemp("wacz") / "home", DERIVE="on")
    known = Reply(body=page(1), headers={"ETag": '"1"'})
    with NewsSite(3, {"/a/1": [known, Reply(304, headers={"ETag": '"1"'})]}) as site:
        assert crawl(home, site).status == 0
        with closing(sqlite3.connect(home / "index.db")) as connection, connection:
            connection.execute("UPDATE frontier SET due = '2025'")
        assert crawl(home, site).status == 0
    return home


@pytest.fixture
def home(lately: Path, tmp_path: Path) -> Path:
    shutil.copytree(lately, tmp_path / "home")
    return tmp_path / "home"


def exported(home: Path, *options: str) -> dict[str, Any]:
    done = run(home, "export", "wacz", "--json", *options)
    assert (done.status, done.err) == (0, "")
    told: dict[str, Any] = json.loads(done.out)
    return told


class Package:
    """A WACZ file, read as its specification says."""

    def __init__(self, path: Path) -> None:
        with ZipFile(path) as package:
            assert package.testzip() is None
            assert {one.compress_type for one in package.infolist()} == {ZIP_STORED}
            self.files = {one.filename: package.read(one) for one in package.infolist()}
        digest = json.loads(self.files["datapackage-digest.json"])
        assert digest["path"] == "datapackage.json"
        assert digest["hash"] == hash_of(self.files["datapackage.json"])
        self.described = json.loads(self.files["datapackage.json"])
        listed = {one["path"]: one for one in self.described["resources"]}
        assert listed.keys() == self.files.keys() - {"datapackage.json", "datapackage-digest.json"}
        for name, one in listed.items():
            assert (one["hash"], one["bytes"]) == (hash_of(self.files[name]), len(self.files[name]))
            assert one["name"] == name.split("/")[-1]

    @property
    def warcs(self) -> dict[str, bytes]:
        return {name.removeprefix("archive/"): data for name, data in self.files.items() if name.startswith("archive/")}

    def records(self) -> list[tuple[str, int, Any]]:
        """File, offset and headers of each record, as warcio reads them."""
        found = []
        for name, data in self.warcs.items():
            records = ArchiveIterator(io.BytesIO(data), check_digests="raise")
            for record in records:
                record.content_stream().read()
                found.append((name, records.get_record_offset(), record.rec_headers))
        return found

    def index(self) -> list[tuple[str, str, dict[str, str]]]:
        """The lines of the index, each block of them found by where it begins."""
        head, *begins = self.files["indexes/index.idx"].decode().splitlines()
        assert head.startswith("!meta 0 ")
        assert json.loads(head.split(" ", 2)[2]) == {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}
        packed, text = self.files["indexes/index.cdx.gz"], ""
        for begin in begins:
            key, timestamp, place = begin.split(" ", 2)
            at = json.loads(place)
            block = gzip.decompress(packed[at["offset"] : at["offset"] + at["length"]]).decode()
            assert block.startswith(f"{key} {timestamp} ")
            text += block
        assert text == gzip.decompress(packed).decode() if packed else not text
        parted = [line.split(" ", 2) for line in text.splitlines()]
        assert parted == sorted(parted)
        return [(key, timestamp, json.loads(rest)) for key, timestamp, rest in parted]

    def pages(self) -> list[dict[str, str]]:
        head, *lines = map(json.loads, self.files["pages/pages.jsonl"].decode().splitlines())
        assert (head["format"], head["id"]) == ("json-pages-1.0", "pages")
        return lines

    def check(self) -> None:
        """Each line of the index leads to its record, and each page to a line."""
        headers = {(name, offset): headers for name, offset, headers in self.records()}
        for _, timestamp, fields in self.index():
            found = headers[fields["filename"], int(fields["offset"])]
            assert found.get_header("WARC-Target-URI") == fields["url"]
            assert found.get_header("WARC-Type") in ("response", "revisit")
            if fields["mime"] == "warc/revisit" or fields["status"] != "200":
                assert "".join(filter(str.isdigit, found.get_header("WARC-Date")))[:14] == timestamp
        known = {(fields["url"], timestamp) for _, timestamp, fields in self.index()}
        for one in self.pages():
            assert (one["url"], "".join(filter(str.isdigit, one["ts"]))) in known


def hash_of(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def test_a_package_is_whole_and_each_line_of_its_index_leads_to_its_record(home: Path) -> None:
    told = exported(home)
    package = Package(home / "exports" / "archive.wacz")
    package.check()
    assert package.described["wacz_version"] == "1.1.1"
    assert package.warcs == {one.name: one.read_bytes() for one in (home / "warc").rglob("*.gz")}
    assert (told["warcs"], told["captures"], told["problems"]) == (2, len(package.index()), [])
    assert told["bytes"] == Path(told["file"]).stat().st_size
    assert {(one["url"], one["title"]) for one in package.pages()} == {
        (f"http://{HOST}/a/{number}", f"Bài {number}") for number in (1, 2, 3)
    }
    assert told["pages"] == 3
    known = [fields for _, _, fields in package.index() if fields["url"] == f"http://{HOST}/a/1"]
    assert [fields["status"] for fields in known] == ["200", "200"]  # what was confirmed, under both moments
    assert len({fields["offset"] for fields in known}) == 1
    exported(home)
    assert [one.name for one in (home / "exports").iterdir()] == ["archive.wacz"]


def test_what_is_withheld_is_not_in_it(home: Path, tmp_path: Path) -> None:
    before = Package(Path(exported(home)["file"]))
    assert run(home, "withhold", URL, "--reason", "tòa án").status == 0
    told = exported(home, "--output", str(tmp_path / "x" / "given.wacz"))
    package = Package(tmp_path / "x" / "given.wacz")
    package.check()
    assert told["withheld"] == sum(headers.get_header("WARC-Target-URI") == URL for *_, headers in before.records()) > 3
    assert {fields["url"] for _, _, fields in package.index()} == {
        fields["url"] for _, _, fields in before.index() if fields["url"] != URL
    }
    assert URL not in {one["url"] for one in package.pages()}
    for data in package.warcs.values():
        plain = gzip.decompress(data)
        assert URL.encode() not in plain
        assert "phường 2 ".encode() not in plain
        assert "phường 3 ".encode() in plain or b"revisit" in plain
    assert run(home, "release", URL, "--reason", "hết hạn").status == 0
    exported(home)
    assert Package(home / "exports" / "archive.wacz").warcs == before.warcs


def test_only_sealed_files_of_the_site_are_in_it(home: Path) -> None:
    open_ = sorted((home / "warc").rglob("*.gz"))[1]
    open_.rename(open_.with_name(open_.name + ".open"))
    with closing(sqlite3.connect(home / "index.db")) as connection, connection:
        connection.execute("UPDATE file SET sha256 = NULL, bytes = NULL WHERE name LIKE ?", (f"%{open_.name}",))
    told = exported(home, "--site", "news")
    package = Package(home / "exports" / "news.wacz")
    package.check()
    assert (told["warcs"], len(package.warcs)) == (1, 1)
    assert {fields["filename"] for _, _, fields in package.index()} == package.warcs.keys()
    assert package.described["title"] == "news"
    done = run(home, "export", "wacz", "--site", "nwes")
    assert (done.status, "did you mean news" in done.line) == (2, True)


def test_a_damaged_file_is_named(home: Path) -> None:
    first, second = sorted((home / "warc").rglob("*.gz"))
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.unlink()
    done = run(home, "export", "wacz")
    assert done.status == 1
    assert f"{first.relative_to(home)}: it is not as it was sealed" in done.out
    assert f"{second.relative_to(home)}: it is gone" in done.out


def test_what_is_damaged_is_left_out_where_something_is_withheld(home: Path) -> None:
    first = min((home / "warc").rglob("*.gz"))
    damaged = f"http://{HOST}/a/3"
    with closing(sqlite3.connect(home / "index.db")) as connection:
        query = "SELECT offset, length FROM capture WHERE url = ? AND type = 'response' ORDER BY date"
        offset, length = connection.execute(query, (damaged,)).fetchone()
    assert run(home, "withhold", URL, "--reason", "tòa án").status == 0
    before = exported(home)
    data = bytearray(first.read_bytes())
    data[offset + length // 2] ^= 0xFF
    first.write_bytes(data)
    done = run(home, "export", "wacz", "--json")
    told = json.loads(done.out)
    assert (done.status, told["withheld"]) == (1, before["withheld"])
    (problem,) = told["problems"]
    assert problem["warc"] == str(first.relative_to(home))
    assert f"run `luutru verify`; {length:,} bytes of it cannot be read and were left out" in problem["detail"]
    package = Package(Path(told["file"]))
    package.check()
    lines = {(fields["url"], fields["mime"]) for _, _, fields in package.index()}
    assert (f"http://{HOST}/a/1", "text/html") in lines
    assert {mime for url, mime in lines if url == damaged} == {"warc/revisit"}  # of the later crawl, in another file
    assert URL not in {url for url, _ in lines}


def test_an_empty_archive_makes_an_empty_package(tmp_path: Path) -> None:
    told = exported(make_home(tmp_path / "home"))
    package = Package(tmp_path / "home" / "exports" / "archive.wacz")
    assert (package.index(), package.pages(), told["captures"]) == ([], [], 0)


def test_a_large_index_has_blocks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.collection import Collection
    from storage.exports import wacz

    monkeypatch.setattr(wacz, "_BLOCK", 2)
    collection = Collection.open(home)
    told = wacz.write(collection, home / "small.wacz", "test")
    collection.close()
    package = Package(home / "small.wacz")
    package.check()
    assert len(package.files["indexes/index.idx"].splitlines()) == 1 + (told.captures + 1) // 2 > 3
