"""Narrow rows by which the matches of a question are counted."""

import sqlalchemy as sa
from alembic import op

from storage.index.dialects import dialect_of

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables, fill them, and let the database keep them."""
    op.create_table(
        "shelf",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf")),
        sa.UniqueConstraint("site", "section", name=op.f("uq_shelf_site_section")),
    )
    op.create_table(
        "facet",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Integer(), nullable=False),
        sa.Column("shelf", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("has", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_facet")),
    )
    op.create_index("ix_facet_document", "facet", ["document"])
    dialect_of(op.get_bind()).keep_counts(op.get_bind())
