"""`luutru sites show SITE --revisit`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from luutru.output import write, write_json, write_table
from storage.moments import written

if TYPE_CHECKING:
    from storage.collection import Collection
    from storage.index.revisits import DueCount


@dataclass(frozen=True, slots=True)
class Pause:
    """How long an address of a kind rests between two visits, in days; `undated` where nothing tells its age."""

    kind: str
    least: float
    undated: float
    most: float


@dataclass(frozen=True, slots=True)
class RevisitShown:
    """When a site's known addresses are fetched again; `share` is that of the time for which one has not changed."""

    site: str
    share: float
    policy: tuple[Pause, ...]
    due: "tuple[DueCount, ...]"


def revisit(collection: "Collection", site: str) -> RevisitShown:
    """The policy, and how many addresses of a site are due when."""
    from crawler.frontier import PACES, SHARE
    from storage.index import revisits

    moment = datetime.now(UTC)
    ends = [written(moment + timedelta(days=days)) for days in (0, 1, 7, 30)]
    with collection.index.read() as connection:
        due = revisits.due_counts(connection, site, ends)
    day = timedelta(days=1)
    policy = (Pause(kind, one.least / day, one.unknown / day, one.most / day) for kind, one in PACES.items())
    return RevisitShown(site, SHARE, tuple(policy), tuple(due))


def write_revisit(shown: RevisitShown, *, as_json: bool) -> None:
    """Two tables for people, one object for machines."""
    if as_json:
        write_json(shown)
        return
    write(f"An address is fetched again after {shown.share:.0%} of the time for which it has not changed.")
    write("Lists that a seed names, and seeds, are asked by every crawl. Pauses are spread by a third.\n")
    days = ((one.kind, f"{one.least:g}", f"{one.undated:g}", f"{one.most:g}") for one in shown.policy)
    write_table(("kind", "days at least", "if undated", "at most"), days)
    write()
    write_table(
        ("kind", "addresses", "due now", "in a day", "in a week", "in a month", "later"),
        ((one.kind, one.addresses, one.now, one.day, one.week, one.month, one.later) for one in shown.due),
    )
