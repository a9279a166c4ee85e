"""Exchanges, appended to WARC files (WARC 1.1, ISO 28500:2017)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from uuid import uuid4

from storage.compose import (
    WARC_FIELDS,
    Answer,
    Draft,
    compose,
    is_answered,
    is_repeatable,
    member,
    payload_digest,
    urn,
    warc_date,
)
from storage.disk import GrowingFile, make_directory, sync_directory, telling
from storage.fields import encode_fields, target_uri
from storage.manifest import open_name, seal
from storage.model import Capture, Exchange, Original, RecordType

__all__ = ["CaptureWriter", "SealedFile", "WarcInfo", "capture_of", "original_of", "payload_digest"]

_REMEMBERED = 50_000
_MEDIA_TYPE = re.compile(rb"\ncontent-type[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^\s;,]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WarcInfo:
    """What the first record of every file says about the crawl (WARC 1.1, section 6.2)."""

    software: str
    operator: str
    user_agent: str
    robots: str
    definition: str  # SHA-256 of the site's definition, in hexadecimal


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that will not change any more."""

    name: str
    bytes: int
    sha256: str


def _now() -> datetime:
    return datetime.now(UTC)


def _uuid() -> str:
    return str(uuid4())


class CaptureWriter:
    """Writes the exchanges of one crawl, and knows where each of them lies.

    One thread appends and closes; `sync` and `take_sealed` may be called from another at any time. What was appended
    is on the disk after the next `sync`. Every failure is a StorageError; after one nothing more is appended, and the
    file holds whole records only, or keeps its `.open` name for recovery.
    """

    def __init__(
        self,
        home: Path,
        site: str,
        crawl: str,
        info: WarcInfo,
        *,
        rotate_at: int = 1_000_000_000,
        clock: Callable[[], datetime] = _now,
        record_id: Callable[[], str] = _uuid,
    ) -> None:
        self.current = ""  # final name of the file that is being written
        self._home = home
        self._site = site
        self._crawl = crawl
        self._info = info
        self._rotate_at = rotate_at
        self._clock = clock
        self._record_id = record_id
        self._serial = 0
        self._closed = False
        self._originals: dict[str, Original] = {}
        self._sealed: list[SealedFile] = []
        self._lock = Lock()
        self._start()

    def append(self, exchange: Exchange, original: Original | None = None) -> Capture | None:
        """Write the records of an exchange; its capture, or None when nothing was answered.

        A whole 200 with a payload becomes a revisit of `original`, else of the same payload in what this writer wrote;
        a 304 becomes a revisit of `original`. The caller vouches that `original` is a whole response of the same
        payload, or the one that was asked about, and that it lies in a sealed file or in the current one. Without
        answer, what was sent and why it failed is written; without request, nothing.
        """
        answered = is_answered(exchange)
        if not (answered or exchange.request):
            return None
        self._make_room()
        digest = payload_digest(exchange.body) if answered else None
        repeated = self._repeated(exchange, digest, original)
        composed = compose(exchange, digest, repeated, self._warcinfo, self._record_id)
        offset = self._file.append(b"".join(composed.members))
        if composed.answer is None:
            return None
        capture = capture_of(exchange, composed.answer, self.current, offset, repeated)
        if capture.type is RecordType.RESPONSE and is_repeatable(exchange):
            self._remember(capture)
        return capture

    def append_metadata(self, uri: str, block: bytes, content_type: str) -> None:
        """Write a metadata record that belongs to no exchange, such as the account of the crawl."""
        self._make_room()
        fields = (
            ("WARC-Target-URI", target_uri(uri)),
            ("WARC-Date", warc_date(self._clock())),
            ("WARC-Warcinfo-ID", urn(self._warcinfo)),
        )
        self._file.append(member(Draft("metadata", content_type, (block,)), self._record_id(), fields))

    def sync(self) -> None:
        """What was appended before the call is on the disk."""
        self._file.sync()

    def take_sealed(self) -> list[SealedFile]:
        """The files sealed since the last call."""
        with self._lock:
            sealed, self._sealed = self._sealed, []
        return sealed

    def close(self) -> None:
        """Seal the current file; without a record besides its warcinfo it is removed. May be called again."""
        if self._closed:
            return
        self._file.finish()
        self._closed = True
        if self._file.doubtful:
            return
        if self._file.size > self._bare:
            self._seal()
            return
        growing = open_name(self._home, self.current)
        with telling(growing):
            growing.unlink()
            sync_directory(growing.parent)

    def _make_room(self) -> None:
        if self._file.size >= self._rotate_at and self._file.size > self._bare:
            self._file.finish()
            self._seal()
            self._start()

    def _seal(self) -> None:
        file = SealedFile(self.current, self._file.size, self._file.sha256)
        seal(self._home, file.name, file.sha256)
        with self._lock:
            self._sealed.append(file)

    def _start(self) -> None:
        started = self._clock().astimezone(UTC)
        name = self._free_name(started)
        path = open_name(self._home, name)
        with telling(path):
            make_directory(path.parent, self._home)
            file = GrowingFile(path)
            sync_directory(path.parent)
        self._warcinfo = self._record_id()
        file.append(self._warcinfo_record(name, started))
        self._bare = file.size  # with its warcinfo record alone
        self.current, self._file = name, file

    def _free_name(self, started: datetime) -> str:
        folder = f"warc/{self._site}/{started:%Y}"
        while True:
            name = f"{folder}/{self._site}-{started:%Y%m%d%H%M%S}-{self._crawl}-{self._serial:05}.warc.gz"
            self._serial += 1
            if not ((self._home / name).exists() or open_name(self._home, name).exists()):
                return name

    def _warcinfo_record(self, name: str, started: datetime) -> bytes:
        block = encode_fields(
            (
                ("software", _line(self._info.software)),
                ("format", "WARC File Format 1.1"),
                ("conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
                ("operator", _line(self._info.operator)),
                ("http-header-user-agent", _line(self._info.user_agent)),
                ("robots", _line(self._info.robots)),
                ("isPartOf", self._crawl),
                ("site", self._site),
                ("site-definition", f"sha256:{self._info.definition}"),
            )
        )
        fields = (("WARC-Date", warc_date(started)), ("WARC-Filename", name.rpartition("/")[2]))
        return member(Draft("warcinfo", WARC_FIELDS, (block.encode(),)), self._warcinfo, fields)

    def _repeated(self, exchange: Exchange, digest: str | None, original: Original | None) -> Original | None:
        if digest and is_repeatable(exchange):
            return original or self._originals.get(digest)
        return original if exchange.status == 304 and exchange.head and not exchange.body else None

    def _remember(self, capture: Capture) -> None:
        if capture.payload_digest:
            if len(self._originals) >= _REMEMBERED:
                del self._originals[next(iter(self._originals))]
            self._originals[capture.payload_digest] = original_of(capture)


def original_of(capture: Capture) -> Original:
    """The capture as that which a later revisit refers to."""
    return Original(capture.url, capture.date, capture.record_id, capture.warc, capture.offset)


def capture_of(exchange: Exchange, answer: Answer, warc: str, offset: int, refers_to: Original | None) -> Capture:
    """An exchange as the capture that its answer is in a file."""
    media_type = _MEDIA_TYPE.search(exchange.head)
    return Capture(
        url=target_uri(exchange.url),
        date=exchange.started.astimezone(UTC),
        type=answer.type,
        status=exchange.status,
        mime=media_type[1].decode("latin-1").lower() if media_type else None,
        warc=warc,
        offset=offset,
        length=answer.length,
        payload_digest=answer.payload_digest,
        payload_length=len(exchange.body),
        record_id=answer.record_id,
        ip=exchange.ip,
        truncated=exchange.truncated,
        error=exchange.error,
        refers_to=refers_to,
    )


def _line(value: str) -> str:
    return " ".join(value.split())
