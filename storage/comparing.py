"""The records of a file, held against their own headers, against their rows, and revisits against their originals."""

from collections.abc import Collection as Names
from collections.abc import Iterator
from dataclasses import dataclass

from storage.index import fixity
from storage.index.engine import Index
from storage.index.fixity import KnownCapture, KnownOriginal, Move
from storage.model import RecordType
from storage.moments import parsed, written
from storage.problems import Finding, Kind, Name
from storage.scanning import Broken, Scanned
from storage.soundness import Doubt, Lengths, has_transfer_coding, status_of
from storage.urls import NotAnAddress, canonicalize

_CAPTURES = frozenset(RecordType)
_REBUILD = "rebuild the index"
_RESTORE = "put the file back from a copy"
_KEEP = "it was written so: the bytes are kept as they are"


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    length: int
    what: str


class FileCheck:
    """One file: `take` its records in their order, then `finish`. Without an index its captures have no rows."""

    def __init__(self, warc: str, index: Index | None, missing: Names[str]) -> None:
        self.records = 0
        self.captures = 0
        self._warc = warc
        self._index = index
        self._missing = missing
        self._found: list[Finding] = []
        self._lengths = Lengths()
        self._rows = self._read_rows()
        self._row = next(self._rows, None)
        self._astray: list[tuple[KnownCapture, str]] = []  # rows that are not where their record is, and why
        self._homeless: dict[str, _Place] = {}  # captures to which no row points, by record id

    def take(self, record: Scanned | Broken) -> None:
        """The next record."""
        self._astray.extend((row, "no record begins there") for row in self._rows_before(record.offset))
        if isinstance(record, Broken):
            lost = sum(1 for _ in self._rows_before(record.end))
            self._add(Kind.MEMBER, record.offset, f"{record.wrong}; {lost} captures of the index lie there", _RESTORE)
            return
        self.records += 1
        self._doubt(self._lengths.take(record))
        self._itself(record)
        row = next(self._rows_before(record.offset + 1), None)
        if record.type in _CAPTURES:
            self.captures += 1
            if self._index:
                self._capture(self._index, record, row)
        elif row:
            self._astray.append((row, f"a {record.type} record lies there"))

    def finish(self) -> list[Finding]:
        """Everything that was found, in the order of the file."""
        self._doubt(self._lengths.take(None))
        self._astray.extend((row, "the file ends before it") for row in self._rows_before(None))
        self._settle_astray()
        for place in self._homeless.values():
            self._add(Kind.ROW_MISSING, place.offset, f"no row of the index points at {place.what}", _REBUILD)
        return sorted(self._found, key=lambda one: (one.offset or 0, one.kind))

    def _add(self, kind: Kind, offset: int, wrong: str, advice: str) -> None:
        self._found.append(Finding(kind, self._warc, offset, wrong, advice))

    def _doubt(self, doubt: Doubt | None) -> None:
        if doubt:
            self._add(Kind.CONTENT_LENGTH, doubt.offset, doubt.wrong, _KEEP)

    # The record itself

    def _itself(self, record: Scanned) -> None:
        for kind, wrong in (
            (Kind.RECORD, record.wrong_record),
            (Kind.BLOCK_DIGEST, record.wrong_block),
            (Kind.PAYLOAD_DIGEST, record.wrong_payload),
        ):
            if wrong and not (kind is Kind.PAYLOAD_DIGEST and not record.wrong_block and has_transfer_coding(record)):
                self._add(kind, record.offset, wrong, _RESTORE)

    # Its row

    def _read_rows(self) -> Iterator[KnownCapture]:
        after = -1
        while self._index:
            with self._index.read() as connection:
                page = fixity.captures_behind(connection, self._warc, after)
            if not page:
                return
            yield from page
            after = page[-1].offset

    def _rows_before(self, offset: int | None) -> Iterator[KnownCapture]:
        """The rows that come next and point before an offset."""
        while self._row and (offset is None or self._row.offset < offset):
            row, self._row = self._row, next(self._rows, None)
            yield row

    def _capture(self, index: Index, record: Scanned, row: KnownCapture | None) -> None:
        if row and row.record_id != record.record_id:
            self._astray.append((row, f"the record {record.record_id} lies there"))
            row = None
        if row is None:
            what = f"the {record.type} of {record.headers.get('warc-target-uri')}"
            self._homeless[record.record_id] = _Place(record.offset, record.length, what)
            return
        try:
            date = parsed(record.headers.get("warc-date", ""))
            differences = list(_differences(record, row, written(date)))
            if differences:
                remedy = (
                    Move(row.id, row.offset, record.length)
                    if [name for name, *_ in differences] == ["length"]
                    else None
                )
                told = "; ".join(f"{name} {said}, the record {is_}" for name, said, is_ in differences)
                self._found.append(Finding(Kind.ROW, self._warc, row.offset, f"its row says {told}", _REBUILD, remedy))
            if record.type == RecordType.REVISIT:
                self._revisit(index, record, row)
        except ValueError as error:
            self._add(Kind.RECORD, record.offset, f"a date or an address cannot be read ({error})", _RESTORE)

    def _settle_astray(self) -> None:
        """Rows whose record lies elsewhere in the file, at a place that is free or becomes free, can be moved."""
        places = {row.id: self._homeless.pop(row.record_id, None) for row, _ in self._astray}
        staying = {row.offset for row, _ in self._astray if places[row.id] is None}
        while (
            blocked := {row.offset for row, _ in self._astray if (place := places[row.id]) and place.offset in staying}
            - staying
        ):
            staying |= blocked
        for row, why in self._astray:
            place = places[row.id]
            wrong = f"the row of {row.url} points here, but {why}"
            remedy = None
            if place:
                wrong += f"; its record lies at offset {place.offset}"
                remedy = None if place.offset in staying else Move(row.id, place.offset, place.length)
            self._found.append(Finding(Kind.ROW, self._warc, row.offset, wrong, _REBUILD, remedy))

    # Its original

    def _revisit(self, index: Index, record: Scanned, row: KnownCapture) -> None:
        url = record.headers.get("warc-refers-to-target-uri")
        date = record.headers.get("warc-refers-to-date")
        if not url or not date:
            self._add(Kind.ORIGINAL, row.offset, "the revisit does not say what it repeats", _KEEP)
            return
        original = row.original
        if original is None or not _is_at(original, url, date):
            named = f"its row names {original.url} at {original.date}" if original else "its row names no original"
            with index.read() as connection:
                original = fixity.capture_at(connection, url, parsed(date))
            wrong = f"it repeats {url} at {date}, {named}"
            if original is None:
                self._add(Kind.ORIGINAL, row.offset, f"{wrong}, and no row is that original", _REBUILD)
                return
            self._found.append(Finding(Kind.ORIGINAL, self._warc, row.offset, wrong, remedy=Name(row.id, original.id)))
        self._original(record, row, original)

    def _original(self, record: Scanned, row: KnownCapture, original: KnownOriginal) -> None:
        is_identical = record.headers.get("warc-profile", "").endswith("/identical-payload-digest")
        if original.warc in self._missing:
            wrong, advice = f"its original lies in {original.warc}, which is missing", "put that file back from a copy"
        elif original.type == RecordType.REVISIT or original.truncated:
            wrong, advice = "its original is a revisit itself, or cut off", _KEEP
        elif is_identical and original.payload_digest != record.headers.get("warc-payload-digest"):
            wrong, advice = f"its original has the payload digest {original.payload_digest}", _REBUILD
        else:
            return
        self._add(Kind.ORIGINAL, row.offset, wrong, advice)


