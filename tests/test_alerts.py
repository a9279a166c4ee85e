"""Alerts: what has changed is told once, to real services on loopback, and no secret is told to anybody else."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planned import Serving, here, make_served, schedule_command
from ports import kept_free
from sites_for_tests import NewsSite, Reply, page, until

from schedules import alerts
from schedules.alerts import after, delivered, digest_is_due, message, seen, try_out
from storage.collection import Collection
from storage.errors import UsageError
from storage.index import crawls
from storage.index.alerts import Activity, State
from storage.index.health import Problem
from storage.model import Outcome

SECRET = "hush-7f2a"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # nine o'clock there
QUIET = Activity({}, 0, 0, 0)


class Service:
    """A service that takes messages, or answers with another `status`."""

    def __init__(self, port: int = 0) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        self.gate: threading.Event | None = None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if service.gate:
                    service.gate.wait()
                if service.status == 200:
                    service.taken.append(body)
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def address(self) -> str:
        return f"json://me:{SECRET}@127.0.0.1:{self.port}/{SECRET}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.taken]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.gate:
            self.gate.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def port() -> Iterator[int]:
    """Of a service that is down from time to time, and whose place nobody takes."""
    with kept_free() as held:
        yield held


def archive(home: Path, *addresses: str) -> Collection:
    home.mkdir(exist_ok=True)
    (home / "luutru.toml").write_text(f"alerts = {json.dumps(list(addresses))}\n")
    return Collection.open(home)


def crawled(collection: Collection, outcome: Outcome, site: str = "thst", warning: str = "nothing answered") -> None:
    """A crawl that has ended so."""
    with collection.index.write() as connection:
        number = connection.exec_driver_sql("SELECT count(*) FROM crawl").scalar()
        crawls.begin(connection, f"c{number}", site, "d" * 64)
        warnings = json.dumps([warning]) if outcome != Outcome.COMPLETED else "[]"
        crawls.end(connection, f"c{number}", outcome=outcome, warnings=warnings, captures=7, documents_new=3)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def test_each_change_is_told_once_and_a_digest_once_a_day(tmp_path: Path, service: Service) -> None:
    collection = archive(tmp_path / "home", service.address)
    crawled(collection, Outcome.COMPLETED)
    after(collection, moment=at(0))
    assert service.titles == ["luutru: daily digest: nothing needs you"]
    assert "1 crawl (1 completed), 7 captures, 3 documents new" in service.taken[0]["message"]

    crawled(collection, Outcome.FAILED)
    after(collection, moment=at(1))
    after(collection, moment=at(2))
    crawled(collection, Outcome.FAILED)  # still
    after(collection, moment=at(3))
    assert service.titles[1:] == ["luutru: thst: crawl"]
    assert "the last crawl was failed: nothing answered" in service.taken[1]["message"]
    assert service.taken[1]["type"] == "failure"

    after(collection, moment=at(24))  # nine o'clock again
    after(collection, moment=at(25))
    assert service.titles[2:] == ["luutru: daily digest: thst: crawl"]
    assert "Still there:\n- thst: crawl" in service.taken[2]["message"]

    crawled(collection, Outcome.COMPLETED)
    after(collection, moment=at(26))
    after(collection, moment=at(27))
    assert service.titles[3:] == ["luutru: over: thst: crawl"]
    assert service.taken[3]["type"] == "success"
    assert str(tmp_path / "home") in service.taken[3]["message"]
    collection.close()


def test_what_no_service_took_is_told_later_and_once(tmp_path: Path, port: int) -> None:
    home = tmp_path / "home"
    with Service(port) as service:
        collection = archive(home, service.address)
        after(collection, moment=at(0))  # the digest of the day
    for hour, outcome in enumerate((Outcome.FAILED, Outcome.COMPLETED, Outcome.FAILED), 1):
        crawled(collection, outcome)
        crawled(collection, outcome, "soctrang")
        (failed,) = after(collection, moment=at(hour))
        assert (failed.service, failed.delivered, failed.reason) == (
            "1 (json)",
            False,
            "it was not reached, or refused",
        )
    crawled(collection, Outcome.COMPLETED, "soctrang")
    collection.close()

    with Service(port) as again:  # another process of ours, another of theirs
        collection = Collection.open(home)
        after(collection, moment=at(5))
        after(collection, moment=at(6))
        collection.close()
        (taken,) = again.taken
    assert taken["title"] == "luutru: thst: crawl"
    begun, over, _ = taken["message"].split("\n\n")
    assert begun.startswith("New:\n- thst: crawl (since ")
    assert over.startswith("Over:\n- soctrang: crawl (since ")


def test_one_service_that_takes_it_is_enough_and_the_others_are_named(
    tmp_path: Path, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with Service() as refusing:
        refusing.status = 401
        collection = archive(tmp_path / "home", refusing.address, service.address)
        told = after(collection, moment=at(0))
        assert after(collection, moment=at(1)) == ()
        collection.close()
    assert [(one.service, one.reason) for one in told] == [("1 (json)", "it answered 401"), ("2 (json)", None)]
    assert len(service.taken) == 1
    assert "service 1 (json) of alerts: it answered 401" in caplog.text


def test_a_service_that_never_answers_holds_nobody_up(tmp_path: Path, service: Service) -> None:
    service.gate = threading.Event()
    collection = archive(tmp_path / "home", service.address)
    (told,) = after(collection, moment=at(0), patience=1.0)  # the gate is never opened
    assert (told.delivered, told.reason) == (False, "no answer in time")
    collection.close()


def test_no_secret_is_anywhere_but_in_the_configuration(
    tmp_path: Path, service: Service, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    home = tmp_path / "home"
    with Service() as refusing:
        refusing.status = 403
        unknown, down = f"nosuch://{SECRET}/", f"json://127.0.0.1:1/{SECRET}"
        odd = f"tgram://{SECRET}/"
        collection = archive(home, service.address, refusing.address, unknown, down, odd)
        crawled(collection, Outcome.FAILED)
        told = after(collection, moment=at(0))
        tried = try_out(collection)
        collection.close()
    assert [one.delivered for one in told] == [one.delivered for one in tried] == [True, False, False, False, False]
    assert SECRET not in repr((told, tried, collection.config, collection.config.values()))
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())
    assert SECRET not in json.dumps(service.taken)
    holding = [one for one in home.rglob("*") if one.is_file() and SECRET.encode() in one.read_bytes()]
    assert holding == [home / "luutru.toml"]


def test_a_wrong_list_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be a list of addresses") as caught:
        archive(tmp_path / "home", f"{SECRET} without scheme")
    assert SECRET not in str(caught.value)


def test_without_services_nothing_is_sent_and_nothing_is_noted(tmp_path: Path) -> None:
    collection = archive(tmp_path / "home")
    crawled(collection, Outcome.FAILED)
    assert after(collection, moment=at(0)) == ()
    with collection.index.read() as connection:
        assert alerts.alerts.state(connection) == State()
    with pytest.raises(UsageError, match="alerts ="):
        try_out(collection)
    collection.close()


def test_without_apprise_it_is_said_what_to_install(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as Python knows that a module is not there
    collection = archive(tmp_path / "home", service.address)
    with pytest.raises(UsageError, match=r"pip install 'luutru\[alerts\]'"):
        try_out(collection)
    assert after(collection, moment=at(0)) == ()
    assert "luutru[alerts]" in caplog.text
    collection.close()


def test_an_index_that_is_made_anew_tells_nothing_twice(tmp_path: Path, service: Service) -> None:
    home = tmp_path / "home"
    collection = archive(home, service.address)
    crawled(collection, Outcome.SKIPPED)
    after(collection, moment=at(0))
    with collection.index.read() as connection:
        before = alerts.alerts.state(connection)
    collection.close()
    subprocess.run([sys.executable, "-m", "luutru", "reindex", "--home", str(home)], check=True, timeout=60)
    collection = Collection.open(home)
    with collection.index.read() as connection:
        assert alerts.alerts.state(connection) == before != State()
    collection.close()


@pytest.mark.parametrize(
    ("told", "moment", "due"),
    [
        (None, at(0), True),
        (at(0), at(0), False),
        (at(0), at(22), False),  # seven o'clock
        (at(0), at(23), True),  # eight
        (at(-10), at(-2), False),  # told late yesterday: its hour has not come today
        (at(-10), at(-1), True),
        (at(-72), at(-2), True),  # nobody was there for days
    ],
)
def test_a_digest_is_due_at_its_hour(told: datetime | None, moment: datetime, due: bool) -> None:
    state = State({}, told.isoformat() if told else None)
    assert digest_is_due(state, moment, ZONE) is due


def problem(key: str, detail: str = "d") -> Problem:
    return Problem(None if key == "disk" else key, "crawl", None, detail)


def test_the_daemon_tells_how_its_crawls_went_and_says_no_secret(tmp_path: Path, service: Service) -> None:
    with NewsSite(1, {"/": Reply(500)}) as site:
        home = make_served(tmp_path / "home", site, alerts=[service.address])
        with Serving(home) as serving:
            assert serving.told()["outcome"] in ("failed", "partial")
            until(lambda: service.taken, "the alert")
            site.replies["/"] = [Reply(body=page(1))]
            schedule_command(home, "run", "news")
            assert serving.told()["outcome"] == "completed"
            until(lambda: len(service.taken) > 1, "that it is over")
            assert serving.stop() == 0
    begun, over = service.taken
    assert "New:\n- news: crawl" in begun["message"]
    assert "Over:\n- news: crawl" in over["message"]
    holding = [one for one in home.rglob("*") if one.is_file() and SECRET.encode() in one.read_bytes()]
    assert holding == [home / "luutru.toml"]


def test_services_are_tried_by_a_command(tmp_path: Path, service: Service) -> None:
    with Service() as refusing:
        refusing.status = 401
        home = archive(tmp_path / "home", service.address, refusing.address).home
        ended = here(home, "schedule", "test-alert")
    assert (ended.status, ended.err) == (1, "")
    assert ended.out == "service 1 (json): delivered\nservice 2 (json): not delivered: it answered 401\n"
    assert service.titles == ["luutru: test"]


Step = tuple[set[str], bool]


@given(st.lists(st.tuples(st.sets(st.sampled_from(["a", "b", "disk"])), st.booleans()), min_size=1))
def test_whatever_happens_people_know_in_the_end_what_is_the_matter(steps: Sequence[Step]) -> None:
    state, known = State(digest=START.isoformat()), set[str]()
    for hour, (present, up) in enumerate([*steps, (steps[-1][0], True)]):
        state = seen(state, map(problem, sorted(present)), at(hour))
        told = message(state, ZONE)
        if told is None or not up:
            continue
        begun, _, over = told.body.partition("Over:")
        assert not known & named(begun), "told twice"
        known = (known | named(begun)) - named(over)
        state = delivered(state, at(hour), digest=False)
        assert message(state, ZONE) is None
    assert known == steps[-1][0]


def named(part: str) -> set[str]:
    lines = (line.removeprefix("- ").partition(" (")[0] for line in part.splitlines() if line.startswith("- "))
    return {line.removesuffix(": crawl") if ":" in line else "disk" for line in lines}


def test_a_message_is_short_and_steers_no_terminal(tmp_path: Path) -> None:
    evil = "\x1b[31m\n\u202e" + "x" * 5_000
    state = seen(State(), [problem(f"s{number:03}", evil) for number in range(200)], START)
    told = message(state, ZONE, QUIET)
    assert told is not None
    assert told.title == "luutru: 200 new problems"
    assert len(told.body) < 3_000
    assert "and 192 more" in told.body
    assert not {"\x1b", "\u202e"} & set(told.body)
