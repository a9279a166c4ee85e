"""The numbers of an archive, as Prometheus reads them, and how quickly."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ports import kept_free
from prometheus_client.parser import text_string_to_metric_families
from rows import filled
from serving import serving
from sites_for_tests import until
from sqlalchemy import event, insert

from luutru.metrics import CONTENT_TYPE, metrics, served
from storage.collection import Collection
from storage.errors import StorageError
from storage.index import tables
from storage.index.gauges import numbers
from storage.moments import now, written

WATCHING = Path(__file__).parent.parent / "docs" / "watching.md"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Collection]:
    collection = Collection.open(filled(tmp_path / "home"))
    yield collection
    collection.close()


def read(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def sample(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"luutru_{name}", frozenset(labels.items())))


def test_what_there_is_is_counted(archive: Collection) -> None:
    samples = read(metrics(archive))
    with archive.index.read() as connection:
        held = connection.exec_driver_sql(
            "SELECT site, count(*), sum(type = 'revisit') FROM capture WHERE kind != 'requisite' GROUP BY site"
        ).all()
        done = connection.exec_driver_sql("SELECT site, sum(bytes), sum(errors) FROM crawl GROUP BY site").all()
        waiting = connection.exec_driver_sql("SELECT count(*) FROM frontier WHERE state = 'waiting'").scalar()
    for site, captures, revisits in held:
        assert sample(samples, "captures", site=site) == captures
        assert sample(samples, "revisits", site=site) == revisits
    for site, size, errors in done:
        assert sample(samples, "bytes_total", site=site) == size
        assert sample(samples, "errors_total", site=site) == errors
    assert sum(value for (name, _), value in samples.items() if name == "luutru_frontier_waiting") == waiting
    assert sample(samples, "crawls_total", site="thst", outcome="partial") == 1
    assert sample(samples, "disk_free_bytes")


def test_what_waits_is_told_with_its_age(archive: Collection) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=2)
    with archive.index.write() as connection:
        connection.exec_driver_sql("UPDATE capture SET derived = NULL, date = ? WHERE id = 1", (written(earlier),))
        connection.exec_driver_sql("UPDATE frontier SET state = 'failed'")
        row = {"job": "verify", "told": now(), "next": "2030-01-01T00:00:00.000000+00:00"}
        connection.execute(insert(tables.schedule), row)
        run = {"job": "verify", "due": now(), "outcome": "missed", "slots": 4}
        connection.execute(insert(tables.ledger), {"id": "r1", **run})
    samples = read(metrics(archive))
    assert [value for (name, _), value in samples.items() if name == "luutru_unread"] == [1]
    (lag,) = (value for (name, _), value in samples.items() if name == "luutru_derive_lag_seconds")
    assert 7_200 <= lag < 7_300
    assert any(name == "luutru_given_up" for name, _ in samples)
    assert sample(samples, "runs_total", job="verify", outcome="missed") == 4
    assert sample(samples, "next_run_timestamp_seconds", job="verify") == datetime(2030, 1, 1, tzinfo=UTC).timestamp()


def test_they_are_served_on_loopback_until_the_end(archive: Collection) -> None:
    with served(archive, 0) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert read(answer.read()).keys() == read(metrics(archive)).keys()
        with (
            pytest.raises(StorageError, match=rf"port {port} cannot be served .*: name another one"),
            served(archive, port),
        ):
            pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30)


LARGE = {"capture", "reading", "frontier", "document", "version", "mention"}


def test_a_scrape_scans_no_large_table(archive: Collection) -> None:
    with archive.index.read() as connection:
        statements: list[tuple[str, object]] = []
        event.listen(
            connection.engine, "before_cursor_execute", lambda _c, _u, sql, values, *_: statements.append((sql, values))
        )
        numbers(connection, datetime.now(UTC))
        asked = list(statements)
        assert len(asked) > 5
        for sql, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            scanned = {row.detail.removeprefix("SCAN ") for row in plan if row.detail.startswith("SCAN ")}
            assert not scanned & LARGE, sql


def test_what_is_told_is_documented(archive: Collection) -> None:
    documented = re.findall(r"^\| `(luutru_\w+)` \|", WATCHING.read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in read(metrics(archive))} <= set(documented)
    assert len(documented) == len(set(documented))


def test_the_reading_room_tells_them(tmp_path: Path) -> None:
    with serving(filled(tmp_path / "home")) as room:
        answer = room.get("/metrics")
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        assert sample(read(answer.content), "crawls_total", site="thst", outcome="partial") == 1
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_daemon_tells_them_until_it_ends(tmp_path: Path) -> None:
    home = filled(tmp_path / "home")
    words = [sys.executable, "-m", "luutru", "--home", str(home), "schedule", "serve", "--metrics-port"]
    with kept_free() as port:
        with subprocess.Popen([*words, str(port)]) as daemon:
            until(lambda: reached(port), "the daemon tells no numbers")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                assert sample(read(answer.read()), "crawls_total", site="thst", outcome="partial") == 1
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(60) == 0
        assert not reached(port)


def reached(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
