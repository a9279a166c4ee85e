"""An exchange as WARC/1.1 records, each one gzip member. Pure: no file, no clock."""

from base64 import b32encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from typing import NamedTuple

from isal import isal_zlib

from storage.fields import encode_fields, encode_metadata, target_uri
from storage.model import Exchange, Original, RecordType

Fields = Iterable[tuple[str, str | None]]

HTTP_RESPONSE = "application/http;msgtype=response"
HTTP_REQUEST = "application/http;msgtype=request"
WARC_FIELDS = "application/warc-fields"

_LEVEL = 2  # as small as zlib's 6 on pages, at an eighth of its time
_GZIP = 31
_REVISIT = "http://netpreserve.org/warc/1.1/revisit/"


@dataclass(frozen=True, slots=True)
class Answer:
    """The record that is the capture."""

    type: RecordType
    record_id: str
    payload_digest: str | None
    length: int  # of its gzip member


@dataclass(frozen=True, slots=True)
class Composed:
    """The records of one exchange; the first is its answer, when there was one."""

    answer: Answer | None
    members: tuple[bytes, ...]


class Draft(NamedTuple):
    """A record without what its place in a file gives it."""

    type: str
    content_type: str
    block: tuple[bytes, ...]
    fields: Fields = ()
    payload_digest: str | None = None


def payload_digest(body: bytes) -> str:
    """The digest of a payload as WARC-Payload-Digest has it: `sha1:BASE32`."""
    return _digest(body)


def is_answered(exchange: Exchange) -> bool:
    """Whether at least one byte of an answer came."""
    return bool(exchange.head or exchange.body)


def is_repeatable(exchange: Exchange) -> bool:
    """Whether a revisit may stand for this exchange, or refer to it: a whole 200 with a payload."""
    whole = exchange.truncated is None and exchange.error is None
    return whole and exchange.status == 200 and bool(exchange.head and exchange.body)


def compose(
    exchange: Exchange, digest: str | None, original: Original | None, warcinfo: str, record_id: Callable[[], str]
) -> Composed:
    """Answer, request and metadata records, in this order, those that there are; the later ones name the first.

    `digest` is that of the body. `original` makes a revisit of an answer, `identical-payload-digest` or, for a status
    304, `server-not-modified`; whether that is allowed is for the caller to know.
    """
    drafts = [_metadata(exchange)]
    if exchange.request:
        drafts.insert(0, _request(exchange))
    if is_answered(exchange):
        drafts.insert(0, _answer(exchange, digest, original))
    about = _about(exchange, warcinfo)
    first = record_id()
    later = (*about, ("WARC-Concurrent-To", urn(first)))
    members = (member(drafts[0], first, about), *(member(draft, record_id(), later) for draft in drafts[1:]))
    if not is_answered(exchange):
        return Composed(None, members)
    kept = digest if exchange.status != 304 or original is None else None
    return Composed(Answer(RecordType(drafts[0].type), first, kept, len(members[0])), members)


def member(draft: Draft, record_id: str, fields: Fields) -> bytes:
    """One WARC record as one gzip member."""
    written = encode_fields(
        (
            ("WARC-Type", draft.type),
            ("WARC-Record-ID", urn(record_id)),
            *fields,
            *draft.fields,
            ("WARC-Payload-Digest", draft.payload_digest),
            ("WARC-Block-Digest", _digest(*draft.block)),
            ("Content-Type", draft.content_type),
            ("Content-Length", str(sum(map(len, draft.block)))),
        )
    )
    record = b"".join((b"WARC/1.1\r\n", written.encode(), b"\r\n", *draft.block, b"\r\n\r\n"))
    return isal_zlib.compress(record, _LEVEL, _GZIP)


def urn(record_id: str) -> str:
    """A record's identifier as WARC-Record-ID and its kin have it."""
    return f"<urn:uuid:{record_id}>"


def warc_date(moment: datetime) -> str:
    """WARC-Date: UTC, to the microsecond."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _about(exchange: Exchange, warcinfo: str) -> tuple[tuple[str, str | None], ...]:
    return (
        ("WARC-Target-URI", target_uri(exchange.url)),
        ("WARC-Date", warc_date(exchange.started)),
        ("WARC-IP-Address", exchange.ip),
        *(("WARC-Protocol", protocol) for protocol in exchange.protocols),
        ("WARC-Cipher-Suite", exchange.cipher),
        ("WARC-Warcinfo-ID", urn(warcinfo)),
    )


def _answer(exchange: Exchange, digest: str | None, original: Original | None) -> Draft:
    truncated = (("WARC-Truncated", exchange.truncated),)
    if not exchange.head:  # its payload is its block: one digest says both
        return Draft(RecordType.RESOURCE, "application/octet-stream", (exchange.body,), truncated)
    if original is None:
        return Draft(RecordType.RESPONSE, HTTP_RESPONSE, (exchange.head, exchange.body), truncated, digest)
    if exchange.status == 304:
        fields = (("WARC-Profile", _REVISIT + "server-not-modified"), *_refers(original))
        return Draft(RecordType.REVISIT, HTTP_RESPONSE, (exchange.head,), fields)
    cut = ("WARC-Truncated", "length")  # section 6.7.2: shall be there where the payload is left off
    fields = (("WARC-Profile", _REVISIT + "identical-payload-digest"), *_refers(original), cut)
    return Draft(RecordType.REVISIT, HTTP_RESPONSE, (exchange.head,), fields, digest)


def _refers(original: Original) -> Fields:
    return (
        ("WARC-Refers-To", urn(original.record_id)),
        ("WARC-Refers-To-Target-URI", target_uri(original.url)),
        ("WARC-Refers-To-Date", warc_date(original.date)),
    )


def _request(exchange: Exchange) -> Draft:
    body = exchange.request.partition(b"\r\n\r\n")[2]
    return Draft("request", HTTP_REQUEST, (exchange.request,), (), payload_digest(body) if body else None)


def _metadata(exchange: Exchange) -> Draft:
    return Draft("metadata", WARC_FIELDS, (encode_metadata(exchange),))


def _digest(*parts: bytes) -> str:
    digest = sha1(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return "sha1:" + b32encode(digest.digest()).decode()
