"""The tables. Names are singular; the plural names belong to the read-only views (`docs/database.md`).

Moments are text, ISO 8601 in UTC with microseconds (`2026-11-22T07:50:40.123456+00:00`), so that they sort as they
are and every tool reads them. `published` has the length of its precision: `2025-01-02` or a whole moment with offset.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _only(condition: str) -> dict[str, Any]:
    """A partial index, in the words of each database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


crawl = Table(
    "crawl",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("site", String, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("started", String(32), nullable=False),
    Column("finished", String(32)),
    Column("definition", String(64), nullable=False),  # SHA-256 of the site's definition
    Column("captures", Integer, nullable=False, server_default="0"),
    Column("revisits", Integer, nullable=False, server_default="0"),
    Column("requisites", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("documents_new", Integer),
    Column("documents_changed", Integer),
    Column("documents_unchanged", Integer),
    Column("errors", Integer, nullable=False, server_default="0"),
    Column("warnings", Text, nullable=False, server_default="[]"),  # JSON list of sentences
    Column("drift", Text),  # JSON list of {kind, detail}; null where it was not judged
    Column("expected", Text),  # JSON list of {kind, found, least, most, origin, detail}; null where it was not judged
    Column("kind", String(8), nullable=False, server_default="crawl"),  # crawl; import: what others captured
    Index(None, "site", "started"),
    Index(None, "started", "id"),
    Index("ix_crawl_running", "site", **_only("outcome = 'running'")),
)

file = Table(  # one WARC file
    "file",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),  # final path below the home
    Column("crawl", String(16), ForeignKey("crawl.id"), nullable=False),
    Column("bytes", BigInteger),
    Column("sha256", String(64)),  # known once the file is sealed
)

capture = Table(
    "capture",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("crawl", String(16), ForeignKey("crawl.id"), nullable=False),
    Column("site", String, nullable=False),
    Column("url", Text, nullable=False),
    Column("urlkey", Text, nullable=False),  # SURT
    Column("date", String(32), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("type", String(10), nullable=False),
    Column("status", SmallInteger),
    Column("mime", String),
    Column("file", Integer, ForeignKey("file.id"), nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("record_id", String(36), nullable=False),
    Column("payload_digest", String(64)),
    Column("payload_length", BigInteger, nullable=False),
    Column("ip", String(45)),
    Column("truncated", String(12)),
    Column("error", Text),
    Column("original", Integer, ForeignKey("capture.id")),  # for a revisit: the response that it repeats
    Column("derived", SmallInteger),  # null: waits for derivation; 1: has a reading; 0: nothing to derive
    UniqueConstraint("file", "offset"),
    Index(None, "urlkey", "date"),
    Index(None, "crawl"),
    Index(None, "payload_digest"),
    Index("ix_capture_waiting", "site", "id", **_only("derived IS NULL")),
    Index("ix_capture_nothing", "site", "date", **_only("status IN (404, 410)")),
    Index("ix_capture_pages", "site", "date", **_only("kind IN ('article', 'page')")),
)

tally = Table(  # what came in each month, in Việt Nam's time, kept by the database while rows are written
    "tally",
    metadata,
    Column("site", String, primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("captures", Integer, nullable=False, server_default="0"),  # without requisites, with revisits
    Column("revisits", Integer, nullable=False, server_default="0"),
    Column("requisites", Integer, nullable=False, server_default="0"),
    Column("documents", Integer, nullable=False, server_default="0"),  # articles, by their first capture
    Column("versions", Integer, nullable=False, server_default="0"),  # of articles, by their first capture
    Column("first", String(32)),  # moment of a capture
    Column("last", String(32)),
    sqlite_with_rowid=False,
)

frontier = Table(  # every address that was discovered
    "frontier",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String, nullable=False),
    Column("url", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("hops", Integer, nullable=False),
    Column("via", Text),
    Column("state", String(8), nullable=False),  # waiting, done, failed, refused, skipped
    Column("attempts", SmallInteger, nullable=False, server_default="0"),  # since it last answered
    Column("status", SmallInteger),  # of the last answer
    Column("error", Text),  # why the last attempt failed, or why it is refused or skipped
    Column("etag", Text),
    Column("last_modified", Text),
    Column("found", String(32), nullable=False),
    Column("visited", String(32)),
    Column("due", String(32), nullable=False),  # "" where the policy has not looked at it since its last visit
    Column("crawl", String(16)),  # the crawl that visited it last
    Column("capture", Integer),  # of its last whole answer: what a conditional request asks about
    Column("changed", String(32)),  # the visit that last found there what was not there before
    UniqueConstraint("site", "url"),
    Index("ix_frontier_waiting", "site", "priority", "visited", "id", **_only("state = 'waiting'")),
    Index("ix_frontier_failed", "site", **_only("state = 'failed'")),
    Index("ix_frontier_due", "site", "due", **_only("state != 'waiting'")),
)

entry = Table(  # what lists say of an address that they name: a changed title, date or summary is a sign
    "entry",
    metadata,
    Column("address", Integer, primary_key=True),  # of `frontier`
    Column("list", BigInteger, primary_key=True),  # CRC-32 of the list's address without its numbers
    Column("said", LargeBinary, nullable=False),  # CRC-32 of each thing that was said, the newest last
    sqlite_with_rowid=False,
)

document = Table(
    "document",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    Column("kind", String(10), nullable=False),  # article, attachment
    Column("site", String, nullable=False),
    Column("url", Text, nullable=False),  # the address of the earliest capture, the first by name among equals
    Column("first_seen", String(32), nullable=False),
    Column("last_seen", String(32), nullable=False),
    Column("version", Integer),  # the version that stood at `last_seen`
    Column("section", Text),  # last name of the section path of that version
    Column("published", String(32)),  # publication date of that version
    Column("day", String(10), nullable=False),  # publication day, else the day of the first capture
    # kept by the database: how many versions there are, when the newest of several came, and how many files the
    # standing one names
    Column("versions", Integer, nullable=False, server_default="0"),
    Column("changed", String(32)),
    Column("files", Integer, nullable=False, server_default="0"),
    Index(None, "site", "day"),
    Index(None, "site", "first_seen"),
    Index(None, "day"),
    Index("ix_document_sections", "site", "kind", "section", "day"),
    Index("ix_document_changed", "changed", **_only("changed IS NOT NULL")),
    Index("ix_document_site_changed", "site", "changed", **_only("changed IS NOT NULL")),
    Index("ix_document_offering", "id", **_only("files > 0")),
)

address = Table(  # the addresses of a document; two sites may say that one address is two documents
    "address",
    metadata,
    Column("url", Text, primary_key=True),
    Column("document", Integer, ForeignKey("document.id"), primary_key=True),
    Column("first_seen", String(32), nullable=False),
    Index(None, "document"),
)

body = Table(  # what versions say in their texts: one for all whose words are the same (see `storage.index.related`)
    "body",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("rule", String(16), nullable=False),  # number and parameters by which the bands were made
    Column("bands", LargeBinary, nullable=False),  # six bytes each; none where the text is too short
    Column("marks", LargeBinary, nullable=False),  # a byte for each row of a band
    Column("compared", SmallInteger),  # null: waits to be compared with the bodies that share bands with it
    Index("ix_body_waiting", "id", **_only("compared IS NULL")),
    sqlite_autoincrement=True,  # a number is never given again: who compares holds it over two transactions
)

band = Table(  # bodies that share one are compared; a foreign key would search all of them for each body that goes
    "band",
    metadata,
    Column("value", BigInteger, primary_key=True),  # the number of the band is a part of it
    Column("body", Integer, primary_key=True),
    sqlite_with_rowid=False,
)

near = Table(  # bodies that are nearly the same, each pair in both directions, and each body with itself
    "near",
    metadata,
    Column("body", Integer, primary_key=True),
    Column("other", Integer, primary_key=True),
    Column("similarity", SmallInteger, nullable=False),  # thousandths
    sqlite_with_rowid=False,
)

version = Table(  # one distinct text of a document
    "version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", Integer, ForeignKey("document.id"), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256, see docs/concepts.md
    Column("digest_rule", SmallInteger, nullable=False),  # number of the digest's definition
    Column("first_seen", String(32), nullable=False),
    Column("last_seen", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("lead", Text),
    Column("text", Text, nullable=False),  # paragraphs joined by an empty line
    Column("authors", Text, nullable=False),  # JSON list
    Column("published", String(32)),
    Column("published_from", String),
    Column("modified", String(32)),
    Column("section", Text, nullable=False),  # JSON list
    Column("tags", Text, nullable=False),  # JSON list
    Column("language", String(8)),
    Column("images", Text, nullable=False),  # JSON list of {url, caption, credit}
    Column("attachments", Text, nullable=False),  # JSON list of {url, name}
    Column("method", String, nullable=False),
    Column("confidence", Integer, nullable=False),  # thousandths
    Column("rules", String, nullable=False),
    Column("title_from", String(12)),  # of an attachment: `metadata`, `link`, `file name`
    Column("body", Integer, ForeignKey("body.id")),  # null: waits for it
    UniqueConstraint("document", "digest"),
    Index(None, "body"),
    Index(None, "section"),
    Index(None, "authors"),
    Index("ix_version_waiting", "id", **_only("body IS NULL")),
)

shelf = Table(  # a section of a site, as documents name it; those of none have the empty one
    "shelf",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String, nullable=False),
    Column("section", Text, nullable=False),
    UniqueConstraint("site", "section"),
)

facet = Table(  # by what the matches of a question are counted, in narrow rows: kept by the database
    "facet",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("document", Integer, nullable=False, index=True),
    Column("shelf", Integer, nullable=False),
    Column("month", Integer, nullable=False),  # YYYYMM, of the document's day
    Column("has", SmallInteger, nullable=False),  # 1 attachments, 2 changes, 3 both
)

offer = Table(  # a file that a version of an article offers
    "offer",
    metadata,
    Column("version", Integer, ForeignKey("version.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Index(None, "url"),
)

reading = Table(  # what derivation found in one capture
    "reading",
    metadata,
    Column("capture", Integer, ForeignKey("capture.id"), primary_key=True),
    Column("version", Integer, ForeignKey("version.id")),
    Column("views", Integer),
    Column("reason", String),  # why there is no version
    Column("rules", String, nullable=False),  # names code, definition and memory that read it; "" where reading failed
    Column("reread", String(32)),  # when other rules than before read another text in it
    # what this capture showed, which its version need not tell: that is as its earliest capture was read
    Column("method", String),
    Column("characters", Integer),  # of the text
    Column("dated", SmallInteger),  # 1 when the page itself names its date
    Column("signed", SmallInteger),  # 1 when it names an author
    Index(None, "version"),
    Index("ix_reading_nothing", "capture", **_only("reason IN ('error page', 'moved to the front page')")),
    Index("ix_reading_failed", "capture", **_only("reason LIKE 'failed: %'")),
)

mention = Table(
    "mention",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("capture", Integer, ForeignKey("capture.id"), nullable=False),  # the first that these rules read it in
    Column("target", Text, nullable=False),
    Column("anchor", Text, nullable=False),
    Column("day", String(10), nullable=False, server_default=""),  # "" where none stands beside it
    Column("rules", String, nullable=False, server_default=""),  # as in `reading`: those of one site
    UniqueConstraint("target", "anchor", "day", "rules"),
)

memory = Table(  # what was learned of a site's templates
    "memory",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String, nullable=False),
    Column("version", String(8), nullable=False),  # names the content
    Column("learned", String(32), nullable=False),
    Column("captures", Integer, nullable=False),  # that there were to choose from
    Column("content", Text, nullable=False),  # JSON
    UniqueConstraint("site", "version"),
)

fixity = Table(  # what verifying a file came to at last: decided by a clock, so `reindex` carries it over
    "fixity",
    metadata,
    Column("file", String, primary_key=True),  # final path below the home
    Column("verified", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),  # of the file as it was then
    Column("problems", Integer, nullable=False),
)

schedule = Table(  # what is planned, a row a job, and what a person decided about it
    "schedule",
    metadata,
    Column("job", String, primary_key=True),  # the key of a site, or the name of other work
    Column("site", String),  # null for other work
    Column("cadence", String),  # what a person set instead of the definition's
    Column("planned", String),  # the cadence that is in force; null where there is none
    Column("told", String(32), nullable=False),  # every run that was due up to this moment is in the ledger
    Column("next", String(32)),  # when the next run is due; null where none is
    Column("paused", String(32)),  # moment of the pause; null where it is not paused
    Column("decided_by", String),  # who set or paused it last
    Column("reason", Text),  # why it is paused
)

ledger = Table(  # every run that was planned or asked for, also those that never came to be
    "ledger",
    metadata,
    Column("id", String(16), primary_key=True),  # that of its crawl, where it is one
    Column("job", String, nullable=False),
    Column("site", String),
    Column("due", String(32), nullable=False),
    Column("slots", Integer, nullable=False, server_default="1"),  # how many planned runs the row stands for
    Column("asked_by", String),  # null: the clock
    Column("outcome", String(12), nullable=False),
    Column("reason", Text),  # a sentence
    Column("started", String(32)),
    Column("finished", String(32)),
    Column("status", SmallInteger),  # exit status of its process; a signal's number, negative
    Column("pid", Integer),  # of its process
    Column("log", String),  # what its process wrote: path below the home
    Index(None, "job", "due"),
    Index(None, "due"),
    Index("ix_ledger_open", "outcome", **_only("outcome IN ('waiting', 'running')")),
)

BEGAN = func.coalesce(ledger.c.started, ledger.c.due)  # when a run of the ledger began, else was due
Index("ix_ledger_began", BEGAN, ledger.c.id)
Index("ix_ledger_job_began", ledger.c.job, BEGAN, ledger.c.id)

alert = Table(  # a problem that people were told of, or will be; decided by a clock, so `reindex` carries it over
    "alert",
    metadata,
    Column("site", String, primary_key=True),  # "" where it is the archive's
    Column("kind", String, primary_key=True),
    Column("detail", Text, nullable=False),
    Column("since", String(32)),
    Column("begun", String(32), nullable=False),
    Column("told", String(32)),
    Column("over", String(32)),
)

withholding = Table(  # each step of withholding and releasing; of a document or an address, the last one decides
    "withholding",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", Text),  # its identity; null where an address is named
    Column("url", Text),
    Column("urlkey", Text),
    Column("step", String(8), nullable=False),  # withhold, release
    Column("moment", String(32), nullable=False),
    Column("until", String(32)),  # the moment from which it is shown again
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Index(None, "document", "urlkey"),
)
