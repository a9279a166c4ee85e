"""What in an archive needs a person, as far as it is quick to see."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from storage.collection import Collection as Archive
from storage.disk import folders, free_bytes
from storage.index import health
from storage.index.health import File, Problem
from storage.locks import holder

_OF_RUNS = ("crawl", "drift", "expectations", "overdue")  # what tells how the last run of a site went


def problems(collection: Archive, now: datetime | None = None) -> list[Problem]:
    """All problems, those of the archive first, then by site; fast, and nothing of it is written down."""
    home, index = collection.home, collection.index
    with index.read() as connection:
        begun = health.begun(connection)
    dead = {site for site in begun if not holder(home, site)}
    with index.read() as connection:  # a later look: a crawl writes how it ended before it lets go of its site
        running = set(health.begun(connection)) - dead
        found = [*health.problems(connection, running, now or datetime.now(UTC)), *health.outdated(connection)]
        found += health.runs(connection, {one.site for one in found if one.kind in _OF_RUNS})
        files = health.files(connection)
    found += [*_disk(collection), *_unsealed(files, running), *_damaged(home, files)]
    return sorted(found, key=lambda one: (one.site or "", one.kind, one.detail))


def _disk(collection: Archive) -> Iterator[Problem]:
    free, least = free_bytes(*folders(collection.home)), collection.config.disk_ceiling
    if free < least:
        detail = f"only {free / 1e9:.1f} GB are free on the disk of {collection.home}: make room until there are "
        yield Problem(None, "disk", None, f"{detail}{least / 1e9:.1f} GB")


def _unsealed(files: Sequence[File], running: Collection[str]) -> Iterator[Problem]:
    """Files that nobody writes and nobody has sealed."""
    open_ = [one for one in files if one.bytes is None and one.site not in running]
    for site, mine in _by_site(open_):
        yield Problem(site, "unsealed", mine[0].started, f"{_named(mine)} not sealed, and no crawl runs")


def _damaged(home: Path, files: Sequence[File]) -> Iterator[Problem]:
    """Sealed files that are gone or have another length."""
    below = f"{home}{os.sep}"
    wrong = [one for one in files if one.bytes is not None and _length(below + one.name) != one.bytes]
    for site, mine in _by_site(wrong):
        yield Problem(site, "lost", None, f"{_named(mine)} lost or of another length: put back a copy")


def _length(path: str) -> int | None:  # an archive has thousands of files: a Path for each takes longer than the look
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None


def _by_site(files: Iterable[File]) -> Iterator[tuple[str, list[File]]]:
    grouped: dict[str, list[File]] = {}
    for one in files:
        grouped.setdefault(one.site, []).append(one)
    yield from grouped.items()


def _named(files: Sequence[File]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files):,} files, such as {files[0].name},"
