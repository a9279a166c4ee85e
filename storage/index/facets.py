"""What the answers to a question have in common: how many there are of each site, section, month and trait."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from storage.index.dialects import dialect_of
from storage.index.tables import document
from storage.index.withheld import Standing, standing

COUNTED = 10_000
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


def count(connection: Connection, matches: Select[tuple[int]], most: int) -> tuple[int, Facets]:
    """How many documents there are, and what they have in common; of more than `most` only the first are counted.

    `matches` are the documents, the newest match first; one may match more than once.
    """
    held = standing(connection)
    wanted = matches.distinct().limit(most + 1).cte("wanted")
    (id_,) = wanted.c
    rows = (
        select(
            document.c.site,
            _said(document.c.section, held).label("section"),
            _said(func.substr(document.c.day, 1, 7), held).label("month"),
            case((document.c.files > 0, 1), else_=0).label("attachment"),
            case((and_(document.c.versions > 1, *held.changed_shown()), 1), else_=0).label("changes"),
        )
        .join(wanted, id_ == document.c.id)
        .limit(most)
        .subquery()
    )
    gathered = dialect_of(connection).gathered
    total, attachment, changes, *lists = connection.execute(
        select(
            select(func.count()).select_from(wanted).scalar_subquery(),
            func.coalesce(func.sum(rows.c.attachment), 0),
            func.coalesce(func.sum(rows.c.changes), 0),
            *(gathered(column) for column in (rows.c.site, rows.c.section, rows.c.month)),
        )
    ).one()
    site, section, month = (Counter(json.loads(written)) for written in lists)
    has = (("attachment", attachment), ("changes", changes))
    return min(total, most), Facets(
        site=_frequent_first(site),
        section=_frequent_first(section),
        month=tuple(sorted(_named(month), reverse=True)),
        has=tuple((name, number) for name, number in has if number),
        capped=total > most,
    )


def _frequent_first(values: Mapping[str | None, int]) -> Counts:
    return tuple(sorted(_named(values), key=lambda one: (-one[1], one[0])))


def _named(values: Mapping[str | None, int]) -> Iterator[tuple[str, int]]:
    return ((name, number) for name, number in values.items() if name is not None)


def _said(column: ColumnElement[Any], held: Standing) -> ColumnElement[Any]:
    """What the standing version of a document says; nothing where that is withheld."""
    conditions = held.versions_shown(document.c.version)
    return case((and_(*conditions), column)) if conditions else column
