"""SQLite: three FTS5 tables over `version` that hold no text of their own.

`version_folded` is fed with text whose đ is d, and drops the diacritics itself; `version_exact` is fed with one
spelling and keeps them. Both read the original from `version` when they show a passage. `version_pairs` is fed with the
pairs of words of the folded text, and finds phrases whose words each stand in most texts. All are emptied with what
they were fed: a change in `storage.folding` needs a migration that makes and fills them anew. FTS5's own `rebuild`
would feed them text that is not folded: never run it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Table,
    TableClause,
    bindparam,
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

from storage.folding import INVISIBLE, JOINED, accented, pairs, spell, strokeless
from storage.index.dialects import sqlite_counts
from storage.query import Term

_WEIGHTS = {"title": 8.0, "lead": 3.0, "text": 1.0}
_SNIPPET_WORDS = 40
_FILLED = 1_000  # versions at a time


def _fulltext(name: str, *columns: str) -> TableClause:
    return table(name, *map(column, ("rowid", name, *columns)))


_FOLDED = _fulltext("version_folded", "title", "lead", "text")
_EXACT = _fulltext("version_exact", "title", "lead", "text")
_PAIRS = _fulltext("version_pairs", "text", "lead", "title")  # words of the first column take less room
_Fed = tuple[TableClause, Callable[[str], str]]  # a full text, and what a text becomes before it is fed
_FED_PAIRS: _Fed = (_PAIRS, lambda text: pairs(strokeless(text)))
_FED: tuple[_Fed, ...] = ((_FOLDED, strokeless), (_EXACT, spell), _FED_PAIRS)


@dataclass(frozen=True)
class SQLite:
    """The dialect of SQLite 3.38 and later; its promises stand in `storage.index.dialects.Dialect`."""

    def create_fulltext(self, connection: Connection) -> None:
        for name, remove in (_FOLDED.name, 2), (_EXACT.name, 0):
            options = f"content=version, content_rowid=id, {_tokenize(remove, INVISIBLE)}"
            connection.execute(text(f"CREATE VIRTUAL TABLE {name} USING fts5(title, lead, text, {options})"))

    def create_pairs(self, connection: Connection) -> None:
        options = f"content='', {_tokenize(2, INVISIBLE + JOINED)}"
        connection.execute(text(f"CREATE VIRTUAL TABLE {_PAIRS.name} USING fts5(text, lead, title, {options})"))
        rows = connection.execute(text("SELECT id, title, lead, text FROM version ORDER BY id"))
        for portion in rows.partitions(_FILLED):
            _feed(connection, [(row.id, row.title, row.lead, row.text) for row in portion], None, [_FED_PAIRS])

    def keep_counts(self, connection: Connection) -> None:
        sqlite_counts.create(connection)
        sqlite_counts.fill(connection)

    def add_to_fulltext(self, connection: Connection, rows: Iterable[tuple[int, str, str | None, str]]) -> None:
        _feed(connection, rows, None, _FED)

    def remove_from_fulltext(self, connection: Connection, rows: Iterable[tuple[int, str, str | None, str]]) -> None:
        _feed(connection, rows, "delete", _FED)

    def merge_fulltext(self, connection: Connection, pages: int) -> bool:
        return any(_merge(connection, one.name, pages) for one, _ in _FED)

    def folded(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        return _SOUGHT[_PAIRS if self.finds_phrases(terms) else _FOLDED]

    def exact(self) -> Select[tuple[int]]:
        return _SOUGHT[_EXACT]

    def sought(self, folded: Sequence[Term], exact: Sequence[Term]) -> dict[str, str]:
        return {
            _FOLDED.name: _all(folded, strokeless),
            _PAIRS.name: " AND ".join(map(_paired, folded)),
            _EXACT.name: _all(exact, spell),
        }

    def naming(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        plain = [term for term in terms if not accented(str(term))]
        expressions = (
            (_EXACT, [_phrase(term, spell) for term in terms if accented(str(term))]),
            (_PAIRS, [_paired(term) for term in plain if self.finds_phrases([term])]),
            (_FOLDED, [_phrase(term, strokeless) for term in plain if not self.finds_phrases([term])]),
        )
        parts = [_matching(fulltext, " OR ".join(phrases)) for fulltext, phrases in expressions if phrases]
        return select(union(*parts).subquery().c.id)

    def scored(self, found: Select[tuple[int]]) -> Select[tuple[int, float]]:
        fulltext = next(one for one, _ in _FED if one in found.columns_clause_froms)
        weights = [_WEIGHTS[one.name] for one in fulltext.c if one.name in _WEIGHTS]
        return found.add_columns((-func.bm25(fulltext.c[fulltext.name], *weights)).label("score"))

    def finds_phrases(self, terms: Sequence[Term]) -> bool:
        return all(len(term.words) > 1 for term in terms)

    def snippets(
        self,
        connection: Connection,
        terms: Sequence[Term],
        ids: Sequence[int],
        exact: Collection[int],
        marks: tuple[str, str],
    ) -> dict[int, tuple[str, str]]:
        one_by_one = self.finds_phrases(terms) and not any(term.prefix for term in terms)
        passages = _PASSAGES_ONE_BY_ONE if one_by_one else _PASSAGES
        shown: dict[int, tuple[str, str]] = {}
        for fulltext, respell in (_EXACT, spell), (_FOLDED, strokeless):
            certain = [id_ for id_ in ids if id_ in exact] if one_by_one and fulltext is _EXACT else ids
            left = [id_ for id_ in certain if id_ not in shown]
            if left:
                values: dict[str, Any] = {fulltext.name: _all(terms, respell), "begin": marks[0], "end": marks[1]}
                values |= {"ids": json.dumps(left), "first": min(left), "last": max(left), "count": len(left)}
                rows = connection.execute(passages[fulltext], values).all()
                shown.update((row.id, tuple(json.loads(row.shown))) for row in rows if row.shown)
        return shown

    def among(self, values: Sequence[str] | Sequence[int]) -> Select[Any]:
        return _each(literal(json.dumps(values)))

    def listed(self, name: str) -> Select[Any]:
        return _each(bindparam(name))

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


def _feed(
    connection: Connection,
    rows: Iterable[tuple[int, str, str | None, str]],
    command: str | None,
    fulltexts: Sequence[_Fed],
) -> None:
    texts = [(id_, {"title": title, "lead": lead or "", "text": body}) for id_, title, lead, body in rows]
    for fulltext, respell in fulltexts:
        fed = [
            {fulltext.name: command, "rowid": id_} | {name: respell(part) for name, part in parts.items()}
            for id_, parts in texts
        ]
        if fed:
            connection.execute(insert(fulltext), fed)


def _tokenize(remove: int, within_words: str) -> str:
    return f"tokenize=\"unicode61 remove_diacritics {remove} tokenchars '{within_words}'\""


def _matching(fulltext: TableClause, expression: str | BindParameter[str]) -> Select[tuple[int]]:
    return select(fulltext.c.rowid.label("id")).where(fulltext.c[fulltext.name].match(expression))


def _each(values: ColumnElement[str]) -> Select[Any]:
    return select(func.json_each(values).table_valued("value").c.value)


def _passages(fulltext: TableClause) -> Select[tuple[int, str]]:
    """Walks through all matches, from the first of these versions to the last."""
    id_, ids = fulltext.c.rowid, _each(bindparam("ids"))
    among = _SOUGHT[fulltext].where(id_.between(bindparam("first"), bindparam("last")), (id_ + 0).in_(ids))
    return among.add_columns(_shown(fulltext).label("shown")).limit(bindparam("count", type_=Integer))


def _passages_one_by_one(fulltext: TableClause) -> Select[tuple[int, str]]:
    """Opens the full text once for each of the versions: 0.1 ms for a phrase, but 70 ms for `th*`.

    The limit is what keeps it from walking on to the next match.
    """
    ids = func.json_each(bindparam("ids")).table_valued("value")
    at_id = _SOUGHT[fulltext].where(fulltext.c.rowid == ids.c.value).limit(1)
    return select(ids.c.value.label("id"), at_id.with_only_columns(_shown(fulltext)).scalar_subquery().label("shown"))


def _shown(fulltext: TableClause) -> ColumnElement[str]:
    """Passage and title as a JSON list."""
    itself, marks = fulltext.c[fulltext.name], (bindparam("begin", type_=String), bindparam("end", type_=String))
    passage: ColumnElement[str] = func.snippet(itself, -1, *marks, "…", _SNIPPET_WORDS)
    return func.json_array(passage, func.highlight(itself, 0, *marks))


_SOUGHT = {fulltext: _matching(fulltext, bindparam(fulltext.name)) for fulltext, _ in _FED}
_PASSAGES = {fulltext: _passages(fulltext) for fulltext in (_EXACT, _FOLDED)}
_PASSAGES_ONE_BY_ONE = {fulltext: _passages_one_by_one(fulltext) for fulltext in (_EXACT, _FOLDED)}


def _all(terms: Sequence[Term], respell: Callable[[str], str]) -> str:
    return " AND ".join(_phrase(term, respell) for term in terms)


def _phrase(term: Term, respell: Callable[[str], str]) -> str:
    return f'"{respell(str(term))}"{"*" if term.prefix else ""}'


def _paired(term: Term) -> str:
    return f'"{pairs(strokeless(str(term)))}"{"*" if term.prefix else ""}'
