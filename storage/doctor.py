"""What an archive needs of the machine it lies on, and what earlier processes left undone."""

import os
import re
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from storage.config import FILE, Config
from storage.disk import folders, free_bytes, sync_directory
from storage.errors import StorageError
from storage.index.engine import HEAD
from storage.index.state import State, look
from storage.locks import holder
from storage.manifest import OPEN

_NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
        *("glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"),
    )
)
_RELEASED = datetime(2025, 1, 1, tzinfo=UTC)  # no clock that is right is behind it
_SKEW = 2.0  # seconds that two clocks may differ
_SQLITE = (3, 35)  # the first that knows RETURNING


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `advice` says what to do where it is not as it should be."""

    name: str
    ok: bool
    detail: str
    advice: str | None = None


def examine(home: Path, config: Config, now: Callable[[], float] = time.time) -> tuple[Check, ...]:
    """Everything there is to look at in a home; nothing is changed but a file that is written and removed."""
    started = now() - time.monotonic()
    state, index = _index(home)
    crawled = {path.stem: holder(home, path.stem) for path in sorted((home / "locks").glob("*.lock"))}
    crawled.pop("manifest", None)
    return (
        _contact(config),
        *_secrets(home / FILE, config),
        _sqlite(),
        _written(home),
        _space(home, config.disk_ceiling),
        file_system(home, Path("/proc/self/mountinfo")),
        index,
        *_crawls(state, crawled),
        _unsealed(home, {site for site, held in crawled.items() if held}),
        _clock(home, state, started, now),
    )


def _contact(config: Config) -> Check:
    if config.contact:
        return Check("contact", True, config.contact)
    advice = 'write contact = "you@example.org" into luutru.toml, or run `luutru init`'
    return Check("contact", False, "none: no site is crawled without one", advice)


def _secrets(path: Path, config: Config) -> Iterator[Check]:
    """Where there are secrets in the configuration, whether everybody may read them."""
    kept = [name for name in ("token", "alerts") if config.origins.get(name, "").startswith(str(path))]
    if not kept:
        return
    told = f"{path.name} holds {' and '.join(kept)}"
    if path.stat().st_mode & stat.S_IROTH:
        yield Check("secrets", False, f"{told}, and everybody on this machine may read it", f"run `chmod o= {path}`")
    else:
        yield Check("secrets", True, f"{told}, for its owner and group alone")


def _sqlite() -> Check:
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    if sqlite3.sqlite_version_info < _SQLITE or "ENABLE_FTS5" not in options:
        detail = f"{sqlite3.sqlite_version}, {'with' if 'ENABLE_FTS5' in options else 'without'} full text"
        return Check("sqlite", False, detail, "use a Python whose sqlite3 is 3.35 or newer and has FTS5")
    return Check("sqlite", True, f"{sqlite3.sqlite_version}, with full text")


def _written(home: Path) -> Check:
    trial = home / f".doctor-{os.getpid()}"
    renamed = trial.with_suffix(".renamed")
    try:
        try:
            with trial.open("wb") as file:
                file.write(b"luutru")
                os.fsync(file.fileno())
            trial.rename(renamed)
            sync_directory(home)
        finally:
            for path in (trial, renamed):
                path.unlink(missing_ok=True)
    except OSError as error:
        advice = "let the user that runs luutru write there, or mount its disk for writing"
        return Check("writing", False, f"{home}: {error.strerror or error}", advice)
    return Check("writing", True, "a file can be written, brought to the disk, renamed and removed")


def _space(home: Path, least: int) -> Check:
    free = free_bytes(*folders(home))
    detail = f"{free / 1e9:,.1f} GB free"
    if free < least:
        return Check("space", False, detail, f"make room: crawls need {least / 1e9:.1f} GB (DISK_CEILING)")
    return Check("space", True, detail)


def file_system(home: Path, mounts: Path) -> Check:
    """Whether the home lies on a disk of this machine, as the index's write-ahead log and the locks need it."""
    found = _mounted(home.resolve(), mounts)
    if found is None:
        return Check("file system", True, "not known on this system: the archive needs a local one")
    kind, point = found
    if kind in _NETWORK:
        advice = "move the archive to a disk of this machine: the index and the locks cannot be trusted on this one"
        return Check("file system", False, f"{kind} at {point}, over a network", advice)
    return Check("file system", True, f"{kind} at {point}")


