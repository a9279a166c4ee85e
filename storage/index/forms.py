"""The statements of a search, each made once for each form that questions have.

SQLAlchemy takes longer to make a statement than SQLite to answer it. Whatever differs from question to question is a
parameter: the terms (`Dialect.sought`), `newest`, and for those about given versions `versions` (a JSON list), `first`,
`last` and `count`.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, select

from storage.index.dialects import Dialect
from storage.index.tables import document, facet, version

NEWEST = bindparam("newest", type_=Integer)  # the newest version that the first page of an answer knew
_SPELLED = 20_000  # where only some words have diacritics: so many of the newest texts that spell these so
_FORMS = 64


@lru_cache(_FORMS)
def latest(found: Select[Any], count: int) -> Select[Any]:
    """So many of the matches that the first page knew, the newest first."""
    id_ = found.selected_columns.id
    return found.where(id_ <= NEWEST).order_by(id_.desc()).limit(count)


@lru_cache(_FORMS)
def spelled(folded: Select[Any], exact: Select[Any]) -> Select[Any]:
    """The matches that are also among the newest of others."""
    return folded.where((folded.selected_columns.id + 0).in_(latest(exact, _SPELLED)))


@lru_cache(_FORMS)
def among(dialect: Dialect, found: Select[Any]) -> Select[Any]:
    """Those of the matches that are listed."""
    id_ = found.selected_columns.id
    listed = found.where(id_.between(bindparam("first"), bindparam("last")), (id_ + 0).in_(dialect.listed("versions")))
    # SQLite scores nothing within what is gathered, and keeps what is limited apart; and it walks no further.
    return listed.limit(bindparam("count", type_=Integer))


@lru_cache(_FORMS)
def gathered(dialect: Dialect, found: Select[Any]) -> Select[Any]:
    """All rows as one value."""
    return select(dialect.gathered(*found.subquery().c))


@lru_cache(_FORMS)
def columns(dialect: Dialect, found: Select[Any]) -> Select[Any]:
    """Each column of the rows as one value."""
    values: list[ColumnElement[Any]] = [dialect.gathered(one) for one in found.subquery().c]
    return select(*values)


@lru_cache(_FORMS)
def scored(dialect: Dialect, found: Select[Any]) -> Select[Any]:
    """Number, score, last capture and document of each match, as one value."""
    matches = dialect.scored(found).subquery()
    told = select(matches.c.id, matches.c.score, version.c.last_seen, version.c.document)
    return gathered(dialect, told.join(version, version.c.id == matches.c.id))


@lru_cache(_FORMS)
def of_facets(found: Select[Any], columns: Select[Any]) -> Select[Any]:
    """These columns of `facet` for the matches, in their order."""
    rows = found.join(facet, facet.c.version == found.selected_columns.id + 0)
    return rows.with_only_columns(*columns.selected_columns)


@lru_cache(_FORMS)
def listed(dialect: Dialect, columns: Select[Any], most: int) -> Select[Any]:
    """These columns of `facet` for listed versions, the newest first."""
    return columns.where(facet.c.version.in_(dialect.listed("versions"))).order_by(facet.c.version.desc()).limit(most)


@lru_cache(_FORMS)
def days(dialect: Dialect) -> Select[Any]:
    """Day and number of the documents of listed versions."""
    of_listed = select(version.c.document).where(version.c.id.in_(dialect.listed("versions")))
    return select(document.c.day, document.c.id).where(document.c.id.in_(of_listed))
