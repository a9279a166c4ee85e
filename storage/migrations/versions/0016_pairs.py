"""Pairs of words, by which phrases are found."""

from alembic import op

from storage.index.dialects import dialect_of

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the full text of pairs and feed it: some two milliseconds for each text."""
    dialect_of(op.get_bind()).create_pairs(op.get_bind())
