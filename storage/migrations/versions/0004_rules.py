"""Readings that new rules replaced are marked, mentions name the rules, one address may be two sites' documents."""

import sqlalchemy as sa
from alembic import op

from storage.index.views import VIEWS, create_views

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What was read before names no rules, so that `rederive` reads it again."""
    for view in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {view}")
    op.add_column("reading", sa.Column("reread", sa.String(length=32), nullable=True))
    with op.batch_alter_table("mention", recreate="always") as mention:
        mention.add_column(sa.Column("rules", sa.String(), server_default="", nullable=False))
        mention.drop_constraint("uq_mention_target_anchor_day", type_="unique")
        mention.create_unique_constraint("uq_mention_target_anchor_day_rules", ["target", "anchor", "day", "rules"])
    with op.batch_alter_table("address", recreate="always") as address:
        address.drop_constraint("pk_address", type_="primary")
        address.create_primary_key("pk_address", ["url", "document"])
    create_views(op.get_bind())
