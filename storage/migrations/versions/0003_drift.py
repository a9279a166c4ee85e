"""What each capture showed, what each crawl met of drift, and the indexes by which health is seen quickly."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import create_views

revision = "0003"
down_revision = "0002"

_FROM_VERSIONS = """
UPDATE reading SET (method, characters, dated, signed) = (
  SELECT
    method,
    length(text),
    CASE WHEN published IS NULL OR published_from = 'list page' THEN 0 ELSE 1 END,
    CASE WHEN authors = '[]' THEN 0 ELSE 1 END
  FROM version WHERE version.id = reading.version
) WHERE version IS NOT NULL"""


def upgrade() -> None:
    """Add the columns, fill them with what the versions tell, and make the indexes."""
    op.add_column("crawl", sa.Column("drift", sa.Text(), nullable=True))
    op.add_column("reading", sa.Column("method", sa.String(), nullable=True))
    op.add_column("reading", sa.Column("characters", sa.Integer(), nullable=True))
    op.add_column("reading", sa.Column("dated", sa.SmallInteger(), nullable=True))
    op.add_column("reading", sa.Column("signed", sa.SmallInteger(), nullable=True))
    op.execute(_FROM_VERSIONS)
    for name, table, columns, only in (
        ("ix_capture_pages", "capture", ["site", "date"], "kind IN ('article', 'page')"),
        ("ix_frontier_failed", "frontier", ["site"], "state = 'failed'"),
        ("ix_reading_failed", "reading", ["capture"], "reason LIKE 'failed: %'"),
    ):
        op.create_index(name, table, columns, sqlite_where=sa.text(only), postgresql_where=sa.text(only))
    create_views(op.get_bind())
