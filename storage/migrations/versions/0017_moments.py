"""Runs in the order in which they began, so that the newest of many are found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the indexes."""
    running = sa.text("outcome = 'running'")
    op.create_index("ix_crawl_started_id", "crawl", ["started", "id"])
    op.create_index("ix_crawl_running", "crawl", ["site"], sqlite_where=running, postgresql_where=running)
    began = sa.text("coalesce(started, due)")
    op.create_index("ix_ledger_began", "ledger", [began, "id"])
    op.create_index("ix_ledger_job_began", "ledger", ["job", began, "id"])
