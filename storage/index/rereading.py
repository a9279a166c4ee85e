"""Readings that other readings replace, because today's rules are not those that they were made by.

A document is read anew as a whole: all captures that gave it a text, in one transaction. Its rows then are what they
would be had these captures been read for the first time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.exc import OperationalError

from storage.index import documents, mentions, related
from storage.index.captures import BAD_ROW, READABLE, Pending, readable
from storage.index.dialects import dialect_of
from storage.index.documents import FAILED, Derived
from storage.index.engine import Index
from storage.index.tables import address, capture, document, mention, reading, version
from storage.moments import now

_UNSEEN = "~"  # later than every moment: what no capture has given
_PAGE = 5_000


class Change(StrEnum):
    """What another reading of a capture comes to."""

    NEW = "new"  # it waited for its first one
    SAME = "same"
    TEXT = "text"  # another text
    MOVED = "moved"  # another document
    GAINED = "gained"  # an article where there was none
    LOST = "lost"  # none where there was one
    FAILED = "failed"  # it could not be read; what was read before stays


@dataclass(frozen=True, slots=True)
class Reread:
    """One capture that was read again. `before` is the document that it was, `reason` why it is none (any more)."""

    capture: int
    site: str
    url: str
    change: Change
    document: str | None = None
    before: str | None = None
    digest: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Stood:
    """What the stored reading of a capture says."""

    document: str | None
    digest: str | None
    reason: str | None
    rules: str
    reread: str | None


def stale(
    connection: Connection, today: Mapping[str, str], since: str | None, part: int, parts: int, after: int, limit: int
) -> list[Pending]:
    """Captures that wait, or whose reading is not by the rules that their site has `today`, in the order of ids.

    With `since`, only those since then and the earlier ones of documents that were seen since then. Of them, those
    beyond `after` whose id leaves `part` when divided by `parts`.
    """
    of_today = or_(*(and_(capture.c.site == site, reading.c.rules == rules) for site, rules in today.items()))
    wanted = (
        READABLE.outerjoin(reading, reading.c.capture == capture.c.id)
        .where(capture.c.id > after, capture.c.id % parts == part, capture.c.site.in_(today))
        .where(or_(capture.c.derived.is_(None), and_(capture.c.derived == 1, ~of_today)))
        .limit(limit)
    )
    if since:
        seen = select(version.c.id).join(document, document.c.id == version.c.document)
        lately = reading.c.version.in_(seen.where(document.c.last_seen >= since))
        wanted = wanted.where(or_(capture.c.date >= since, lately))
    return readable(connection, wanted)


def clashing(connection: Connection, batch: Sequence[Derived]) -> set[int]:
    """Captures of the batch whose text is not that which stands, where it was read by other rules."""
    found = [one for one in batch if one.digest is not None]
    if not found:
        return set()
    other = exists().where(
        reading.c.version == version.c.id,
        version.c.document == document.c.id,
        reading.c.rules.not_in({one.rules for one in found}),
    )
    standing = version.alias("standing")
    query = (
        select(document.c.identity, document.c.site, address.c.url, standing.c.digest)
        .join(address, address.c.document == document.c.id)
        .outerjoin(standing, standing.c.id == document.c.version)
        .where(or_(document.c.identity.in_({one.identity for one in found}), address.c.url.in_([o.url for o in found])))
    )
    rows = connection.execute(query.where(other)).all()
    stands = {row.identity: row.digest for row in rows}
    named = {(row.url, row.site): row.identity for row in rows}
    return {
        one.capture
        for one in found
        if stands.get(one.identity, one.digest) != one.digest
        or named.get((one.url, one.site), one.identity) != one.identity
    }


def known(connection: Connection, id_: int) -> Pending:
    """The capture of this number."""
    return readable(connection, READABLE.where(capture.c.id == id_))[0]


def archived(connection: Connection) -> dict[str, str]:
    """The sites of all captures, each with the address of one."""
    first = select(func.min(capture.c.id)).group_by(capture.c.site)
    rows = connection.execute(select(capture.c.site, capture.c.url).where(capture.c.id.in_(first)))
    return {row.site: row.url for row in rows}


def beside(connection: Connection, one: Pending, identity: str | None) -> list[Pending]:
    """The capture and all others of the documents that it was, that its address was, and that it is now."""
    was = select(version.c.document).join(reading, reading.c.version == version.c.id)
    named = select(address.c.document).join(document, document.c.id == address.c.document)
    owners = was.where(reading.c.capture == one.id).union(
        named.where(address.c.url == one.url, document.c.site == one.site),
        select(document.c.id).where(document.c.identity == identity),
    )
    members = select(reading.c.capture).join(version, version.c.id == reading.c.version)
    known = readable(connection, READABLE.where(capture.c.id.in_(members.where(version.c.document.in_(owners)))))
    return known if one in known else [*known, one]


def stood(connection: Connection, captures: Sequence[int]) -> dict[int, Stood]:
    """The stored readings of captures."""
    query = (
        select(reading.c.capture, document.c.identity, version.c.digest)
        .add_columns(reading.c.reason, reading.c.rules, reading.c.reread)
        .outerjoin(version, version.c.id == reading.c.version)
        .outerjoin(document, document.c.id == version.c.document)
        .where(reading.c.capture.in_(dialect_of(connection).among(captures)))
    )
    return {row.capture: Stood(*row[1:]) for row in connection.execute(query)}


def compare(before: Stood | None, one: Derived) -> Reread:
    """What another reading of a capture changes."""
    found = one.identity if one.digest is not None else None
    change = _change(before, one)
    reason = before.reason if before and change is Change.GAINED else one.reading.reason
    was = before.document if before else None
    return Reread(one.capture, one.site, one.url, change, found, was, one.digest, reason)


def _change(before: Stood | None, one: Derived) -> Change:
    if (one.reading.reason or "").startswith(FAILED):
        return Change.FAILED
    if before is None:
        return Change.NEW
    if before.digest is None or one.digest is None:
        if before.digest == one.digest:
            return Change.SAME
        return Change.GAINED if one.digest else Change.LOST
    if before.document != one.identity:
        return Change.MOVED
    return Change.SAME if before.digest == one.digest else Change.TEXT


def replace_batch(index: Index, groups: Sequence[Sequence[Derived]]) -> list[list[Reread] | None]:
    """Replace the readings of each group in one transaction, as `replace` does; one that cannot be written stays."""
    try:
        with index.write() as connection:
            return [replace(connection, group) for group in groups]
    except OperationalError:
        raise
    except BAD_ROW:
        return [_replace_alone(index, group) for group in groups]


def _replace_alone(index: Index, group: Sequence[Derived]) -> list[Reread] | None:
    try:
        with index.write() as connection:
            return replace(connection, group)
    except OperationalError:
        raise
    except BAD_ROW as error:
        reason = f"{FAILED}{str(error).splitlines()[0]}"
        return [Reread(one.capture, one.site, one.url, Change.FAILED, reason=reason) for one in group]


def replace(connection: Connection, group: Sequence[Derived]) -> list[Reread] | None:
    """Put these readings in the place of those that are stored; tells those that were by other rules.

    None, and nothing is written, when the documents have captures that are not in the group: they came meanwhile.
    A capture with an article that now cannot be read keeps its documents as they are.
    """
    ids = {one.capture for one in group}
    before = stood(connection, sorted(ids))
    told = [
        compare(before.get(one.capture), one)
        for one in group
        if one.capture not in before or before[one.capture].rules != one.rules or not one.rules
    ]
    if any(one.change is Change.FAILED and one.before for one in told):
        return [one for one in told if one.change is Change.FAILED]
    owners = _owners(connection, {one.document for one in before.values() if one.document})
    if not _captures(connection, owners) <= ids:
        return None
    _forget(connection, owners, sorted(ids))
    documents.record(connection, group)
    _sweep(connection, owners)
    marks = {one.capture: now() for one in told if one.change is Change.TEXT}
    kept = {id_: one.reread for id_, one in before.items() if one.reread}
    rows = [{"row": id_, "moment": moment} for id_, moment in (kept | marks).items()]
    if rows:
        connection.execute(_MARK, rows)
    return told


_MARK = update(reading).where(reading.c.capture == bindparam("row")).values(reread=bindparam("moment"))


def _owners(connection: Connection, identities: set[str]) -> list[int]:
    found = document.c.identity.in_(dialect_of(connection).among(sorted(identities)))
    return list(connection.scalars(select(document.c.id).where(found)))


def _captures(connection: Connection, owners: Sequence[int]) -> set[int]:
    query = select(reading.c.capture).join(version, version.c.id == reading.c.version)
    return set(connection.scalars(query.where(version.c.document.in_(owners))))


def _forget(connection: Connection, owners: Sequence[int], captures: Sequence[int]) -> None:
    """Take readings away; documents and versions keep their numbers, and wait for captures that give them."""
    unseen: dict[str, Any] = {"first_seen": _UNSEEN, "last_seen": ""}
    undated: dict[str, Any] = {"published": None, "published_from": None}
    connection.execute(delete(reading).where(reading.c.capture.in_(dialect_of(connection).among(captures))))
    connection.execute(delete(address).where(address.c.document.in_(owners)))
    connection.execute(update(version).where(version.c.document.in_(owners)).values(unseen | undated))
    connection.execute(update(document).where(document.c.id.in_(owners)).values(unseen | {"version": None}))


def _sweep(connection: Connection, owners: Sequence[int]) -> None:
    """Remove what no capture gives any more."""
    left = and_(version.c.document.in_(owners), version.c.first_seen == _UNSEEN)
    ids = list(connection.scalars(select(version.c.id).where(left)))
    dialect_of(connection).remove_from_fulltext(connection, documents.texts_of(connection, ids))
    related.leave(connection, ids)
    connection.execute(delete(version).where(version.c.id.in_(ids)))
    connection.execute(delete(document).where(document.c.id.in_(owners), document.c.first_seen == _UNSEEN))


def forget_mentions(index: Index, sites: Sequence[str]) -> None:
    """Forget mentions that rules read in captures which other rules have read since, and the days that they gave."""
    stale_ones = (
        select(mention.c.id)
        .join(reading, reading.c.capture == mention.c.capture)
        .join(capture, capture.c.id == mention.c.capture)
        .where(mention.c.rules != reading.c.rules, capture.c.site.in_(sites))
        .limit(_PAGE)
    )
    forgotten = 0
    while True:
        with index.write() as connection:
            gone = connection.execute(delete(mention).where(mention.c.id.in_(stale_ones))).rowcount
        forgotten += gone
        if gone < _PAGE:
            break
    if forgotten:
        mentions.date_again(index)
