"""The CDX endpoint: held against pywb's own answers, and asked by pywb as a client."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from replaying import URL, Kept, kept
from serving import Served, serving

from luutru.limits import Limits
from storage.collection import Collection
from storage.exports import cdxj
from storage.index import withholding

ORACLE = """
import json, sys
from pywb.warcserver.index.cdxops import process_cdx
from pywb.warcserver.index.indexsource import FileIndexSource
from pywb.warcserver.index.query import CDXQuery
path, asked = sys.argv[1], json.load(sys.stdin)
for params in asked:
    query = CDXQuery(params)
    found = process_cdx(FileIndexSource(path).load_index(query.params), query)
    print(json.dumps([dict(one) for one in found]))
"""
CLIENT = """
import json, sys
from pywb.warcserver.index.aggregator import SimpleAggregator
from pywb.warcserver.handlers import IndexHandler
from pywb.warcserver.warcserver import init_index_source
source = init_index_source(sys.argv[1])
handler = IndexHandler(SimpleAggregator({"here": source}))
class Request:
    env = {}
    def include_method_query(self, url): return url
    def get_referrer(self): return ""
for params in json.load(sys.stdin):
    _, lines, _ = handler(params | {"output": "json", "_input_req": Request()})
    print(json.dumps([json.loads(line) for line in lines or ()]))
