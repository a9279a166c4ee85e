"""When an address is due again: its last whole answer, its last change, and what lists say of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add what the policy of revisits reads; what was visited before is judged at the end of the next crawl."""
    op.add_column("frontier", sa.Column("capture", sa.Integer(), nullable=True))
    op.add_column("frontier", sa.Column("changed", sa.String(length=32), nullable=True))
    op.create_index(
        "ix_frontier_due",
        "frontier",
        ["site", "due"],
        unique=False,
        sqlite_where=sa.text("state != 'waiting'"),
        postgresql_where=sa.text("state != 'waiting'"),
    )
    op.create_table(
        "entry",
        sa.Column("address", sa.Integer(), nullable=False),
        sa.Column("list", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("address", "list", name=op.f("pk_entry")),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE frontier SET due = '' WHERE state = 'done'")
