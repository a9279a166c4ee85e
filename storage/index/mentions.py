"""Mentions: what pages say of other addresses, and the days that they give to articles without a date of their own."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, or_, select, update

from storage.index.dialects import dialect_of
from storage.index.tables import address, document, mention, version
from storage.model import Mention

LISTED = "list page"  # where such a day was read
_CHUNK = 200  # values in one list of a statement
_UNDATED = or_(version.c.published.is_(None), version.c.published_from == LISTED)  # evidence may still come
_DATED = (
    update(version)
    .where(version.c.document == bindparam("owner"), _UNDATED)
    .values(published=bindparam("named_day"), published_from=LISTED)
)
_CURRENT = select(version.c.published).where(version.c.id == document.c.version).scalar_subquery()
_DATED_DOCUMENT = (
    update(document)
    .where(document.c.id == bindparam("owner"))
    .values(published=_CURRENT, day=func.coalesce(func.substr(_CURRENT, 1, 10), document.c.day))
)

Named = tuple[int, Mention]  # a capture, and what it says


def record(connection: Connection, named: Sequence[Named]) -> None:
    """Write what captures say; of equal mentions that of the first capture stands."""
    rows = [
        {
            "capture": capture,
            "target": one.target,
            "anchor": one.anchor,
            "day": one.day.isoformat() if one.day else "",
        }
        for capture, one in named
    ]
    dialect_of(connection).insert_lowest(connection, mention, rows, keys=("target", "anchor", "day"), column="capture")


def undated(connection: Connection, named: Sequence[Named]) -> set[int]:
    """Documents whose date is not on their own pages, and beside whose address one of these mentions names a day."""
    targets = sorted({one.target for _, one in named if one.day})
    found: set[int] = set()
    for chunk in (targets[i : i + _CHUNK] for i in range(0, len(targets), _CHUNK)):
        query = select(address.c.document).join(version, version.c.document == address.c.document)
        found.update(connection.scalars(query.where(address.c.url.in_(chunk), _UNDATED)))
    return found


def date(connection: Connection, documents: Sequence[int]) -> None:
    """Give undated versions the earliest day that list pages name beside the addresses of their document."""
    for chunk in (documents[i : i + _CHUNK] for i in range(0, len(documents), _CHUNK)):
        days = connection.execute(
            select(address.c.document, func.min(mention.c.day).label("day"))
            .join(mention, mention.c.target == address.c.url)
            .where(address.c.document.in_(chunk), mention.c.day != "")
            .group_by(address.c.document)
        ).all()
        if days:
            connection.execute(_DATED, [{"owner": row.document, "named_day": row.day} for row in days])
            connection.execute(_DATED_DOCUMENT, [{"owner": row.document} for row in days])
