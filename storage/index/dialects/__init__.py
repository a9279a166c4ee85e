"""What differs between databases: one module each, the same promises from all of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Select, Table

from storage.errors import UsageError
from storage.index.dialects.sqlite import SQLite
from storage.query import Term

Indexed = tuple[int, str, str | None, str]


class Dialect(Protocol):
    """Full text over `version` and the writes that need the database's own words.

    Rows of full text are (id, title, lead, text) as `version` has them. Selects give one column, `id`, of versions;
    `terms` is never empty. Other rows are mappings by the names of columns. Selects whose terms are parameters are the
    very same each time, so that what is made of them can be kept; `sought` gives the parameters their values.
    """

    def __hash__(self) -> int:
        """Dialects of one database are equal."""

    def create_fulltext(self, connection: Connection) -> None:
        """Make the full text, empty, beside the tables."""

    def create_pairs(self, connection: Connection) -> None:
        """Make what finds phrases beside it, with the versions that there are."""

    def keep_counts(self, connection: Connection) -> None:
        """Count what the tables hold, and keep `tally` and the counts in `document` right whoever writes."""

    def add_to_fulltext(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """Make versions findable, in the transaction that inserted them."""

    def remove_from_fulltext(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """Forget versions; the rows are as they were added, and this comes before they are changed or deleted."""

    def merge_fulltext(self, connection: Connection, pages: int) -> bool:
        """Join pieces of the full text, writing about so many pages; whether there was anything to join."""

    def folded(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        """Versions with all terms, whatever their diacritics; the terms are parameters."""

    def exact(self) -> Select[tuple[int]]:
        """Versions with all terms spelled as they were typed; the terms are parameters."""

    def sought(self, folded: Sequence[Term], exact: Sequence[Term]) -> dict[str, str]:
        """The values of the parameters in selects of `folded` and `exact`."""

    def naming(self, terms: Sequence[Term]) -> Select[tuple[int]]:
        """Versions with any of the terms, spelled as typed where a term has diacritics."""

    def scored(self, found: Select[tuple[int]]) -> Select[tuple[int, float]]:
        """A select of `folded` or `exact` with a second column, `score`: how well each version fits; more is better."""

    def finds_phrases(self, terms: Sequence[Term]) -> bool:
        """Whether all terms are phrases, which `folded` then finds quickly however common their words are."""

    def snippets(
        self,
        connection: Connection,
        terms: Sequence[Term],
        ids: Sequence[int],
        exact: Collection[int],
        marks: tuple[str, str],
    ) -> dict[int, tuple[str, str]]:
        """The passage of each version that shows the terms best, and its title, as written, matches between the marks.

        `exact` are those that are known to have all terms as they were typed.
        """

    def among(self, values: Sequence[str] | Sequence[int]) -> Select[Any]:
        """The values as rows of one column: for `in_`, however many they are."""

    def listed(self, name: str) -> Select[Any]:
        """The same of the values that a parameter of this name has as a JSON list."""

    def gathered(self, *columns: ColumnElement[Any]) -> ColumnElement[str]:
        """The values of all rows as one JSON list, of lists where there are several columns.

        The interpreter lets other threads go first at each row that it takes: thousands are better taken as one.
        """

    def insert_ignore(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert the rows that are not there already; says how many were new."""

    def insert_lowest(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        keys: Sequence[str],
        column: str,
    ) -> None:
        """Insert the rows; where one with these `keys` is there already, the lower value of `column` stands."""

    def insert_replacing(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        keys: Sequence[str],
        columns: Sequence[str],
    ) -> None:
        """Insert the rows; where one with these `keys` is there already, its `columns` take the new values."""


def dialect_of(connection: Connection) -> Dialect:
    """The dialect that the connection's database speaks."""
    if connection.dialect.name != "sqlite":
        raise UsageError(
            f"{connection.dialect.name} is not a database that luutru knows: use an address with sqlite://"
        )
    return SQLite()
