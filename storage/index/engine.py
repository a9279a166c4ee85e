"""The database behind the index: how it is opened, what a transaction is, which schema it has."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Connection  # what is read with, for those who may not import SQLAlchemy
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from storage.errors import NewerIndex, StorageError
from storage.index.clock import in_time
from storage.index.copying import copy_index

HEAD = "0017"  # the newest revision in storage/migrations/versions
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-4000", "mmap_size=2147418112")
_PATIENCE = 60  # seconds that a connection waits for others
_waiting = ContextVar[float]("waiting", default=_PATIENCE)  # of a connection while it is made
_log = logging.getLogger(__name__)
_DAMAGED = ("malformed", "not a database", "no such table", "could not decode")
_MEND = "free or mount its disk, or let the user that runs luutru write there"
_LOST = ("disk is full", "disk I/O error", "readonly database", "unable to open")


class Index:
    """One index, safe to use from several threads and processes; reads never wait for writes."""

    def __init__(
        self, path: Path, held: Connection | None = None, *, engine: Engine | None = None, seconds: float | None = None
    ) -> None:
        self.path = path
        self._engine = engine or _engine(path)
        self._writing = _writing(self._engine)
        self._held = held
        self._seconds = seconds

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

    def within(self, seconds: float) -> "Index":
        """The same index for those who serve: it must be there, and each read takes, or waits, so long at most.

        A read raises TooSlow or StorageError then.
        """
        return Index(self.path, self._held, engine=self._engine, seconds=seconds)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the index for as long as it is open: keep it short."""
        if self._held is not None:
            yield self._held
            return
        if self._seconds is not None and not self.path.exists():
            raise StorageError(f"{self.path} is gone: put it back, or run `luutru reindex`")
        with _told(self.path), _patient(self._seconds), self._engine.connect() as connection:
            _driver(connection).execute("BEGIN")
            if self._seconds is None:
                yield connection
                return
            with _limited(connection, self._seconds):
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
def _patient(seconds: float | None) -> Iterator[None]:
    """Whoever makes a connection here waits so long at most until it can be used."""
    before = _waiting.set(_PATIENCE if seconds is None else seconds)
    try:
        yield
    finally:
        _waiting.reset(before)


@contextmanager
def _limited(connection: Connection, seconds: float) -> Iterator[None]:
    driver = _driver(connection)
    driver.execute(f"PRAGMA {_busy(seconds)}")
    try:
        with in_time(driver, seconds, "narrow it"):
            yield
    finally:
        driver.execute(f"PRAGMA {_busy(_PATIENCE)}")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # as _engine makes them
    return driver


def _busy(seconds: float) -> str:
    return f"busy_timeout={int(seconds * 1000)}"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        why = str(error.orig)
        if any(reason in why.lower() for reason in _DAMAGED):
            told = f"the index {path} is damaged: {why}; move it away, then run `luutru reindex`"
            raise StorageError(told) from error
        if isinstance(error, OperationalError) and "locked" in why:
            raise StorageError(f"the index {path} is locked: another process writes it and does not end") from error
        if isinstance(error, OperationalError) and any(reason in why for reason in _LOST):
            raise StorageError(f"the index {path} cannot be used: {why}; {_MEND}") from error
        raise


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # a transaction begins where it is known whether it will write
        for pragma in (_busy(_waiting.get()), *_PRAGMAS, _busy(_PATIENCE)):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _writing(engine: Engine) -> Engine:
    """The engine for those who write; it alone listens, since what listens is asked at each statement."""
    writing = engine.execution_options(writing=True)

    @event.listens_for(writing, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return writing


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
