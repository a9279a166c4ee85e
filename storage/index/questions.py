"""What the archive answers about a document: what it says, when each text stood, and where the proof lies.

The fields of the answers, in their order, are the keys of the JSON that `docs/cli.md` documents. Moments are text, as
the index keeps them. A field marked `TERMINAL` is shown to people only.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from shlex import quote
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, or_, select, tuple_

from storage.errors import NotFound, UsageError
from storage.index import attachments, withheld
from storage.index.attachments import Offered, Offering
from storage.index.gone import gone_since, standing
from storage.index.naming import named, spellings
from storage.index.related import Republication, republications
from storage.index.tables import address, capture, document, file, frontier, reading, version
from storage.index.withheld import Standing
from storage.model import Attachment, Image, Kind
from storage.surt import surt
from storage.urls import file_name

TERMINAL = {"json": False}
_Row = Row[*tuple[Any, ...]]
_TEXT = (
    *("title", "lead", "text", "authors", "published", "published_from", "modified", "section", "tags"),
    *("language", "images", "attachments", "method", "confidence"),
)

_PLACES = select(  # what `_held` reads
    *(capture.c[name] for name in ("date", "url", "status", "offset", "length", "payload_digest", "type", "ip")),
    file.c.name.label("warc"),
).join(file, file.c.id == capture.c.file)
_OF_OWNER = version.c.document == bindparam("owner")
_ADDRESSES = (
    select(address.c.url).where(address.c.document == bindparam("owner")).order_by(address.c.first_seen, address.c.url)
)
_AT_ADDRESS = and_(
    capture.c.urlkey.in_(bindparam("keys", expanding=True)), capture.c.url.in_(bindparam("urls", expanding=True))
)
_READ = select(reading.c.capture).join(version, version.c.id == reading.c.version).where(_OF_OWNER)
_CAPTURES = (
    _PLACES.add_columns(
        *(reading.c[name] for name in ("version", "views", "reread", "reason")), version.c.title, version.c.digest
    )
    .outerjoin(reading, reading.c.capture == capture.c.id)
    .outerjoin(version, version.c.id == reading.c.version)
    .where(or_(capture.c.id.in_(_READ), _AT_ADDRESS))
    .order_by(capture.c.date, file.c.name, capture.c.offset)
)
_VERSIONS = (
    select(*(version.c[name] for name in ("id", "first_seen", "last_seen", "title", "digest")))
    .where(_OF_OWNER)
    .order_by(version.c.first_seen, version.c.digest)
)
_TEXTS = (
    select(version.c.id, version.c.title, version.c.text)
    .where(_OF_OWNER)
    .order_by(version.c.first_seen, version.c.digest)
)
_VERSION = select(version).where(version.c.id == bindparam("id"))
_AT_ONE_OF = (
    select(document)
    .where(document.c.id.in_(select(address.c.document).where(address.c.url.in_(bindparam("urls", expanding=True)))))
    .order_by(document.c.id)
)
_OF_IDENTITIES = (
    select(document).where(document.c.identity.in_(bindparam("identities", expanding=True))).order_by(document.c.id)
)


@dataclass(frozen=True, slots=True)
class Held:
    """One capture, as the place in the WARC files where it lies."""

    timestamp: str
    url: str
    status: int | None
    warc: str
    offset: int
    length: int
    payload_digest: str | None
    type: str
    ip: str | None = field(default=None, metadata=TERMINAL)


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One distinct text of a document; versions are numbered from 1 by their first capture."""

    version: int
    first_seen: str
    last_seen: str
    title: str
    digest: str


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which captures of a document, one after the other, gave the same text, or none: it was gone."""

    version: int | None
    first_seen: str
    last_seen: str
    title: str | None
    digest: str | None
    reread: str | None  # when other rules than before read this text in captures of this time
    captures: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """Title and text of each version of a document, in the order of their numbers; empty where one is `withheld`."""

    document: str
    texts: tuple[tuple[str, str], ...]
    withheld: frozenset[int] = frozenset()  # numbers


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as it stood in its newest capture, and all captures of its addresses, oldest first.

    `articles` are those that offer a file; `reason` says why the text of a file is not available.
    """

    document: str
    kind: str
    url: str
    addresses: tuple[str, ...]
    site: str
    title: str | None
    lead: str | None
    text: str | None
    authors: tuple[str, ...]
    published: str | None
    published_from: str | None
    modified: str | None
    section: tuple[str, ...]
    tags: tuple[str, ...]
    views: int | None
    language: str | None
    images: tuple[Image, ...]
    attachments: tuple[Offered, ...]
    articles: tuple[Offering, ...]
    reason: str | None
    method: str | None
    confidence: float | None
    version: int | None
    versions: tuple[VersionLine, ...]
    captures: tuple[Held, ...]
    republications: tuple[Republication, ...]
    gone: bool
    gone_since: str | None


