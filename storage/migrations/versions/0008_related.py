"""Which texts are the same, or nearly: `luutru rederive` and the end of each crawl fill in what was read before."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import create_views

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, and let all versions wait."""
    op.create_table(
        "body",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("bands", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("compared", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body")),
        sa.UniqueConstraint("digest", name=op.f("uq_body_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "band",
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("value", "body", name=op.f("pk_band")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "near",
        sa.Column("body", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("body", "other", name=op.f("pk_near")),
        sqlite_with_rowid=False,
    )
    body = sa.ForeignKey("body.id", name=op.f("fk_version_body_body"))
    op.add_column("version", sa.Column("body", sa.Integer(), body, nullable=True), inline_references=True)
    op.drop_index("ix_version_digest", "version")
    op.create_index("ix_version_body", "version", ["body"])
    for table, column in ("version", "body"), ("body", "compared"):
        only = sa.text(f"{column} IS NULL")
        op.create_index(f"ix_{table}_waiting", table, ["id"], sqlite_where=only, postgresql_where=only)
    create_views(op.get_bind())
