"""What the reading room does not do, whoever asks: over a real socket."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from urllib.parse import quote, urlsplit

import httpx
import pytest
from rows import filled
from serving import Served, serving

from luutru.guards import host_name
from luutru.limits import Buckets, Rate
from luutru.server import openapi
from storage.locks import daemon_lock, index_alone

TOKEN = "một-token-dài-và-ngẫu-nhiên".encode().hex()
ACT = "/api/v1/acts/withhold"
FIELDS = {"what": "thst/t/tin-cu", "reason": "Quyết định 12"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PAGES = ("/", "/en/", "/nothing", "/api/v1/stats", "/api/v1/documents/nothing", "/api/v1/openapi.json")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive to copy."""
    return filled(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def guarded(archive: Path, tmp_path: Path) -> Iterator[Served]:
    """A reading room in which whoever has the token may act."""
    copytree(archive, tmp_path, dirs_exist_ok=True)
    (tmp_path / "luutru.toml").write_text(f'token = "{TOKEN}"\n')
    with serving(tmp_path) as room:
        yield room


def post(room: Served, fields: dict[str, str], path: str = ACT, **headers: str) -> httpx.Response:
    return room.client.post(room.url + path, data=fields, headers=headers)


def is_withheld(room: Served) -> bool:
    return room.get("/api/v1/documents/thst/t/tin-cu").status_code == 451


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_tells_browsers_to_load_and_run_nothing(served: Served, path: str) -> None:
    headers = served.get(path).headers
    policy = dict(one.split(" ", 1) for one in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "permissions-policy" in headers
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers


def test_only_the_replay_may_be_framed(tmp_path: Path) -> None:
    (filled(tmp_path) / "luutru.toml").write_text('replay_url = "http://user:pass@replay.example:8081/luutru/"\n')
    with serving(tmp_path) as room:
        policy = room.get("/api/v1/stats").headers["content-security-policy"]
    assert "frame-src http://replay.example:8081;" in f"{policy};"
    assert "pass" not in policy


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "localhost@evil"])
@pytest.mark.parametrize("path", ["/", "/api/v1/stats", "/static/luutru.css"])
def test_a_host_name_that_is_not_ours_gets_nothing(served: Served, host: str, path: str) -> None:
    response = served.get(path, Host=host)
    assert response.status_code == 421
    assert "hosts" in response.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "archive.example.org"])
def test_it_answers_to_each_of_its_names(host: str, archive: Path) -> None:
    with serving(archive, hosts=("localhost", "127.0.0.1", "[::1]", "Archive.Example.org")) as room:
        assert room.get("/api/v1/stats", Host=host).status_code == 200


@pytest.mark.parametrize(
    ("host", "name"), [("[::1]", "[::1]"), ("[::1]:80", "[::1]"), ("A.b:1", "a.b"), ("a:b", "a:b"), ("", "")]
)
def test_host_names_lose_their_port(host: str, name: str) -> None:
    assert host_name(host) == name


def test_no_address_acts_without_the_token() -> None:
    for path, operations in openapi()["paths"].items():
        assert set(operations) == ({"post"} if "/acts/" in path else {"get"}), path
        for operation in operations.values():
            assert bool(operation.get("security")) == ("/acts/" in path)


def test_nobody_acts_where_no_token_is_set(tmp_path: Path) -> None:
    with serving(filled(tmp_path)) as room:
        for headers in ({}, {"Authorization": "Bearer"}, BEARER):
            response = post(room, FIELDS, **headers)
            assert response.status_code == 403
            assert "luutru.toml" in response.json()["error"]["message"]
        assert not is_withheld(room)


def test_whoever_has_the_token_acts(guarded: Served) -> None:
    response = post(guarded, FIELDS, **BEARER)
    assert (response.status_code, response.json()["documents"]) == (200, ["thst/t/tin-cu"])
    assert is_withheld(guarded)
    assert post(guarded, FIELDS, "/api/v1/acts/release", **BEARER).json()["what"] == "thst/t/tin-cu"
    assert not is_withheld(guarded)


