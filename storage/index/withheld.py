"""What is withheld: it is kept, and no question answers with it.

Each step is a row, and the last step of a thing decides, until its time is over. A thing is a document or an address;
an address stands for all that share its urlkey, as those do who look captures up. Beside the row of a document each
address that it had is a row of its own: should the rules of its site call it otherwise one day, it stays withheld. From
that follows, at each question:

- captures at the address, or at any address of the document, are withheld;
- so is a document all of whose addresses are, and a version that no other capture gave.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, exists, func, or_, select

from storage.errors import Withheld
from storage.index.dialects import Dialect, dialect_of
from storage.index.tables import address, capture, document, reading, version, withholding
from storage.moments import now
from storage.surt import surt

WITHHOLD, RELEASE = "withhold", "release"
_Conditions = list[ColumnElement[bool]]
_Row = TypeVar("_Row", bound=tuple[Any, ...])
_NONE: Mapping[Any, Any] = MappingProxyType({})
_STEPS = (
    select(withholding)
    .where(
        withholding.c.id.in_(select(func.max(withholding.c.id)).group_by(withholding.c.document, withholding.c.urlkey))
    )
    .where(withholding.c.step == WITHHOLD, or_(withholding.c.until.is_(None), withholding.c.until > bindparam("now")))
    .order_by(withholding.c.id)
)
_KNOWN: "WeakKeyDictionary[Connection, Standing]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Withholding:
    """A step that stands: what is withheld (a document's identity or an address), why, who said so, and how long."""

    what: str
    kind: str  # document, address
    reason: str
    by: str
    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that is withheld at a moment: urlkeys, numbers of documents, each with why, numbers of versions."""

    dialect: Dialect = field(repr=False, compare=False)
    urlkeys: Mapping[str, Withholding] = field(default_factory=lambda: _NONE)
    documents: Mapping[int, Withholding] = field(default_factory=lambda: _NONE)
    versions: frozenset[int] = frozenset()
    partly: Mapping[int, int] = field(default_factory=lambda: _NONE)  # documents with fewer versions to show: how many
    others: Mapping[int, str] = field(default_factory=lambda: _NONE)  # earliest address that a document has beside

    def covers(self, url: str) -> bool:
        """Whether captures of this canonical address are withheld."""
        return bool(self.urlkeys) and surt(url) in self.urlkeys

    def refuse_address(self, url: str) -> None:
        """Raise Withheld where captures of this canonical address are."""
        if self.covers(url):
            raise _error(url, self.urlkeys[surt(url)])

    def refuse_document(self, id_: int, identity: str) -> None:
        """Raise Withheld where this document is."""
        if id_ in self.documents:
            raise _error(identity, self.documents[id_])

    def captures_shown(self, urlkey: ColumnElement[str] = capture.c.urlkey) -> _Conditions:
        """What must hold for the urlkeys of captures; nothing where nothing is withheld."""
        return [urlkey.not_in(self.dialect.among(sorted(self.urlkeys)))] if self.urlkeys else []

    def documents_shown(self, id_: ColumnElement[int] = document.c.id) -> _Conditions:
        """What must hold for the numbers of documents."""
        return [id_.not_in(self.dialect.among(sorted(self.documents)))] if self.documents else []

    def versions_shown(self, id_: ColumnElement[int] = version.c.id) -> _Conditions:
        """What must hold for the numbers of versions."""
        return [id_.not_in(self.dialect.among(sorted(self.versions)))] if self.versions else []

    def count(self, id_: int, versions: int) -> int:
        """How many versions of a document are shown, of those that it has."""
        return self.partly.get(id_, versions)

    def changed_shown(self) -> _Conditions:
        """What must hold for documents so that more than one of their versions is shown, where they have more."""
        return [document.c.id.not_in(self.dialect.among(sorted(self.single)))] if self.single else []

    @property
    def single(self) -> set[int]:
        """The documents of whose several versions no more than one is shown."""
        return {id_ for id_, number in self.partly.items() if number < 2}

    def address(self, id_: int, url: str) -> str:
        """The address under which a document is shown: `url`, or where that is withheld, its earliest other one."""
        return self.others.get(id_, url) if self.covers(url) else url


def narrowed(query: Select[_Row], conditions: _Conditions) -> Select[_Row]:
    """The query where these hold as well; where there are none the very same, whose SQL the engine knows already."""
    return query.where(*conditions) if conditions else query


def standing(connection: Connection) -> Standing:
    """What is withheld now; one look into a small table where nothing is.

    Who reads sees one state of the index, so it is found out once for each connection that only reads.
    """
    if connection.get_execution_options().get("writing"):
        return _standing(connection)
    known = _KNOWN.get(connection)
    if known is None:
        known = _KNOWN[connection] = _standing(connection)
    return known


def _standing(connection: Connection) -> Standing:
    steps, dialect = _steps(connection), dialect_of(connection)
    if not steps:
        return Standing(dialect)
    urlkeys = {row.urlkey: _withholding(row) for row in steps if row.urlkey}
    named = {row.document: _withholding(row) for row in steps if row.document}
    ours = select(document.c.id, document.c.identity).where(document.c.identity.in_(dialect.among(sorted(named))))
    documents = {row.id: named[row.identity] for row in connection.execute(ours)}
    for id_, urls in addresses(connection, documents).items():
        urlkeys |= {key: documents[id_] for key in map(surt, urls) if key not in urlkeys}
    owners = touched(connection, urlkeys)
    others = {id_: next((url for url in urls if surt(url) not in urlkeys), None) for id_, urls in owners.items()}
    for id_, other in others.items():
        if other is None and id_ not in documents:
            documents[id_] = urlkeys[surt(owners[id_][0])]
    versions = _versions(connection, urlkeys, documents, owners)
    partly = _partly(connection, versions)
    return Standing(dialect, urlkeys, documents, versions, partly, {id_: url for id_, url in others.items() if url})


def listed(connection: Connection) -> list[Withholding]:
    """What is withheld now, as it was named, the oldest first."""
    return [_withholding(row) for row in _steps(connection) if not (row.document and row.url)]


def addresses(connection: Connection, documents: Collection[int]) -> dict[int, list[str]]:
    """The addresses of each of these documents."""
    of_documents = address.c.document.in_(dialect_of(connection).among(sorted(documents)))
    found: dict[int, list[str]] = {}
    for row in connection.execute(select(address).where(of_documents).order_by(address.c.first_seen, address.c.url)):
        found.setdefault(row.document, []).append(row.url)
    return found


def touched(connection: Connection, urlkeys: Collection[str]) -> dict[int, list[str]]:
    """The documents that have one of these addresses, with all their addresses."""
    captured = select(capture.c.url).where(capture.c.urlkey.in_(dialect_of(connection).among(sorted(urlkeys))))
    owners = connection.scalars(select(address.c.document).where(address.c.url.in_(captured.distinct())).distinct())
    return addresses(connection, list(owners))


def _steps(connection: Connection) -> list[Any]:
    """The last step of each thing that is withheld now, in their order."""
    return list(connection.execute(_STEPS, {"now": now()}))


def _withholding(row: Any) -> Withholding:
    kind = "document" if row.document else "address"
    return Withholding(row.document or row.url, kind, row.reason, row.by, row.moment, row.until)


def _versions(
    connection: Connection, urlkeys: Collection[str], documents: Collection[int], owners: Collection[int]
) -> frozenset[int]:
    """The versions of these documents, and those of the touched ones that nothing but withheld captures gave."""
    among = dialect_of(connection).among
    elsewhere = exists().where(
        reading.c.version == version.c.id,
        capture.c.id == reading.c.capture,
        capture.c.urlkey.not_in(among(sorted(urlkeys))),
    )
    whole = version.c.document.in_(among(sorted(documents)))
    partly = version.c.document.in_(among(sorted(owners))) & ~elsewhere
    return frozenset(connection.scalars(select(version.c.id).where(or_(whole, partly))))


def _partly(connection: Connection, hidden: Collection[int]) -> dict[int, int]:
    """The documents of these versions, and how many others each has."""
    if not hidden:
        return {}
    is_hidden = version.c.id.in_(dialect_of(connection).among(sorted(hidden)))
    owners = select(version.c.document).where(is_hidden)
    count = func.sum(case((is_hidden, 0), else_=1))
    counted = select(version.c.document, count).where(version.c.document.in_(owners)).group_by(version.c.document)
    return dict(connection.execute(counted).all())


def _error(name: str, why: Withholding) -> Withheld:
    return Withheld(name, why.reason, why.since, why.until)
