"""What verifying each file came to at last."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import create_views

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table, and its view."""
    op.create_table(
        "fixity",
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("verified", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_fixity")),
    )
    create_views(op.get_bind())
