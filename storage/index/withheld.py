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
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from storage.errors import Withheld
from storage.index.dialects import dialect_of
from storage.index.tables import address, capture, document, reading, version, withholding
from storage.moments import now
from storage.surt import surt

WITHHOLD, RELEASE = "withhold", "release"
_Conditions = list[ColumnElement[bool]]
_NONE: Mapping[Any, Any] = MappingProxyType({})


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

    connection: Connection = field(repr=False, compare=False)
    urlkeys: Mapping[str, Withholding] = field(default_factory=lambda: _NONE)
    documents: Mapping[int, Withholding] = field(default_factory=lambda: _NONE)
    versions: frozenset[int] = frozenset()

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
        return [urlkey.not_in(dialect_of(self.connection).among(sorted(self.urlkeys)))] if self.urlkeys else []

    def documents_shown(self, id_: ColumnElement[int] = document.c.id) -> _Conditions:
        """What must hold for the numbers of documents."""
        return [id_.not_in(dialect_of(self.connection).among(sorted(self.documents)))] if self.documents else []

    def versions_shown(self, id_: ColumnElement[int] = version.c.id) -> _Conditions:
        """What must hold for the numbers of versions."""
        return [id_.not_in(dialect_of(self.connection).among(sorted(self.versions)))] if self.versions else []

    def address(self, id_: int, url: str) -> str:
        """The address under which a document is shown: `url`, or where that is withheld, its earliest other one."""
        if not self.covers(url):
            return url
        known = select(address.c.url).where(address.c.document == id_).order_by(address.c.first_seen, address.c.url)
        shown = (str(one) for one in self.connection.scalars(known) if not self.covers(one))
        return next(shown, url)


def standing(connection: Connection) -> Standing:
    """What is withheld now; one look into a small table where nothing is."""
    steps = _steps(connection)
    if not steps:
        return Standing(connection)
    urlkeys = {row.urlkey: _withholding(row) for row in steps if row.urlkey}
    named = {row.document: _withholding(row) for row in steps if row.document}
    among = dialect_of(connection).among
    ours = select(document.c.id, document.c.identity).where(document.c.identity.in_(among(sorted(named))))
    documents = {row.id: named[row.identity] for row in connection.execute(ours)}
    for id_, urls in addresses(connection, documents).items():
        urlkeys |= {key: documents[id_] for key in map(surt, urls) if key not in urlkeys}
    owners = touched(connection, urlkeys)
    for id_, urls in owners.items():
        keys = [surt(url) for url in urls]
        if id_ not in documents and urlkeys.keys() >= set(keys):
            documents[id_] = urlkeys[keys[0]]
    versions = _versions(connection, urlkeys, documents, owners)
    return Standing(connection, urlkeys, documents, versions)


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
    last = select(func.max(withholding.c.id)).group_by(withholding.c.document, withholding.c.urlkey)
    lasts = or_(withholding.c.until.is_(None), withholding.c.until > now())
    query = select(withholding).where(withholding.c.id.in_(last), withholding.c.step == WITHHOLD, lasts)
    return list(connection.execute(query.order_by(withholding.c.id)))


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


def _error(name: str, why: Withholding) -> Withheld:
    return Withheld(name, why.reason, why.since, why.until)
