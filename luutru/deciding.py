"""What people decide about an archive, by a command or in the reading room."""

from datetime import date, datetime, time, timedelta

from storage.collection import Collection
from storage.errors import UsageError
from storage.index import withholding
from storage.index.withholding import Reach, Released
from storage.locks import index_in_use
from storage.moments import now, written


def withhold(collection: Collection, what: str, reason: str, by: str, until: date | None = None) -> Reach:
    """Show an address or a document no longer, up to the end of a day where the archive is.

    Raises UsageError, NotFound, AlreadyRunning while the index is made anew.
    """
    told = _needed(reason, "a reason is needed: it is what readers are told")
    ends = written(_end_of(until, collection)) if until else None
    if ends and ends <= now():
        raise UsageError(f"{until} is over: name a day to come, or leave it out")
    with index_in_use(collection.home), collection.index.write() as connection:
        return withholding.withhold(connection, withholding.thing(connection, what), told, by, ends)


def release(collection: Collection, what: str, reason: str, by: str) -> Released:
    """Show again what was withheld; raises as `withhold` does."""
    told = _needed(reason, "a reason is needed: the step is kept with it")
    with index_in_use(collection.home), collection.index.write() as connection:
        return withholding.release(connection, withholding.thing(connection, what), told, by)


def _needed(reason: str, sentence: str) -> str:
    if not reason.strip():
        raise UsageError(sentence)
    return reason.strip()


def _end_of(day: date, collection: Collection) -> datetime:
    """The moment at which a day is over where the archive is."""
    try:
        return datetime.combine(day + timedelta(days=1), time(), collection.config.zone)
    except OverflowError as error:
        raise UsageError(f"{day} is too far ahead: leave it out") from error
