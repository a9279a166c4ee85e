"""Moments as the index writes them."""

from datetime import UTC, datetime


def written(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, so that text sorts as time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def now() -> str:
    """This moment, as the index writes it."""
    return written(datetime.now(UTC))


def parsed(text: str) -> datetime:
    """A moment as WARC-Date and its kin have it, in UTC; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