"""
ASKED: list[dict[str, Any]] = [
    {"url": f"{URL}a"},
    {"url": f"{URL}A/"},
    {"url": "http://www.soctrang.example/a"},
    {"url": f"{URL}a", "closest": "20260102040404"},
    {"url": f"{URL}a", "closest": "2026", "limit": "2"},
    {"url": f"{URL}a", "closest": "20990101000000", "sort": "closest"},
    {"url": f"{URL}a", "sort": "reverse"},
    {"url": f"{URL}a", "from": "2026010204", "to": "20260102"},
    {"url": f"{URL}a", "to": "202601020304"},
    {"url": f"{URL}a*"},
    {"url": f"{URL}a/", "matchType": "prefix"},
    {"url": f"{URL}", "matchType": "prefix", "limit": "3"},
    {"url": f"{URL}A?", "matchType": "prefix"},
    {"url": "soctrang.example", "matchType": "host"},
    {"url": "soctrang.example", "matchType": "domain"},
    {"url": "*.soctrang.example"},
    {"url": f"{URL}a*", "filter": ["=status:200", "!~mime:warc/.*"]},
    {"url": f"{URL}*", "filter": ["statuscode:404"]},
    {"url": f"{URL}*", "filter": ["!mime:warc/revisit", "~url:.*/[ab]$"]},
    {"url": f"{URL}*", "filter": ["~timestamp:2026010204"]},
    {"url": "https://khong.example/"},
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return kept(tmp_path_factory.mktemp("cdx") / "home")


@pytest.fixture(scope="module")
def room(archive: Kept) -> Iterator[Served]:
    with serving(archive.home) as served:
        yield served


@pytest.fixture(scope="module")
def exported(archive: Kept) -> Path:
    collection = Collection.open(archive.home)
    path = archive.home.parent / "index.cdxj"
    path.write_text("".join(cdxj.lines(collection.index)))
    collection.close()
    return path


def told(program: str, tools: Path, argument: str, asked: list[dict[str, Any]]) -> list[Any]:
    command = [str(tools / "python"), "-W", "ignore", "-c", program, argument]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(room: Served, **params: Any) -> list[dict[str, str]]:
    response = room.client.get(f"{room.url}/cdx", params=params | {"output": "json"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson"), response.text
    return [json.loads(line) for line in response.text.splitlines()]


def test_it_answers_as_pywb_would_over_the_exported_index(room: Served, exported: Path, pywb_tools: Path) -> None:
    for params, theirs in zip(ASKED, told(ORACLE, pywb_tools, str(exported), ASKED), strict=True):
        assert [dict(one) for one in ours(room, **params)] == theirs, params


def test_pywb_reads_it(room: Served, exported: Path, pywb_tools: Path) -> None:
    asked = [{"url": f"{URL}a"}, {"url": f"{URL}a", "closest": "20260102040404"}, {"url": f"{URL}b", "closest": "2099"}]
    asked += [{"url": f"{URL}", "matchType": "prefix"}, {"url": "https://khong.example/"}]
    found = told(CLIENT, pywb_tools, f"cdx+{room.url}/cdx", asked)
    for params, theirs in zip(asked, found, strict=True):
        for one in theirs:
            del one["source"], one["source-coll"], one["load_url"]
        assert theirs == ours(room, **params)
    assert [len(one) for one in found] == [4, 4, 2, 12, 0]


def test_lines_are_those_of_the_export(room: Served, exported: Path) -> None:
    response = room.get(f"/cdx?url={URL}*")
    assert response.headers["content-type"].startswith("text/x-cdxj")
    lines = exported.read_text().splitlines()
    assert sorted(response.text.splitlines()) == [one for one in lines if one.startswith("example,soctrang)/")]


def test_a_revisit_names_its_original_when_it_is_asked_to(room: Served) -> None:
    first, again = ours(room, url=f"{URL}b", resolveRevisits="true")
    assert (again["mime"], again["status"]) == (first["mime"], "200")
    names = ("filename", "offset", "length")
    assert [again[f"orig.{name}"] for name in names] == [first[name] for name in names]
    assert again["offset"] != first["offset"] or again["filename"] != first["filename"]


def test_fields_are_chosen(room: Served) -> None:
    assert ours(room, url=f"{URL}b", fl="timestamp,original,statuscode", limit=1) == [
        {"timestamp": "20260102030505", "url": f"{URL}b", "status": "200"}
    ]
    line = room.get(f"/cdx?url={URL}b&limit=1&fl=mime").text
    assert line == 'example,soctrang)/b 20260102030505 {"mime": "text/html"}\n'


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "url"),
        ("url=", "not a web address"),
        ("url=ftp://a.example/", "not a web address"),
        (f"url={URL}a&closest=hom-qua", "no moment"),
        (f"url={URL}a&closest=20261332", "no moment"),
        (f"url={URL}a&from=-1", "no moment"),
        (f"url={URL}a&matchType=all", "matchType"),
        (f"url={URL}a&limit=0", "limit"),
        (f"url={URL}a&output=xml", "output"),
        (f"url={URL}a&filter=~url:(", "no regular expression"),
    ],
)
def test_what_is_asked_wrongly_is_said(room: Served, query: str, word: str) -> None:
    response = room.get(f"/cdx?{query}")
    assert response.status_code == 400
    assert word in response.json()["error"]["message"]


def test_what_takes_too_long_to_filter_is_said(archive: Kept) -> None:
    with serving(archive.home, limits=Limits(query_seconds=0.5)) as room:
        response = room.get(f"/cdx?url={URL}*&filter=~url:(.|.)*[0-9]$")
    assert response.status_code == 400
    assert "too much" in response.json()["error"]["message"]


def test_many_captures_come_in_pages_and_in_order(tmp_path: Path) -> None:
    from archives import at, crawled

    crawled(tmp_path / "home", "many0000", [(at(number, f"n{number % 7}"), None) for number in range(1_201)])
    with serving(tmp_path / "home") as room:
        everything = ours(room, url=f"{URL}*")
        keys = [(one["urlkey"], one["timestamp"]) for one in everything]
        assert (len(keys), keys) == (1_201, sorted(keys))
        assert [(one["urlkey"], one["timestamp"]) for one in ours(room, url=f"{URL}*", sort="reverse")] == keys[::-1]
        (near,) = ours(room, url=f"{URL}*", closest=keys[700][1], sort="closest", limit=1)
        assert near["timestamp"] == keys[700][1]


def test_what_is_withheld_is_left_out(tmp_path: Path) -> None:
    home = kept(tmp_path / "home").home
    with serving(home) as room:
        everything = ours(room, url="*.soctrang.example")
        collection = Collection.open(home)
        with collection.index.write() as connection:
            withholding.withhold(connection, withholding.thing(connection, f"{URL}a"), "vì", "an")
        collection.close()
        left = [one for one in everything if one["urlkey"] != "example,soctrang)/a"]
        assert ours(room, url="*.soctrang.example") == left
        assert len(everything) - len(left) == 4
        assert ours(room, url=f"{URL}a", closest="2026") == []


# SINGLE RECORDS


def test_a_record_is_a_download_of_its_bytes(archive: Kept, room: Served) -> None:
    for one in ours(room, url=f"{URL}*"):
        response = room.get(f"/records/{one['filename']}?offset={one['offset']}")
        stored = (archive.home / one["filename"]).read_bytes()
        offset, length = int(one["offset"]), int(one["length"])
        assert response.content == stored[offset : offset + length]
        assert response.headers["content-type"] == "application/warc"
        assert response.headers["content-disposition"].startswith('attachment; filename="')
        assert response.headers["content-security-policy"] == "sandbox"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert int(response.headers["content-length"]) == length


@pytest.mark.parametrize(
    "path",
    [
        "luutru.toml?offset=0",
        "index.db?offset=0",
        "../luutru.toml?offset=0",
        "%2e%2e%2f%2e%2e%2fetc/passwd?offset=0",
        "/etc/passwd?offset=0",
        "warc/soctrang/../../index.db?offset=0",
        "manifest-sha256.txt?offset=0",
        f"{'x' * 5000}?offset=0",
        "%00?offset=0",
        "{warc}?offset=1",
    ],
)
def test_only_records_that_the_index_knows_are_given(archive: Kept, room: Served, path: str) -> None:
    response = room.get(f"/records/{path.format(warc=archive.first.files[0])}")
    assert response.status_code == 404


def test_a_record_that_is_withheld_and_one_whose_file_is_gone(tmp_path: Path) -> None:
    made = kept(tmp_path / "home")
    with serving(made.home) as room:
        (a, *_), (b, *_) = (ours(room, url=URL + name) for name in "ab")
        collection = Collection.open(made.home)
        with collection.index.write() as connection:
            withholding.withhold(connection, withholding.thing(connection, f"{URL}a"), "vì một lẽ", "an")
        collection.close()
        refused = room.get(f"/records/{a['filename']}?offset={a['offset']}")
        assert (refused.status_code, "vì một lẽ" in refused.json()["error"]["message"]) == (451, True)
        (made.home / b["filename"]).rename(made.home / f"{b['filename']}.open")
        assert room.get(f"/records/{b['filename']}?offset={b['offset']}").status_code == 200  # still being written
        (made.home / f"{b['filename']}.open").unlink()
        gone = room.get(f"/records/{b['filename']}?offset={b['offset']}")
        assert (gone.status_code, "is not where it was" in gone.json()["error"]["message"]) == (404, True)
