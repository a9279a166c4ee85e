"""How much came when: by site and month, from counts that are kept while rows are written.

A month is one in Việt Nam (`2025-01`); months in which nothing came are left out. What is withheld is kept, and counts.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from storage.index.tables import document, tally
from storage.index.withheld import narrowed, standing
from storage.model import Kind


@dataclass(frozen=True, slots=True)
class Month:
    """What came of one site in one month.

    `captures` are without requisites, `revisits` are among them. `documents` are articles that were captured for the
    first time, `versions` the texts that articles had for the first time, of new articles and of known ones.
    """

    site: str
    month: str
    captures: int
    revisits: int
    documents: int
    versions: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a site, by the last name of its path, with the documents that stand in it now."""

    section: str
    documents: int
    first: str  # days of the earliest and of the newest
    last: str


_COUNTS = (tally.c[name] for name in ("site", "month", "captures", "revisits", "documents", "versions"))
_MONTHS = (
    select(*_COUNTS)
    .where((tally.c.captures > 0) | (tally.c.versions > 0) | (tally.c.documents > 0))
    .order_by(tally.c.site, tally.c.month)
)
_MONTHS_OF_SITE = _MONTHS.where(tally.c.site == bindparam("of"))


def months(connection: Connection, site: str | None = None) -> list[Month]:
    """What came, by site and month, the earliest first."""
    rows = connection.execute(_MONTHS_OF_SITE, {"of": site}) if site else connection.execute(_MONTHS)
    return [Month(*row) for row in rows.all()]


_SECTIONS = (
    select(document.c.section, func.count().label("documents"), func.min(document.c.day), func.max(document.c.day))
    .where(document.c.site == bindparam("of"), document.c.kind == Kind.ARTICLE, document.c.section.is_not(None))
    .group_by(document.c.section)
    .order_by(func.count().desc(), document.c.section)
)


def sections(connection: Connection, site: str) -> list[Section]:
    """The sections of a site, the largest first; what only a withheld version says is none."""
    held = standing(connection)
    query = narrowed(_SECTIONS, [*held.documents_shown(), *held.versions_shown(document.c.version)])
    return [Section(*row) for row in connection.execute(query, {"of": site}).all()]
