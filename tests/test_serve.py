"""`luutru serve` as a person runs it: a process, its one line, its end."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from rows import filled

from luutru.cli import main
from storage.config import make


def command(home: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "luutru", "--home", str(home), "serve", *options]


Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """The exit status of a server that does not start, and its one line."""

    def refused(home: Path, *options: str) -> tuple[int, str]:
        status = main(["--home", str(home), "serve", *options])
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        assert captured.out == ""
        return status, line

    return refused


@contextmanager
def open_room(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and the line that it wrote."""
    with subprocess.Popen(
        command(home, "--port", "0", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server, server.stdout.readline()
        finally:
            server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_where_it_is_open_and_ends_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    with open_room(filled(tmp_path), "--json") as (server, line):
        told = json.loads(line)
        assert told["hosts"] == ["localhost", "127.0.0.1", "[::1]"]
        assert httpx.get(f"{told['url']}api/v1/stats", timeout=60).json()["documents"] == 2
        server.send_signal(number)
        _, errors = server.communicate(timeout=60)
        assert (server.returncode, errors) == (0, "")


def test_people_are_told_too_and_an_archive_of_nothing_is_served(tmp_path: Path) -> None:
    make(tmp_path)
    with open_room(tmp_path) as (_, line):
        assert line.startswith("the reading room is open at http://127.0.0.1:")
        assert httpx.get(line.split()[6] + "api/v1/stats", timeout=60).json()["captures"] == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "archive.example.org"])
def test_other_machines_are_listened_to_only_when_that_is_said(refused: Refused, tmp_path: Path, host: str) -> None:
    make(tmp_path)
    status, line = refused(tmp_path, "--host", host)
    assert status == 2
    assert "--public" in line
    status, line = refused(tmp_path, "--host", host, "--public")
    assert status == 2
    assert 'hosts = ["archive.example.org"]' in line


def test_a_name_that_is_configured_is_answered(tmp_path: Path) -> None:
    (filled(tmp_path) / "luutru.toml").write_text('hosts = ["Archive.Example.org"]\n')
    with open_room(tmp_path, "--host", "0.0.0.0", "--public", "--json") as (_, line):
        told = json.loads(line)
        assert told["hosts"][-1] == "archive.example.org"
        port = told["url"].rstrip("/").rpartition(":")[2]
        url = f"http://127.0.0.1:{port}/api/v1/stats"
        assert httpx.get(url, headers={"Host": "archive.example.org"}, timeout=60).status_code == 200
        assert httpx.get(url, headers={"Host": "evil.example"}, timeout=60).status_code == 421


def test_a_port_that_is_taken_is_told(refused: Refused, tmp_path: Path) -> None:
    make(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, line = refused(tmp_path, "--port", str(taken.getsockname()[1]))
    assert status == 2
    assert "Address already in use; choose another with --port" in line


@pytest.mark.parametrize("host", ["nonsense.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_told(refused: Refused, tmp_path: Path, host: str) -> None:
    (tmp_path / "luutru.toml").write_text('hosts = ["archive.example.org"]\n')
    status, line = refused(tmp_path, "--host", host, "--public")
    assert status == 2
    assert re.fullmatch(
        rf"luutru: cannot listen at {host}, port 8000: [\w ]+; choose another with --port or --host", line
    )


def test_an_index_that_is_newer_or_missing_is_told(refused: Refused, tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled(tmp_path) / "index.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    status, line = refused(tmp_path)
    assert (status, "newer luutru" in line) == (2, True)
    os.remove(tmp_path / "index.db")
    (tmp_path / "warc" / "thst").mkdir(parents=True)
    (tmp_path / "warc" / "thst" / "a.warc.gz").write_bytes(b"")
    status, line = refused(tmp_path)
    assert (status, "luutru reindex" in line) == (4, True)


@pytest.mark.parametrize("wrong", ["https://archive.example.org", "archive.example.org:443", "a b", 5, ["a", 5]])
def test_hosts_are_names(refused: Refused, tmp_path: Path, wrong: object) -> None:
    (tmp_path / "luutru.toml").write_text(f"hosts = {json.dumps(wrong if isinstance(wrong, list) else [wrong])}\n")
    status, line = refused(tmp_path)
    assert status == 2
    assert "luutru.toml, line 1: hosts must be a list of host names" in line
