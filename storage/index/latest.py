"""What is new: the newest documents, the latest changes, and what became of a site within a time.

Moments are text, as the index keeps them; a time is from `since` on, until before `until`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, select, tuple_

from storage.index.dialects import dialect_of
from storage.index.gone import gone as gone_within
from storage.index.tables import document, version
from storage.index.withheld import Standing, narrowed, standing
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


_IDENTITY = ("id", "identity", "url", "site", "published", "day", "first_seen", "versions")
_STANDING: Select[Any] = (
    select(*(document.c[name] for name in _IDENTITY), version.c.title, version.c.lead, version.c.section.label("path"))
    .join(version, version.c.id == document.c.version)
    .where(document.c.kind == Kind.ARTICLE)
)
_NEWEST: Select[Any] = _STANDING.order_by(document.c.day.desc(), document.c.id.desc()).limit(bindparam("number"))
_NEWEST_OF_SITE: Select[Any] = _NEWEST.where(document.c.site == bindparam("of"))


def newest(connection: Connection, site: str | None = None, limit: int = 10) -> list[Newest]:
    """The articles of the latest days, the latest first."""
    held = standing(connection)
    query = narrowed(_NEWEST_OF_SITE if site else _NEWEST, held.versions_shown())
    return [_newest(row, held) for row in connection.execute(query, _asked(site, number=limit)).all()]


_LAST = and_(version.c.document == document.c.id, version.c.first_seen == document.c.changed)
_CHANGED: Select[Any] = (
    select(version.c.id)
    .select_from(document)
    .join(version, _LAST)
    .where(document.c.changed.is_not(None), document.c.kind == Kind.ARTICLE)
    .order_by(document.c.changed.desc(), document.c.id.desc(), version.c.digest.desc())
    .limit(bindparam("number"))
)
_CHANGED_OF_SITE: Select[Any] = _CHANGED.where(document.c.site == bindparam("of"))


def changes(connection: Connection, site: str | None = None, limit: int = 10) -> list[Change]:
    """The latest change of each article that has changed, the latest first."""
    held = standing(connection)
    query = narrowed(_CHANGED_OF_SITE if site else _CHANGED, held.versions_shown())
    return _changes(connection, query, _asked(site, number=limit), held)


_other = version.alias("other")
_EARLIER = tuple_(_other.c.first_seen, _other.c.digest) < tuple_(version.c.first_seen, version.c.digest)
_IS_LATER = select(_other.c.id).where(_other.c.document == version.c.document, _EARLIER).exists()  # is not the first
_CAME = and_(
    document.c.site == bindparam("of"),
    document.c.first_seen >= bindparam("since"),
    document.c.first_seen < bindparam("until"),
)
_NEW: Select[Any] = (
    _STANDING.where(_CAME).order_by(document.c.first_seen.desc(), document.c.id.desc()).limit(bindparam("number"))
)
_NEW_TOTAL: Select[Any] = select(func.count()).select_from(document).where(_CAME, document.c.kind == Kind.ARTICLE)
_CHANGED_BETWEEN: Select[Any] = (
    select(version.c.id)
    .join(document, document.c.id == version.c.document)
    .where(document.c.site == bindparam("of"), document.c.kind == Kind.ARTICLE)
    .where(document.c.changed >= bindparam("since"), version.c.first_seen >= bindparam("since"))
    .where(version.c.first_seen < bindparam("until"), _IS_LATER)
)
_CHANGED_TOTAL: Select[Any] = _CHANGED_BETWEEN.with_only_columns(func.count())
_LATEST_CHANGED: Select[Any] = _CHANGED_BETWEEN.order_by(version.c.first_seen.desc(), version.c.id.desc()).limit(
    bindparam("number")
)


def changes_between(connection: Connection, site: str, since: str, until: str, limit: int = 100) -> Changes:
    """What became of a site within a time: articles that were new, that had another text, that were gone at last."""
    held, asked = standing(connection), _asked(site, since=since, until=until)
    limited = asked | {"number": limit}
    new = narrowed(narrowed(_NEW, held.versions_shown()), held.documents_shown())
    gone = _gone(connection, gone_within(connection, site, since, until), held)
    counts = (
        connection.scalar(narrowed(_NEW_TOTAL, held.documents_shown()), asked) or 0,
        connection.scalar(narrowed(_CHANGED_TOTAL, held.versions_shown()), asked) or 0,
        len(gone),
    )
    latest = narrowed(_LATEST_CHANGED, held.versions_shown())
    return Changes(
        new=tuple(_newest(row, held) for row in connection.execute(new, limited).all()),
        changed=tuple(_changes(connection, latest, limited, held)),
        gone=tuple(gone[:limit]),
        new_total=counts[0],
        changed_total=counts[1],
        gone_total=counts[2],
        capped=max(counts) > limit,
    )


def _asked(site: str | None, **values: str | int) -> dict[str, str | int]:
    return {"of": site, **values} if site else values


def _newest(row: _Row, held: Standing) -> Newest:
    return Newest(
        document=row.identity,
        url=held.address(row.id, row.url),
        site=row.site,
        title=row.title,
        lead=row.lead,
        section=tuple(json.loads(row.path)),
        published=row.published,
        day=row.day,
        first_seen=row.first_seen,
        versions=held.count(row.id, row.versions),
    )


_OWNERS = select(version.c.document).where(version.c.id.in_(bindparam("ids", expanding=True)))
_VERSIONS = (
    select(version.c.id, version.c.document, version.c.first_seen, version.c.title, version.c.text)
    .add_columns(document.c.identity, document.c.url, document.c.site)
    .join(document, document.c.id == version.c.document)
    .where(version.c.document.in_(_OWNERS))
    .order_by(version.c.document, version.c.first_seen, version.c.digest)
)


def _changes(
    connection: Connection, wanted: Select[Any], asked: Mapping[str, str | int], held: Standing
) -> list[Change]:
    """The changes that led to these versions, in their order; each beside the last one before it that may be shown."""
    ids = connection.scalars(wanted, asked).all()
    rows = connection.execute(_VERSIONS, {"ids": ids}).all() if ids else ()
    found: dict[int, Change] = {}
    for _, versions in groupby(rows, key=lambda row: row.document):
        shown = [(number, row) for number, row in enumerate(versions, 1) if row.id not in held.versions]
        for before, after in pairwise(shown):
            found[after[1].id] = _change(before, after, held)
    return [found[id_] for id_ in ids if id_ in found]


def _change(before: tuple[int, _Row], after: tuple[int, _Row], held: Standing) -> Change:
    (number, row), (number_before, row_before) = after, before
    return Change(
        document=row.identity,
        url=held.address(row.document, row.url),
        site=row.site,
        title=row.title,
        before=number_before,
        after=number,
        when=row.first_seen,
        old=f"{row_before.title}\n\n{row_before.text}",
        new=f"{row.title}\n\n{row.text}",
    )


def _gone(connection: Connection, moments: Mapping[int, str], held: Standing) -> list[Gone]:
    if not moments:
        return []
    rows = connection.execute(
        select(document.c.id, document.c.identity, document.c.url, document.c.site, version.c.title)
        .join(version, version.c.id == document.c.version)
        .where(document.c.id.in_(dialect_of(connection).among(list(moments))), document.c.kind == Kind.ARTICLE)
        .where(*held.versions_shown())
    )
    found = [Gone(row.identity, held.address(row.id, row.url), row.site, row.title, moments[row.id]) for row in rows]
    return sorted(found, key=lambda one: (one.since, one.document), reverse=True)
