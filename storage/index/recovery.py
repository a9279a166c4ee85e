"""What the index knows of crawls that never came to their end, and what recovery makes of it."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, or_, select, true, update

from storage.index import crawls
from storage.index.dialects import dialect_of
from storage.index.tables import capture, crawl, file
from storage.kept import Reference
from storage.model import Crawl, Original, Outcome, RecordType
from storage.moments import now, written
from storage.surt import surt

_ENDED = "the process ended before the crawl did"


def settled(connection: Connection, site: str) -> list[str]:
    """The files of a site that are sealed and of which every capture has its row."""
    mine = file.c.name.startswith(f"warc/{site}/", autoescape=True)
    return list(connection.scalars(select(file.c.name).where(mine, file.c.sha256.is_not(None))))


def unsealed(connection: Connection, site: str) -> list[tuple[str, str]]:
    """Name and crawl of the files of a site that have captures and are not sealed."""
    mine = file.c.name.startswith(f"warc/{site}/", autoescape=True)
    rows = connection.execute(select(file.c.name, file.c.crawl).where(mine, file.c.sha256.is_(None)))
    return [(row.name, row.crawl) for row in rows]


def last_capture(connection: Connection, warc: str) -> int:
    """Where the last capture of a file lies that has a row; -1 when none has."""
    last = select(func.max(capture.c.offset)).join(file, file.c.id == capture.c.file).where(file.c.name == warc)
    offset = connection.scalar(last)
    return -1 if offset is None else int(offset)


def original(connection: Connection, reference: Reference) -> Original | None:
    """The capture that a revisit refers to; by its address and date alone where no record is named."""
    named = true() if reference.record_id is None else capture.c.record_id == reference.record_id
    row = connection.execute(
        select(capture.c.url, capture.c.date, capture.c.record_id, file.c.name, capture.c.offset)
        .join(file, file.c.id == capture.c.file)
        .where(capture.c.urlkey == surt(reference.url), capture.c.date == written(reference.date), named)
        .where(capture.c.type != RecordType.REVISIT)
        .order_by(capture.c.id)
    ).first()
    return Original(row.url, datetime.fromisoformat(row.date), *row[2:]) if row else None


def is_readable(connection: Connection, one: Original) -> bool:
    """Whether a capture has a reading, or waits for one."""
    place = (file.c.name == one.warc, capture.c.offset == one.offset)
    query = select(capture.c.derived).join(file, file.c.id == capture.c.file).where(*place)
    return bool(connection.execute(query).scalar_one() != 0)


def unburied(connection: Connection, site: str, among: Sequence[str]) -> list[str]:
    """Crawls of a site that never came to their end, and those `among` these; whoever calls holds the site's lock."""
    which = or_(crawl.c.outcome == Outcome.RUNNING, crawl.c.id.in_(among))
    return list(connection.scalars(select(crawl.c.id).where(crawl.c.site == site, which).order_by(crawl.c.started)))


def running(connection: Connection) -> list[str]:
    """Crawls of all sites that never came to their end, as far as is known."""
    return list(connection.scalars(select(crawl.c.id).where(crawl.c.outcome == Outcome.RUNNING)))


def ensure(connection: Connection, id_: str, site: str, started: datetime, definition: str) -> None:
    """The row of a crawl of which only files are left, as if it were still running."""
    row = {"id": id_, "site": site, "outcome": Outcome.RUNNING, "started": written(started), "definition": definition}
    dialect_of(connection).insert_ignore(connection, crawl, [row])


def tell(connection: Connection, id_: str, warnings: Sequence[str]) -> bool:
    """Add warnings to a crawl; whether there were new ones."""
    known = json.loads(connection.execute(select(crawl.c.warnings).where(crawl.c.id == id_)).scalar_one())
    fresh = [one for one in warnings if one not in known]
    if fresh:
        told = json.dumps([*known, *fresh], ensure_ascii=False)
        connection.execute(update(crawl).where(crawl.c.id == id_).values(warnings=told))
    return bool(fresh)


def bury(connection: Connection, id_: str) -> Crawl:
    """Say of a crawl that it was interrupted, with what it captured; one that had ended keeps its outcome.

    Attempts without an answer are not known then; `bytes` are those of the payloads.
    """
    row = connection.execute(select(crawl).where(crawl.c.id == id_)).mappings().one()
    dead = row["outcome"] == Outcome.RUNNING
    counts = crawls.counts(connection, id_)
    kept = (func.count(), func.coalesce(func.sum(capture.c.payload_length), 0))
    attempts, received = connection.execute(select(*kept).where(capture.c.crawl == id_)).one()
    told = [*([_ENDED] if dead else []), *json.loads(row["warnings"])]
    connection.execute(
        update(crawl)
        .where(crawl.c.id == id_)
        .values(
            outcome=Outcome.INTERRUPTED if dead else row["outcome"],
            finished=row["finished"] or now(),
            captures=counts.captures,
            revisits=counts.revisits,
            requisites=counts.requisites,
            attempts=max(row["attempts"], attempts),
            bytes=max(row["bytes"], received),
            warnings=json.dumps(told, ensure_ascii=False),
        )
    )
    return crawls.of_row(connection.execute(select(crawl).where(crawl.c.id == id_)).mappings().one())


def count_documents(connection: Connection, site: str) -> list[str]:
    """Count the documents of crawls whose captures were read after they had been interrupted; which these are."""
    uncounted = (crawl.c.outcome == Outcome.INTERRUPTED, crawl.c.documents_new.is_(None))
    ids = connection.scalars(select(crawl.c.id).where(crawl.c.site == site, *uncounted)).all()
    for id_ in ids:
        met = crawls.documents(connection, id_)
        connection.execute(
            update(crawl)
            .where(crawl.c.id == id_)
            .values(documents_new=met.new, documents_changed=met.changed, documents_unchanged=met.unchanged)
        )
    return list(ids)
