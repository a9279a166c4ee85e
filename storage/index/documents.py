"""Documents, their versions, and the readings that tie captures to versions.

What is written here does not depend on the order in which captures are derived: a version is the set of captures
that gave its text, and what stands in a document's row is decided by the dates of captures, never by who came last.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, RowMapping, Table, Update, bindparam, select, update
from sqlalchemy.exc import OperationalError

from storage.index import attachments, mentions
from storage.index.captures import BAD_ROW
from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.mentions import LISTED, Named, day_of
from storage.index.tables import address, capture, document, reading, version
from storage.model import Article, Kind, Reading
from storage.moments import written

FAILED = "failed: "  # begins the reason where reading went wrong, as against finding no article

_VERSION = (
    version.c.id,
    version.c.document,
    version.c.digest,
    version.c.first_seen,
    version.c.last_seen,
    version.c.published,
    version.c.published_from,
    version.c.section,
)

_READ = (  # what the earliest capture says of a version; the earliest date that any says is in `_Version.seen`
    "title",
    "lead",
    "text",
    "authors",
    "modified",
    "section",
    "tags",
    "language",
    "images",
    "attachments",
    "method",
    "confidence",
    "rules",
    "title_from",
)


def _update(table: Table, *names: str) -> Update:
    return (
        update(table).where(table.c.id == bindparam("row")).values({name: bindparam(f"new_{name}") for name in names})
    )


_SEEN = _update(version, "first_seen", "last_seen", "published", "published_from")
_STANDING = _update(
    document, "kind", "site", "url", "first_seen", "last_seen", "version", "section", "published", "day"
)
_DERIVED = update(capture).where(capture.c.id == bindparam("row")).values(derived=1)
_EARLIER = (
    update(address)
    .where(address.c.url == bindparam("named"), address.c.document == bindparam("owner"))
    .where(address.c.first_seen > bindparam("moment"))
    .values(first_seen=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class Derived:
    """One capture and what derivation found in it; `digest` is that of the article's text, None without one."""

    capture: int
    site: str
    url: str
    date: str
    reading: Reading
    digest: str | None
    digest_rule: int
    rules: str  # names code, definition and memory that read it

    @property
    def article(self) -> Article:
        """The article of a reading that has one."""
        if self.reading.article is None:
            raise ValueError(f"{self.url} has no article")
        return self.reading.article

    @property
    def identity(self) -> str:
        """The document of a reading that has an article."""
        if self.reading.document is None:
            raise ValueError(f"{self.url} is no document")
        return self.reading.document


@dataclass(slots=True)
class _Version:
    """A version's row while a batch is written."""

    id: int
    document: int
    digest: str
    first_seen: str
    last_seen: str
    published: str | None
    published_from: str | None
    path: str

    def seen(self, one: Derived) -> None:
        self.first_seen = min(self.first_seen, one.date)
        self.last_seen = max(self.last_seen, one.date)
        read = _moment(one.article.published)
        if read and (self.published is None or self.published_from == LISTED or _when(read) < _when(self.published)):
            self.published, self.published_from = read, one.article.published_from


@dataclass(slots=True)
class _Document:
    """A document's row while a batch is written: the earliest capture names its kind, site and address."""

    id: int
    kind: str
    site: str
    url: str
    first_seen: str
    last_seen: str
    version: int | None
    section: str | None
    published: str | None

    @classmethod
    def of(cls, row: RowMapping) -> "_Document":
        return cls(**{name: row[name] for name in cls.__slots__})

    def seen(self, one: Derived, kept: _Version) -> None:
        self.met(one)
        if self.version is None or one.date >= self.last_seen:
            self.last_seen, self.version = one.date, kept.id
        if self.version == kept.id:
            path = json.loads(kept.path)
            self.section, self.published = path[-1] if path else None, kept.published

    def met(self, one: Derived) -> None:
        """It was captured, with a text or, if it is a file, without: then that is the last only while none has one."""
        if (one.date, one.url, one.site) < (self.first_seen, self.url, self.site):
            self.first_seen, self.url, self.site, self.kind = one.date, one.url, one.site, one.reading.kind
        if self.version is None and one.digest is None:
            self.last_seen = max(self.last_seen, one.date)


