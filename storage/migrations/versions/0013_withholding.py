"""What is withheld: kept, and not shown."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import create_views

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing is withheld yet."""
    op.create_table(
        "withholding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("urlkey", sa.Text(), nullable=True),
        sa.Column("step", sa.String(length=8), nullable=False),
        sa.Column("moment", sa.String(length=32), nullable=False),
        sa.Column("until", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withholding")),
    )
    op.create_index("ix_withholding_document_urlkey", "withholding", ["document", "urlkey"])
    create_views(op.get_bind())
