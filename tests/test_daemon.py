"""The real daemon, its real crawls of a server on loopback, and what a person does meanwhile."""

import asyncio
import json
import os
import signal
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from planned import Serving, here, ledger, let_pass, lines, make_served, outcomes, pids, schedule_command
from sites_for_tests import HOST, Crawling, NewsSite, Reply, page, rows, run, until

from schedules.jobs import Job
from schedules.supervisor import Limits, Supervisor
from storage.index import schedule
from storage.index.engine import Index
from storage.index.schedule import Planned, Run
from storage.model import Outcome

SERVED = "the schedule is served by process"


def test_a_new_site_is_crawled_and_told_of(tmp_path: Path) -> None:
    with NewsSite(3) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            told = serving.told()
            assert serving.stop() == 0
    assert (told["job"], told["outcome"], told["reason"], told["status"]) == ("news", "completed", None, 0)
    assert (home / told["log"]).exists()
    (crawl,) = rows(home, "SELECT id, outcome, captures FROM crawl")
    assert crawl == (told["run"], "completed", 5)  # four pages, and the robots.txt that is not there
    (listed,) = lines(home, "runs")
    assert (listed["crawl"], listed["captures"], listed["due"]) == (told["run"], 5, told["due"])
    (shown,) = lines(home, "runs", "show", told["run"][:6])
    assert shown == listed
    ((state,),) = [[one for one in lines(home, "sites") if one["site"] == "news"]]
    ((job,),) = [[one for one in lines(home, "schedule") if one["job"] == "news"]]
    assert state["last_outcome"] == job["last_outcome"] == "completed"
    assert state["next"][:19] == job["next"][:19]


def test_a_second_daemon_is_refused_and_the_index_is_not_rebuilt_meanwhile(tmp_path: Path) -> None:
    with NewsSite(1) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            serving.told()
            for words in (("schedule", "serve"), ("reindex",)):
                refused = here(home, *words)
                assert refused.status == 3
                assert SERVED in refused.line
            assert serving.stop(signal.SIGINT) == 0


def test_a_daemon_that_was_killed_makes_up_for_one_of_five_runs(tmp_path: Path) -> None:
    with NewsSite(1) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            serving.told()
            serving.process.kill()
        let_pass(home, hours=30)
        with Serving(home) as serving:
            assert [serving.told()["outcome"] for _ in range(5)] == ["missed"] * 4 + ["completed"]
            assert serving.stop() == 0
    assert ledger(home)[1:] == [("missed", "nobody served the schedule when it was due")] * 4 + [("completed", None)]
    assert len(rows(home, "SELECT id FROM crawl")) == 2


def test_a_crawl_outlives_a_daemon_that_is_killed_and_is_run_once(tmp_path: Path) -> None:
    gate = Event()
    with NewsSite(3, {"/a/2": Reply(body=page(2), gate=gate)}) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            site.asked("/a/2")
            until(lambda: pids(home), "its process is not known")
            serving.process.kill()
            serving.process.wait()
            with Serving(home) as next_:
                next_.ready()
                assert outcomes(home) == ["running"]
                gate.set()
                told = next_.told()
                assert next_.stop() == 0
    assert (told["outcome"], told["reason"], told["status"]) == ("completed", None, None)
    assert rows(home, "SELECT id, outcome FROM crawl") == [(told["run"], "completed")]
    assert site.paths().count("/a/2") == 1


def test_a_crawl_that_died_with_its_daemon_is_settled_and_goes_on(tmp_path: Path) -> None:
    gate = Event()
    with NewsSite(3, {"/a/2": [Reply(gate=gate), Reply(body=page(2))]}) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            site.asked("/a/2")
            until(lambda: pids(home), "its process is not known")
            serving.process.kill()
            serving.process.wait()
            os.killpg(pids(home)[0], signal.SIGKILL)
        with Serving(home) as serving:
            told = serving.told()
            assert (told["outcome"], told["status"]) == ("interrupted", None)
            assert told["reason"].startswith("its process ended while nobody served the schedule, before the crawl did")
            gate.set()
            schedule_command(home, "run", "news")
            assert serving.told()["outcome"] == "completed"
            assert serving.stop() == 0
    assert rows(home, "SELECT outcome FROM crawl ORDER BY started") == [("interrupted",), ("completed",)]


def test_a_planned_crawl_is_skipped_while_a_person_crawls(tmp_path: Path) -> None:
    gate = Event()
    with NewsSite(3, {"/a/2": Reply(body=page(2), gate=gate)}) as site:
        home = make_served(tmp_path / "home", site)
        index = Index.open(home / "index.db")
        with closing(index), index.write() as connection:
            earlier = datetime.now(UTC) - timedelta(hours=6)  # since then one run was due
            schedule.put(connection, Planned("news", "news", earlier, planned="6h", next=earlier))
        with Crawling(home, site) as crawling:
            site.asked("/a/2")
            with Serving(home) as serving:
                told = serving.told()
                gate.set()
                assert serving.stop() == 0
            assert crawling.end().crawl["outcome"] == "completed"
    assert (told["outcome"], told["status"], told["asked_by"]) == ("skipped", 3, None)
    assert told["reason"].startswith(f"news is being crawled by process {crawling.process.pid} on ")


