"""Exchanges, read back from the records that they became: the way back of `storage.compose`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from storage.compose import Answer
from storage.errors import BrokenRecord
from storage.fields import Metadata, decode_metadata
from storage.manifest import locate
from storage.model import Capture, Exchange, Original, RecordType
from storage.records import Record, read_record, read_response, records, response_in
from storage.warc import capture_of, original_of

_ANSWERS = frozenset(RecordType)
_NONE = Metadata()


@dataclass(frozen=True, slots=True)
class Reference:
    """What a revisit says of the record that it repeats."""

    record_id: str
    url: str
    date: datetime


FindOriginal = Callable[[Reference], Original | None]


def kept_exchanges(home: Path, warc: str, find: FindOriginal, after: int = -1) -> Iterator[tuple[Exchange, Capture]]:
    """The answered exchanges of a file whose captures lie behind the offset `after`, in their order.

    A revisit has the body of its original: one of those that came before in this run, else what `find` knows; without
    any it has none. Raises BrokenRecord where a record is not whole, StorageError.
    """
    originals: dict[str, Original] = {}
    for answer, beside in _groups(records(locate(home, warc), max(after, 0))):
        if answer.offset <= after:
            continue
        reference = _reference(answer)
        original = (originals.get(reference.record_id) or find(reference)) if reference else None
        exchange = _exchange(home, warc, answer, beside, original)
        capture = capture_of(exchange, _answer(answer), warc, answer.offset, original)
        if capture.type is RecordType.RESPONSE:
            originals[capture.record_id] = original_of(capture)
        yield exchange, capture


def begun(home: Path, warc: str) -> tuple[datetime, str]:
    """When a file was begun, and the digest of the site's definition then, as its warcinfo record says."""
    record = read_record(home, warc, 0)
    fields = dict(decode_metadata(record.block).notes)
    date = datetime.fromisoformat(record.header("WARC-Date") or "").astimezone(UTC)
    return date, fields.get("site-definition", b"").decode("latin-1").removeprefix("sha256:")


def _groups(found: Iterator[Record]) -> Iterator[tuple[Record, list[Record]]]:
    """Each answer with the records that follow it and name it; others belong to no answer."""
    answer, beside = None, list[Record]()
    for record in found:
        if record.type in _ANSWERS:
            if answer:
                yield answer, beside
            answer, beside = record, []
        elif answer and record.header("WARC-Concurrent-To") == answer.header("WARC-Record-ID"):
            beside.append(record)
    if answer:
        yield answer, beside


def _exchange(home: Path, warc: str, answer: Record, beside: list[Record], original: Original | None) -> Exchange:
    try:
        stored = response_in(answer)
    except ValueError as error:
        raise BrokenRecord(warc, answer.offset, f"not a capture: {error}") from error
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
        notes=said.notes,
    )


def _answer(record: Record) -> Answer:
    kind = RecordType(record.type or "")
    digest = record.header("WARC-Block-Digest" if kind is RecordType.RESOURCE else "WARC-Payload-Digest")
    return Answer(kind, _plain(record.header("WARC-Record-ID")), digest, record.length)


def _reference(record: Record) -> Reference | None:
    named, url, date = (record.header(f"WARC-Refers-To{part}") for part in ("", "-Target-URI", "-Date"))
    if record.type != RecordType.REVISIT or not (named and url and date):
        return None
    return Reference(_plain(named), url, datetime.fromisoformat(date).astimezone(UTC))


def _plain(record_id: str | None) -> str:
    return (record_id or "").removeprefix("<urn:uuid:").removesuffix(">")
