"""Documents in a line each."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from storage.index.dialects import dialect_of
from storage.index.tables import document, version
from storage.index.withheld import standing


@dataclass(frozen=True, slots=True)
class Brief:
    """A document as it stands; `day` is that of its publication, else of its first capture."""

    document: str
    site: str
    title: str
    day: str


def briefs(connection: Connection, identities: Collection[str]) -> dict[str, Brief]:
    """The documents of these identities; what is withheld is not among them."""
    rows = connection.execute(
        select(document.c.identity, document.c.site, version.c.title, document.c.day)
        .join(version, version.c.id == document.c.version)
        .where(document.c.identity.in_(dialect_of(connection).among(list(identities))))
        .where(*standing(connection).versions_shown())
    )
    return {row.identity: Brief(*row) for row in rows}
