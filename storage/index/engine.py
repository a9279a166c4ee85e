"""The database behind the index: how it is opened, what a transaction is, which schema it has."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Connection  # what is read with, for those who may not import SQLAlchemy
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from storage.errors import NewerIndex, StorageError
from storage.index.clock import in_time
from storage.index.copying import copy_index

HEAD = "0014"  # the newest revision in storage/migrations/versions
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-4000", "mmap_size=2147418112")
_PATIENCE = 60  # seconds that a connection waits for others
_log = logging.getLogger(__name__)
_LOST = ("disk is full", "disk I/O error", "readonly database", "unable to open", "malformed", "not a database")


class Index:
    """One index, safe to use from several threads and processes; reads never wait for writes."""

    def __init__(self, path: Path, held: Connection | None = None) -> None:
        self.path = path
        self._engine = _engine(path)
        self._writing = self._engine.execution_options(writing=True)
        self._held = held

    @classmethod
    def open(cls, path: Path) -> "Index":
        """The index at `path`, made or brought to today's schema when needed; raises NewerIndex, StorageError.

        One of an older schema is copied before, to `index.db.SCHEMA.bak` beside it, and stays as it was when it cannot
        be brought to today's. One of today's opens while others write.
        """
        index = cls(path)
        with index.read() as connection:
            is_todays = _revision(connection) == HEAD
        if is_todays:
            return index
        with index.write() as connection:
            revision = _revision(connection)
            if revision != HEAD:  # else another process was faster
                _upgrade(connection, path, revision)
        return index

    @contextmanager
    def read(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection that sees one state of the index for as long as it is open: keep it short.

        With `seconds` it is asked for that long at most, and waits no longer for a lock; raises TooSlow then.
        """
        if self._held is not None:
            yield self._held
            return
        with _told(self.path), self._engine.connect() as connection:
            if seconds is None:
                yield connection
                return
            with _limited(connection, seconds):
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction, committed at the end: keep it below 50 ms, others wait for it."""
        if self._held is not None:
            with self._held.begin_nested():
                yield self._held
            return
        with _told(self.path), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def together(self) -> "Iterator[Index]":
        """The same index, whose reads and writes are all one transaction, committed at the end: for an unshared one."""
        with self.write() as connection:
            yield Index(self.path, connection)

    def close(self) -> None:
        """Let go of all connections; the last one out folds the write-ahead log back."""
        self._engine.dispose()


@contextmanager
def _limited(connection: Connection, seconds: float) -> Iterator[None]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # as _engine makes them
    driver.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
    try:
        with in_time(driver, seconds, "narrow it"):
            yield
    finally:
        driver.execute(f"PRAGMA busy_timeout={_PATIENCE * 1000}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig):
            raise StorageError(f"the index {path} is locked: another process writes it and does not end") from error
        if any(reason in str(error.orig) for reason in _LOST):
            raise StorageError(f"the index {path} cannot be used: {error.orig}; free or mount its disk") from error
        raise
    except DBAPIError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            told = f"the index {path} is damaged: {error.orig}; move it away, then run `luutru reindex`"
            raise StorageError(told) from error
        raise


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin in _begin, where it is known whether they will write
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def _upgrade(connection: Connection, path: Path, revision: str | None) -> None:
    from alembic import command  # half a second to import, and most opens need no upgrade
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerIndex(path, revision)
    config.attributes["connection"] = connection
    if revision:
        _keep_copy(path, revision)
    try:
        command.upgrade(config, "head")
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", error)
        raise StorageError(
            f"the index {path} cannot be brought from schema {revision} to {HEAD}, and is as it was ({reason}): "
            "go on with the luutru that wrote it, or move it away and run `luutru reindex`"
        ) from error


def _keep_copy(path: Path, revision: str) -> None:
    """The index as it is before it is upgraded: whoever upgrades it holds the transaction, so nobody changes it."""
    real = path.resolve()
    copy = real.with_name(f"{real.name}.{revision}.bak")
    copy_index(real, copy)
    _log.warning("%s is brought from schema %s to %s; as it was, it lies at %s", path, revision, HEAD, copy)
