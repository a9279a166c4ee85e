"""The first schema: crawls, files, captures, frontier, documents, versions, readings, mentions, full text, views."""

import sqlalchemy as sa
from alembic import op

from storage.index.dialects import dialect_of
from storage.index.views import create_views

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, then the full text and the views over them."""
    op.create_table(
        "crawl",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("started", sa.String(length=32), nullable=False),
        sa.Column("finished", sa.String(length=32), nullable=True),
        sa.Column("definition", sa.String(length=64), nullable=False),
        sa.Column("captures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revisits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("requisites", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("documents_new", sa.Integer(), nullable=True),
        sa.Column("documents_changed", sa.Integer(), nullable=True),
        sa.Column("documents_unchanged", sa.Integer(), nullable=True),
        sa.Column("errors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("warnings", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawl")),
    )
    op.create_index(op.f("ix_crawl_site_started"), "crawl", ["site", "started"], unique=False)
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.String(length=32), nullable=False),
        sa.Column("last_seen", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("published", sa.String(length=32), nullable=True),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("identity", name=op.f("uq_document_identity")),
    )
    op.create_index(op.f("ix_document_day"), "document", ["day"], unique=False)
    op.create_index(op.f("ix_document_site"), "document", ["site"], unique=False)
    op.create_table(
        "frontier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("hops", sa.Integer(), nullable=False),
        sa.Column("via", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("found", sa.String(length=32), nullable=False),
        sa.Column("visited", sa.String(length=32), nullable=True),
        sa.Column("due", sa.String(length=32), nullable=False),
        sa.Column("crawl", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frontier")),
        sa.UniqueConstraint("site", "url", name=op.f("uq_frontier_site_url")),
    )
    op.create_index(
        "ix_frontier_waiting",
        "frontier",
        ["site", "priority", "visited", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "address",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("document", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["document.id"], name=op.f("fk_address_document")),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_address")),
    )
    op.create_index(op.f("ix_address_document"), "address", ["document"], unique=False)
    op.create_table(
        "file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("crawl", sa.String(length=16), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["crawl"], ["crawl.id"], name=op.f("fk_file_crawl")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("name", name=op.f("uq_file_name")),
    )
    op.create_table(
        "version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("digest_rule", sa.SmallInteger(), nullable=False),
        sa.Column("first_seen", sa.String(length=32), nullable=False),
        sa.Column("last_seen", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("published", sa.String(length=32), nullable=True),
        sa.Column("published_from", sa.String(), nullable=True),
        sa.Column("modified", sa.String(length=32), nullable=True),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("images", sa.Text(), nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["document.id"], name=op.f("fk_version_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sa.UniqueConstraint("document", "digest", name=op.f("uq_version_document_digest")),
    )
    op.create_index(op.f("ix_version_digest"), "version", ["digest"], unique=False)
    op.create_table(
        "capture",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("crawl", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("urlkey", sa.Text(), nullable=False),
        sa.Column("date", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("mime", sa.String(), nullable=True),
        sa.Column("file", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.Column("payload_length", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("truncated", sa.String(length=12), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("original", sa.Integer(), nullable=True),
        sa.Column("derived", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["crawl"], ["crawl.id"], name=op.f("fk_capture_crawl")),
        sa.ForeignKeyConstraint(["file"], ["file.id"], name=op.f("fk_capture_file")),
        sa.ForeignKeyConstraint(["original"], ["capture.id"], name=op.f("fk_capture_original")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture")),
        sa.UniqueConstraint("file", "offset", name=op.f("uq_capture_file_offset")),
    )
    op.create_index(op.f("ix_capture_crawl"), "capture", ["crawl"], unique=False)
    op.create_index(op.f("ix_capture_payload_digest"), "capture", ["payload_digest"], unique=False)
    op.create_index(op.f("ix_capture_urlkey_date"), "capture", ["urlkey", "date"], unique=False)
    op.create_index(
        "ix_capture_waiting",
        "capture",
        ["site", "id"],
        unique=False,
        sqlite_where=sa.text("derived IS NULL"),
        postgresql_where=sa.text("derived IS NULL"),
    )
    op.create_table(
        "mention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("capture", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("day", sa.String(length=10), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_mention_capture")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
        sa.UniqueConstraint("target", "anchor", "day", name=op.f("uq_mention_target_anchor_day")),
    )
    op.create_table(
        "reading",
        sa.Column("capture", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("views", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("rules", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_reading_capture")),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_reading_version")),
        sa.PrimaryKeyConstraint("capture", name=op.f("pk_reading")),
    )
    op.create_index(op.f("ix_reading_version"), "reading", ["version"], unique=False)
    dialect_of(op.get_bind()).create_fulltext(op.get_bind())
    create_views(op.get_bind())
