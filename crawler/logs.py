"""The log of one crawl: a file of its own in the home's `logs/`, of bounded size, a line or a JSON object a record.

`CRAWL` is what a crawl tells an administrator: how it was set, each address that failed, refusals and pauses, how it
ended. The terminal stays quiet about it. Beside it stand our own records, and warnings of all others. Configuration is
told masked, and passwords in addresses are masked everywhere.
"""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from storage.config import DEFAULT, Config, masked
from storage.disk import telling
from storage.model import Crawl, Outcome

CRAWL = logging.getLogger("crawl")
CRAWL.propagate = False
_SIZE = 10_000_000  # bytes after which a new file is begun, and the one before the last is gone
_COUNTS = (
    *("captures", "revisits", "requisites", "attempts", "bytes"),
    *("documents_new", "documents_changed", "documents_unchanged", "errors"),
)
_OURS = frozenset({"crawl", "crawler", "storage", "spiders", "luutru"})


@contextmanager
def logged(home: Path, site: str, crawl: str, form: str) -> Iterator[Path]:
    """Write records of INFO and above while the context is open; `form` is `text` or `json`. Raises StorageError.

    There is no file before the first of them.
    """
    path = home / "logs" / site / f"{datetime.now(UTC):%Y%m%d%H%M%S}-{crawl}.crawl.log"
    with telling(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    handler = _File(path, maxBytes=_SIZE, backupCount=1, encoding="utf-8", delay=True)
    handler.setLevel(logging.INFO)
    handler.addFilter(_is_of_interest)
    handler.setFormatter(_Json(site, crawl) if form == "json" else _Text())
    loggers = (CRAWL, logging.getLogger())
    CRAWL.setLevel(logging.INFO)
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield path
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


def tell_begin(
    site: str, crawl: str, config: Config, connect_to: Sequence[str], max_pages: int | None, *, full: bool
) -> None:
    """How a crawl is set: what was configured, masked, and what it was given."""
    how = ["everything again"] if full else []
    how += [f"at most {max_pages:,} pages"] if max_pages else []
    how += [f"connecting {mapping}" for mapping in connect_to]
    set_ = [f"{one.name}={one.value}" for one in config.values() if one.origin != DEFAULT and one.name != "alerts"]
    CRAWL.info("crawl %s of %s begins%s", crawl, site, "".join(f", {one}" for one in how))
    CRAWL.info("set: %s", ", ".join(set_) or "nothing")


def tell_end(ended: Crawl) -> None:
    """How a crawl ended, and what it counted."""
    for one in ended.warnings:
        CRAWL.warning("%s", one)
    counted = ", ".join(f"{name} {getattr(ended, name)}" for name in _COUNTS if getattr(ended, name) is not None)
    good = ended.outcome in (Outcome.COMPLETED, Outcome.INTERRUPTED)
    CRAWL.log(logging.INFO if good else logging.WARNING, "crawl %s ended, %s: %s", ended.crawl, ended.outcome, counted)


def _is_of_interest(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OURS


class _File(RotatingFileHandler):
    """A file whose disk may fail: that costs its lines, and the crawl tells of the disk itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # its name in logging
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


class _Json(logging.Formatter):
    """One JSON object on one line."""

    def __init__(self, site: str, crawl: str) -> None:
        super().__init__()
        self._crawl = {"crawl": crawl, "site": site}

    def format(self, record: logging.LogRecord) -> str:
        exception = masked(self.formatException(record.exc_info)) if record.exc_info else None
        told = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
            **self._crawl,
            "exception": exception,
        }
        return json.dumps(told, ensure_ascii=False)


class _Text(logging.Formatter):
    """One line, and no sign in it that would steer a terminal; an exception stands below it."""

    def format(self, record: logging.LogRecord) -> str:
        words = f"{_moment(record)} {record.levelname:<7} {record.name}: {masked(record.getMessage())}"
        lines = [words, *(masked(self.formatException(record.exc_info)).splitlines() if record.exc_info else ())]
        return "\n".join("".join(sign if sign.isprintable() else "�" for sign in line) for line in lines)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
