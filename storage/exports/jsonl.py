"""JSON lines: documents as `luutru show` has them, with the texts of all versions; or what people and clocks decided.

What is written says nothing of the numbers of rows, so that two indexes of one archive give the same.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass

from storage.errors import Withheld
from storage.index import fixity, schedule, withholding
from storage.index.engine import Index
from storage.index.listings import identities
from storage.index.schedule import Planned, Run
from storage.index.whole import Whole, whole
from storage.index.withholding import Step

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that no WARC file says: what verifying a file came to at last."""

    operation: str
    file: str
    verified: str
    sha256: str
    problems: int


@dataclass(frozen=True, slots=True)
class Decided(Step):
    """That something was withheld, or released."""

    operation: str = "withholding"


@dataclass(frozen=True, slots=True)
class Scheduled(Planned):
    """How a job is planned."""

    operation: str = "schedule"


@dataclass(frozen=True, slots=True)
class Ran(Run):
    """A run of the ledger."""

    operation: str = "run"


def documents(index: Index, site: str | None = None) -> Iterator[Whole]:
    """All documents that are not withheld, or those of a site, by identity; raises StorageError."""
    for identity in identities(index, site):
        with index.read() as connection, suppress(Withheld):  # since its identity was read
            yield whole(connection, identity)


def operations(index: Index, site: str | None = None) -> Iterator[Operation | Decided | Scheduled | Ran]:
    """What the index knows and no WARC file says, of all sites or of one; raises StorageError."""
    after = ""
    while page := _results(index, after):
        for one in page:
            if site is None or one.file.startswith(f"warc/{site}/"):
                yield Operation("fixity", one.file, one.verified, one.sha256, one.problems)
        after = page[-1].file
    with index.read() as connection:
        yield from (Decided(**asdict(step)) for step in withholding.steps(connection, site))
        rows = schedule.planned(connection).values()
        yield from (Scheduled(**asdict(row)) for row in rows if site in (None, row.site))
    for page_of_runs in schedule.pages(index, _PAGE):
        yield from (Ran(**asdict(run)) for run in page_of_runs if site in (None, run.site))


def _results(index: Index, after: str) -> list[fixity.Result]:
    with index.read() as connection:
        return list(fixity.results(connection, after, _PAGE))
