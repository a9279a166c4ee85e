"""What the fields of a question ask of the rows of `document` and `version`."""

import json
from collections.abc import Callable, Sequence

from sqlalchemy import Column, ColumnElement, Connection, and_, not_, or_, select

from storage.folding import fold
from storage.index.attachments import offering_pdfs
from storage.index.dialects import dialect_of
from storage.index.gone import gone
from storage.index.tables import document, version
from storage.index.withheld import standing
from storage.query import Filter, straight

Condition = ColumnElement[bool]

_OF_DOCUMENT = {"site", "after", "before", "gone", "has:attachment", "has:changes"}
_STRICTEST: dict[str, Callable[[Sequence[str]], str]] = {"after": max, "before": min, "gone": max}


def conditions(connection: Connection, filters: Sequence[Filter]) -> tuple[list[Condition], list[Condition]]:
    """Conditions on `document` alone, and conditions on `version` beside its `document`; all must hold."""
    values: dict[tuple[str, bool], list[str]] = {}
    for filter_ in filters:
        name = f"has:{filter_.value}" if filter_.field == "has" else filter_.field
        values.setdefault((name, filter_.excluded), []).append(filter_.value)
    on_document: list[Condition] = []
    on_version: list[Condition] = []
    for (name, excluded), asked in values.items():
        strictest = _STRICTEST.get(name)
        met = _ANY_OF[name](connection, [strictest(asked)] if strictest and not excluded else asked)
        (on_document if name in _OF_DOCUMENT else on_version).append(not_(met) if excluded else met)
    return on_document, on_version


def _site(connection: Connection, values: Sequence[str]) -> Condition:
    return document.c.site.in_(dialect_of(connection).among(values))


def _section(connection: Connection, values: Sequence[str]) -> Condition:
    wanted = {_comparable(value) for value in values}
    return _lists(connection, version.c.section, lambda names: not wanted.isdisjoint(names))


def _author(connection: Connection, values: Sequence[str]) -> Condition:
    wanted = [_comparable(value) for value in values]
    return _lists(connection, version.c.authors, lambda names: any(part in name for part in wanted for name in names))


def _lists(connection: Connection, column: Column[str], fits: Callable[[list[str]], bool]) -> Condition:
    """Whether the column's JSON list fits: each distinct list is read once, here, for SQL cannot fold."""
    lists = connection.scalars(select(column).distinct())
    fitting = [written for written in lists if fits([_comparable(name) for name in json.loads(written)])]
    return column.in_(dialect_of(connection).among(fitting))


def _comparable(name: str) -> str:
    return " ".join(fold(straight(name)).casefold().split())


def _after(connection: Connection, values: Sequence[str]) -> Condition:
    return document.c.day >= min(values)


def _before(connection: Connection, values: Sequence[str]) -> Condition:
    return document.c.day <= max(values)


def _has_attachment(connection: Connection, values: Sequence[str]) -> Condition:
    return document.c.files > 0


def _has_changes(connection: Connection, values: Sequence[str]) -> Condition:
    return and_(document.c.changed.is_not(None), *standing(connection).changed_shown())


def _has_pdf(connection: Connection, values: Sequence[str]) -> Condition:
    """Names a file with this suffix, or offers one that is a PDF whatever it is called, or is one."""
    named = (version.c.attachments != "[]") & version.c.attachments.ilike("%.pdf%")
    return or_(named, version.c.method == "pdf", version.c.id.in_(offering_pdfs()))


def _in(connection: Connection, values: Sequence[str]) -> Condition:
    return version.c.id == document.c.version


def _gone(connection: Connection, values: Sequence[str]) -> Condition:
    is_gone = document.c.id.in_(dialect_of(connection).among(list(gone(connection))))
    return or_(*(is_gone if value == "yes" else not_(is_gone) for value in values))


_ANY_OF: dict[str, Callable[[Connection, Sequence[str]], Condition]] = {
    "site": _site,
    "section": _section,
    "author": _author,
    "after": _after,
    "before": _before,
    "has:attachment": _has_attachment,
    "has:changes": _has_changes,
    "has:pdf": _has_pdf,
    "in": _in,
    "gone": _gone,
}
