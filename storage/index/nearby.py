"""Addresses of the archive that stand beside one that it does not have."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from storage.index.tables import capture
from storage.index.withheld import standing
from storage.model import Kind
from storage.surt import surt
from storage.urls import NotAnAddress, canonicalize

_ROWS = 200  # captures that are looked at on either side


@dataclass(frozen=True, slots=True)
class Near:
    """An address, its number of captures, and the moments of the first and the last of them."""

    url: str
    captures: int
    first: str
    last: str


def nearby(connection: Connection, url: str, limit: int = 4) -> list[Near]:
    """The addresses on the same host whose keys come right before and after, the most alike first."""
    try:
        asked = surt(canonicalize(url if "://" in url else f"https://{url}"))
    except NotAnAddress:
        return []
    host = asked.partition(")")[0]
    key = capture.c.urlkey
    pages = and_(capture.c.kind.not_in((Kind.REQUISITE, Kind.ROBOTS)), *standing(connection).captures_shown())
    keys = set[str]()
    for beside in (
        select(key).where(key >= asked, key < f"{host}*", pages).order_by(key).limit(_ROWS),
        select(key).where(key < asked, key >= f"{host})", pages).order_by(key.desc()).limit(_ROWS),
    ):
        keys |= set(list(dict.fromkeys(connection.scalars(beside)))[:limit])
    best = sorted(keys, key=lambda one: (-_common(one, asked), one))[:limit]
    rows = connection.execute(
        select(func.max(capture.c.url), func.count(), func.min(capture.c.date), func.max(capture.c.date), key)
        .where(key.in_(best), pages)
        .group_by(key)
    ).all()
    return [Near(*row[:4]) for row in sorted(rows, key=lambda row: best.index(row[4]))]


def _common(one: str, other: str) -> int:
    """How many characters two keys begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