@pytest.mark.parametrize(("pages", "path"), [(0, "/robots.txt"), (20, "/a/20")])
def test_a_crawl_that_hangs_is_stopped(tmp_path: Path, pages: int, path: str) -> None:
    with NewsSite(pages + 5, {path: Reply(gate=Event())}) as site:
        home = make_served(tmp_path / "home", site)
        index = Index.open(home / "index.db")
        waiting = Run("a" * 12, "news", "news", datetime.now(UTC))
        with index.write() as connection:
            schedule.add(connection, [waiting])

        async def hang() -> Run:
            patient = Limits(runs=1, time=600, stall=60)
            one = Supervisor(home, index, patient, lambda: datetime.now(UTC))
            running = asyncio.ensure_future(one.run(Job("news", ("crawl", "news"), None, "news"), waiting))
            await asyncio.to_thread(site.asked, path)
            one.limits = replace(patient, stall=1.5)  # from now on it hangs
            return await running

        with closing(index):
            ended = asyncio.run(hang())
    assert (ended.outcome.value, ended.status) == ("interrupted", 130)
    assert ended.reason == "stopped as it stalled: no capture and no reading for 1.5 s"
    assert rows(home, "SELECT outcome FROM crawl") == [("interrupted",)]
    ((captured,),) = rows(home, "SELECT count(*) FROM capture WHERE kind = 'article'")
    assert captured >= pages - 1


def test_a_daemon_that_is_told_to_stop_stops_its_crawls_cleanly(tmp_path: Path) -> None:
    with NewsSite(3, {"/a/2": Reply(gate=Event())}) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            site.asked("/a/2")  # which is not answered, and would be waited for
            assert serving.stop() == 0
    assert ledger(home) == [("interrupted", "stopped, as the daemon was")]
    assert rows(home, "SELECT outcome FROM crawl") == [("interrupted",)]
    assert not list(home.glob("warc/**/*.open"))


def test_a_pause_outlasts_the_daemon_and_a_cadence_is_changed_while_it_serves(tmp_path: Path) -> None:
    with NewsSite(1) as site:
        home = make_served(tmp_path / "home", site)
        with Serving(home) as serving:
            serving.told()
            shown = schedule_command(home, "pause", "news", "--reason", "bảo trì")
            assert (shown["next"], shown["reason"]) == (None, "bảo trì")
            assert serving.stop() == 0
        let_pass(home, hours=6)
        with Serving(home) as serving:
            told = serving.told()
            assert told["outcome"] == "skipped"
            assert told["reason"].startswith("paused since ")
            assert told["reason"].endswith(": bảo trì")
            schedule_command(home, "resume", "news")
            coming = schedule_command(home, "set", "news", "0 0 1 1 *")["next"]
            until(lambda: _next(home) == coming[:19], "the daemon has not noticed")
            let_pass(home, hours=_since_new_year() + 1)  # it was missed
            told = serving.told()
            assert (told["outcome"], told["due"][5:16]) == ("completed", "12-31T17:00")
            assert serving.stop() == 0


def _since_new_year() -> float:
    """Hours since the last one, in the time zone of the archive."""
    here = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
    return (here - here.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)) / timedelta(hours=1)


def _next(home: Path) -> str:
    ((moment,),) = rows(home, "SELECT next FROM schedule WHERE job = 'news'")
    return str(moment)[:19]


def test_without_a_network_it_serves_and_recovers(tmp_path: Path) -> None:
    home = make_served(tmp_path / "home", None)
    with Serving(home) as serving:
        told = serving.told()
        assert told["outcome"] == "refused"
        assert "robots.txt could not be had" in told["reason"]
        with NewsSite(1) as site:
            config = home / "luutru.toml"
            config.write_text(config.read_text().replace(f"{HOST}:80:127.0.0.1:9", site.connect_to[1]))
            schedule_command(home, "run", "news")
            assert serving.told()["outcome"] == "completed"
            assert serving.stop() == 0


def test_without_a_daemon_a_person_runs_it_here(tmp_path: Path) -> None:
    with NewsSite(1, {"/a/1": [Reply(500), Reply(500), Reply(500), Reply(500), Reply(body=page(1))]}) as site:
        home = make_served(tmp_path / "home", site)
        done = run(home, "schedule", "run", "news", "--json")
        ended = json.loads(done.out)
        assert (done.status, ended["outcome"], ended["asked_by"] is not None) == (1, "partial", True)
        assert ended["reason"].startswith("1 page without an answer")
        gone = Run("b" * 12, "news", "news", datetime.now(UTC), Outcome.RUNNING, started=datetime.now(UTC), pid=2**22)
        left = Run("c" * 12, "news", "news", datetime.now(UTC))  # of a daemon that was killed
        index = Index.open(home / "index.db")
        with closing(index), index.write() as connection:
            schedule.add(connection, [gone, left])
        assert run(home, "schedule", "run", "news").out == f"news: completed ({left.run})\n"
    assert outcomes(home) == ["partial", "failed", "completed"]
    operations = here(home, "export", "jsonl", "--operations").out
    assert run(home, "reindex").status == 0
    assert here(home, "export", "jsonl", "--operations").out == operations
    assert operations.count('"operation": "run"') == 3


def test_wrong_words_are_told_in_a_line(tmp_path: Path) -> None:
    home = make_served(tmp_path / "home", None)
    for words, reason in (
        (("set", "new", "6h"), "did you mean news?"),
        (("set", "news", "often"), "is no cadence"),
        (("pause", "nothing"), "`luutru schedule list` lists what there is"),
        (("run", "nothing"), "nothing is planned by the name"),
    ):
        refused = here(home, "schedule", *words)
        assert refused.status == 2
        assert reason in refused.line
    spider = home / "spiders" / "news.py"
    spider.write_text(spider.read_text().replace("'6h'", "'six'"))
    refused = here(home, "schedule", "serve")
    assert refused.status == 2
    assert refused.line.startswith("luutru: news: 'six' is no cadence")
