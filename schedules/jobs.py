"""What is done again and again: a crawl of each site, and other work. Adding some is adding a value to `WORK`."""

from collections.abc import Mapping
from dataclasses import dataclass

from crawler.sites import Site
from storage.errors import UsageError


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is run at a cadence, in a process of its own: `luutru` with these words.

    `cadence` is that of the definition, as `schedules.plan` reads it; None: it is only run when a person says so.
    """

    name: str
    command: tuple[str, ...]
    cadence: str | None
    site: str | None = None


WORK = (
    Job("verify-sample", ("verify", "--sample", "5%"), "1d 01:00-05:00"),
    Job("verify", ("verify",), "0 1 1 * *"),
    Job("upkeep", ("upkeep",), "7d 01:00-05:00"),
    Job("export-wacz", ("export", "wacz"), "0 2 2 * *"),
    Job("doctor", ("doctor",), "0 8 * * *"),  # when the digest is due, which goes with what ends then
)


def jobs(sites: Mapping[str, Site]) -> dict[str, Job]:
    """All jobs by name: the crawls of these sites, and all other work; raises UsageError where names are the same."""
    if same := sites.keys() & {one.name for one in WORK}:
        raise UsageError(f"the site {min(same)!r} needs another key: other planned work has that name")
    crawls = (Job(key, ("crawl", key), one.every, key) for key, one in sites.items())
    return {one.name: one for one in (*crawls, *WORK)}