def record_batch(index: Index, batch: Sequence[Derived]) -> None:
    """Write a batch in one transaction; a reading that cannot be written costs no other, and its row says so."""
    try:
        with index.write() as connection:
            record(connection, batch)
    except OperationalError:
        raise
    except BAD_ROW:
        for one in batch:
            _record_alone(index, one)


def _record_alone(index: Index, one: Derived) -> None:
    try:
        with index.write() as connection:
            record(connection, [one])
    except OperationalError:
        raise
    except BAD_ROW as error:
        with index.write() as connection:
            give_up(connection, one.capture, f"{FAILED}{str(error).splitlines()[0]}")


def give_up(connection: Connection, id_: int, reason: str) -> None:
    """Write down that a capture cannot be read, so that derivation goes on without it."""
    row = {"capture": id_, "version": None, "views": None, "reason": reason, "rules": "", **shown(None)}
    dialect_of(connection).insert_ignore(connection, reading, [row])
    connection.execute(_DERIVED, {"row": id_})


def failed(connection: Connection, crawl: str) -> list[str]:
    """The captures of a crawl whose reading failed, as address and reason, in the order of capture."""
    rows = connection.execute(
        select(capture.c.url, reading.c.reason)
        .join(reading, reading.c.capture == capture.c.id)
        .where(capture.c.crawl == crawl, reading.c.reason.startswith(FAILED))
        .order_by(capture.c.id)
    )
    return [f"{row.url} ({row.reason})" for row in rows]


def record(connection: Connection, batch: Sequence[Derived]) -> None:
    """Write the readings of a batch of captures, and what follows from them for documents and versions."""
    found = [one for one in batch if one.digest is not None]
    textless = [one for one in batch if one.digest is None and one.reading.kind is Kind.ATTACHMENT]
    documents = _documents(connection, [*found, *textless])
    versions = _versions(connection, found, documents)
    read: dict[int, int] = {}
    for one in found:
        owner = documents[one.identity]
        kept = versions[owner.id, one.digest]
        kept.seen(one)
        owner.seen(one, kept)
        read[one.capture] = kept.id
    for one in textless:
        documents[one.identity].met(one)
    _write(connection, documents.values(), versions.values())
    _address(connection, [*found, *textless], documents)
    _read(connection, batch, read)
    named = [Named(one.capture, one.rules, mention) for one in batch for mention in one.reading.mentions]
    mentions.record(connection, named)
    met = {one.id for one in documents.values()}  # a new address may be one that a list page dates
    mentions.date(connection, sorted(met | mentions.undated(connection, named)))
    attachments.record(connection, set(read.values()), met)


def _documents(connection: Connection, found: Sequence[Derived]) -> dict[str, _Document]:
    """The rows of the documents that were met, new ones made."""
    met = {one.identity: one for one in found}
    known = _known_documents(connection, list(met))
    rows = [
        {
            "identity": one.identity,
            "kind": one.reading.kind,
            "site": one.site,
            "url": one.url,
            "first_seen": one.date,
            "last_seen": one.date,
            "day": day_of(None, one.date),
        }
        for one in met.values()
        if one.identity not in known
    ]
    if not rows:
        return known
    connection.execute(document.insert(), rows)
    return _known_documents(connection, list(met))


def _known_documents(connection: Connection, identities: Sequence[str]) -> dict[str, _Document]:
    rows = connection.execute(select(document).where(document.c.identity.in_(identities)))
    return {row["identity"]: _Document.of(row) for row in rows.mappings()}


def _versions(
    connection: Connection, found: Sequence[Derived], documents: Mapping[str, _Document]
) -> dict[tuple[int, str | None], _Version]:
    """The rows of the versions that were met, as their earliest captures read them, new ones made and findable."""
    by_date = sorted(found, key=lambda one: (one.date, one.capture), reverse=True)
    met = {(documents[one.identity].id, one.digest): one for one in by_date}
    known = _known_versions(connection, met)
    earlier = {key: one for key, one in met.items() if key in known and one.date < known[key].first_seen}
    new = {key: one for key, one in met.items() if key not in known}
    if not new and not earlier:
        return known
    before = texts_of(connection, [known[key].id for key in earlier])
    for key, one in earlier.items():
        row = _row(one, key[0])
        read = {name: row[name] for name in _READ}
        connection.execute(update(version).where(version.c.id == known[key].id).values(read))
    if new:
        connection.execute(version.insert(), [_row(one, owner) for (owner, _), one in new.items()])
    known = _known_versions(connection, met)
    after = texts_of(connection, [known[key].id for key in new | earlier])
    dialect = dialect_of(connection)
    dialect.remove_from_fulltext(connection, [one for one in before if one not in after])
    dialect.add_to_fulltext(connection, [one for one in after if one not in before])
    return known


