"""Counts that are kept: what came in each month, and what documents say of their versions."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the table and the columns; they are filled with those of 0015."""
    counts = (
        sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        for name in ("captures", "revisits", "requisites", "documents", "versions")
    )
    op.create_table(
        "tally",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        *counts,
        sa.Column("first", sa.String(length=32), nullable=True),
        sa.Column("last", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("site", "month", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.add_column("document", sa.Column("versions", sa.Integer(), server_default="0", nullable=False))
    op.add_column("document", sa.Column("changed", sa.String(length=32), nullable=True))
    op.add_column("document", sa.Column("files", sa.Integer(), server_default="0", nullable=False))
    op.drop_index("ix_document_site", "document")
    op.create_index("ix_document_site_day", "document", ["site", "day"])
    op.create_index("ix_document_site_first_seen", "document", ["site", "first_seen"])
    op.create_index("ix_document_sections", "document", ["site", "kind", "section", "day"])
    op.create_index("ix_version_section", "version", ["section"])
    op.create_index("ix_version_authors", "version", ["authors"])
    for name, table, columns, condition in (
        ("ix_document_changed", "document", ["changed"], "changed IS NOT NULL"),
        ("ix_document_site_changed", "document", ["site", "changed"], "changed IS NOT NULL"),
        ("ix_document_offering", "document", ["id"], "files > 0"),
        ("ix_capture_nothing", "capture", ["site", "date"], "status IN (404, 410)"),
        ("ix_reading_nothing", "reading", ["capture"], "reason IN ('error page', 'moved to the front page')"),
    ):
        only = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)
