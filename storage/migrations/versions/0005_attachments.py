"""Which version offers which file, and where a file's title was read; captured files wait to be read."""

import json

import sqlalchemy as sa
from alembic import op

from storage.index.views import create_views

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Offers are filled from the versions; captured attachments are read by the next crawl of their site."""
    op.create_table(
        "offer",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name=op.f("fk_offer_version"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version", "url", name=op.f("pk_offer")),
    )
    op.create_index(op.f("ix_offer_url"), "offer", ["url"], unique=False)
    op.add_column("version", sa.Column("title_from", sa.String(length=12), nullable=True))
    connection = op.get_bind()
    for id_, named in connection.execute(
        sa.text("SELECT id, attachments FROM version WHERE attachments <> '[]'")
    ).all():
        rows = [{"version": id_} | one for one in json.loads(named)]
        connection.execute(sa.text("INSERT INTO offer (version, url, name) VALUES (:version, :url, :name)"), rows)
    connection.execute(
        sa.text(
            "UPDATE capture SET derived = NULL "
            "WHERE kind = 'attachment' AND status = 200 AND truncated IS NULL AND error IS NULL"
        )
    )
    create_views(connection)