def texts_of(connection: Connection, ids: Sequence[int]) -> list[tuple[int, str, str | None, str]]:
    """Versions as full text knows them."""
    columns = (version.c.id, version.c.title, version.c.lead, version.c.text)
    return [(*row,) for row in connection.execute(select(*columns).where(version.c.id.in_(ids)))]


def _known_versions(
    connection: Connection, keys: Iterable[tuple[int, str | None]]
) -> dict[tuple[int, str | None], _Version]:
    wanted = set(keys)
    rows = connection.execute(select(*_VERSION).where(version.c.document.in_({owner for owner, _ in wanted})))
    return {(row.document, row.digest): _Version(*row) for row in rows if (row.document, row.digest) in wanted}


def _row(one: Derived, owner: int) -> dict[str, object]:
    article = one.article
    return {
        "document": owner,
        "digest": one.digest,
        "digest_rule": one.digest_rule,
        "first_seen": one.date,
        "last_seen": one.date,
        "title": article.title,
        "lead": article.lead,
        "text": article.text,
        "authors": _json(article.authors),
        "published": _moment(article.published),
        "published_from": article.published_from,
        "modified": _moment(article.modified),
        "section": _json(article.section),
        "tags": _json(article.tags),
        "language": article.language,
        "images": _json([asdict(image) for image in article.images]),
        "attachments": _json([asdict(attachment) for attachment in article.attachments]),
        "method": article.method,
        "confidence": round(article.confidence * 1000),
        "rules": article.rules,
        "title_from": article.title_from,
    }


def _write(connection: Connection, documents: Iterable[_Document], versions: Iterable[_Version]) -> None:
    seen = [
        {
            "row": one.id,
            "new_first_seen": one.first_seen,
            "new_last_seen": one.last_seen,
            "new_published": one.published,
            "new_published_from": one.published_from,
        }
        for one in versions
    ]
    standing = [
        {
            "row": one.id,
            "new_kind": one.kind,
            "new_site": one.site,
            "new_url": one.url,
            "new_first_seen": one.first_seen,
            "new_last_seen": one.last_seen,
            "new_version": one.version,
            "new_section": one.section,
            "new_published": one.published,
            "new_day": day_of(one.published, one.first_seen),
        }
        for one in documents
    ]
    if seen:
        connection.execute(_SEEN, seen)
    if standing:
        connection.execute(_STANDING, standing)


def _address(connection: Connection, found: Sequence[Derived], documents: Mapping[str, _Document]) -> None:
    rows = [{"url": one.url, "document": documents[one.identity].id, "first_seen": one.date} for one in found]
    if rows:
        dialect_of(connection).insert_ignore(connection, address, rows)
        named = [{"named": row["url"], "owner": row["document"], "moment": row["first_seen"]} for row in rows]
        connection.execute(_EARLIER, named)


def _read(connection: Connection, batch: Sequence[Derived], versions: Mapping[int, int]) -> None:
    rows = [
        {
            "capture": one.capture,
            "version": versions.get(one.capture),
            "views": one.reading.article.views if one.reading.article else None,
            "reason": one.reading.reason,
            "rules": one.rules,
            **shown(one.reading.article),
        }
        for one in batch
    ]
    dialect_of(connection).insert_ignore(connection, reading, rows)
    connection.execute(_DERIVED, [{"row": one.capture} for one in batch])


def shown(article: Article | None) -> dict[str, str | int | None]:
    """What a capture showed, by the columns of its reading: the facts that tell whether a site has changed."""
    if article is None:
        return dict.fromkeys(("method", "characters", "dated", "signed"))
    return {
        "method": article.method,
        "characters": len(article.text),
        "dated": int(article.published is not None),
        "signed": int(bool(article.authors)),
    }


def _moment(value: date | datetime | None) -> str | None:
    """A whole moment keeps the offset of its site; a day is a day."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") if value.tzinfo else written(value)
    return value.isoformat() if value else None


def _when(published: str) -> tuple[str, int, str]:
    """Orders publication dates: the earlier day first, of one day the more precise."""
    return published[:10], -len(published), published


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