def test_a_form_of_ours_acts_and_leads_back(guarded: Served) -> None:
    fields = FIELDS | {"token": TOKEN, "back": "/en/d/thst/t/tin-cu"}
    response = post(guarded, fields, Origin=guarded.url)
    assert (response.status_code, response.headers["location"]) == (303, "/en/d/thst/t/tin-cu")
    assert is_withheld(guarded)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "", "/\n"]
)
def test_a_form_leads_back_to_us_only(guarded: Served, back: str) -> None:
    response = post(guarded, FIELDS | {"token": TOKEN, "back": back}, Origin=guarded.url)
    assert (response.status_code, response.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://evil.example", **BEARER},
        {"Origin": "null", **BEARER},
    ],
)
def test_no_other_page_acts_even_with_the_token(guarded: Served, headers: dict[str, str]) -> None:
    response = post(guarded, FIELDS | {"token": TOKEN}, **headers)
    assert response.status_code == 403
    assert not is_withheld(guarded)


def test_a_form_of_nowhere_does_not_act(guarded: Served) -> None:
    response = post(guarded, FIELDS | {"token": TOKEN})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert not is_withheld(guarded)


def test_another_port_of_this_machine_is_another_page(guarded: Served) -> None:
    port = urlsplit(guarded.url).port or 0
    response = post(guarded, FIELDS | {"token": TOKEN}, Origin=f"http://127.0.0.1:{port + 1}")
    assert response.status_code == 403


def test_a_page_behind_tls_is_ours(guarded: Served) -> None:
    origin = guarded.url.replace("http:", "https:")
    assert post(guarded, FIELDS | {"token": TOKEN}, Origin=origin).status_code == 303


@pytest.mark.parametrize("query", [f"?token={TOKEN}", f"?token={TOKEN}&what=1&reason=x"])
def test_the_token_is_not_taken_from_an_address(guarded: Served, query: str) -> None:
    assert post(guarded, FIELDS, ACT + query, Origin=guarded.url).status_code == 401
    assert not is_withheld(guarded)


def test_reading_an_address_does_not_act(guarded: Served) -> None:
    assert guarded.get(ACT, **BEARER).status_code == 405


def test_wrong_tokens_are_taken_a_few_times_only(guarded: Served) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    assert [post(guarded, FIELDS, **wrong).status_code for _ in range(7)] == [401] * 5 + [429] * 2
    response = post(guarded, FIELDS, **BEARER)
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert not is_withheld(guarded)


def test_the_token_is_told_to_nobody(guarded: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        post(guarded, FIELDS | {"token": TOKEN}, Origin=guarded.url),
        post(guarded, {"token": TOKEN}, Origin=guarded.url),
        post(guarded, FIELDS | {"until": TOKEN}, **BEARER),
        guarded.get("/api/v1/openapi.json"),
    ]
    assert all(TOKEN not in answer.text and TOKEN not in str(answer.headers) for answer in answers)
    assert TOKEN not in caplog.text


