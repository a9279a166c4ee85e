"""What needs a person is told, and nothing else; each kind of problem by itself."""

import fcntl
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from luutru.cli import main
from storage import health
from storage.collection import Collection
from storage.config import Config
from storage.doctor import examine
from storage.index import schedule, tables
from storage.index.expectations import as_text
from storage.index.schedule import Run
from storage.model import Expected, Outcome
from storage.moments import now, written

MOMENTS = [f"2025-01-0{day}T00:00:00.000000+00:00" for day in range(1, 9)]
NOW = datetime(2025, 1, 9, tzinfo=UTC)


class Archive:
    """An archive whose rows are written by hand."""

    def __init__(self, home: Path) -> None:
        self.collection = Collection.open(home)
        self.home = home
        self.captures = 0

    def add(self, table: Any, **values: Any) -> None:
        with self.collection.index.write() as connection:
            connection.execute(insert(table), values)

    def crawl(
        self,
        day: int,
        outcome: str = "completed",
        *warnings: str,
        drift: Any = (),
        site: str = "thst",
        expected: Any = None,
    ) -> None:
        told = None if drift is None else json.dumps([{"kind": kind, "detail": f"no {kind}"} for kind in drift])
        self.add(
            tables.crawl,
            id=f"{site}{day}",
            site=site,
            outcome=outcome,
            started=MOMENTS[day],
            definition="d",
            warnings=json.dumps(warnings),
            drift=told,
            expected=None if expected is None else as_text(expected),
        )

    def plan(self, job: str, **values: Any) -> None:
        values = {"site": job, "planned": "1d", "told": MOMENTS[0]} | values
        with self.collection.index.write() as connection:
            connection.execute(delete(tables.schedule).where(tables.schedule.c.job == job))
            connection.execute(insert(tables.schedule), {"job": job, **values})

    def file(self, number: int, size: int | None, day: int = 0) -> Path:
        name = f"warc/thst/2025/{number}.warc.gz"
        self.add(
            tables.file,
            id=number,
            name=name,
            crawl=f"thst{day}",
            bytes=size,
            sha256="f" * 64 if size is not None else None,
        )
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def run(self, day: int, outcome: Outcome, reason: str | None = None, job: str = "thst") -> None:
        """A planned run that has come to an end."""
        due = datetime.fromisoformat(MOMENTS[day])
        site = job if job == "thst" else None
        with self.collection.index.write() as connection:
            schedule.add(connection, [Run(f"{job}{day}", job, site, due, outcome, reason, started=due, finished=due)])

    def capture(
        self, url: str, day: int, reason: str | None = None, *, derived: bool = True, rules: str = "2/-/-"
    ) -> None:
        self.captures += 1
        common = {"site": "thst", "kind": "article", "type": "response", "file": 1, "length": 1, "payload_length": 1}
        self.add(
            tables.capture,
            **common,
            id=self.captures,
            crawl="thst0",
            url=url,
            urlkey=url,
            date=MOMENTS[day],
            offset=self.captures,
            record_id=str(self.captures),
            derived=1 if derived else None,
        )
        if derived:
            rules = "" if reason and reason.startswith("failed: ") else rules
            self.add(tables.reading, capture=self.captures, reason=reason, rules=rules)

    def problems(self) -> list[tuple[str | None, str, str | None, str]]:
        found = health.problems(self.collection, NOW)
        return [(one.site, one.kind, one.since, one.detail) for one in found]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path / "home")
    yield archive
    archive.collection.close()


