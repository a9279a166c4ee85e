"""`luutru crawl`: what it gives to the engine, and what an outcome is to the shell."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import spiders
from crawler.session import Progress
from luutru.cli import main
from luutru.commands.crawl import STATUS, _line
from storage.errors import AlreadyRunning, StorageError
from storage.model import Crawl, Outcome

MOMENT = datetime(2025, 1, 1, tzinfo=UTC)
CHILD = """
import signal, sys
told = {signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, told)  # they wait until they are asked for: none is missed
print("ready", flush=True)
signal.sigwait(told)
sys.exit(1 if signal.sigtimedwait(told, 0.3) else 130)
"""


class Engine:
    """Stands for `crawler.run.crawl`: keeps what it was given, and ends as it was told."""

    def __init__(self, ending: Outcome | Exception) -> None:
        self.ending = ending
        self.given: dict[str, Any] = {}

    def __call__(self, load: Any, collection: Any, **options: Any) -> Crawl:
        self.given = {"load": load, "config": collection.config, "home": collection.home} | options
        if isinstance(self.ending, Exception):
            raise self.ending
        warnings = ("đường truyền đứt",) if self.ending is Outcome.PARTIAL else ()
        return Crawl("c1", load().key, self.ending, MOMENT, MOMENT, captures=7, warnings=warnings)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine(Outcome.COMPLETED)
    monkeypatch.setattr("crawler.run.crawl", engine)
    return engine


@pytest.mark.parametrize("outcome", STATUS)
def test_an_outcome_is_a_status(engine: Engine, tmp_path: Path, outcome: Outcome) -> None:
    engine.ending = outcome
    assert main(["crawl", "thst", "--home", str(tmp_path)]) == STATUS[outcome]


def test_every_outcome_of_a_crawl_has_a_status() -> None:
    assert set(Outcome) - set(STATUS) == {Outcome.WAITING, Outcome.RUNNING, Outcome.MISSED}


@pytest.mark.parametrize(("error", "status"), [(AlreadyRunning("by process 7"), 3), (StorageError("disk full"), 4)])
def test_an_error_is_a_status(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    engine.ending = error
    assert main(["crawl", "thst", "--home", str(tmp_path)]) == status
    assert capsys.readouterr().err == f"luutru: {error}\n"


def test_the_engine_is_given_all_that_was_said(engine: Engine, tmp_path: Path) -> None:
    mapping = "thst.vn:443:127.0.0.1:8443"
    arguments = ["--max-pages", "5", "--set", "DERIVE=off", "--set", "contact=a@example.org", "--connect-to", mapping]
    assert main(["crawl", "thst", "--home", str(tmp_path), *arguments]) == 0
    assert engine.given["load"]().key == "thst"
    assert isinstance(engine.given["load"], partial)
    assert engine.given["load"].func is spiders.load
    assert (engine.given["max_pages"], engine.given["connect_to"]) == (5, (mapping,))
    assert (engine.given["config"].contact, engine.given["config"].settings) == ("a@example.org", {"DERIVE": "off"})
    assert engine.given["on_progress"] is None  # standard error is no terminal here


def test_an_address_is_a_site_of_its_own(engine: Engine, tmp_path: Path) -> None:
    assert main(["crawl", "https://www.example.org/a", "--home", str(tmp_path)]) == 0
    assert engine.given["load"]().hosts == ("example.org", "www.example.org")


def test_json_is_the_crawl(engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine.ending = Outcome.PARTIAL
    assert main(["crawl", "thst", "--json", "--home", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "crawl": "c1",
        "site": "thst",
        "outcome": "partial",
        "started": "2025-01-01T00:00:00+00:00",
        "finished": "2025-01-01T00:00:00+00:00",
        "captures": 7,
        **dict.fromkeys(("revisits", "requisites", "attempts", "bytes", "errors"), 0),
        **dict.fromkeys(("documents_new", "documents_changed", "documents_unchanged")),
        "warnings": ["đường truyền đứt"],
    }


def test_people_read_a_table_and_the_warnings(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.ending = Outcome.PARTIAL
    main(["crawl", "thst", "--home", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "thst: partial in 0 s"
    assert "  captures    7, of these 0 revisits" in lines
    assert "  documents   not derived" in lines
    assert lines[-1] == "  warning     đường truyền đứt"


def test_several_sites_are_crawled_by_children_and_the_worst_counts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["crawl", "thst", "dangcongsan", "--home", str(tmp_path)]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("luutru: ") and "contact" in line for line in lines)


def test_a_child_is_told_once() -> None:
    code = f"import sys; from luutru.commands.crawl import _child; sys.exit(_child([sys.executable, '-c', {CHILD!r}]))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_the_line_of_progress() -> None:
    line = _line("thst", Progress(pages=1234, requisites=5, new=67, errors=8, seconds=100.0))
    assert line == "thst  1:40  1,234 pages  12.3/s  67 new addresses  5 requisites  8 errors"
    assert "0.0/s" in _line("thst", Progress(pages=0, requisites=0, new=0, errors=0, seconds=0.0))
