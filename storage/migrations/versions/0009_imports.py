"""Crawls and imports are told apart: what others captured is no run of ours."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import VIEWS, create_views

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """All that there was before are crawls."""
    for view in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {view}")
    op.add_column("crawl", sa.Column("kind", sa.String(length=8), server_default="crawl", nullable=False))
    create_views(op.get_bind())
