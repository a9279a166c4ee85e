"""Alerts: what people were told of, so that each change is told once."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import VIEWS, create_views

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Nothing was told before."""
    for view in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {view}")
    op.create_table(
        "alert",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", sa.String(length=32), nullable=True),
        sa.Column("begun", sa.String(length=32), nullable=False),
        sa.Column("told", sa.String(length=32), nullable=True),
        sa.Column("over", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("site", "kind", name=op.f("pk_alert")),
    )
    create_views(op.get_bind())
