"""Memento by the letters of RFC 7089, and as pywb reads it as a client."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from replaying import URL, Kept, kept
from serving import Served, serving

from storage.collection import Collection
from storage.index import withholding

REPLAY = "https://replay.example/"
CLIENT = """
import json, sys
from pywb.warcserver.index.indexsource import MementoIndexSource
room, url = sys.argv[1:]
source = MementoIndexSource(room + "/timegate/{url}", room + "/timemap/link/{url}", "{timestamp}/{url}")
for asked in {}, {"closest": "20260102040000"}:
    found = source.load_index({"url": url} | asked)
    print(json.dumps([(one["timestamp"], one["url"], one["memento_url"]) for one in found]))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return kept(tmp_path_factory.mktemp("memento") / "home")


@pytest.fixture(scope="module")
def alone(archive: Kept) -> Iterator[Served]:
    """A reading room without a replay."""
    with serving(archive.home) as served:
        yield served


@pytest.fixture(scope="module")
def room(archive: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that knows of a replay, which nobody asks."""
    home = tmp_path_factory.mktemp("configured") / "home"
    kept(home)
    with (home / "luutru.toml").open("a") as file:
        file.write(f'\nreplay_url = "{REPLAY}"\n')
    with serving(home) as served:
        yield served


def links(text: str) -> list[tuple[str, dict[str, str]]]:
    found = []
    for one in text.strip().split(",\n"):
        target, *parameters = one.split("; ")
        found.append((target.strip("<>"), dict(part.replace('"', "").split("=", 1) for part in parameters)))
    return found


def test_a_timemap_lists_all_captures(room: Served) -> None:
    response = room.get(f"/timemap/link/{URL}a")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/link-format")
    original, own, timegate, *mementos = links(response.text)
    assert original == (f"{URL}a", {"rel": "original"})
    assert own == (f"{room.url}/timemap/link/{URL}a", {"rel": "self", "type": "application/link-format"})
    assert timegate == (f"{room.url}/timegate/{URL}a", {"rel": "timegate"})
    assert [(url, said["rel"], said["datetime"]) for url, said in mementos] == [
        (f"{REPLAY}20260102030405/{URL}a", "first memento", "Fri, 02 Jan 2026 03:04:05 GMT"),
        (f"{REPLAY}20260102040405/{URL}a", "memento", "Fri, 02 Jan 2026 04:04:05 GMT"),
        (f"{REPLAY}20260102130405/{URL}a", "memento", "Fri, 02 Jan 2026 13:04:05 GMT"),
        (f"{REPLAY}20260305150405/{URL}a", "last memento", "Thu, 05 Mar 2026 15:04:05 GMT"),
    ]
    (_, _, _, only) = links(room.get(f"/timemap/link/{URL}c").text)
    assert only[1]["rel"] == "first last memento"


def test_a_timemap_in_json(room: Served) -> None:
    told = room.json(f"/timemap/json/{URL}a")
    assert (told["original_uri"], told["self"]) == (f"{URL}a", f"{room.url}/timemap/json/{URL}a")
    assert [one["datetime"] for one in told["mementos"]["list"]] == [
        *("2026-01-02T03:04:05Z", "2026-01-02T04:04:05Z", "2026-01-02T13:04:05Z", "2026-03-05T15:04:05Z")
    ]
    assert told["mementos"]["last"]["uri"] == f"{REPLAY}20260305150405/{URL}a"


@pytest.mark.parametrize(
    ("moment", "timestamp"),
    [
        ("Fri, 02 Jan 2026 03:00:00 GMT", "20260102030405"),
        ("Fri, 02 Jan 2026 11:40:00 +0700", "20260102040405"),
        ("Fri, 02 Jan 2026 03:34:00 GMT", "20260102030405"),
        ("Tue, 01 Jan 2030 00:00:00 GMT", "20260305150405"),
        (None, "20260305150405"),
    ],
)
def test_the_timegate_leads_to_the_closest_capture(room: Served, moment: str | None, timestamp: str) -> None:
    response = room.get(f"/timegate/{URL}a", **({"Accept-Datetime": moment} if moment else {}))
    assert (response.status_code, response.headers["location"]) == (302, f"{REPLAY}{timestamp}/{URL}a")
    assert response.headers["vary"].lower() == "accept-datetime"
    rels = {said["rel"]: url for url, said in links(response.headers["link"].replace(", <", ",\n<"))}
    assert rels == {
        "original": f"{URL}a",
        "timemap": f"{room.url}/timemap/link/{URL}a",
        "memento": f"{REPLAY}{timestamp}/{URL}a",
    }


@pytest.mark.parametrize(
    "spelling",
    [
        f"{URL}A?z=1&b=2",
        "https:/soctrang.example/A?b=2&z=1",
        "soctrang.example/A?z=1&b=2",
        "http://www.soctrang.example/A?b=2&z=1#x",
    ],
)
def test_an_address_is_known_in_its_spellings(room: Served, spelling: str) -> None:
    response = room.get(f"/timegate/{spelling}")
    assert response.status_code == 302
    assert response.headers["location"].startswith(f"{REPLAY}20260102030705/http")


@pytest.mark.parametrize("kind", ["timemap/link", "timemap/json", "timegate"])
@pytest.mark.parametrize(("url", "status"), [("https://khong.example/", 404), ("ftp://a.example/", 400), ("", 400)])
def test_what_is_not_there(room: Served, kind: str, url: str, status: int) -> None:
    response = room.get(f"/{kind}/{url}")
    assert (response.status_code, response.json()["error"]["status"]) == (status, status)


def test_a_moment_that_is_none(room: Served) -> None:
    response = room.get(f"/timegate/{URL}a", **{"Accept-Datetime": "2026-01-02"})
    assert (response.status_code, "write it as" in response.json()["error"]["message"]) == (400, True)


def test_without_a_replay(alone: Served) -> None:
    response = alone.get(f"/timegate/{URL}a")
    assert (response.status_code, "no replay runs here" in response.json()["error"]["message"]) == (503, True)
    first = links(alone.get(f"/timemap/link/{URL}a").text)[3]
    assert first[0] == f"{alone.url}/replay/20260102030405/{URL}a"


def test_what_is_withheld_is_said_to_be(tmp_path: Path) -> None:
    home = kept(tmp_path / "home").home
    collection = Collection.open(home)
    with collection.index.write() as connection:
        withholding.withhold(connection, withholding.thing(connection, f"{URL}a"), "vì một lẽ", "an")
    collection.close()
    with serving(home) as served:
        for kind in ("timemap/link", "timemap/json", "timegate"):
            response = served.get(f"/{kind}/http://www.soctrang.example/a")
            assert (response.status_code, "vì một lẽ" in response.json()["error"]["message"]) == (451, True)


def test_pywb_reads_timemap_and_timegate(room: Served, pywb_tools: Path) -> None:
    command = [str(pywb_tools / "python"), "-W", "ignore", "-c", CLIENT, room.url, f"{URL}a"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    listed, closest = map(json.loads, done.stdout.splitlines())
    moments = ["20260102030405", "20260102040405", "20260102130405", "20260305150405"]
    assert listed == [[moment, f"{URL}a", f"{REPLAY}{moment}/{URL}a"] for moment in moments]
    assert closest == [listed[1]]
