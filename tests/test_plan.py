"""When jobs are due, and what becomes of it in the ledger: by a clock that the test sets."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select

from schedules.jobs import Job
from schedules.plan import TOLD, Every, is_open, parse, slots
from schedules.planner import Planner, bring
from storage.errors import UsageError
from storage.index import schedule, tables
from storage.index.engine import Index
from storage.index.schedule import Run
from storage.model import Outcome

HANOI, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 6, 1, tzinfo=HANOI)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEWS = Job("news", ("crawl", "news"), "0 */6 * * *", "news")


def walls(cadence: str, zone: ZoneInfo, after: datetime, number: int, name: str = "news") -> list[str]:
    """The next moments, as the clock on the wall shows them."""
    due = islice(slots(parse(cadence), name, zone, after), number)
    return [one.astimezone(zone).strftime("%d %H:%M") for one in due]


def between(cadence: str, zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    return list(takewhile(lambda slot: slot < last, slots(parse(cadence), "news", zone, first - timedelta(seconds=1))))


def test_periods_begin_at_midnight_and_windows_at_their_opening() -> None:
    late = slots(parse("6h"), "news", HANOI, MONDAY).__next__() - MONDAY
    assert timedelta() <= late < timedelta(minutes=30)
    assert [one - late for one in between("6h", HANOI, MONDAY, MONDAY + DAY)] == [
        (MONDAY + hours * HOUR).astimezone(UTC) for hours in (0, 6, 12, 18)
    ]
    assert [one[:5] for one in walls("2h 22:00-05:00", HANOI, MONDAY + 12 * HOUR, 5)] == [
        *("01 22", "02 00", "02 02", "02 04", "02 22")
    ]
    assert [one[:5] for one in walls("1d 08:00-09:00", HANOI, MONDAY, 2)] == ["01 08", "02 08"]
    weekly = between("7d", HANOI, MONDAY, MONDAY + 28 * DAY)
    assert {later - earlier for earlier, later in pairwise(weekly)} == {7 * DAY}


def test_sites_do_not_start_together() -> None:
    first = {name: next(slots(parse("6h"), name, HANOI, MONDAY)) for name in map("site-{}".format, range(50))}
    assert len(set(first.values())) > 45
    assert max(first.values()) - min(first.values()) < timedelta(minutes=30)
    days = Counter(next(slots(parse("7d"), name, HANOI, MONDAY)).astimezone(HANOI).date() for name in first)
    assert len(days) == 7
    assert max(days.values()) < 20


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ("0 3 * * 0", ["07 03:00", "14 03:00"]),
        ("0 3 * * 7", ["07 03:00", "14 03:00"]),
        ("0 3 * * SUN", ["07 03:00", "14 03:00"]),
        ("0 3 2 * 0", ["02 03:00", "07 03:00", "14 03:00"]),  # either of two restricted day fields
        ("0 3 2 * *", ["02 03:00", "02 03:00"]),
        ("*/90 8 * * 1-5", ["01 08:00", "02 08:00"]),
        ("5,35 22-23 1 6 *", ["01 22:05", "01 22:35", "01 23:05", "01 23:35", "01 22:05"]),
    ],
)
def test_cron_is_read_as_cron_5_has_it(fields: str, due: list[str]) -> None:
    assert walls(fields, HANOI, MONDAY, len(due)) == due


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "write a period"),
        ("6", "write a period"),
        ("hourly", "write a period"),
        ("6h x", "write a period"),
        ("0m", "at least 1m"),
        ("36h", "whole days"),
        ("1h 22:00-25:00", "two times of the day"),
        ("1h 22:00-22:00", "empty"),
        ("60 * * * *", "Bad minute"),
        ("0 3 * * 8", "Bad day-of-week"),
        ("0 0 31 2 *", "Bad day-of-month"),
        ("* * * * * *", "write a period"),
    ],
)
def test_what_is_no_cadence_says_what_to_write(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse(text)


def test_in_a_zone_with_summer_time() -> None:
    """29 March 2026 has 23 hours in Berlin, 25 October has 25."""
    spring, autumn = (datetime(2026, month, day, tzinfo=BERLIN) for month, day in ((3, 29), (10, 25)))
    assert [one[:5] for one in walls("6h", BERLIN, spring, 5)] == ["29 00", "29 07", "29 13", "29 19", "30 00"]
    assert len(between("1h", BERLIN, spring, spring + DAY)) == 23
    assert len(between("1h", BERLIN, autumn, autumn + DAY)) == 25
    assert [one[:5] for one in walls("1d 02:00-03:00", BERLIN, autumn, 2)] == ["25 02", "26 02"]
    assert walls("30 2 * * *", BERLIN, spring, 2) == ["29 03:00", "30 02:30"]  # there is no half past two
    assert walls("30 2 * * *", BERLIN, autumn, 2) == ["25 02:30", "26 02:30"]  # there are two of it
    hours = between("0 * * * *", BERLIN, autumn, autumn + DAY)
    assert {later - earlier for earlier, later in pairwise(hours)} == {HOUR}


@given(
    some.sampled_from(["1m", "7m", "5h", "6h", "3d", "1h 22:00-05:00", "90m 01:30-02:30", "*/7 2 * * *", "0 3 1 * 0"]),
    some.integers(0, 2 * 365 * 24 * 60),
    some.sampled_from([HANOI, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")]),
)
def test_moments_rise_and_do_not_depend_on_who_asks(text: str, minutes: int, zone: ZoneInfo) -> None:
    cadence, after = parse(text), datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due = list(islice(slots(cadence, "news", zone, after), 9))
    assert after < due[0]
    assert due == sorted(set(due))
    assert list(islice(slots(cadence, "news", zone, due[3]), 5)) == due[4:]
    assert all(is_open(cadence, slot, zone) for slot in due) or not isinstance(cadence, Every)


class Clock:
    """A clock that the test sets."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index.open(tmp_path / "index.db")
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY + HOUR)


