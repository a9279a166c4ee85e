"""Documents in a line each."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from storage.index.tables import document, version
from storage.index.withheld import narrowed, standing

_BRIEF = (
    select(document.c.identity, document.c.site, version.c.title, document.c.day)
    .join(version, version.c.id == document.c.version)
    .where(document.c.identity.in_(bindparam("identities", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Brief:
    """A document as it stands; `day` is that of its publication, else of its first capture."""

    document: str
    site: str
    title: str
    day: str


def briefs(connection: Connection, identities: Collection[str]) -> dict[str, Brief]:
    """The documents of these identities; what is withheld is not among them."""
    query: Select[Any] = narrowed(_BRIEF, standing(connection).versions_shown())
    rows = connection.execute(query, {"identities": list(identities)}).all()
    return {row.identity: Brief(*row) for row in rows}
