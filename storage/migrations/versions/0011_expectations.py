"""What was expected of each crawl, and what was found."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import VIEWS, create_views

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Of crawls before it nothing was expected."""
    for view in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {view}")
    op.add_column("crawl", sa.Column("expected", sa.Text(), nullable=True))
    create_views(op.get_bind())
