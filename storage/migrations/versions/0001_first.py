"""The first schema: crawls, files, captures, frontier, documents, versions, readings, mentions, full text, views."""

from alembic import op

from storage.index.dialects import dialect_of
from storage.index.tables import metadata
from storage.index.views import create_views

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything: until 1.0 the first schema is the tables as they stand."""
    connection = op.get_bind()
    metadata.create_all(connection)
    dialect_of(connection).create_fulltext(connection)
    create_views(connection)
