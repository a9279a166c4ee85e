"""Documents, their versions, and the readings that tie captures to versions.

What is written here does not depend on the order in which captures are derived: a version is the set of captures
that gave its text, and what stands in a document's row is decided by the dates of captures, never by who came last.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta, timezone

from sqlalchemy import Connection, case, func, or_, select, update
from sqlalchemy.exc import OperationalError

from storage.index.captures import BAD_ROW
from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.tables import address, capture, document, mention, reading, version
from storage.model import Article, Kind, Mention, Reading
from storage.moments import written

ICT = timezone(timedelta(hours=7))  # Asia/Ho_Chi_Minh: a day of publication is a day there

FAILED = "failed: "  # begins the reason where reading went wrong, as against finding no article
_UNDATED = or_(version.c.published.is_(None), version.c.published_from == "list page")  # evidence may still come


@dataclass(frozen=True, slots=True)
class Derived:
    """One capture and what derivation found in it."""

    capture: int
    site: str
    url: str
    date: str
    reading: Reading
    digest: str | None  # of the article's text
    digest_rule: int
    rules: str


@dataclass(frozen=True, slots=True)
class _Owner:
    """The document to which a version belongs, as its row stood."""

    id: int
    first_seen: str
    last_seen: str
    version: int | None
    url: str


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
    row = {"capture": id_, "version": None, "views": None, "reason": reason, "rules": ""}
    dialect_of(connection).insert_ignore(connection, reading, [row])
    connection.execute(update(capture).where(capture.c.id == id_).values(derived=1))


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
    versions = {}
    for one in batch:
        if one.reading.article and one.reading.document and one.digest:
            versions[one.capture] = _keep(connection, one, one.reading.article, one.reading.document, one.digest)
    dialect_of(connection).insert_ignore(
        connection,
        reading,
        [
            {
                "capture": one.capture,
                "version": versions.get(one.capture),
                "views": one.reading.article.views if one.reading.article else None,
                "reason": one.reading.reason,
                "rules": one.rules,
            }
            for one in batch
        ],
    )
    _mention(connection, batch)
    connection.execute(update(capture).where(capture.c.id.in_([one.capture for one in batch])).values(derived=1))


def _keep(connection: Connection, one: Derived, article: Article, identity: str, digest: str) -> int:
    owner = _document(connection, one, identity)
    dialect_of(connection).insert_ignore(
        connection, address, [{"url": one.url, "document": owner.id, "first_seen": one.date}]
    )
    connection.execute(
        update(address).where(address.c.url == one.url, address.c.first_seen > one.date).values(first_seen=one.date)
    )
    kept = _version(connection, one, article, owner.id, digest)
    _stand(connection, owner, one, kept)
    if article.published is None:
        date_from_mentions(connection, owner.id)
    return kept


def _document(connection: Connection, one: Derived, identity: str) -> _Owner:
    columns = (document.c.id, document.c.first_seen, document.c.last_seen, document.c.version, document.c.url)
    query = select(*columns).where(document.c.identity == identity)
    found = connection.execute(query).first()
    if found is None:
        row = {
            "identity": identity,
            "kind": Kind.ARTICLE,
            "site": one.site,
            "url": one.url,
            "first_seen": one.date,
            "last_seen": one.date,
            "day": _day(None, one.date),
        }
        dialect_of(connection).insert_ignore(connection, document, [row])
        found = connection.execute(query).one()
    return _Owner(*found)


def _version(connection: Connection, one: Derived, article: Article, owner: int, digest: str) -> int:
    query = select(version.c.id, version.c.first_seen, version.c.last_seen).where(
        version.c.document == owner, version.c.digest == digest
    )
    found = connection.execute(query).first()
    if found is None:
        row = {
            "document": owner,
            "digest": digest,
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
        }
        id_: int = connection.execute(version.insert().returning(version.c.id), row).scalar_one()
        dialect_of(connection).add_to_fulltext(connection, [(id_, article.title, article.lead, article.text)])
        return id_
    connection.execute(
        update(version)
        .where(version.c.id == found.id)
        .values(
            first_seen=min(found.first_seen, one.date),
            last_seen=max(found.last_seen, one.date),
            published=func.coalesce(version.c.published, _moment(article.published)),
            published_from=func.coalesce(version.c.published_from, article.published_from),
        )
    )
    return int(found.id)


def _stand(connection: Connection, owner: _Owner, one: Derived, kept: int) -> None:
    """Let the newest capture name the version that stands, and the earliest the address of the document."""
    values: dict[str, object] = {}
    if (one.date, one.url) <= (owner.first_seen, owner.url):
        values |= {"url": one.url, "first_seen": one.date}
    if owner.version is None or one.date >= owner.last_seen:
        row = connection.execute(select(version.c.section, version.c.published).where(version.c.id == kept)).one()
        path = json.loads(row.section)
        first_seen = min(owner.first_seen, one.date)
        values |= {
            "version": kept,
            "last_seen": one.date,
            "section": path[-1] if path else None,
            "published": row.published,
            "day": _day(row.published, first_seen),
        }
    if values:
        connection.execute(update(document).where(document.c.id == owner.id).values(**values))


def _mention(connection: Connection, batch: Sequence[Derived]) -> None:
    rows = [
        {
            "capture": one.capture,
            "target": named.target,
            "anchor": named.anchor,
            "day": named.day.isoformat() if named.day else "",
        }
        for one in batch
        for named in one.reading.mentions
    ]
    if not rows:
        return
    dialect_of(connection).insert_ignore(connection, mention, rows)
    _date_from_lists(connection, [named for one in batch for named in one.reading.mentions])


def _date_from_lists(connection: Connection, named: Sequence[Mention]) -> None:
    """Complete versions without a date by the earliest day that a list page names beside their address."""
    targets = sorted({one.target for one in named if one.day})
    for chunk in (targets[i : i + 200] for i in range(0, len(targets), 200)):
        undated = connection.execute(
            select(address.c.document, address.c.url)
            .join(version, version.c.document == address.c.document)
            .where(
                address.c.url.in_(chunk), or_(version.c.published.is_(None), version.c.published_from == "list page")
            )
            .distinct()
        ).all()
        for owner in sorted({row.document for row in undated}):
            date_from_mentions(connection, owner)


def date_from_mentions(connection: Connection, owner: int) -> None:
    """Give the undated versions of a document the earliest day that list pages name beside its addresses."""
    day = connection.scalar(
        select(func.min(mention.c.day))
        .join(address, address.c.url == mention.c.target)
        .where(address.c.document == owner, mention.c.day != "")
    )
    if not day:
        return
    connection.execute(
        update(version).where(version.c.document == owner, _UNDATED).values(published=day, published_from="list page")
    )
    current = select(version.c.published).where(version.c.id == document.c.version).scalar_subquery()
    connection.execute(
        update(document)
        .where(document.c.id == owner)
        .values(published=current, day=case((current.is_not(None), func.substr(current, 1, 10)), else_=document.c.day))
    )


def _day(published: str | None, first_seen: str) -> str:
    if published:
        return published[:10]
    return datetime.fromisoformat(first_seen).astimezone(ICT).date().isoformat()


def _moment(value: date | datetime | None) -> str | None:
    """A whole moment keeps the offset of its site; a day is a day."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") if value.tzinfo else written(value)
    return value.isoformat() if value else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
