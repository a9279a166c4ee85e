"""Homes whose schedule is served by the real daemon, with one site on loopback and everything else paused."""

import io
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sites_for_tests import PATIENCE, Ended, NewsSite, command, environment, make_home, rows, until

import spiders
from luutru.cli import main
from schedules.jobs import jobs
from storage.index import schedule
from storage.index.engine import Index
from storage.index.schedule import Planned
from storage.locks import daemon
from storage.moments import written


def make_served(home: Path, site: NewsSite | None, every: str | None = "6h", **keys: str | int) -> Path:
    """An archive of the site `news`, whose planned crawls find the server; nothing else of it is ever due."""
    mapping = site.connect_to[1] if site else "news.example:80:127.0.0.1:9"
    make_home(home, CONNECT_TO=mapping)
    config = home / "luutru.toml"
    given = "".join(f"{name} = {json.dumps(value)}\n" for name, value in keys.items())
    config.write_text(given + config.read_text())
    spider = home / "spiders" / "news.py"
    spider.write_text(spider.read_text().replace('key="news",', f'key="news",\n    every={every!r},'))
    index = Index.open(home / "index.db")
    with index.write() as connection:
        for one in jobs(spiders.sites()).values():
            schedule.put(connection, Planned(one.name, one.site, datetime.now(UTC), paused=datetime.now(UTC)))
    index.close()
    return home


class Serving:
    """`luutru schedule serve` beside the test; what it began is gone too when the context is left."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.process = subprocess.Popen(
            command(home, "schedule", "serve", "--json", *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def ready(self) -> Self:
        """Returns when it serves."""
        until(lambda: daemon(self.home), "it does not serve")
        return self

    def told(self) -> Any:
        """The next run of which it says that it has come to an end."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        return json.loads(line)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status when it is told to stop."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE)
        assert said == ""
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        for pid in pids(self.home):
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def pids(home: Path) -> list[int]:
    """The processes of runs that are not known to have ended."""
    return [pid for (pid,) in rows(home, "SELECT pid FROM ledger WHERE outcome = 'running' AND pid IS NOT NULL")]


def ledger(home: Path, job: str = "news") -> list[tuple[str, str | None]]:
    """Outcomes and reasons, by the moments at which runs were due."""
    found = rows(home, "SELECT outcome, reason FROM ledger WHERE job = ? ORDER BY due", job)
    return [(outcome, reason) for outcome, reason in found]


def outcomes(home: Path) -> list[str]:
    return [outcome for outcome, _ in ledger(home)]


def let_pass(home: Path, hours: float) -> None:
    """Let the plan be as it is when nobody has looked at it for so many hours."""
    moments = {"schedule": ("told", "next", "paused"), "ledger": ("due", "started", "finished")}
    index = Index.open(home / "index.db")
    with closing(index), index.write() as connection:
        for table, names in moments.items():
            for name in names:
                query = f"SELECT rowid, {name} FROM {table} WHERE job = 'news' AND {name} IS NOT NULL"
                for rowid, moment in connection.exec_driver_sql(query).all():
                    earlier = written(datetime.fromisoformat(moment) - timedelta(hours=hours))
                    connection.exec_driver_sql(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (earlier, rowid))


def schedule_command(home: Path, *words: str) -> Any:
    """What `luutru schedule … --json` answers."""
    ended = here(home, "schedule", *words, "--json")
    assert (ended.status, ended.err) == (0, "")
    return json.loads(ended.out)


def lines(home: Path, *words: str) -> Iterator[Any]:
    """The objects that a command writes, one a line."""
    return map(json.loads, here(home, *words, "--json").out.splitlines())


def here(home: Path, *words: str) -> Ended:
    """Run a command in this process, which is quicker than in one of its own."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["--home", str(home), *words])
    return Ended(status, out.getvalue(), err.getvalue())
