"""Mentions: what pages say of other addresses, and the days that they give to articles without a date of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection, bindparam, func, or_, select, update

from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.tables import address, document, mention, version
from storage.model import Mention

ICT = timezone(timedelta(hours=7))  # Asia/Ho_Chi_Minh: a day of publication is a day there
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

_STANDS = (
    update(document)
    .where(document.c.id == bindparam("owner"))
    .values(published=bindparam("new_published"), day=bindparam("new_day"))
)


@dataclass(frozen=True, slots=True)
class Named:
    """What a capture says of an address, as rules read it."""

    capture: int
    rules: str
    mention: Mention


def record(connection: Connection, named: Sequence[Named]) -> None:
    """Write what captures say; of equal mentions by the same rules that of the first capture stands."""
    rows = [
        {
            "capture": one.capture,
            "rules": one.rules,
            "target": one.mention.target,
            "anchor": one.mention.anchor,
            "day": one.mention.day.isoformat() if one.mention.day else "",
        }
        for one in named
    ]
    keys = ("target", "anchor", "day", "rules")
    dialect_of(connection).insert_lowest(connection, mention, rows, keys=keys, column="capture")


def undated(connection: Connection, named: Sequence[Named]) -> set[int]:
    """Documents whose date is not on their own pages, and beside whose address one of these mentions names a day."""
    targets = sorted({one.mention.target for one in named if one.mention.day})
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


def date_again(index: Index) -> None:
    """Find the days that list pages give once more, for all documents that have such a day."""
    after = 0
    while True:
        with index.write() as connection:
            listed = select(version.c.document).where(version.c.published_from == LISTED, version.c.document > after)
            owners = list(connection.scalars(listed.distinct().order_by(version.c.document).limit(_CHUNK)))
            if not owners:
                return
            after = owners[-1]
            mine = version.c.document.in_(owners), version.c.published_from == LISTED
            connection.execute(update(version).where(*mine).values(published=None, published_from=None))
            rows = connection.execute(
                select(document.c.id, document.c.first_seen, version.c.published)
                .join(version, version.c.id == document.c.version)
                .where(document.c.id.in_(owners))
            )
            stands = [
                {"owner": id_, "new_published": published, "new_day": day_of(published, first_seen)}
                for id_, first_seen, published in rows
            ]
            connection.execute(_STANDS, stands)
            date(connection, owners)


def day_of(published: str | None, first_seen: str) -> str:
    """The day under which a document stands: that of its publication, else that of its first capture."""
    return published[:10] if published else datetime.fromisoformat(first_seen).astimezone(ICT).date().isoformat()
