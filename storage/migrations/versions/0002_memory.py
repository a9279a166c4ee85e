"""What was learned of the templates of a site."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "memory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("learned", sa.String(length=32), nullable=False),
        sa.Column("captures", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memory")),
        sa.UniqueConstraint("site", "version", name=op.f("uq_memory_site_version")),
    )