def test_an_archive_that_is_well_needs_nobody(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    archive.crawl(0)
    archive.file(1, 0).touch()
    archive.capture("http://thst.vn/a", 1)
    assert archive.problems() == []
    archive.add(tables.fixity, file="warc/thst/2025/1.warc.gz", verified=now(), sha256="f" * 64, problems=0)
    assert main(["health", "--home", str(archive.home)]) == 0
    assert capsys.readouterr().out == "nothing needs you\n"


def test_drift_lasts_until_a_crawl_that_judged_finds_none(archive: Archive) -> None:
    archive.crawl(0, drift=["date"])
    archive.crawl(1)
    archive.crawl(2, "partial", "the site has changed: no author", drift=["author"])
    archive.crawl(3, "partial", "the site has changed: no author", drift=["author", "date"])
    archive.crawl(4, drift=None)  # nothing to judge by
    assert archive.problems() == [
        ("thst", "drift", MOMENTS[2], "the site has changed: no author"),
        ("thst", "drift", MOMENTS[3], "the site has changed: no date"),
    ]
    archive.crawl(5)
    assert archive.problems() == []


def test_a_crawl_that_only_met_drift_is_told_once(archive: Archive) -> None:
    archive.crawl(0, "partial", "the site has changed: no date", drift=["date"])
    assert [kind for _, kind, _, _ in archive.problems()] == ["drift"]
    archive.crawl(1, "partial", "1 page without an answer: x", "the site has changed: no date", drift=["date"])
    assert [kind for _, kind, _, _ in archive.problems()] == ["crawl", "drift"]


@pytest.mark.parametrize("outcome", ["failed", "partial", "refused", "interrupted"])
def test_a_last_crawl_that_went_wrong(archive: Archive, outcome: str) -> None:
    archive.crawl(0)
    archive.crawl(1, "interrupted")
    archive.crawl(2, outcome, "no page was captured", "another thing")
    archive.crawl(3, "skipped")
    archive.crawl(3, site="dangcongsan")
    said = f"the last crawl was {outcome}: no page was captured, and 1 more"
    assert archive.problems() == [("thst", "crawl", MOMENTS[1], said)]
    archive.crawl(4)
    assert archive.problems() == []


def test_a_run_that_no_crawl_tells_of(archive: Archive) -> None:
    archive.crawl(0)
    archive.run(0, Outcome.COMPLETED)
    archive.run(1, Outcome.MISSED, "the daemon was down")
    said = "the last run was missed: the daemon was down; `luutru runs show thst1` tells more"
    assert archive.problems() == [("thst", "run", MOMENTS[1], said)]
    archive.crawl(2, "failed", "no page was captured")
    archive.run(2, Outcome.FAILED, "no page was captured")
    assert [kind for _, kind, _, _ in archive.problems()] == ["crawl"]  # told once
    archive.crawl(3)
    archive.run(3, Outcome.FAILED, "it said that all is well, but nothing was captured")
    assert [kind for _, kind, _, _ in archive.problems()] == ["run"]
    archive.run(4, Outcome.SKIPPED, "paused since 2025-01-02 by an")
    assert archive.problems() == []


def test_other_work_that_did_not_go_well(archive: Archive) -> None:
    archive.run(1, Outcome.COMPLETED, job="verify-sample")
    archive.run(2, Outcome.PARTIAL, "its process ended with status 1", job="verify")
    said = "the last run was partial: its process ended with status 1; `luutru runs show verify2` tells more"
    assert archive.problems() == [(None, "verify", MOMENTS[2], said)]
    archive.run(3, Outcome.COMPLETED, job="verify")
    assert archive.problems() == []


def test_pages_that_an_older_code_read_are_offered_to_be_read_again(archive: Archive) -> None:
    archive.crawl(0)
    archive.file(1, 0).touch()
    archive.capture("http://thst.vn/a", 1, rules="9/a/m")
    archive.capture("http://thst.vn/b", 2, rules="9/b/n")  # another definition is no older code
    assert archive.problems() == []
    archive.capture("http://thst.vn/c", 3, rules="10/b/n")
    said = "read by older rules (9, now 10): `luutru rederive --site thst` reads it again, in its time"
    assert archive.problems() == [("thst", "rules", None, said)]
    archive.add(tables.crawl, id="d", site="dangcongsan", outcome="completed", started=MOMENTS[4], definition="d")
    assert [site for site, *_ in archive.problems()] == ["thst"]


def test_a_crawl_whose_process_died(archive: Archive) -> None:
    archive.crawl(0, "running")
    archive.file(1, None)
    archive.capture("http://thst.vn/a", 1, derived=False)
    assert [(kind, since) for _, kind, since, _ in archive.problems()] == [
        ("crawl", MOMENTS[0]),
        ("unread", MOMENTS[1]),
        ("unsealed", MOMENTS[0]),
    ]
    (archive.home / "locks").mkdir()
    with (archive.home / "locks" / "thst.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lately = datetime.fromisoformat(MOMENTS[1]) + timedelta(minutes=1)
        assert health.problems(archive.collection, lately) == []  # it lives


def test_addresses_given_up(archive: Archive) -> None:
    archive.crawl(0)
    common = {"site": "thst", "priority": 1, "hops": 1, "found": MOMENTS[0], "due": MOMENTS[0], "error": "no answer"}
    for number, (kind, state) in enumerate(
        [("article", "failed"), ("attachment", "failed"), ("requisite", "failed"), ("article", "waiting")]
    ):
        archive.add(
            tables.frontier, **common, url=f"http://thst.vn/{number}", kind=kind, state=state, visited=MOMENTS[number]
        )
    said = "2 addresses given up after all attempts, such as http://thst.vn/0 (no answer)"
    assert archive.problems() == [("thst", "given up", MOMENTS[0], said)]


def test_captures_that_cannot_be_read(archive: Archive) -> None:
    archive.crawl(0)
    archive.file(1, 0).touch()
    archive.capture("http://thst.vn/a", 0, "failed: ValueError: x")
    archive.capture("http://thst.vn/b", 1, "failed: ValueError: y")
    archive.capture("http://thst.vn/a", 2, "list")
    archive.capture("http://thst.vn/b", 2, "failed: ValueError: y")
    said = "2 captures that could not be read, such as http://thst.vn/b (failed: ValueError: y)"
    assert archive.problems() == [("thst", "unreadable", MOMENTS[1], said)]


def test_files_that_are_gone_or_cut(archive: Archive) -> None:
    archive.crawl(0)
    archive.file(1, 3).write_bytes(b"abc")
    archive.file(2, 3).write_bytes(b"ab")
    archive.file(3, 3)
    said = "2 files, such as warc/thst/2025/2.warc.gz, lost or of another length: put back a copy"
    assert archive.problems() == [("thst", "lost", None, said)]


def test_a_disk_that_is_nearly_full(archive: Archive) -> None:
    limit = str(10**15)
    archive.collection.config = Config.load(archive.home, {"DISK_CEILING": limit})
    ((site, kind, since, detail),) = archive.problems()
    assert (site, kind, since) == (None, "disk", None)
    assert detail.endswith(f"GB are free on the disk of {archive.home}: make room until there are 1000000.0 GB")
    (space,) = (one for one in examine(archive.home, archive.collection.config) if one.name == "space")
    assert (space.ok, space.advice) == (False, "make room: crawls need 1000000.0 GB (DISK_CEILING)")


def test_crawls_that_are_not_as_expected(archive: Archive) -> None:
    few = Expected("captures", 3, 20, None, "learned", "3 captures; at least 20 expected")
    slow = Expected("duration", 900, None, 600, "learned", "900 seconds; at most 600 expected")
    fine = Expected("captures", 30, 20, None, "learned")
    archive.crawl(0, expected=[fine])
    archive.crawl(1, "partial", f"not as expected: {few.detail}", expected=[few])
    archive.crawl(2, "partial", f"not as expected: {few.detail}", expected=[few, slow])
    archive.crawl(3, expected=[replace(slow, detail=None)])  # nothing is told of captures
    said = f"not as expected: {few.detail}"
    assert archive.problems() == [("thst", "expectations", MOMENTS[1], said)]
    archive.crawl(4, expected=[fine])
    assert archive.problems() == []


def test_jobs_that_are_due_and_nobody_begins(archive: Archive) -> None:
    archive.plan("thst", next=MOMENTS[7])
    archive.plan("dangcongsan", next=MOMENTS[6], paused=MOMENTS[5])
    archive.plan("soctrang-city", next=MOMENTS[6])
    with archive.collection.index.write() as connection:
        schedule.add(connection, [Run("a", "soctrang-city", "soctrang-city", NOW, Outcome.WAITING)])
    detail = "nobody serves the schedule, and 1 of its jobs are due: start `luutru schedule serve`"
    assert archive.problems() == [(None, "schedule", MOMENTS[7], detail)]
    archive.plan("thst", next=written(NOW - timedelta(minutes=14)))
    assert archive.problems() == []


def test_sites_without_a_good_crawl_though_many_were_planned(archive: Archive) -> None:
    archive.plan("thst")
    archive.crawl(0)
    for day in (1, 2, 3):
        assert [kind for _, kind, _, _ in archive.problems() if kind == "overdue"] == []
        archive.run(day, Outcome.SKIPPED, "another crawl holds it")
    said = "no good crawl, though 3 were planned: `luutru runs list thst` says why"
    assert archive.problems() == [("thst", "overdue", MOMENTS[1], said)]
    archive.plan("thst", paused=MOMENTS[3])
    assert archive.problems() == []


def test_a_pause_that_may_have_been_forgotten(archive: Archive) -> None:
    archive.plan("thst", paused="2024-12-20T00:00:00.000000+00:00", reason="server moves")
    assert archive.problems() == []
    archive.plan("thst", paused="2024-12-09T00:00:00.000000+00:00", reason="server moves")
    ((site, kind, since, detail),) = archive.problems()
    assert (site, kind, since) == ("thst", "paused", "2024-12-09T00:00:00.000000+00:00")
    assert detail == "thst has been paused for more than 30 days (server moves): `luutru schedule resume thst`"


def test_files_that_nobody_has_verified(archive: Archive) -> None:
    archive.crawl(0)
    archive.file(1, 0).touch()
    archive.file(2, 0).touch()
    name = "warc/thst/2025/2.warc.gz"
    later = NOW + timedelta(days=60)
    archive.add(tables.fixity, file=name, verified=written(later), sha256="f" * 64, problems=0)
    found = health.problems(archive.collection, later)
    said = "1 file was not verified for more than 45 days: run `luutru verify`"
    assert [(one.kind, one.since, one.detail) for one in found] == [("unverified", MOMENTS[0], said)]


def test_captures_that_wait_though_a_crawl_runs(archive: Archive) -> None:
    archive.crawl(0, "running")
    archive.file(1, None)
    archive.capture("http://thst.vn/a", 1, derived=False)
    (archive.home / "locks").mkdir()
    with (archive.home / "locks" / "thst.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ((_, kind, since, detail),) = archive.problems()
        assert (kind, since) == ("unread", MOMENTS[1])
        assert detail == "1 capture not read for more than an hour, though a crawl runs: end it"
        captured = datetime.fromisoformat(MOMENTS[1])
        assert health.problems(archive.collection, captured + timedelta(minutes=59)) == []


def test_json_and_the_exit_status(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    archive.crawl(0, "failed", "no page was captured")
    assert main(["health", "--json", "--home", str(archive.home)]) == 1
    detail = "the last crawl was failed: no page was captured"
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["problems"]) == (
        False,
        [{"site": "thst", "kind": "crawl", "since": MOMENTS[0], "detail": detail}],
    )
    (site,) = told["sites"]
    assert (site["site"], site["last_good"], site["last"], site["last_outcome"]) == ("thst", None, MOMENTS[0], "failed")
    assert told["free"] > 0
    assert main(["health", "--home", str(archive.home)]) == 1
    assert detail in capsys.readouterr().out
