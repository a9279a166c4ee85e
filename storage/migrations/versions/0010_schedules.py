"""What is planned, and what became of every run that was."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import create_views

revision = "0010"
down_revision = "0009"

_OPEN = sa.text("outcome IN ('waiting', 'running')")


def upgrade() -> None:
    """Make the tables, and their views."""
    op.create_table(
        "schedule",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("cadence", sa.String(), nullable=True),
        sa.Column("planned", sa.String(), nullable=True),
        sa.Column("told", sa.String(length=32), nullable=False),
        sa.Column("next", sa.String(length=32), nullable=True),
        sa.Column("paused", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_schedule")),
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("due", sa.String(length=32), nullable=False),
        sa.Column("slots", sa.Integer(), server_default="1", nullable=False),
        sa.Column("asked_by", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started", sa.String(length=32), nullable=True),
        sa.Column("finished", sa.String(length=32), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("log", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_job_due"), "ledger", ["job", "due"])
    op.create_index(op.f("ix_ledger_due"), "ledger", ["due"])
    op.create_index("ix_ledger_open", "ledger", ["outcome"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    create_views(op.get_bind())
