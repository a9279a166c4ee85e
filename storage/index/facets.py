"""What the answers to a question have in common: how many there are of each site, section, month and trait."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Select, select

from storage.index.tables import document

COUNTED = 10_000
Counts = tuple[tuple[str, int], ...]
DOCUMENTS: Select[Any] = select(
    document.c.id, document.c.site, document.c.section, document.c.day, document.c.files, document.c.versions
)


class Counted(Protocol):
    """A row of `DOCUMENTS`."""

    @property
    def site(self) -> str: ...
    @property
    def section(self) -> str | None: ...
    @property
    def day(self) -> str: ...
    @property
    def files(self) -> int: ...
    @property
    def versions(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Facets:
    """Values with their number of documents, the most frequent first; months (YYYY-MM) the newest first.

    `has` are the traits for which the language of questions has this word: `attachment` of documents that offer files,
    `changes` of those with more than one version. When `capped`, only the newest `COUNTED` matches are counted.
    """

    site: Counts
    section: Counts
    month: Counts
    has: Counts
    capped: bool

    @property
    def year(self) -> Counts:
        """Years with their number of documents, the newest first."""
        years = Counter[str]()
        for month, count in self.month:
            years[month[:4]] += count
        return tuple(years.items())


def facets(documents: Collection[Counted], capped: bool) -> Facets:
    """What these documents have in common."""
    traits = {
        "attachment": sum(1 for row in documents if row.files),
        "changes": sum(1 for row in documents if row.versions > 1),
    }
    return Facets(
        site=_frequent_first(row.site for row in documents),
        section=_frequent_first(row.section for row in documents if row.section),
        month=tuple(sorted(Counter(row.day[:7] for row in documents).items(), reverse=True)),
        has=tuple((name, count) for name, count in traits.items() if count),
        capped=capped,
    )


def _frequent_first(values: Iterable[str]) -> Counts:
    return tuple(sorted(Counter(values).items(), key=lambda one: (-one[1], one[0])))
