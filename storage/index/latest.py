"""What is new: the newest documents, the latest changes, and what became of a site within a time.

Moments are text, as the index keeps them; a time is from `since` on, until before `until`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select, tuple_

from storage.index.dialects import dialect_of
from storage.index.gone import gone as gone_within
from storage.index.tables import document, version
from storage.model import Kind

_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Newest:
    """A document as it stands; `day` is that of its publication, else of its first capture."""

    document: str
    url: str
    site: str
    title: str
    lead: str | None
    section: tuple[str, ...]
    published: str | None
    day: str
    first_seen: str
    versions: int


@dataclass(frozen=True, slots=True)
class Change:
    """A text that came in the place of another: numbers of the two versions, and when the later was captured first.

    `old` and `new` are what they say, the title first, for who compares them.
    """

    document: str
    url: str
    site: str
    title: str
    before: int
    after: int
    when: str
    old: str = field(metadata={"json": False})
    new: str = field(metadata={"json": False})


@dataclass(frozen=True, slots=True)
class Gone:
    """A document that is no longer on its site, and since when."""

    document: str
    url: str
    site: str
    title: str
    since: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of a site within a time, the latest first. When `capped`, each list has only the latest of more."""

    new: tuple[Newest, ...]
    changed: tuple[Change, ...]
    gone: tuple[Gone, ...]
    new_total: int
    changed_total: int
    gone_total: int
    capped: bool


def newest(connection: Connection, site: str | None = None, limit: int = 10) -> list[Newest]:
    """The articles of the latest days, the latest first."""
    query = _standing().order_by(document.c.day.desc(), document.c.id.desc()).limit(limit)
    return [_newest(row) for row in connection.execute(query.where(document.c.site == site) if site else query)]


def changes(connection: Connection, site: str | None = None, limit: int = 10) -> list[Change]:
    """The latest change of each article that has changed, the latest first."""
    last = and_(version.c.document == document.c.id, version.c.first_seen == document.c.changed)
    query = (
        select(version.c.id)
        .select_from(document)
        .join(version, last)
        .where(document.c.changed.is_not(None), document.c.kind == Kind.ARTICLE)
        .order_by(document.c.changed.desc(), document.c.id.desc(), version.c.digest.desc())
        .limit(limit)
    )
    return _changes(connection, query.where(document.c.site == site) if site else query)


def changes_between(connection: Connection, site: str, since: str, until: str, limit: int = 100) -> Changes:
    """What became of a site within a time: articles that were new, that had another text, that were gone at last."""
    came = and_(document.c.site == site, document.c.first_seen >= since, document.c.first_seen < until)
    new = _standing().where(came).order_by(document.c.first_seen.desc(), document.c.id.desc()).limit(limit)
    fresh = select(func.count()).select_from(document).where(came, document.c.kind == Kind.ARTICLE)
    changed = (
        select(version.c.id)
        .join(document, document.c.id == version.c.document)
        .where(document.c.site == site, document.c.kind == Kind.ARTICLE, document.c.changed >= since)
        .where(version.c.first_seen >= since, version.c.first_seen < until, _is_later())
    )
    gone = _gone(connection, gone_within(connection, site, since, until))
    counts = (
        connection.scalar(fresh) or 0,
        connection.scalar(select(func.count()).select_from(changed.subquery())) or 0,
        len(gone),
    )
    latest = changed.order_by(version.c.first_seen.desc(), version.c.id.desc()).limit(limit)
    return Changes(
        new=tuple(_newest(row) for row in connection.execute(new)),
        changed=tuple(_changes(connection, latest)),
        gone=tuple(gone[:limit]),
        new_total=counts[0],
        changed_total=counts[1],
        gone_total=counts[2],
        capped=max(counts) > limit,
    )


def _standing() -> Select[Any]:
    return (
        select(document, version.c.title, version.c.lead, version.c.section.label("path"))
        .join(version, version.c.id == document.c.version)
        .where(document.c.kind == Kind.ARTICLE)
    )


def _newest(row: _Row) -> Newest:
    return Newest(
        document=row.identity,
        url=row.url,
        site=row.site,
        title=row.title,
        lead=row.lead,
        section=tuple(json.loads(row.path)),
        published=row.published,
        day=row.day,
        first_seen=row.first_seen,
        versions=row.versions,
    )


_other = version.alias("other")


def _is_later() -> Any:
    """A version that is not the first of its document."""
    earlier = tuple_(_other.c.first_seen, _other.c.digest) < tuple_(version.c.first_seen, version.c.digest)
    return select(_other.c.id).where(_other.c.document == version.c.document, earlier).exists()


def _changes(connection: Connection, wanted: Select[Any]) -> list[Change]:
    """The changes that led to these versions, in their order."""
    ids = [row[0] for row in connection.execute(wanted)]
    owners = select(version.c.document).where(version.c.id.in_(ids))
    rows = connection.execute(
        select(version.c.id, version.c.document, version.c.first_seen, version.c.title, version.c.text)
        .add_columns(document.c.identity, document.c.url, document.c.site)
        .join(document, document.c.id == version.c.document)
        .where(version.c.document.in_(owners))
        .order_by(version.c.document, version.c.first_seen, version.c.digest)
    ).all()
    found: dict[int, Change] = {}
    number, before = 1, None
    for row in rows:
        number = number + 1 if before is not None and before.document == row.document else 1
        if before is not None and number > 1:
            found[row.id] = _change(row, before, number)
        before = row
    return [found[id_] for id_ in ids]


def _change(row: _Row, before: _Row, number: int) -> Change:
    return Change(
        document=row.identity,
        url=row.url,
        site=row.site,
        title=row.title,
        before=number - 1,
        after=number,
        when=row.first_seen,
        old=f"{before.title}\n\n{before.text}",
        new=f"{row.title}\n\n{row.text}",
    )


def _gone(connection: Connection, moments: Mapping[int, str]) -> list[Gone]:
    rows = connection.execute(
        select(document.c.id, document.c.identity, document.c.url, document.c.site, version.c.title)
        .join(version, version.c.id == document.c.version)
        .where(document.c.id.in_(dialect_of(connection).among(list(moments))), document.c.kind == Kind.ARTICLE)
    )
    found = [Gone(row.identity, row.url, row.site, row.title, moments[row.id]) for row in rows]
    return sorted(found, key=lambda one: (one.since, one.document), reverse=True)
