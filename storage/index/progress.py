"""Whether a crawl that runs gets on: asked often, so it reads a few entries of indexes only."""

from sqlalchemy import Connection, func, select, text

from storage.index.tables import capture

_UNREAD = text("capture.derived IS NULL")  # in the words of its partial index


def mark(connection: Connection, site: str, crawl: str) -> tuple[int, int]:
    """Two numbers that change when the crawl captures something, or when a capture of its site is read."""
    newest = connection.scalar(select(func.max(capture.c.id)).where(capture.c.crawl == crawl))
    oldest = connection.scalar(select(func.min(capture.c.id)).where(capture.c.site == site, _UNREAD))
    return newest or 0, oldest or 0