def planner(index: Index, clock: Clock, *jobs: Job, zone: ZoneInfo = HANOI) -> Planner:
    return Planner(index, {one.name: one for one in jobs or (NEWS,)}, zone, clock)


def ledger(index: Index, job: str = "news") -> list[Run]:
    with index.read() as connection:
        table = tables.ledger.c
        query = select(tables.ledger).where(table.job == job).order_by(table.due, table.id.desc())
        rows = connection.execute(query)
        return [schedule.run_of_row(row) for row in rows.mappings()]


def told(index: Index) -> list[tuple[str, str]]:
    return [(one.due.astimezone(HANOI).strftime("%d %H:%M"), one.outcome.value) for one in ledger(index)]


def run_what_waits(index: Index, clock: Clock, outcome: Outcome = Outcome.COMPLETED) -> None:
    """Let all that waits come to an end at once."""
    with index.write() as connection:
        for one in schedule.open_runs(connection):
            schedule.begin(connection, one.run, clock(), "")
            ended = Run(one.run, one.job, one.site, one.due, outcome, finished=clock(), status=0)
            assert schedule.finish(connection, ended)


def test_a_site_that_was_never_crawled_is_due_at_once(index: Index, clock: Clock) -> None:
    work = Job("verify", ("verify",), "0 1 * * *")
    planner(index, clock, NEWS, work).look()
    assert told(index) == [("01 01:00", "waiting")]
    assert ledger(index, "verify") == []
    planner(index, clock, NEWS, work).look()
    assert told(index) == [("01 01:00", "waiting")]


def test_five_missed_runs_are_one_run_and_four_rows_that_say_so(index: Index, clock: Clock) -> None:
    planner(index, clock).look()
    run_what_waits(index, clock)
    clock.moment += 30 * HOUR  # at 6, 12, 18, 0 and 6 nobody looked
    ended = planner(index, clock).look()
    assert told(index) == [
        ("01 01:00", "completed"),
        *(("01 06:00", "missed"), ("01 12:00", "missed"), ("01 18:00", "missed"), ("02 00:00", "missed")),
        ("02 06:00", "waiting"),
    ]
    assert [one.reason for one in ended] == ["nobody served the schedule when it was due"] * 4
    planner(index, clock).look()
    assert len(ledger(index)) == 6


def test_a_long_stop_does_not_fill_the_ledger(index: Index, clock: Clock) -> None:
    often = Job("news", ("crawl", "news"), "5m", "news")
    planner(index, clock, often).look()
    run_what_waits(index, clock)
    clock.moment += 365 * DAY
    planner(index, clock, often).look()
    rows = ledger(index)
    assert len(rows) == 1 + 1 + TOLD
    assert sum(one.slots for one in rows) == 1 + 365 * 24 * 12
    assert rows[1].slots == 365 * 24 * 12 - TOLD
    assert rows[1].reason == f"{rows[1].slots:,} planned runs share this row: nobody served the schedule since " + (
        rows[1].due.astimezone(HANOI).strftime("%Y-%m-%d %H:%M")
    )
    assert Counter(one.outcome.value for one in rows[1:]) == {"missed": TOLD, "waiting": 1}


def test_outside_of_its_window_what_was_missed_is_not_made_up_for(index: Index, clock: Clock) -> None:
    nightly = Job("news", ("crawl", "news"), "1h 22:00-05:00", "news")
    planner(index, clock, nightly).look()
    run_what_waits(index, clock)
    clock.moment += 8 * HOUR  # nine o'clock
    planner(index, clock, nightly).look()
    assert {one.outcome.value for one in ledger(index)[1:]} == {"missed"}
    assert "its window is closed" in (ledger(index)[-1].reason or "")


