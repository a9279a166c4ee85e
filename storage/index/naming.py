"""How people name documents and addresses."""

from sqlalchemy import ColumnElement

from storage.index.tables import document
from storage.urls import NotAnAddress, canonicalize


def is_named(wanted: str) -> ColumnElement[bool]:
    """Whether a row of `document` is the one of this identity or number."""
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) < 19
    return document.c.id == int(wanted) if is_number else document.c.identity == wanted


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