def _differences(record: Scanned, row: KnownCapture, date: str) -> Iterator[tuple[str, object, object]]:
    """Where a row and its record say different things: the name of the thing, the row's word, the record's."""
    headers = record.headers
    address = headers.get("warc-target-uri", "")
    digest = headers.get("warc-block-digest" if record.type == RecordType.RESOURCE else "warc-payload-digest")
    if row.url != address and row.url != _canonical(address):
        yield "address", row.url, address
    if row.date != date:
        yield "date", row.date, date
    if row.type != record.type:
        yield "type", row.type, record.type
    if row.payload_digest != digest and (digest or record.type == RecordType.REVISIT):
        yield "digest", row.payload_digest, digest
    if record.head and row.status != status_of(record):
        yield "status", row.status, status_of(record)
    if record.type != RecordType.REVISIT:
        if row.payload_length != record.payload_length:
            yield "payload length", row.payload_length, record.payload_length
        if (row.truncated is None) != ("warc-truncated" not in headers):
            yield "truncated", row.truncated, headers.get("warc-truncated")
    if row.length != record.length:
        yield "length", row.length, record.length


def _canonical(address: str) -> str | None:
    try:
        return canonicalize(address)
    except NotAnAddress:
        return None


def _is_at(original: KnownOriginal, url: str, date: str) -> bool:
    if original.url not in (url, _canonical(url)):
        return False
    moment = written(parsed(date))
    return original.date == moment or ("." not in date and original.date[:19] == moment[:19])