def show(connection: Connection, wanted: str, identities: Iterable[str] = ()) -> Shown:
    """The document of this identity, number or address, as `find` finds it; raises NotFound, Withheld."""
    owner = find(connection, wanted, identities)
    held = withheld.standing(connection)
    addresses = _addresses(connection, owner.id, held)
    captures = _captures(connection, owner.id, addresses, held)
    versions = _versions(connection, owner.id, held)
    standing_version = _standing(owner, versions)
    number = next((number for number, one in versions if one.id == standing_version), None)
    views = [one.views for one in captures if one.views is not None]
    text = _text_of(connection, standing_version)
    is_file = owner.kind == Kind.ATTACHMENT
    if is_file and text["title"] is None:
        text["title"] = attachments.name_of(connection, owner.id) or file_name(owner.url)
    since = gone_since(captures, addresses)
    return Shown(
        document=owner.identity,
        kind=owner.kind,
        url=held.address(owner.id, owner.url),
        addresses=addresses,
        site=owner.site,
        **text | _shown_files(connection, text, held),
        articles=attachments.offered_by(connection, [owner.id]).get(owner.id, ()) if is_file else (),
        reason=attachments.reason(connection, owner.id) if is_file else None,
        views=views[-1] if views else None,
        version=number,
        versions=tuple(
            VersionLine(number, one.first_seen, one.last_seen, one.title, one.digest) for number, one in versions
        ),
        captures=tuple(map(_held, captures)),
        republications=tuple(republications(connection, owner.id)),
        gone=since is not None,
        gone_since=since,
    )


def history(connection: Connection, wanted: str, identities: Iterable[str] = ()) -> list[Period]:
    """When each text of a document stood, oldest first: a text that came back has a period for each time.

    A period without version is one in which the document was gone.
    """
    owner = find(connection, wanted, identities)
    held = withheld.standing(connection)
    addresses = _addresses(connection, owner.id, held)
    numbers = {one.id: number for number, one in _versions(connection, owner.id, held)}
    captures = _captures(connection, owner.id, addresses, held)
    gone = {one for one, is_gone in standing(captures, addresses) if is_gone}
    telling = [one for one in captures if one.version in numbers or one in gone]
    periods = []
    for id_, group in groupby(telling, key=lambda one: one.version):
        told = list(group)
        periods.append(
            Period(
                version=numbers.get(id_),
                first_seen=told[0].date,
                last_seen=told[-1].date,
                title=told[0].title,
                digest=told[0].digest,
                reread=max((one.reread for one in told if one.reread), default=None),
                captures=tuple(map(_held, told)),
            )
        )
    return periods


def texts(connection: Connection, wanted: str, identities: Iterable[str] = ()) -> Texts:
    """What the versions of a document say; it is found as `find` does."""
    owner = find(connection, wanted, identities)
    hidden = withheld.standing(connection).versions
    rows = connection.execute(_TEXTS, {"owner": owner.id}).all()
    return Texts(
        document=owner.identity,
        texts=tuple(("", "") if row.id in hidden else (row.title, row.text) for row in rows),
        withheld=frozenset(number for number, row in enumerate(rows, 1) if row.id in hidden),
    )


def captures_at(
    connection: Connection, url: str, limit: int, cursor: str | None = None
) -> tuple[tuple[Held, ...], str | None]:
    """The captures of an address, oldest first, and the cursor of those that follow; raises NotFound, Withheld."""
    named, held = spellings(url), withheld.standing(connection)
    for one in named:
        held.refuse_address(one)
    query = (
        _PLACES.add_columns(capture.c.id)
        .where(capture.c.urlkey.in_([surt(one) for one in named]), capture.c.url.in_(named))
        .order_by(capture.c.date, capture.c.id)
        .limit(limit + 1)
    )
    if cursor is not None:
        date, _, id_ = cursor.rpartition("/")
        if not (date and id_.isascii() and id_.isdigit() and len(id_) < 19):
            raise UsageError("the cursor is not of this list: leave it out to begin with the first part")
        query = query.where(tuple_(capture.c.date, capture.c.id) > (date, int(id_)))
    rows = connection.execute(query).all()
    if not rows and cursor is None:
        raise NotFound(f"no capture of {url[:200]!r} in the archive")
    more = len(rows) > limit
    return tuple(map(_held, rows[:limit])), f"{rows[limit - 1].date}/{rows[limit - 1].id}" if more else None


def find(connection: Connection, wanted: str, identities: Iterable[str] = ()) -> _Row:
    """The row of the document of this identity, number or address; raises NotFound, Withheld.

    An address that was never captured is looked for under `identities`, which the sites' rules give it.
    """
    held = withheld.standing(connection)
    row = named(connection, wanted) or _elsewhere(connection, wanted, identities, held)
    held.refuse_document(row.id, row.identity)
    return row


