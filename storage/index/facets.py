"""What the answers to a question have in common: how many there are of each site, section, month and trait."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from storage.index import forms
from storage.index.dialects import dialect_of
from storage.index.tables import document, facet, shelf
from storage.index.withheld import Standing, standing

COUNTED = 10_000
_ALL = 2**62  # matches
_ATTACHMENT, _CHANGES = 1, 2  # as `facet` has them
_TRAITS, _MONTHS = 4, 1_000_000  # as many as there may be
_CODE = (
    facet.c.shelf * _MONTHS + facet.c.month
) * _TRAITS + facet.c.has  # one number is gathered in a third of the time
_FACETS = select(facet.c.document, _CODE.label("code"))
_SHELVES = select(shelf).where(shelf.c.id.in_(bindparam("ids", expanding=True)))
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


def count(
    connection: Connection, matching: Callable[[Select[Any], int], tuple[Select[Any], Mapping[str, Any]]], most: int
) -> tuple[int, Facets]:
    """How many documents there are, and what they have in common; of more than `most` only the first are counted.

    `matching` narrows a select from `facet` to so many matches, the newest first, and gives the values of its
    parameters; a document may match more than once.
    """
    portion = most + most // 4
    matches, found = _said(connection, *matching(_FACETS, portion))
    if matches == portion and len(found) <= most:
        _, found = _said(connection, *matching(_FACETS, _ALL))
    counted = dict(islice(found.items(), most)) if len(found) > most else found
    shelves, months, traits = Counter[int](), Counter[int](), Counter[int]()
    for code, number in Counter(counted.values()).items():
        on, month, has = _parts(code)
        shelves[on] += number
        months[month] += number
        traits[has] += number
    named, held = shelves.copy(), standing(connection)
    for which in counted.keys() & _withheld(connection, held):
        on, month, _ = _parts(counted[which])
        named[on] -= 1
        months[month] -= 1
    for which in counted.keys() & held.single:
        *_, has = _parts(counted[which])
        traits[has] -= 1
        traits[has & _ATTACHMENT] += 1
    sites, sections = Counter[str](), Counter[str]()
    for row in connection.execute(_SHELVES, {"ids": list(shelves)}).all():
        sites[row.site] += shelves[row.id]
        sections[row.section] += named[row.id]
    del sections[""]
    return min(len(found), most), Facets(
        site=_frequent_first(sites),
        section=_frequent_first(sections),
        month=tuple(
            (f"{one // 100:04}-{one % 100:02}", months[one]) for one in sorted(months, reverse=True) if months[one]
        ),
        has=tuple(
            (name, number)
            for name, trait in (("attachment", _ATTACHMENT), ("changes", _CHANGES))
            if (number := sum(count for has, count in traits.items() if has & trait))
        ),
        capped=len(found) > most,
    )


def _said(connection: Connection, matches: Select[Any], asked: Mapping[str, Any]) -> tuple[int, dict[int, int]]:
    """How many matches there are, and what is said of each of their documents, in their order."""
    row = connection.execute(forms.columns(dialect_of(connection), matches), asked).one()
    documents, codes = map(json.loads, row)
    return len(documents), dict(zip(documents, codes, strict=True))


def _parts(code: int) -> tuple[int, int, int]:
    """Shelf, month and traits."""
    rest, has = divmod(code, _TRAITS)
    return *divmod(rest, _MONTHS), has


def _withheld(connection: Connection, held: Standing) -> set[int]:
    """The documents whose standing version is withheld: nothing that it says is told."""
    if not held.versions:
        return set()
    among = dialect_of(connection).among(sorted(held.versions))
    return set(connection.scalars(select(document.c.id).where(document.c.version.in_(among))))


def _frequent_first(values: Mapping[str, int]) -> Counts:
    return tuple(sorted(((one, number) for one, number in values.items() if number), key=lambda one: (-one[1], one[0])))
