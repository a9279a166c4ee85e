"""Where a capture comes from, by the index and by the file itself."""

import gzip
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archives import Written, at, crawled, original
from rows import DOCUMENT, GONE, filled

from storage.collection import Collection
from storage.errors import NotFound, Withheld
from storage.index.engine import Index
from storage.index.provenance import Dating, datings, origin
from storage.index.withholding import Thing, withhold
from storage.provenance import Beside, extraction, prove

LATER = 60 * 24  # minutes


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("provenance")


@pytest.fixture(scope="module")
def first(home: Path) -> Written:
    return crawled(
        home, "c1", [(at(1, "tin-1", b"<p>m\xe1\xbb\x99t</p>"), None), (at(2, "tin-2", b"<p>hai</p>"), None)]
    )


@pytest.fixture(scope="module")
def second(home: Path, first: Written) -> Written:
    repeats = at(LATER, "tin-1", "<p>một</p>".encode()), original(first.captures[0])
    return crawled(home, "c2", [repeats])


@pytest.fixture(scope="module")
def index(home: Path, second: Written) -> Iterator[Index]:
    collection = Collection.open(home)
    yield collection.index
    collection.close()


def test_the_row_says_where_a_capture_lies_and_of_which_crawl_it_is(index: Index, first: Written) -> None:
    kept = first.captures[0]
    with index.read() as connection:
        found = origin(connection, kept.warc, kept.offset)
    assert (found.url, found.timestamp, found.status, found.type) == (kept.url, kept.timestamp, 200, "response")
    assert (found.length, found.payload_digest, found.ip) == (kept.length, kept.payload_digest, "203.0.113.7")
    assert (found.crawl, found.site, found.original, found.document) == ("c1", "soctrang", None, None)
    assert found.sha256 is not None
    assert found.verified is None


def test_a_revisit_names_where_its_payload_lies(index: Index, first: Written, second: Written) -> None:
    kept, repeated = second.captures[0], first.captures[0]
    with index.read() as connection:
        found = origin(connection, kept.warc, kept.offset)
    assert found.type == "revisit"
    assert found.original is not None
    assert (found.original.warc, found.original.offset) == (repeated.warc, repeated.offset)


def test_the_file_proves_what_the_row_says(home: Path, index: Index, first: Written) -> None:
    kept = first.captures[0]
    proof = prove(home, kept)
    assert proof.problem is None
    assert proof.payload_digest == kept.payload_digest
    assert proof.block_digest is not None
    assert (proof.protocols, proof.cipher) == (("http/1.1", "tls/1.3"), "TLS_AES_256_GCM_SHA384")
    assert dict(proof.warcinfo)["software"] == "luutru/0.1.0"
    assert [one.type for one in proof.beside] == ["request", "metadata"]
    assert proof.beside[0].offset == kept.offset + kept.length
    assert proof.found is not None
    assert (proof.found.via, proof.found.hops) == ("https://soctrang.example/", 2)


def test_what_lies_behind_the_exchange_is_not_of_it(home: Path, first: Written) -> None:
    last = first.captures[-1]
    assert [one.type for one in prove(home, last).beside] == ["request", "metadata"]


@pytest.mark.parametrize("number", [0, 1])
def test_the_command_gets_the_record_out_with_plain_tools(home: Path, first: Written, number: int) -> None:
    kept = first.captures[number]
    out = subprocess.run(prove(home, kept).command, shell=True, cwd=home, capture_output=True, check=True).stdout
    with (home / kept.warc).open("rb") as file:
        file.seek(kept.offset)
        assert out == gzip.decompress(file.read(kept.length))
    assert out.startswith(b"WARC/1.1\r\n")
    assert kept.url.encode() in out


def test_a_name_with_spaces_or_quotes_is_no_shell(tmp_path: Path) -> None:
    name = "warc/a b'; touch stolen; '.warc"
    (tmp_path / "warc").mkdir()
    (tmp_path / name).write_bytes(b"0123456789")
    command = extraction(name, 3, 4)
    assert subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True).stdout == b"3456"
    assert not (tmp_path / "stolen").exists()


def test_a_file_that_is_not_there_is_told_in_a_sentence(tmp_path: Path, first: Written) -> None:
    proof = prove(tmp_path, first.captures[0])
    assert proof.problem == f"{first.files[0]} is not there: put it back from a copy, then run `luutru verify`"
    assert proof.command.startswith("tail -c +")
    assert (proof.headers, proof.beside, proof.found, proof.warcinfo) == ((), (), None, ())


def test_a_record_that_is_not_there_is_told_in_a_sentence_that_does_not_name_the_home(
    home: Path, first: Written
) -> None:
    proof = prove(home, replace(first.captures[0], offset=first.captures[0].offset + 1))
    assert proof.problem is not None
    assert str(home) not in proof.problem


def test_a_torn_file_still_proves_the_record_before_the_tear(tmp_path: Path) -> None:
    written = crawled(tmp_path, "c1", [(at(1, "tin"), None)])
    kept = written.captures[0]
    path = tmp_path / kept.warc
    path.write_bytes(path.read_bytes()[: kept.offset + kept.length + 20])
    proof = prove(tmp_path, kept)
    assert (proof.problem, proof.beside, proof.found) == (None, (), None)


@pytest.mark.parametrize(("warc", "offset"), [("warc/none.warc.gz", 0), ("../../etc/passwd", 0), ("", -1)])
def test_a_place_where_no_capture_lies_is_not_found(index: Index, warc: str, offset: int) -> None:
    with index.read() as connection, pytest.raises(NotFound):
        origin(connection, warc, offset)


def test_pages_that_date_a_document_are_named(tmp_path: Path) -> None:
    opened = Index.open(filled(tmp_path) / "index.db")
    with opened.read() as connection:
        assert datings(connection, DOCUMENT) == [
            Dating("2025-01-01", "https://dangcongsan.vn/thoi-su", "Đô thị loại I", "2025-01-03T07:50:40.123456+00:00")
        ]
        assert datings(connection, "thst/t/tin-cu") == []
        assert datings(connection, "none") == []
    opened.close()


def test_what_is_withheld_has_no_provenance(tmp_path: Path) -> None:
    opened = Index.open(filled(tmp_path) / "index.db")
    with opened.write() as connection:
        withhold(connection, Thing(url=GONE), "theo yêu cầu", "thủ thư", None)
    with opened.read() as connection, pytest.raises(Withheld):
        origin(connection, "warc/thst/2025/b.warc.gz", 100)
    opened.close()


def test_records_beside_are_named_by_place(home: Path, first: Written) -> None:
    request, metadata = prove(home, first.captures[0]).beside
    assert metadata == Beside("metadata", request.offset + request.length, metadata.length)
