"""What the index says of files and records, so that it can be held against them; and when they last agreed."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from storage.index.tables import capture, crawl, file, fixity
from storage.model import Outcome
from storage.moments import written
from storage.surt import surt

_PAGE = 500


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of which the index knows; `is_running` is what the index says of the crawl that wrote it."""

    name: str
    bytes: int | None
    sha256: str | None  # known once it is sealed
    captures: int
    is_running: bool


@dataclass(frozen=True, slots=True)
class KnownOriginal:
    """What a revisit repeats, as its row says it."""

    id: int
    url: str
    date: str
    type: str
    status: int | None
    truncated: str | None
    payload_digest: str | None
    warc: str


@dataclass(frozen=True, slots=True)
class KnownCapture:
    """One capture, as its row says it."""

    id: int
    url: str
    date: str
    type: str
    status: int | None
    offset: int
    length: int
    record_id: str
    payload_digest: str | None
    payload_length: int
    truncated: str | None
    original: KnownOriginal | None


@dataclass(frozen=True, slots=True)
class Move:
    """Where the record of a capture really lies, in the file that its row names."""

    capture: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Result:
    """What verifying a file came to at last."""

    file: str
    verified: str
    sha256: str
    problems: int


def known_files(connection: Connection) -> list[KnownFile]:
    """All files of which the index knows, by name."""
    counted = select(capture.c.file, func.count().label("captures")).group_by(capture.c.file).subquery()
    rows = connection.execute(
        select(file.c.name, file.c.bytes, file.c.sha256, func.coalesce(counted.c.captures, 0))
        .add_columns(crawl.c.outcome == Outcome.RUNNING)
        .join(crawl, crawl.c.id == file.c.crawl)
        .outerjoin(counted, counted.c.file == file.c.id)
        .order_by(file.c.name)
    )
    return [KnownFile(*row) for row in rows]


_original, _original_file = capture.alias("original"), file.alias("original_file")
_OF_ORIGINAL = ("id", "url", "date", "type", "status", "truncated", "payload_digest")
_OF_CAPTURE = (
    *("id", "url", "date", "type", "status", "offset", "length", "record_id", "payload_digest", "payload_length"),
    "truncated",
)
_captures = (
    select(*(capture.c[name] for name in _OF_CAPTURE))
    .add_columns(*(_original.c[name].label(f"original_{name}") for name in _OF_ORIGINAL))
    .add_columns(_original_file.c.name.label("original_warc"))
    .join(file, file.c.id == capture.c.file)
    .outerjoin(_original, _original.c.id == capture.c.original)
    .outerjoin(_original_file, _original_file.c.id == _original.c.file)
    .where(file.c.name == bindparam("warc"), capture.c.offset > bindparam("after"))
    .order_by(capture.c.offset)
    .limit(_PAGE)
)


def captures_behind(connection: Connection, warc: str, after: int) -> list[KnownCapture]:
    """The next captures of a file whose offset is larger, in their order; none at its end."""
    return [_known(row) for row in connection.execute(_captures, {"warc": warc, "after": after})]


def _known(row: Row[*tuple[Any, ...]]) -> KnownCapture:
    values: tuple[Any, ...] = tuple(row)
    mine, other = dict(zip(_OF_CAPTURE, values, strict=False)), values[len(_OF_CAPTURE) :]
    return KnownCapture(**mine, original=KnownOriginal(*other) if other[0] is not None else None)


_at = (
    select(*(capture.c[name] for name in _OF_ORIGINAL), file.c.name)
    .join(file, file.c.id == capture.c.file)
    .where(capture.c.urlkey == bindparam("urlkey"), capture.c.url == bindparam("url"))
    .where(capture.c.date >= bindparam("since"), capture.c.date < bindparam("until"))
    .order_by((capture.c.type == "response").desc(), capture.c.date, capture.c.id)
    .limit(1)
)


def capture_at(connection: Connection, url: str, date: datetime) -> KnownOriginal | None:
    """The capture of an address at a moment; without fractions the moment is the whole second."""
    step = timedelta(microseconds=1) if date.microsecond else timedelta(seconds=1)
    asked = {"urlkey": surt(url), "url": url, "since": written(date), "until": written(date + step)}
    row: Row[*tuple[Any, ...]] | None = connection.execute(_at, asked).first()
    return KnownOriginal(*row) if row else None


def move(connection: Connection, moves: Iterable[Move]) -> None:
    """Let rows point at where their records lie; some of them may change places."""
    values = [{"moved": one.capture, "to": one.offset, "size": one.length} for one in moves]
    if values:
        row = update(capture).where(capture.c.id == bindparam("moved"))
        connection.execute(row.values(offset=-1 - bindparam("to")), [dict(one, size=0) for one in values])
        connection.execute(row.values(offset=bindparam("to"), length=bindparam("size")), values)


def name_original(connection: Connection, revisit: int, original: int) -> None:
    """Let the row of a revisit name the row of what it repeats."""
    connection.execute(update(capture).where(capture.c.id == revisit).values(original=original))


def set_sealed(connection: Connection, name: str, size: int, sha256: str) -> None:
    """Write down what a sealed file is, where the index knows of it."""
    connection.execute(update(file).where(file.c.name == name).values(bytes=size, sha256=sha256))


def note(connection: Connection, result: Result) -> None:
    """Keep what verifying a file came to, in place of what it came to before."""
    connection.execute(fixity.delete().where(fixity.c.file == result.file))
    connection.execute(fixity.insert().values(asdict(result)))


def last_verified(connection: Connection) -> dict[str, str]:
    """When each file was verified last, by its name."""
    return {row.file: row.verified for row in connection.execute(select(fixity.c.file, fixity.c.verified))}


def results(connection: Connection, after: str, limit: int) -> Sequence[Result]:
    """What verifying came to, by the names of the files that come behind `after`."""
    query = select(fixity).where(fixity.c.file > after).order_by(fixity.c.file).limit(limit)
    return [Result(**row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class Summary:
    """How many sealed files there are, how many of them were verified, and with how many problems."""

    files: int
    verified: int
    problems: int
    last: str | None


@dataclass(frozen=True, slots=True)
class FileState:
    """A file, and what verifying it came to at last; `sha256` is that of the sealed file."""

    name: str
    bytes: int | None
    sha256: str | None
    verified: str | None
    problems: int | None


_SUMMARY = (
    select(func.count(), func.count(fixity.c.file), func.coalesce(func.sum(fixity.c.problems), 0))
    .add_columns(func.max(fixity.c.verified))
    .select_from(file)
    .outerjoin(fixity, fixity.c.file == file.c.name)
    .where(file.c.sha256.is_not(None))
)


def summary(connection: Connection) -> Summary:
    """How all sealed files stand."""
    return Summary(*connection.execute(_SUMMARY).one())


def file_states(connection: Connection, after: str, limit: int) -> list[FileState]:
    """How each file stands, by the names of those that come behind `after`."""
    rows = connection.execute(
        select(file.c.name, file.c.bytes, file.c.sha256, fixity.c.verified, fixity.c.problems)
        .outerjoin(fixity, fixity.c.file == file.c.name)
        .where(file.c.name > after)
        .order_by(file.c.name)
        .limit(limit)
    )
    return [FileState(*row) for row in rows]
