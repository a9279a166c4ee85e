"""What the API answers, over a real socket and rows whose answers can be told beforehand."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import jsonschema_rs
import pytest
from index_fixtures import add_document
from rows import DOCUMENT, GONE, MOBILE, PDF, URL, filled
from serving import Served, serving

from luutru import deciding
from luutru.limits import Limits, Rate
from luutru.output import plain
from luutru.server import openapi
from storage.collection import Collection
from storage.index import holdings, questions


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A reading room of which the test may change the archive."""
    with serving(filled(tmp_path)) as room:
        yield room


def test_a_document_is_told_as_by_the_command(served: Served) -> None:
    with closing(Collection.open(served.home)) as collection, collection.index.read() as connection:
        shown, stats = questions.show(connection, DOCUMENT), holdings.stats(connection)
    assert served.json(f"/api/v1/documents/{DOCUMENT}") == json.loads(json.dumps(plain(shown)))
    assert served.json("/api/v1/stats") == plain(stats)


@pytest.mark.parametrize("named", ["1", DOCUMENT, URL, MOBILE, quote(URL, safe="")])
def test_a_document_is_named_by_identity_number_or_address(served: Served, named: str) -> None:
    assert served.json(f"/api/v1/documents/{named}")["document"] == DOCUMENT


def test_an_identity_may_be_an_address(served: Served) -> None:
    assert served.json(f"/api/v1/documents/web:{PDF}")["kind"] == "attachment"


def test_search_pages_through_all_results(served: Served) -> None:
    first = served.json("/api/v1/search?q=do+thi&limit=1")
    second = served.json(f"/api/v1/search?q=do+thi&limit=1&cursor={first['next']}")
    assert (first["total"], second["total"], second["next"]) == (2, 2, None)
    found = [hit["document"] for page in (first, second) for hit in page["results"]]
    assert sorted(found) == [DOCUMENT, "thst/t/tin-cu"]
    assert "[Đô] [thị]" in first["results"][0]["snippet"] or "[Đô thị]" in first["results"][0]["snippet"]


def test_versions_history_diff_and_related(served: Served) -> None:
    assert [one["version"] for one in served.json(f"/api/v1/versions/{DOCUMENT}")["results"]] == [1, 2]
    assert [one["version"] for one in served.json(f"/api/v1/history/{DOCUMENT}")["results"]] == [1, 2, 1]
    diff = served.json(f"/api/v1/diff/{DOCUMENT}")
    assert (diff["from"], diff["to"]) == (1, 2)
    assert "(sửa)" in "".join(one["b"] for one in diff["changes"])
    assert served.json(f"/api/v1/diff/{DOCUMENT}?a=2&b=1")["from"] == 2
    assert [one["document"] for one in served.json(f"/api/v1/related/{DOCUMENT}")["results"]] == ["thst/t/tin-cu"]


def test_captures_of_an_address_follow_each_other(served: Served) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        part = served.json(f"/api/v1/captures?url={quote(URL)}&limit=1{cursor and '&cursor=' + quote(cursor)}")
        seen += [(one["timestamp"], one["type"]) for one in part["results"]]
        cursor = part["next"]
    assert seen == [("20250101075040", "response"), ("20250102075040", "response"), ("20250103075040", "revisit")]


def test_crawls_follow_each_other(served: Served) -> None:
    first = served.json("/api/v1/crawls?limit=1")
    second = served.json(f"/api/v1/crawls?limit=1&cursor={first['next']}")
    assert [one["crawl"] for one in first["results"] + second["results"]] == ["c2", "c1"]
    assert second["next"] is None
    assert served.json("/api/v1/crawls/c1")["outcome"] == "completed"
    assert [one["crawl"] for one in served.json("/api/v1/crawls?site=thst")["results"]] == ["c2"]


def test_sites_and_health(served: Served) -> None:
    assert [one["site"] for one in served.json("/api/v1/sites")["results"]] == ["dangcongsan", "thst"]
    assert served.json("/api/v1/sites/thst")["last_outcome"] == "partial"
    assert served.get("/api/v1/sites/nowhere").status_code == 404
    health = served.get("/api/v1/health")
    assert not health.json()["ok"]
    assert health.headers["cache-control"] == "no-store"  # it hangs on the disk too
    assert "etag" not in health.headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/documents/nothing", 404, "not-found"),
        ("/api/v1/documents/", 400, "usage"),
        (f"/api/v1/diff/{DOCUMENT}?a=1", 400, "usage"),
        (f"/api/v1/diff/{DOCUMENT}?a=1&b=9", 404, "not-found"),
        (f"/api/v1/diff/{GONE}", 404, "not-found"),
        ("/api/v1/search?limit=101", 400, "usage"),
        ("/api/v1/search?q=after:tomorrow", 400, "usage"),
        ("/api/v1/search?q=thi&cursor=x", 400, "usage"),
        ("/api/v1/captures?url=https://nowhere.example/", 404, "not-found"),
        ("/api/v1/captures", 400, "usage"),
        (f"/api/v1/captures?url={URL}&cursor=x", 400, "usage"),
        ("/api/v1/crawls/c", 404, "not-found"),
    ],
)
def test_what_cannot_be_answered_is_told_in_one_shape(served: Served, path: str, status: int, code: str) -> None:
    response = served.get(path)
    error = response.json()["error"]
    assert (response.status_code, error["status"], error["code"]) == (status, status, code)
    assert error["message"]
    assert str(served.home) not in response.text


