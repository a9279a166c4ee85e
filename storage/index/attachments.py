"""Attachments: the files that articles offer, and how each finds the other.

An `offer` says that a version of an article names a file. A file is a document by its address, with a version where it
has a text. One that names itself by its address only is called by what the earliest article that offers it says.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, func, select, update

from storage.index.dialects import dialect_of
from storage.index.tables import address, document, offer, reading, version
from storage.index.tables import capture as captured
from storage.index.withheld import standing
from storage.model import Attachment, Kind
from storage.urls import file_name

LINK = "link"  # where a title was read: in what an article calls the file
_FILE_NAME = "file name"
_ONLY_THAT_IT_IS_ONE = re.compile(
    r"[\W\d_]*(?:(?:xem|tải|file|tệp|tập tin|văn bản|tài liệu|đính kèm|kèm theo|về|tại|đây|chi tiết|download|here|pdf"
    r"|docx?|click|vào|toàn văn|nội dung|và)[\W\d_]*)+|[\W\d_]*",
    re.IGNORECASE,
)
_CHUNK = 200  # values in one list of a statement
_FILES_AT = (
    select(address.c.url, document.c.identity, document.c.version)
    .join(document, document.c.id == address.c.document)
    .where(address.c.url.in_(bindparam("urls", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that an article offers; `document` is None where it is not archived."""

    url: str
    name: str
    document: str | None
    has_text: bool


@dataclass(frozen=True, slots=True)
class Offering:
    """An article that offers a file."""

    document: str
    url: str
    title: str


def is_offered() -> ColumnElement[bool]:
    """Joins addresses of documents with the offers of these: many sites write http and answer by https."""
    return offer.c.url.in_([address.c.url, func.replace(address.c.url, "https://", "http://")])


def offering_pdfs() -> Select[tuple[int]]:
    """The versions that offer a file whose text was read as that of a PDF, whatever it is called."""
    return (
        select(offer.c.version)
        .select_from(document)
        .join(address, address.c.document == document.c.id)
        .join(version, version.c.document == document.c.id)
        .join(offer, is_offered())
        .where(document.c.kind == Kind.ATTACHMENT, version.c.method == "pdf")
    )


def record(connection: Connection, versions: Collection[int], files: Collection[int]) -> None:
    """After versions were written: what they offer; and how these files, and those, are called."""
    said = connection.execute(select(version.c.id, version.c.attachments).where(version.c.id.in_(versions)))
    now = {(row.id, one["url"], one["name"]) for row in said for one in json.loads(row.attachments)}
    known = connection.execute(select(offer).where(offer.c.version.in_(versions)))
    before = {(row.version, row.url, row.name) for row in known}
    if now != before:
        connection.execute(delete(offer).where(offer.c.version.in_(versions)))
        rows = [{"version": id_, "url": url, "name": name} for id_, url, name in sorted(now)]
        dialect_of(connection).insert_ignore(connection, offer, rows)
    urls = {spelled for _, url, _ in now | before for spelled in (url, _secure(url))}
    _name(connection, set(files) | _at(connection, sorted(urls)))


def _secure(url: str) -> str:
    return url.replace("http://", "https://", 1)


def _at(connection: Connection, urls: Sequence[str]) -> set[int]:
    chunks = (urls[at : at + _CHUNK] for at in range(0, len(urls), _CHUNK))
    queries = (select(address.c.document).where(address.c.url.in_(chunk)) for chunk in chunks)
    return {id_ for query in queries for id_ in connection.scalars(query)}


def _name(connection: Connection, files: Collection[int]) -> None:
    """Call files that do not name themselves as articles call them."""
    columns = (version.c.id, version.c.document, version.c.title, version.c.lead, version.c.text, version.c.title_from)
    nameless = version.c.title_from.in_((_FILE_NAME, LINK)) & version.c.document.in_(sorted(files))
    rows = connection.execute(
        select(*columns, document.c.url).join(document, document.c.id == version.c.document).where(nameless)
    ).all()
    dialect = dialect_of(connection)
    for row in rows:
        name = name_of(connection, row.document)
        title, source = (name, LINK) if name else (file_name(row.url), _FILE_NAME)
        if (title, source) != (row.title, row.title_from):
            dialect.remove_from_fulltext(connection, [(row.id, row.title, row.lead, row.text)])
            named = update(version).where(version.c.id == row.id).values(title=title, title_from=source)
            connection.execute(named)
            dialect.add_to_fulltext(connection, [(row.id, title, row.lead, row.text)])


def name_of(connection: Connection, file: int) -> str | None:
    """What the earliest article that says more than that it is a file calls a file."""
    rows = _offers(file).order_by(version.c.first_seen, document.c.identity, version.c.digest, offer.c.name)
    names = (row.name for row in connection.execute(rows))
    return next((name for name in names if not _ONLY_THAT_IT_IS_ONE.fullmatch(name)), None)


def offered_by(connection: Connection, files: Sequence[int]) -> dict[int, tuple[Offering, ...]]:
    """The articles that offer each file, in the version that stands or in an earlier one; the earliest first."""
    found: dict[int, dict[str, Offering]] = {}
    held = standing(connection)
    query = _offers(*files).order_by(document.c.first_seen, document.c.identity, version.c.last_seen.desc())
    for row in connection.execute(query.where(*held.versions_shown())):
        article = Offering(row.identity, held.address(row.article, row.url), row.title)
        found.setdefault(row.file, {}).setdefault(row.identity, article)
    return {file: tuple(articles.values()) for file, articles in found.items()}


def _offers(*files: int) -> Select[Any]:
    columns = (address.c.document.label("file"), offer.c.name, document.c.id.label("article"))
    return (
        select(*columns, document.c.identity, document.c.url, version.c.title)
        .select_from(address)
        .join(offer, is_offered())
        .join(version, version.c.id == offer.c.version)
        .join(document, document.c.id == version.c.document)
        .where(address.c.document.in_(files), document.c.id != address.c.document)
    )


def files_of(connection: Connection, attachments: Sequence[Attachment]) -> tuple[Offered, ...]:
    """The files with the documents that they are."""
    if not attachments:
        return ()
    urls = {spelled for one in attachments for spelled in (one.url, _secure(one.url))}
    known = {row.url: row for row in connection.execute(_FILES_AT, {"urls": list(urls)}).all()}
    found = []
    for one in attachments:
        row = known.get(one.url) or known.get(_secure(one.url))
        found.append(Offered(one.url, one.name, row.identity if row else None, bool(row and row.version)))
    return tuple(found)


def reason(connection: Connection, file: int) -> str | None:
    """Why the newest capture of a file gave no text; None where it gave one."""
    at_address = and_(captured.c.url == address.c.url, reading.c.capture == captured.c.id)
    row = connection.execute(
        select(reading.c.reason)
        .select_from(captured)
        .join(reading, reading.c.capture == captured.c.id)
        .join(address, at_address)
        .where(address.c.document == file, captured.c.status == 200)
        .order_by(captured.c.date.desc(), captured.c.id.desc())
        .limit(1)
    ).first()
    return row.reason if row else None