@pytest.mark.parametrize(
    ("job", "number"),
    [
        (NEWS, 1 + 365 * 4),  # also at once, since it was never crawled
        (Job("work", ("verify",), "0 1 1 * *"), 12),
        (Job("night", ("verify",), "1h 22:00-05:00"), 365 * 7),
        (Job("week", ("verify",), "7d"), 53),  # on 1 January, and on 31 December
    ],
)
def test_a_year_of_plans(job: Job, number: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=HANOI) - timedelta(minutes=1)
    row, runs = None, []
    while moment < datetime(2027, 1, 1, tzinfo=HANOI) - timedelta(minutes=1):
        change = bring(job, row, (), moment, HANOI, at_once=job.site is not None)
        runs += change.runs
        row = change.row
        assert row.next
        moment = row.next
    assert {one.outcome for one in runs} == {Outcome.WAITING}
    assert len({one.due for one in runs}) == len(runs)
    assert len(runs) == number


def test_a_clock_that_is_set_back_lets_nothing_run_twice(index: Index, clock: Clock) -> None:
    planner(index, clock).look()
    run_what_waits(index, clock)
    clock.moment = MONDAY + 6.5 * HOUR
    planner(index, clock).look()
    run_what_waits(index, clock)
    clock.moment -= HOUR
    planner(index, clock).look()
    clock.moment += HOUR
    planner(index, clock).look()
    assert [due for due, _ in told(index)] == ["01 01:00", "01 06:00"]
    with index.read() as connection:
        assert schedule.planned(connection)["news"].next == MONDAY + 12 * HOUR
    clock.moment += 5.5 * HOUR
    planner(index, clock).look()
    assert [due for due, _ in told(index)] == ["01 01:00", "01 06:00", "01 12:00"]


def test_a_clock_that_was_years_ahead_does_not_stop_it(index: Index, clock: Clock) -> None:
    clock.moment += 3650 * DAY
    planner(index, clock).look()
    run_what_waits(index, clock)
    clock.moment -= 3650 * DAY
    planner(index, clock).look()
    clock.moment += 5 * HOUR
    planner(index, clock).look()
    assert ("01 06:00", "waiting") in told(index)


def test_what_is_paused_is_skipped_also_while_nobody_looks(index: Index, clock: Clock) -> None:
    planner(index, clock).look()
    run_what_waits(index, clock)
    clock.moment = MONDAY + 7 * HOUR  # the run of six o'clock is missed, for nobody looked
    planner(index, clock).decide(NEWS, paused=clock(), decided_by="an", reason="bảo trì")
    clock.moment = MONDAY + 13 * HOUR
    planner(index, clock).look()
    clock.moment = MONDAY + 19 * HOUR
    planner(index, clock).decide(NEWS, paused=None, decided_by="an", reason=None)
    assert told(index) == [
        ("01 01:00", "completed"),
        ("01 06:00", "skipped"),
        ("01 12:00", "skipped"),
        ("01 18:00", "skipped"),
    ]
    assert {one.reason for one in ledger(index)[1:]} == {"paused since 2026-06-01 07:00 by an: bảo trì"}
    with index.read() as connection:
        assert schedule.planned(connection)["news"].next == MONDAY + 24 * HOUR


def test_another_cadence_counts_from_the_moment_it_is_set(index: Index, clock: Clock) -> None:
    planner(index, clock).look()
    run_what_waits(index, clock)
    clock.moment = MONDAY + 5 * HOUR
    planner(index, clock).decide(NEWS, cadence="30 * * * *")
    clock.moment = MONDAY + 5.6 * HOUR
    planner(index, clock).look()
    assert told(index) == [("01 01:00", "completed"), ("01 05:30", "waiting")]
    run_what_waits(index, clock)
    planner(index, clock).decide(NEWS, cadence=None)
    with index.read() as connection:
        assert schedule.planned(connection)["news"].next == MONDAY + 6 * HOUR


def test_what_still_runs_is_not_begun_again(index: Index, clock: Clock) -> None:
    planner(index, clock).look()
    clock.moment = MONDAY + 7 * HOUR
    planner(index, clock).look()
    assert told(index) == [("01 01:00", "waiting"), ("01 06:00", "skipped")]
    assert ledger(index)[-1].reason == "the run that was due 2026-06-01 01:00 still waits for its turn"


def test_a_job_that_is_gone_is_planned_no_more(index: Index, clock: Clock) -> None:
    planner(index, clock).look()
    run_what_waits(index, clock)
    planner(index, clock, Job("other", ("verify",), None)).look()
    clock.moment += DAY
    planner(index, clock, Job("other", ("verify",), None)).look()
    with index.read() as connection:
        rows = schedule.planned(connection)
    assert (rows["news"].planned, rows["news"].next) == (None, None)
    assert told(index) == [("01 01:00", "completed")]