def test_bodies_are_taken_up_to_a_length(guarded: Served) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"what=1&reason="
        for _ in range(100):
            yield b"x" * 1_000

    headers = BEARER | {"Content-Type": "application/x-www-form-urlencoded"}
    for body in ("reason=" + "x" * 100_000, chunks()):
        response = guarded.client.post(guarded.url + ACT, content=body, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (413, "request-entity-too-large")


@pytest.mark.parametrize("path", ["/api/v1/search?q={}", "/search?q={}", "/api/v1/documents/{}", "/d/{}"])
def test_an_address_of_ten_kilobytes_is_refused_with_a_sentence(served: Served, path: str) -> None:
    response = served.get(path.format("x" * 10_000))
    assert response.status_code == 414
    assert "8,000 bytes" in response.text


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' OR 1=1 --",
    '" OR "',
    '"',
    "NEAR(a b)",
    "a AND NOT b* ^c {title}:d",
    "title:x OR rowid:1",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%",
    "{{7*7}}${7*7}",
    "\u202e\u2066lật ngược\u2069",
    "\x00\x01\x1b[31m\x7f",
    "\ud7ff\U0010ffff\ufeff\u200b",
    "-" * 500,
    "(" * 500,
    "* " * 500,
    '"a ' * 500,
    'site: after: has:pdf gone:yes in:latest section:"',
    "ạ" * 800,
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/search?q={}",
        "/api/v1/search?q=thi&cursor={}",
        "/api/v1/documents/{}",
        "/api/v1/history/{}",
        "/api/v1/diff/{}",
        "/api/v1/captures?url={}",
        "/api/v1/crawls?site={}",
        "/api/v1/crawls/{}",
        "/api/v1/sites/{}",
    ],
)
def test_hostile_input_is_data(served: Served, path: str, text: str) -> None:
    response = served.get(path.format(quote(text, safe="")))
    assert response.status_code in (200, 400, 404)
    assert response.headers["content-type"] == "application/json"
    assert response.json()


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/search?q=%ff%fe%c3%28",
        "/api/v1/documents/%ff%00%c0%af..%c0%af",
        "/api/v1/documents/..%2f..%2f..%2fetc/passwd",
        "/static/..%2f..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/d/%ff.json",
        "/%00",
        "//evil.example/",
        "/api/v1/search?q=a&q=b&limit=&limit=1",
        "/api/v1/search?limit=99999999999999999999999",
        "/api/v1/diff/1?a=99999999999999999999&b=1",
        "/api/v1/documents/99999999999999999999999999",
    ],
)
def test_odd_targets_are_answered(served: Served, target: str) -> None:
    """As they are sent: no client tidies them up."""
    parts = urlsplit(served.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    status = int(answer.split(b" ", 2)[1])
    assert status in (200, 400, 404)
    assert b"root:" not in answer
    assert b"def application" not in answer


def test_a_bucket_is_filled_again() -> None:
    now = [0.0]
    bucket = Buckets(Rate(2, 0.5), clock=lambda: now[0], most=2)
    assert [bucket.take("a") for _ in range(3)] == [0, 0, 2]
    now[0] = 2
    assert (bucket.wait("a"), bucket.take("a"), bucket.wait("a")) == (0, 0, 2)
    bucket.take("b")
    bucket.take("c")
    assert bucket.wait("a") == 0  # not seen for longest, and forgotten


def test_a_job_is_paused_and_resumed(guarded: Served) -> None:
    paused = post(guarded, {"job": "thst", "reason": "bảo trì"}, "/api/v1/acts/pause", **BEARER).json()
    assert (paused["job"], paused["reason"], paused["decided_by"]) == ("thst", "bảo trì", "the reading room")
    assert paused["paused"]
    assert post(guarded, {"job": "thst"}, "/api/v1/acts/resume", **BEARER).json()["paused"] is None
    assert post(guarded, {"job": "thts"}, "/api/v1/acts/pause", **BEARER).status_code == 404


def test_a_job_is_run_by_the_daemon_and_only_once(guarded: Served) -> None:
    response = post(guarded, {"job": "verify"}, "/api/v1/acts/run", **BEARER)
    assert response.status_code == 409
    assert "luutru schedule serve" in response.json()["error"]["message"]
    with daemon_lock(guarded.home):
        asked = post(guarded, {"job": "verify"}, "/api/v1/acts/run", **BEARER).json()
        assert (asked["job"], asked["outcome"], asked["asked_by"]) == ("verify", "waiting", "the reading room")
        again = post(guarded, {"job": "verify"}, "/api/v1/acts/run", **BEARER)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "already-running")


def test_nothing_is_decided_while_the_index_is_made_anew(guarded: Served) -> None:
    with index_alone(guarded.home):
        assert post(guarded, FIELDS, **BEARER).status_code == 409
        assert post(guarded, {"job": "thst"}, "/api/v1/acts/pause", **BEARER).status_code == 409
    assert not is_withheld(guarded)


def test_a_form_that_fails_is_told_by_a_page(guarded: Served) -> None:
    browser = {"Origin": guarded.url, "Accept": "text/html,*/*;q=0.8"}
    response = post(guarded, FIELDS | {"token": "wrong"}, **browser)
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("text/html")
