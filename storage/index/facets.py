"""What the answers to a question have in common: how many there are of each site, section, month and trait."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Select, case, func, literal, select, union_all

from storage.index.tables import document

COUNTED = 10_000
_ALL = 2**62  # matches
Counts = tuple[tuple[str, int], ...]


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


def count(connection: Connection, matches: Callable[[int], Select[tuple[int]]], most: int) -> tuple[int, Facets]:
    """How many documents there are, and what they have in common; of more than `most` only so many are counted.

    `matches` gives the documents of so many matches, the newest; a document may match more than once.
    """
    found = _counted(connection, matches(most + most // 2 + 1), most)
    documents, counted = (number for _, number in found["total"])
    if documents <= most < counted:
        found = _counted(connection, matches(_ALL), most)
        documents, _ = (number for _, number in found["total"])
    return min(documents, most), Facets(
        site=_frequent_first(found.get("site", ())),
        section=_frequent_first(found.get("section", ())),
        month=tuple(sorted(found.get("month", ()), reverse=True)),
        has=(*found.get("attachment", ()), *found.get("changes", ())),
        capped=documents > most,
    )


def _counted(connection: Connection, matches: Select[tuple[int]], most: int) -> dict[str, list[tuple[str, int]]]:
    """Each value with its number, by facet; `total` has the number of documents and of matches."""
    named = matches.cte("matches")
    ids = select(next(iter(named.c)).label("id")).distinct().limit(most + 1).cte("wanted")
    rows = (
        select(
            document.c.site,
            document.c.section,
            func.substr(document.c.day, 1, 7).label("month"),
            case((document.c.files > 0, "attachment")).label("attachment"),
            case((document.c.versions > 1, "changes")).label("changes"),
        )
        .join(ids, ids.c.id == document.c.id)
        .limit(most)
        .cte("counted")
    )
    totals = (select(literal("total"), literal(""), func.count()).select_from(one) for one in (ids, named))
    parts = (
        select(literal(name), column, func.count()).where(column.is_not(None)).group_by(column)
        for name, column in rows.c.items()
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for name, value, number in connection.execute(union_all(*totals, *parts)):
        found.setdefault(name, []).append((value, number))
    return found


def _frequent_first(values: Iterable[tuple[str, int]]) -> Counts:
    return tuple(sorted(values, key=lambda one: (-one[1], one[0])))
