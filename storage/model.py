"""The values that travel through the house: plain, frozen, standard library only.

Moments are aware `datetime`s in UTC. Addresses are canonical (see `storage.urls`) unless a field says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What an address is to the crawl that found it."""

    LIST = "list"
    ARTICLE = "article"
    ATTACHMENT = "attachment"
    REQUISITE = "requisite"
    PAGE = "page"  # on a site without rules: may be a list or an article
    ROBOTS = "robots"


PAGES = frozenset({Kind.LIST, Kind.ARTICLE, Kind.PAGE})  # what people read, as against what comes with it


class Outcome(StrEnum):
    """How a run ended, or what became of it so far; a crawl never waits, is skipped or missed: its run is."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    SKIPPED = "skipped"
    MISSED = "missed"


class RecordType(StrEnum):
    """The WARC type (WARC 1.1, section 6) of the record that a capture is."""

    RESPONSE = "response"
    REVISIT = "revisit"
    RESOURCE = "resource"


class Truncated(StrEnum):
    """Why a body is not whole: values of WARC-Truncated (WARC 1.1, section 5.13)."""

    LENGTH = "length"
    TIME = "time"
    DISCONNECT = "disconnect"
    UNSPECIFIED = "unspecified"  # in files of other crawlers


@dataclass(frozen=True, slots=True)
class Exchange:
    """One attempt on the wire, in the bytes of the wire.

    `head` is the final status line and header lines up to and including the empty line, byte for byte, except that
    the line which announced chunking that was removed is renamed `X-Crawler-Transfer-Encoding`; `body` is the entity
    body as sent, still content-encoded. A reply that is not HTTP has no `head` and `status` None, and its bytes in
    `body`. `notes` are the fields for the metadata record, in order; their values are bytes as received.
    """

    url: str
    method: str
    started: datetime
    elapsed: float  # seconds
    request: bytes = b""  # as sent; empty when nothing was
    status: int | None = None
    head: bytes = b""
    body: bytes = b""
    truncated: Truncated | None = None
    error: str | None = None  # why the attempt gave no whole answer
    ip: str | None = None
    protocols: tuple[str, ...] = ()  # WARC-Protocol values, such as "http/1.1", "tls/1.3"
    cipher: str | None = None
    via: str | None = None  # the address on which this one was found
    hops: int = 0  # steps from a seed
    kind: Kind | None = None  # what the address was to the crawl
    notes: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """One archived HTTP response: it is its file and offset."""

    url: str
    date: datetime
    type: RecordType
    status: int | None
    mime: str | None  # media type of the Content-Type line, lower case, without parameters
    warc: str  # final path below the home, with '/' between its parts
    offset: int
    length: int  # bytes of the record's gzip member
    payload_digest: str | None  # "sha1:BASE32"; of the original for a revisit
    payload_length: int
    record_id: str
    ip: str | None = None
    truncated: Truncated | None = None
    error: str | None = None
    refers_to: "Original | None" = None  # for a revisit

    @property
    def timestamp(self) -> str:
        """14 digits, UTC."""
        return self.date.strftime("%Y%m%d%H%M%S")


@dataclass(frozen=True, slots=True)
class Original:
    """Where the response lies that a revisit repeats."""

    url: str
    date: datetime
    record_id: str
    warc: str
    offset: int


@dataclass(frozen=True, slots=True)
class Found:
    """An address discovered on a page, canonical and in scope, with what it is to the crawl."""

    url: str
    kind: Kind
    priority: int  # lower is fetched earlier
    hops: int
    via: str | None


@dataclass(frozen=True, slots=True)
class Mention:
    """An address named on a page, with its anchor text and the date beside it."""

    target: str
    anchor: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of an article."""

    url: str
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that an article offers."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class Article:
    """What extraction returns: the article as one set of rules reads it.

    `text` is paragraphs joined by one empty line. `published` is a date when only the day is known, else an aware
    datetime; `published_from` says where it was read. `confidence` is between 0 and 1. Views belong to the capture.
    """

    title: str
    text: str
    lead: str | None = None
    authors: tuple[str, ...] = ()
    published: date | datetime | None = None
    published_from: str | None = None
    modified: date | datetime | None = None
    section: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    views: int | None = None
    language: str | None = None
    images: tuple[Image, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    method: str = "generic"
    confidence: float = 0.0
    rules: str = ""  # names the code, layout and memory that read it
    title_from: str | None = None  # of an attachment: where its title was read


@dataclass(frozen=True, slots=True)
class Reading:
    """What derivation found in one capture: an article or the reason why there is none, and the mentions.

    `kind` is that of the document: an article, or an attachment, which is a document also without a text.
    """

    article: Article | None
    reason: str | None  # why there is no article
    document: str | None  # identity of the document that the address is
    mentions: tuple[Mention, ...] = ()
    kind: Kind = Kind.ARTICLE


@dataclass(frozen=True, slots=True)
class Crawl:
    """One run over one site, as its row says it; `documents_*` are None when nothing was derived."""

    crawl: str
    site: str
    outcome: Outcome
    started: datetime
    finished: datetime | None = None
    captures: int = 0
    revisits: int = 0
    requisites: int = 0
    attempts: int = 0
    bytes: int = 0
    documents_new: int | None = None
    documents_changed: int | None = None
    documents_unchanged: int | None = None
    errors: int = 0
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Fact:
    """What the reading of one capture of an article tells about its site.

    Without an article there is a `reason`, and nothing else is known. `before` is what the same address told when it
    was captured last by a crawl that met no drift.
    """

    reason: str | None = None
    method: str | None = None
    characters: int | None = None  # of the text
    dated: bool = False
    signed: bool = False
    title: str | None = None
    document: int | None = None
    again: bool = False  # the address was captured earlier
    before: "Fact | None" = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which a site has left its own range, and a sentence that says so."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected of a crawl and what was found; shares are between 0 and 1.

    Kinds: `captures`, `documents`, `text`, `title`, `date`, `errors`, `bytes`, `duration` (seconds), `new` (articles
    within a week). `origin` says how the limits are known: `learned`, `set`, `definition`; None without any.
    """

    kind: str
    found: float
    least: float | None = None
    most: float | None = None
    origin: str | None = None
    detail: str | None = None  # a sentence that says what is not as expected


@dataclass(frozen=True, slots=True)
class Judged:
    """A crawl that was held against what was expected of it, by kind."""

    started: datetime
    attempts: int
    told: Mapping[str, Expected]
