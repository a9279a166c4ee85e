"""What a list of results shows of a document."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, case, func, select, tuple_

from storage.index.attachments import Offering, offered_by
from storage.index.questions import TERMINAL
from storage.index.tables import document, version
from storage.index.withheld import Standing, standing
from storage.model import Kind

_EXCERPT = 240
_Row = Row[*tuple[Any, ...]]
_LINES = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Hit:
    """A document, and the version of it that answers best; the newest where several answer alike.

    Where it is a file, `articles` are those that offer it.

    `document` is its identity; `version` the number of the version among the document's `versions`, from 1 by first
    capture, and `captured` the moment of that capture; `score` is None where nothing was ranked, else more is better.
    `also` are documents that answer too and are left out, because they are republications of this one. `marked` is the
    title with its matches between marks.
    """

    document: str
    url: str
    site: str
    title: str
    lead: str | None
    published: str | None
    section: tuple[str, ...]
    snippet: str
    score: float | None
    version: int
    versions: int
    captured: str
    kind: str
    articles: tuple[Offering, ...]
    also: tuple[str, ...] = ()
    marked: str = field(default="", metadata=TERMINAL)


def hits(
    connection: Connection,
    versions: Sequence[int],
    shown: Mapping[int, tuple[str, str]],
    scores: Mapping[int, float],
    also: Mapping[int, tuple[str, ...]],
) -> tuple[Hit, ...]:
    """The documents of these versions, in their order.

    By version: the passage that is `shown` and the title, without which a text shows how it begins, and the score. By
    document: what else it stands for.
    """
    held = standing(connection)
    rows = {row.id: row for row in connection.execute(_shown(held), {"ids": list(versions)}).all()}
    files = [row.document for row in rows.values() if row.kind == Kind.ATTACHMENT]
    offered = offered_by(connection, files) if files else {}
    return tuple(
        _hit(
            row,
            held.address(row.document, row.url),
            shown.get(row.id),
            scores.get(row.id),
            offered.get(row.document, ()),
            also.get(row.document, ()),
        )
        for row in (rows[id_] for id_ in versions)
    )


_other = version.alias("other")
_others = select(func.count()).where(_other.c.document == document.c.id)
_is_earlier = tuple_(_other.c.first_seen, _other.c.digest) <= tuple_(version.c.first_seen, version.c.digest)
_SHOWN = (
    select(
        document.c.id.label("document"),
        document.c.identity,
        document.c.kind,
        document.c.url,
        document.c.site,
        version.c.id,
        version.c.title,
        version.c.lead,
        version.c.section,
        version.c.first_seen,
        func.substr(version.c.text, 1, _EXCERPT).label("excerpt"),
        _others.where(_is_earlier).scalar_subquery().label("number"),
    )
    .join(version, version.c.document == document.c.id)
    .where(version.c.id.in_(bindparam("ids", expanding=True)))
)
_SHOWN_ALL = _SHOWN.add_columns(document.c.published, _others.scalar_subquery().label("versions"))


def _shown(held: Standing) -> Select[Any]:
    if not held.versions:
        return _SHOWN_ALL
    stands = and_(*held.versions_shown(document.c.version))  # else its date is that of what is withheld
    published = case((stands, document.c.published), else_=version.c.published)
    versions = _others.where(*held.versions_shown(_other.c.id)).scalar_subquery()
    return _SHOWN.add_columns(published.label("published"), versions.label("versions"))


def _hit(
    row: _Row,
    url: str,
    shown: tuple[str, str] | None,
    score: float | None,
    articles: tuple[Offering, ...],
    also: tuple[str, ...],
) -> Hit:
    return Hit(
        document=row.identity,
        url=url,
        site=row.site,
        title=row.title,
        lead=row.lead,
        published=row.published,
        section=tuple(json.loads(row.section)),
        snippet=_LINES.sub(" ", shown[0] if shown else _excerpt(row)),
        score=score,
        version=row.number,
        versions=row.versions,
        captured=row.first_seen,
        kind=row.kind,
        articles=articles,
        also=also,
        marked=shown[1] if shown else row.title,
    )


def _excerpt(row: _Row) -> str:
    text: str = row.lead or row.excerpt
    return text if len(text) < _EXCERPT else text[:_EXCERPT].rpartition(" ")[0] + "…"