def test_what_is_withheld_is_told_with_451(own: Served) -> None:
    with closing(Collection.open(own.home)) as collection:
        deciding.withhold(collection, "thst/t/tin-cu", "Quyết định 12", "an")
    for path in ("documents/thst/t/tin-cu", "history/thst/t/tin-cu", f"captures?url={GONE}"):
        response = own.get(f"/api/v1/{path}")
        assert (response.status_code, response.json()["error"]["code"]) == (451, "withheld")
        assert "Quyết định 12" in response.json()["error"]["message"]
    assert [one["document"] for one in own.json("/api/v1/search?q=do+thi")["results"]] == [DOCUMENT]


def test_an_answer_that_cannot_have_changed_is_not_sent_again(own: Served) -> None:
    tag = own.get("/api/v1/stats").headers["etag"]
    again = own.get("/api/v1/stats", **{"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert own.get("/api/v1/sites", **{"If-None-Match": tag}).status_code == 200
    with closing(Collection.open(own.home)) as collection, collection.index.write() as connection:
        add_document(connection, "mới")
    changed = own.get("/api/v1/stats", **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_another_server_gives_other_tags(served: Served, tmp_path: Path) -> None:
    with serving(filled(tmp_path)) as other:
        assert other.get("/api/v1/stats").headers["etag"] != served.get("/api/v1/stats").headers["etag"]


def test_head_is_answered_without_a_body(served: Served) -> None:
    response = served.client.head(f"{served.url}/api/v1/stats")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


def test_a_question_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled(tmp_path) / "index.db")) as connection, connection:
        connection.execute("""
            INSERT INTO file (name, crawl, bytes)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)
            SELECT 'warc/' || i, (SELECT id FROM crawl), 1 FROM n
        """)
    with serving(tmp_path, limits=Limits(query_seconds=0.0001)) as room:
        response = room.get("/api/v1/stats")
        assert (response.status_code, response.json()["error"]["code"]) == (503, "too-slow")
        assert room.json(f"/api/v1/versions/{DOCUMENT}")["results"]  # the connection is as good as before


def test_who_searches_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    with serving(filled(tmp_path), limits=Limits(searches=Rate(2, 0.01))) as room:
        statuses = [room.get("/api/v1/search?q=thi").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        response = room.get("/api/v1/search?q=thi")
        assert response.json()["error"]["code"] == "too-many-requests"
        assert 0 < int(response.headers["retry-after"]) <= 100
        assert room.get("/api/v1/stats").status_code == 200


def test_who_waits_too_long_for_a_turn_to_search_is_told_so(tmp_path: Path) -> None:
    with serving(filled(tmp_path), limits=Limits(searching=0, waiting_seconds=0.01)) as room:
        response = room.get("/api/v1/search?q=thi")
        assert response.status_code == 429
        assert "too many people" in response.json()["error"]["message"]


def test_a_turn_to_search_is_given_back(tmp_path: Path) -> None:
    with serving(filled(tmp_path), limits=Limits(searching=1, waiting_seconds=0.01)) as room:
        queries = ("thi", "after:nonsense", "thi", "loai")
        assert [room.get(f"/api/v1/search?q={one}").status_code for one in queries] == [200, 400, 200, 200]


def test_an_index_that_is_gone_is_told(own: Served) -> None:
    (own.home / "index.db").rename(own.home / "elsewhere.db")
    response = own.get("/api/v1/stats")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "storage")
    assert response.json()["error"]["message"].startswith("index.db is gone")


def test_it_reads_while_others_write(own: Served) -> None:
    with closing(sqlite3.connect(own.home / "index.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM version")
        assert own.json("/api/v1/stats")["documents"] == 2
        other.execute("ROLLBACK")


def test_an_empty_archive_answers(tmp_path: Path) -> None:
    with serving(tmp_path) as room:
        assert room.json("/api/v1/stats")["captures"] == 0
        assert room.json("/api/v1/search")["results"] == []
        assert room.json("/api/v1/sites") == {"results": [], "next": None}


def test_every_answer_and_every_parameter_is_described() -> None:
    document = openapi()
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], path
            assert all(one.get("description") for one in operation.get("parameters", ())), path
            assert "422" not in operation["responses"]
            assert {"400", "503"} <= operation["responses"].keys(), (method, path)


def test_every_answer_has_an_example_of_its_shape() -> None:
    document = openapi()
    for path, operations in document["paths"].items():
        if path.startswith("/api/v1/") and "get" in operations:
            content = operations["get"]["responses"]["200"]["content"]["application/json"]
            jsonschema_rs.validate(content["schema"] | {"components": document["components"]}, content["example"])
