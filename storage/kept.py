"""Exchanges, read back from the records that they became: the way back of `storage.compose`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from storage.compose import Answer
from storage.errors import BrokenRecord
from storage.fields import Metadata, decode_metadata
from storage.manifest import locate
from storage.model import Capture, Exchange, Kind, Original, RecordType
from storage.records import Record, read_response, records, response_in
from storage.warc import capture_of

ANSWERS = frozenset(RecordType)
_KINDS = frozenset(Kind)
_NONE = Metadata()


@dataclass(frozen=True, slots=True)
class Reference:
    """What a revisit says of the record that it repeats."""

    record_id: str | None
    url: str
    date: datetime


FindOriginal = Callable[[Reference], Original | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A capture, and the exchange that it is of; `refers_to` is what a revisit says of its original."""

    exchange: Exchange
    capture: Capture
    refers_to: Reference | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What the first record of a file of ours says of the crawl that wrote it."""

    site: str
    crawl: str
    date: datetime
    definition: str  # SHA-256


def kept_exchanges(home: Path, warc: str, find: FindOriginal, after: int = -1) -> Iterator[Kept]:
    """The answered exchanges of a file whose captures lie behind the offset `after`, in their order.

    A revisit has the body of its original, which is what `find` knows; without it has none. Raises BrokenRecord where
    a record is not whole, StorageError.
    """
    for group in groups(found for found in records(locate(home, warc), max(after, 0))):
        if group[0].type in ANSWERS and group[0].offset > after:
            yield kept(home, warc, group, find)


def kept(home: Path, warc: str, group: Sequence[Record], find: FindOriginal) -> Kept:
    """The exchange of an answer and of the records beside it; raises BrokenRecord, StorageError."""
    answer = group[0]
    reference = _reference(answer)
    original = find(reference) if reference else None
    try:
        exchange = _exchange(home, warc, answer, group[1:], original)
        return Kept(exchange, capture_of(exchange, _answer(answer), warc, answer.offset, original), reference)
    except ValueError as error:
        raise BrokenRecord(warc, answer.offset, f"not a capture: {error}") from error


def begun(record: Record) -> Begun | None:
    """What the first record of a file says; None where no crawl of ours wrote it."""
    if record.type != "warcinfo":
        return None
    fields = {name: value.decode("utf-8", "replace") for name, value in decode_metadata(record.block).notes}
    site, crawl, definition = (fields.get(name) for name in ("site", "isPartOf", "site-definition"))
    if not (site and crawl and definition):
        return None
    try:
        date = datetime.fromisoformat(record.header("WARC-Date") or "").astimezone(UTC)
    except ValueError:
        return None
    return Begun(site, crawl, date, definition.removeprefix("sha256:"))


def groups(found: Iterable[Record]) -> Iterator[list[Record]]:
    """Each answer with the records that follow it and name it; each other record alone."""
    group: list[Record] = []
    for record in found:
        if group and record.header("WARC-Concurrent-To") == group[0].header("WARC-Record-ID"):
            group.append(record)
            continue
        if group:
            yield group
        group = [record]
        if record.type not in ANSWERS:
            yield group
            group = []
    if group:
        yield group


def _exchange(home: Path, warc: str, answer: Record, beside: Sequence[Record], original: Original | None) -> Exchange:
    stored = response_in(answer)
    said = next((decode_metadata(one.block) for one in beside if one.type == "metadata"), _NONE)
    request = next((one.block for one in beside if one.type == "request"), b"")
    repeats = stored.type is RecordType.REVISIT and stored.status != 304 and original is not None
    return Exchange(
        url=stored.url,
        method=request.partition(b" ")[0].decode("latin-1") or "GET",
        started=stored.date,
        elapsed=said.fetch_ms / 1000,
        request=request,
        status=stored.status,
        head=stored.head,
        body=read_response(home, original.warc, original.offset).body if repeats and original else stored.body,
        truncated=stored.truncated,
        error=said.error,
        ip=answer.header("WARC-IP-Address"),
        protocols=tuple(value for name, value in answer.headers if name.lower() == "warc-protocol"),
        cipher=answer.header("WARC-Cipher-Suite"),
        via=said.via,
        hops=said.hops,
        kind=Kind(said.kind) if said.kind in _KINDS else None,
        notes=said.notes,
    )


def _answer(record: Record) -> Answer:
    kind = RecordType(record.type or "")
    digest = record.header("WARC-Block-Digest" if kind is RecordType.RESOURCE else "WARC-Payload-Digest")
    return Answer(kind, _plain(record.header("WARC-Record-ID")), digest, record.length)


def _reference(record: Record) -> Reference | None:
    named, url, date = (record.header(f"WARC-Refers-To{part}") for part in ("", "-Target-URI", "-Date"))
    if record.type != RecordType.REVISIT or not (url and date):
        return None
    return Reference(_plain(named) or None, url, datetime.fromisoformat(date).astimezone(UTC))


def _plain(record_id: str | None) -> str:
    return (record_id or "").removeprefix("<urn:uuid:").removesuffix(">")
