"""Where there is no archive, whoever asks is told so, and none is made: an empty one would be a wrong answer."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from luutru.cli import luutru, main
from storage.config import FILE

MAKING = {"init", "demo", "crawl", "schedule serve"}
READING = {
    "backup": ["../backup"],
    "cite": ["thst/t/tin"],
    "config": [],
    "diff": ["thst/t/tin"],
    "doctor": [],
    "export cdxj": [],
    "export jsonl": [],
    "export wacz": [],
    "health": [],
    "history": ["thst/t/tin"],
    "rederive": [],
    "reindex": [],
    "related": ["thst/t/tin"],
    "release": ["thst/t/tin", "--reason", "x"],
    "replay": ["--room", "http://localhost:8000"],  # one that would be refused: it must not go on and serve
    "runs list": [],
    "runs show": ["5f3a9c01"],
    "schedule list": [],
    "schedule next": [],
    "schedule pause": ["thst"],
    "schedule resume": ["thst"],
    "schedule run": ["thst"],
    "schedule set": ["thst", "6h"],
    "schedule test-alert": [],
    "search": ["x"],
    "serve": ["--host", "192.0.2.1"],  # likewise
    "show": ["thst/t/tin"],
    "sites check": [],
    "sites list": [],
    "sites show": ["thst"],
    "sql": ["SELECT 1"],
    "stats": [],
    "upkeep": [],
    "verify": [],
    "withheld": [],
    "withhold": ["https://thst.vn/t/tin", "--reason", "x"],
}


def names(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {one}" for one in names(command, context))
        else:
            yield name


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUUTRU_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_command_reads_or_makes_an_archive() -> None:
    assert {*names(luutru, luutru.make_context("luutru", [], resilient_parsing=True))} == MAKING | READING.keys()


@pytest.mark.parametrize("home", ["archive", "a/new/one", "empty"])
@pytest.mark.parametrize("name", READING)
def test_a_command_that_reads_makes_none(
    name: str, home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    named = [] if home == "archive" else ["--home", home]
    status = main([*name.split(), *READING[name], *named])
    captured = capsys.readouterr()
    assert (status, captured.out) == (2, "")
    assert re.fullmatch(
        rf"luutru: no archive at {tmp_path / home}: name its directory with --home, "
        r"or make one with `luutru init` or `luutru crawl ADDRESS`\n",
        captured.err,
    )
    assert [*tmp_path.rglob("*")] == [tmp_path / "empty"]
    assert not (tmp_path.parent / "backup").exists()


@pytest.mark.parametrize("name", ["init", "stats", "config"])
def test_what_nobody_may_look_into_is_a_storage_failure(name: str, tmp_path: Path) -> None:
    home = tmp_path / "locked" / "home"
    home.mkdir(parents=True)
    (tmp_path / "locked").chmod(0)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, name, str(home)], capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        (tmp_path / "locked").chmod(0o700)
    told = f"luutru: {home} cannot be read (Permission denied): name another directory with --home\n"
    assert (done.returncode, done.stdout, done.stderr) == (4, "", told)


_AS_NOBODY = """
import os, sys
import luutru.commands.config, luutru.commands.init, luutru.commands.stats, storage.collection  # while they may be read
from luutru.cli import main
name, home = sys.argv[1:]
if os.geteuid() == 0:
    os.setgroups([])
    os.setuid(65534)
sys.exit(main([name, "--home", home]))
"""


@pytest.mark.parametrize("home", ["archive", "a/new/one", "empty"])
@pytest.mark.parametrize("command", [["init"], ["crawl", "thst"], ["schedule", "serve"]])
def test_a_command_that_begins_an_archive_makes_it(
    command: list[str], home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("LUUTRU_CONTCAT", "nobody")  # is refused as soon as the archive is there
    assert main([*command, "--home", home]) == 2
    assert (tmp_path / home / FILE).is_file()