def _mounted(path: Path, mounts: Path) -> tuple[str, Path] | None:
    """Type and place of the file system that a path lies on; the mount that was made last hides the others."""
    if not mounts.exists():
        return None
    best: tuple[str, Path] | None = None
    for line in mounts.read_text("utf-8", "surrogateescape").splitlines():
        before, _, behind = line.partition(" - ")
        point = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4]))
        if path.is_relative_to(point) and (best is None or len(point.parts) >= len(best[1].parts)):
            best = (behind.split(" ")[0], point)
    return best


def _index(home: Path) -> tuple[State | None, Check]:
    path = home / "index.db"
    if not path.exists():
        if any((home / "warc").glob("*/*/*.warc.gz*")):
            advice = "put it back from a backup, or rebuild it"
            return None, Check("index", False, "index.db is gone, and WARC files are there", advice)
        return None, Check("index", True, "none yet: the first crawl makes it")
    try:
        state = look(path)
    except StorageError as error:
        return None, Check("index", False, str(error), "put it back from a backup, or move it away and rebuild it")
    detail = f"schema {state.revision}"
    if state.revision is not None and state.revision > HEAD:
        return state, Check("index", False, f"{detail}, this luutru knows {HEAD}", "upgrade luutru")
    if state.revision != HEAD:
        return state, Check("index", True, f"{detail}: the next command copies it, then brings it to {HEAD}")
    if state.journal != "wal":
        advice = "move the archive to a local file system that has shared memory"
        return state, Check("index", False, f"{detail}, its journal is {state.journal}, not wal", advice)
    return state, Check("index", True, detail)


def _crawls(state: State | None, crawled: dict[str, str | None]) -> Iterator[Check]:
    """Crawls that are said to run, against the locks that are held."""
    dead = [site for site in (state.running if state else ()) if not crawled.get(site)]
    if dead:
        advice = f"run `luutru crawl {' '.join(dead)}`: it goes on where they ended"
        yield Check("crawls", False, f"ended without a word: {', '.join(dead)}", advice)
    else:
        held = [f"{site} by {who}" for site, who in crawled.items() if who]
        yield Check("crawls", True, ", ".join(held) or "none runs")
    for site, who in crawled.items():
        number = re.match(r"process (\d+)", who or "")
        if number and not Path("/proc", number[1]).exists() and Path("/proc/self").exists():
            advice = "if no other machine or container crawls there, end the processes that have this file open"
            yield Check("locks", False, f"locks/{site}.lock is held by {who}, which is not here", advice)


def _unsealed(home: Path, crawled: set[str]) -> Check:
    left = [path.relative_to(home) for path in sorted((home / "warc").rglob(f"*{OPEN}"))]
    left = [path for path in left if path.parts[1] not in crawled]
    if left:
        sites = " ".join(dict.fromkeys(path.parts[1] for path in left))
        advice = f"run `luutru crawl {sites}`: it seals what is whole"
        return Check("files", False, f"unsealed: {', '.join(path.as_posix() for path in left)}", advice)
    return Check("files", True, "every WARC file is sealed, or being written")


def _clock(home: Path, state: State | None, started: float, now: Callable[[], float]) -> Check:
    moment = datetime.fromtimestamp(now(), UTC)
    told = moment.isoformat(timespec="seconds")
    advice = "set the clock, and let it be kept right (timedatectl set-ntp true)"
    if moment < _RELEASED:
        return Check("clock", False, f"{told}, which is before this luutru was made", advice)
    if state and state.newest and moment < datetime.fromisoformat(state.newest):
        return Check("clock", False, f"{told}, and the newest capture is of {state.newest}", advice)
    if abs(now() - time.monotonic() - started) > _SKEW:
        return Check("clock", False, f"{told}: it was set while this command ran", advice)
    return Check("clock", True, told)
