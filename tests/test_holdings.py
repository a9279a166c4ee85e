"""What is asked once for all sites is what asking each of them would give, however many crawls there are."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from storage.collection import Collection
from storage.index import conditions, daybook, health, holdings, runs, schedule, tables
from storage.index.expectations import as_text
from storage.index.schedule import Run
from storage.model import Expected, Outcome
from storage.moments import written

BEGUN = datetime(2025, 1, 1, tzinfo=UTC)
SITES = ("dangcongsan", "soctrang-city", "thst")
OUTCOMES = ("completed", "partial", "failed", "skipped", "running")


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    opened = Collection.open(tmp_path / "archive")
    yield opened
    opened.close()


def crawled(collection: Collection, number: int) -> list[dict[str, Any]]:
    """So many crawls of all sites, in no order; the newest first."""
    chance = random.Random(number)
    moments = [written(BEGUN + timedelta(minutes=minute)) for minute in range(number)]
    rows = [
        {"id": f"c{at:04}", "site": chance.choice(SITES), "outcome": chance.choice(OUTCOMES), "started": started}
        | {"definition": "d", "drift": chance.choice((None, "[]")), "expected": chance.choice((None, "[]"))}
        for at, started in enumerate(moments)
    ]
    with collection.index.write() as connection:
        if rows:
            connection.execute(tables.crawl.insert(), chance.sample(rows, len(rows)))
    return rows[::-1]


@pytest.mark.parametrize("number", [0, 3, 50, 900])
def test_the_newest_crawls_of_all_and_of_each(collection: Collection, number: int) -> None:
    rows = crawled(collection, number)
    with collection.index.read() as connection:
        lately = holdings.lately(connection)
        last = {one.site: one.last_outcome for one in holdings.sites(connection, {})}
        found = {one.site: one for one in conditions.conditions(connection)}
        assert holdings.stats(connection).sites == len(last)
        assert [one.started for one in daybook.since(connection, "")] == [row["started"] for row in rows]
    assert [(one.site, one.outcome, one.started) for one in lately] == [
        (row["site"], row["outcome"], row["started"]) for row in rows[:200]
    ]
    assert last == {row["site"]: row["outcome"] for row in reversed(rows)}
    for site in last:
        mine = [row for row in rows if row["site"] == site]
        good = next((row["started"] for row in mine if row["outcome"] == "completed"), None)
        ended = next((row["outcome"] for row in mine if row["outcome"] not in ("skipped", "running")), None)
        assert (found[site].last_good, found[site].last_outcome) == (good, ended)
    assert found.keys() == last.keys()


def planned(collection: Collection, rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Let a third of these crawls have been planned, and as many runs come to none; all runs, the newest first."""
    begun = [(row["started"], row["id"], row["outcome"]) for row in rows]
    ledger = [
        {"id": row["id"], "job": row["site"], "site": row["site"], "due": row["started"], "outcome": "partial"}
        | {"started": "2024"}  # its crawl knows better
        for row in rows[::3]
    ]
    for at, row in enumerate(rows[::3]):
        moment = row["started"].replace(":00.", ":30.")
        never = at % 2 == 0
        job = row["site"] if never else "verify"
        one = {"id": f"f{at:04}", "job": job, "site": job if never else None, "due": moment, "outcome": "missed"}
        ledger.append(one | {"started": None if never else moment})
        begun.append((moment, one["id"], "missed"))
    with collection.index.write() as connection:
        connection.execute(tables.ledger.insert(), ledger)
    return sorted(begun, reverse=True)


@pytest.mark.parametrize("number", [3, 50, 900])
def test_crawls_and_what_came_to_none_are_one_list(collection: Collection, number: int) -> None:
    begun = planned(collection, crawled(collection, number))
    with collection.index.read() as connection:
        assert [one.crawl for one in runs.newest(connection, limit=40)] == [id_ for _, id_, _ in begun[:40]]
        found = daybook.entries(connection, limit=2 * number)
        assert [(one.started, one.run, one.outcome) for one in found] == begun
        missed = daybook.entries(connection, outcomes=("missed",), before=begun[len(begun) // 2][0], limit=10)
        expected = [id_ for moment, id_, outcome in begun if outcome == "missed" and moment < begun[len(begun) // 2][0]]
        assert [one.run for one in missed] == expected[:10]


def test_of_a_long_ledger_only_what_is_shown_is_read(collection: Collection) -> None:
    planned(collection, crawled(collection, 900))
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        raw = connection.connection.driver_connection
        plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))

    with collection.index.read() as connection:
        event.listen(connection.engine, "before_cursor_execute", explain)
        runs.newest(connection)
        daybook.entries(connection, limit=20)
        daybook.entries(connection, outcomes=("missed",), before="2025-01-01T05", limit=20)
        holdings.lately(connection)
    assert plans
    assert not [one for one in plans if "TEMP B-TREE" in one]


def test_what_was_unexpected_is_forgotten_behind_sixty_crawls_that_do_not_tell_of_it(collection: Collection) -> None:
    told = as_text([Expected("date", 0.1, least=0.5, origin="learned", detail="10% name a date")])
    other = as_text([Expected("captures", 90, least=50, origin="learned")])
    common = {"outcome": "completed", "definition": "d", "site": "thst"}

    def crawl(minute: int, expected: str) -> None:
        row = {"id": f"c{minute}", "started": written(BEGUN + timedelta(minutes=minute)), "expected": expected}
        with collection.index.write() as connection:
            connection.execute(tables.crawl.insert(), common | row)

    def unexpected() -> list[str]:
        with collection.index.read() as connection:
            return [one.detail for one in health.unexpected(connection, ())]

    crawl(0, told)
    for minute in range(1, 60):
        crawl(minute, other)
    assert unexpected() == ["not as expected: 10% name a date"]
    crawl(60, other)
    assert unexpected() == []


def test_the_last_run_of_each_job_is_the_one_that_began_last(collection: Collection) -> None:
    def run(id_: str, job: str, due: int, started: int | None, outcome: Outcome = Outcome.COMPLETED) -> Run:
        begun = None if started is None else BEGUN + timedelta(hours=started)
        return Run(id_, job, None, BEGUN + timedelta(hours=due), outcome, started=begun)

    with collection.index.write() as connection:
        schedule.add(
            connection,
            [
                run("waited", "thst", 1, 9),
                run("missed", "thst", 5, None, Outcome.MISSED),
                run("open", "thst", 10, 11, Outcome.RUNNING),
                run("skipped", "verify", 4, None, Outcome.SKIPPED),
                run("early", "verify", 2, 3),
            ],
        )
    with collection.index.read() as connection:
        assert {job: one.run for job, one in schedule.last_runs(connection).items()} == {
            "thst": "waited",
            "verify": "skipped",
        }
