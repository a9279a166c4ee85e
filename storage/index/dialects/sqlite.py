"""SQLite: two FTS5 tables over `version` that hold no text of their own.

`version_folded` is fed with text whose đ is d, and drops the diacritics itself; `version_exact` is fed with one
spelling and keeps them. Both read the original from `version` when they show a passage, and are emptied with what they
were fed: a change in `storage.folding` needs a migration that makes and fills them anew. FTS5's own `rebuild` would
feed them text that is not folded: never run it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    TableClause,
    column,
    func,
    insert,
    literal,
    select,
    table,
    text,
    union,
)
from sqlalchemy.dialects import sqlite

from storage.folding import INVISIBLE, accented, spell, strokeless
from storage.index.dialects import sqlite_counts
from storage.query import Term

_COLUMNS = ("title", "lead", "text")
_WEIGHTS = (8.0, 3.0, 1.0)
_SNIPPET_WORDS = 40


def _fulltext(name: str) -> TableClause:
    return table(name, *map(column, ("rowid", name, *_COLUMNS)))


_FOLDED = _fulltext("version_folded")
_EXACT = _fulltext("version_exact")


class SQLite:
    """The dialect of SQLite 3.38 and later; its promises stand in `storage.index.dialects.Dialect`."""

    def create_fulltext(self, connection: Connection) -> None:
        for name, remove in (_FOLDED.name, 2), (_EXACT.name, 0):
            tokenize = f"unicode61 remove_diacritics {remove} tokenchars '{INVISIBLE}'"
            options = f'content=version, content_rowid=id, tokenize="{tokenize}"'
            connection.execute(text(f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(_COLUMNS)}, {options})"))

    def keep_counts(self, connection: Connection) -> None:
        sqlite_counts.create(connection)
        sqlite_counts.fill(connection)

    def add_to_fulltext(self, connection: Connection, rows: Iterable[tuple[int, str, str | None, str]]) -> None:
        _feed(connection, rows, None)

    def remove_from_fulltext(self, connection: Connection, rows: Iterable[tuple[int, str, str | None, str]]) -> None:
        _feed(connection, rows, "delete")

    def merge_fulltext(self, connection: Connection, pages: int) -> bool:
        return any(_merge(connection, one.name, pages) for one in (_FOLDED, _EXACT))

    def folded(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        return _matching(_FOLDED, _all(terms, strokeless))

    def exact(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        return _matching(_EXACT, _all(terms, spell))

    def naming(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        with_marks = [_phrase(term, spell) for term in terms if accented(str(term))]
        without = [_phrase(term, strokeless) for term in terms if not accented(str(term))]
        parts = [
            _matching(fulltext, " OR ".join(phrases))
            for fulltext, phrases in ((_EXACT, with_marks), (_FOLDED, without))
            if phrases
        ]
        return select(union(*parts).subquery().c.id)

    def scored(self, found: Select[tuple[int]]) -> Select[tuple[int, float]]:
        fulltext = _EXACT if _EXACT in found.get_final_froms() else _FOLDED
        return found.add_columns((-func.bm25(fulltext.c[fulltext.name], *_WEIGHTS)).label("score"))

    def snippets(
        self, connection: Connection, terms: Sequence[Term], ids: Sequence[int], marks: tuple[str, str]
    ) -> dict[int, str]:
        shown: dict[int, str] = {}
        for fulltext, respell in (_EXACT, spell), (_FOLDED, strokeless):
            left = [id_ for id_ in ids if id_ not in shown]
            if not left:
                break
            passage = func.snippet(fulltext.c[fulltext.name], -1, *marks, "…", _SNIPPET_WORDS)
            matching = _matching(fulltext, _all(terms, respell)).add_columns(passage)
            # `rowid + 0` within bounds: a plain `rowid IN` opens the full text once for each id (1.4 s for `th*`).
            near = matching.where(
                fulltext.c.rowid.between(min(left), max(left)), (fulltext.c.rowid + 0).in_(self.among(left))
            )
            shown.update(connection.execute(near).all())
        return shown

    def among(self, values: Sequence[str] | Sequence[int]) -> Select[Any]:
        return select(func.json_each(literal(json.dumps(values))).table_valued("value").c.value)

    def gathered(self, *columns: ColumnElement[Any]) -> ColumnElement[str]:
        return func.json_group_array(columns[0] if len(columns) == 1 else func.json_array(*columns))

    def insert_ignore(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        if not rows:
            return 0
        return connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows).rowcount

    def insert_lowest(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        keys: Sequence[str],
        column: str,
    ) -> None:
        if not rows:
            return
        new = sqlite.insert(table)
        lower = new.excluded[column] < table.c[column]
        keep = new.on_conflict_do_update(index_elements=keys, set_={column: new.excluded[column]}, where=lower)
        connection.execute(keep, rows)

    def insert_replacing(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        keys: Sequence[str],
        columns: Sequence[str],
    ) -> None:
        if not rows:
            return
        new = sqlite.insert(table)
        said = {name: new.excluded[name] for name in columns}
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_=said), rows)


def _merge(connection: Connection, name: str, pages: int) -> bool:
    before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    connection.exec_driver_sql(f"INSERT INTO {name}({name}, rank) VALUES ('merge', {pages})")  # noqa: S608  # names of ours
    after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    return bool(after - before > 1)  # the statement itself counts as one


def _feed(connection: Connection, rows: Iterable[tuple[int, str, str | None, str]], command: str | None) -> None:
    texts = [(id_, (title, lead or "", body)) for id_, title, lead, body in rows]
    for fulltext, respell in (_FOLDED, strokeless), (_EXACT, spell):
        fed = [
            {fulltext.name: command, "rowid": id_} | dict(zip(_COLUMNS, map(respell, parts), strict=True))
            for id_, parts in texts
        ]
        if fed:
            connection.execute(insert(fulltext), fed)


def _matching(fulltext: TableClause, expression: str) -> Select[tuple[int]]:
    return select(fulltext.c.rowid.label("id")).where(fulltext.c[fulltext.name].match(expression))


def _all(terms: Sequence[Term], respell: Callable[[str], str]) -> str:
    return " AND ".join(_phrase(term, respell) for term in terms)


def _phrase(term: Term, respell: Callable[[str], str]) -> str:
    return f'"{respell(str(term))}"{"*" if term.prefix else ""}'
