"""How people name documents and addresses."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from storage.index.tables import document
from storage.urls import NotAnAddress, canonicalize

_BY_NUMBER = select(document).where(document.c.id == bindparam("wanted"))
_BY_IDENTITY = select(document).where(document.c.identity == bindparam("wanted"))


def named(connection: Connection, wanted: str) -> Row[Any] | None:
    """The row of the document of this identity or number."""
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) < 19
    query, value = (_BY_NUMBER, int(wanted)) if is_number else (_BY_IDENTITY, wanted)
    return connection.execute(query, {"wanted": value}).first()


def spellings(wanted: str) -> list[str]:
    """The canonical addresses that a person may mean: with either scheme."""
    _, scheme, rest = wanted.strip().partition("://")
    given = [wanted] if scheme else []
    found = []
    for spelling in (*given, *(f"{name}://{rest if scheme else wanted}" for name in ("https", "http"))):
        try:
            found.append(canonicalize(spelling))
        except NotAnAddress:
            continue
    return list(dict.fromkeys(found))