def _elsewhere(connection: Connection, wanted: str, identities: Iterable[str], held: Standing) -> _Row:
    """The document at an address, or of one of these identities."""
    spelled = spellings(wanted)
    for url in spelled:
        held.refuse_address(url)
    row = (
        connection.execute(_AT_ONE_OF, {"urls": spelled}).first()
        or connection.execute(_OF_IDENTITIES, {"identities": list(identities)}).first()
    )
    if row is None:
        raise NotFound(_why_not(connection, wanted, spelled))
    return row


def _why_not(connection: Connection, wanted: str, spelled: Sequence[str]) -> str:
    held = connection.execute(
        select(
            *(capture.c[name] for name in ("url", "date", "status", "kind", "offset")),
            file.c.name.label("warc"),
            reading.c.reason,
        )
        .join(file, file.c.id == capture.c.file)
        .outerjoin(reading, reading.c.capture == capture.c.id)
        .where(capture.c.urlkey.in_([surt(url) for url in spelled]), capture.c.url.in_(spelled))
        .order_by(capture.c.date.desc())
    ).first()
    if held is not None:
        reason = held.reason or f"of kind {held.kind}, its last answer was {held.status}"
        where = f"{held.date[:10]}, {held.warc}, offset {held.offset}"
        return f"{held.url} is archived ({where}), but is no document: {reason}"
    known = connection.execute(
        select(frontier.c.url, frontier.c.state, frontier.c.error).where(frontier.c.url.in_(spelled))
    ).first()
    if known is not None:
        reason = f": {known.error}" if known.error else "; the next crawl of its site asks for it"
        return f"{known.url} is known but not archived ({known.state}){reason}"
    hint = (
        f"`luutru crawl {quote(spelled[0])}` archives it"
        if "://" in wanted and spelled
        else "try `luutru search WORDS`"
    )
    return f"no document {wanted[:200]!r} in the archive: {hint}"


def _addresses(connection: Connection, owner: int, held: Standing) -> tuple[str, ...]:
    rows = connection.execute(_ADDRESSES, {"owner": owner}).all()
    return tuple(url for (url,) in rows if not held.covers(url))


def _captures(connection: Connection, owner: int, addresses: Iterable[str], held: Standing) -> Sequence[_Row]:
    """Captures that gave a text of the document, and all others of these addresses, oldest first."""
    urls = list(addresses)
    at = {"owner": owner, "keys": [surt(url) for url in urls], "urls": urls}
    return connection.execute(withheld.narrowed(_CAPTURES, held.captures_shown()), at).all()


def _held(row: _Row) -> Held:
    return Held(
        timestamp=re.sub(r"\D", "", row.date)[:14],
        url=row.url,
        status=row.status,
        warc=row.warc,
        offset=row.offset,
        length=row.length,
        payload_digest=row.payload_digest,
        type=row.type,
        ip=row.ip,
    )


def _versions(connection: Connection, owner: int, held: Standing) -> list[tuple[int, _Row]]:
    """The versions of a document that are shown, with their numbers, which are the same whatever is withheld."""
    rows = connection.execute(_VERSIONS, {"owner": owner}).all()
    return [(number, one) for number, one in enumerate(rows, 1) if one.id not in held.versions]


def _standing(owner: _Row, versions: Sequence[tuple[int, _Row]]) -> int | None:
    """The version that a document is shown with: that of its newest capture, or the newest that is shown."""
    ids = [one.id for _, one in sorted(versions, key=lambda each: each[1].last_seen)]
    return owner.version if owner.version in ids else ids[-1] if ids else None


def _shown_files(connection: Connection, text: Mapping[str, Any], held: Standing) -> dict[str, Any]:
    """Images and attachments of a text, without those whose address is withheld."""
    images = tuple(one for one in text["images"] if not held.covers(one.url))
    files = [one for one in text["attachments"] if not held.covers(one.url)]
    return {"images": images, "attachments": attachments.files_of(connection, files)}


def _text_of(connection: Connection, id_: int | None) -> dict[str, Any]:
    row = connection.execute(_VERSION, {"id": id_}).first() if id_ is not None else None
    if row is None:
        nothing = (
            "title",
            "lead",
            "text",
            "published",
            "published_from",
            "modified",
            "language",
            "method",
            "confidence",
        )
        return dict.fromkeys(nothing) | dict.fromkeys(("authors", "section", "tags", "images", "attachments"), ())
    values = {name: getattr(row, name) for name in _TEXT}
    for name in ("authors", "section", "tags"):
        values[name] = tuple(json.loads(values[name]))
    return values | {
        "images": tuple(Image(**one) for one in json.loads(row.images)),
        "attachments": tuple(Attachment(**one) for one in json.loads(row.attachments)),
        "confidence": row.confidence / 1000,
    }
