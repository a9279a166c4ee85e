"""The schema that the migrations make is the schema that the code knows, and an older one is copied, then upgraded."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from index_fixtures import add_document
from mounts import mounted
from sqlalchemy.schema import CreateIndex

import storage
from storage.errors import StorageError
from storage.index.engine import HEAD, Index
from storage.index.search import search
from storage.index.tables import metadata
from storage.query import parse

FULLTEXT = ("version_folded", "version_exact", "version_pairs")


def _is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    return not (kind == "table" and (name or "").startswith(FULLTEXT))


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index.db")
    with index.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        differences = compare_metadata(context, metadata)
        made = set(connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'index'").scalars())
        dialect = connection.dialect
    index.close()
    assert differences == []
    ours = {one for table in metadata.tables.values() for one in table.indexes}  # those of expressions are not compared
    assert {str(CreateIndex(one).compile(dialect=dialect)) for one in ours} == made - {None}


def test_the_newest_revision_is_the_one_that_is_opened_without_upgrade() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


OLD = "0006"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An index of an earlier schema that holds something, as its own migrations made it."""
    path = tmp_path / "index.db"
    index = Index(path)
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    with index.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLD)
        connection.exec_driver_sql(
            "INSERT INTO crawl (id, site, outcome, started, definition) VALUES ('c1', 'thst', 'completed', '2025', 'd')"
        )
        connection.exec_driver_sql("INSERT INTO fixity VALUES ('warc/a.warc.gz', '2025', 'e', 0)")
    index.close()
    return path


def ask(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_an_index_is_copied_before_it_is_upgraded(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = dump(old)
    Index.open(old).close()
    copy = old.with_name(f"index.db.{OLD}.bak")
    assert ask(old, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert ask(old, "SELECT id, kind FROM crawl") == [("c1", "crawl")]
    assert dump(copy) == before
    assert f"from schema {OLD} to {HEAD}; as it was, it lies at {copy}" in caplog.text
    assert {one.name for one in old.parent.iterdir()} == {"index.db", copy.name}
    copy.write_bytes(b"kept")
    Index.open(old).close()  # nothing to upgrade: nothing is copied
    assert copy.read_bytes() == b"kept"


def test_phrases_are_found_in_what_was_there_before(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index.db")
    with index.write() as connection:
        for text in "bến đò chợ nổi", "chợ nổi bến đò":
            add_document(connection, text, title="Chợ nổi")
        connection.exec_driver_sql("DROP TABLE version_pairs")  # as the schema before had none
        for name in "crawl_started_id", "crawl_running", "ledger_began", "ledger_job_began":
            connection.exec_driver_sql(f"DROP INDEX ix_{name}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0015'")
    index.close()
    index = Index.open(tmp_path / "index.db")
    with index.read() as connection:
        found = [hit.document for hit in search(connection, parse('"ben do cho"')).hits]
    index.close()
    assert found == ["test:1"]


def test_a_copy_is_an_index_that_can_be_put_back(old: Path) -> None:
    Index.open(old).close()
    old.with_name(f"index.db.{OLD}.bak").replace(old)
    Index.open(old).close()
    assert ask(old, "SELECT file FROM fixity") == [("warc/a.warc.gz",)]


def test_an_upgrade_that_fails_leaves_the_index_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE alert (of_somebody_else TEXT)")  # the last migration cannot make its own
    before = dump(old)
    with pytest.raises(StorageError, match=f"from schema {OLD} to {HEAD}, and is as it was .*alert.*reindex"):
        Index.open(old)
    assert dump(old) == before == dump(old.with_name(f"index.db.{OLD}.bak"))
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("DROP TABLE alert")
    Index.open(old).close()
    assert ask(old, "SELECT id FROM crawl") == [("c1",)]


def test_no_upgrade_without_room_for_the_copy(mounting: bool, tmp_path: Path, old: Path) -> None:
    if not mounting:
        return
    small = tmp_path / "small"
    with mounted(small, f"size={old.stat().st_size + 200_000}"):
        moved = small / "index.db"
        moved.write_bytes(old.read_bytes())
        before = moved.read_bytes()
        with pytest.raises(StorageError, match="make room"):
            Index.open(moved)
        assert moved.read_bytes() == before
        assert not list(small.glob("*.bak*"))


def test_who_opens_it_at_the_same_time_finds_it_upgraded_once(old: Path) -> None:
    code = f"from pathlib import Path; from storage.index.engine import Index; Index.open(Path({str(old)!r})).close()"
    started = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(3)]
    said = [one.communicate(timeout=60)[1] for one in started]
    assert [one.returncode for one in started] == [0, 0, 0]
    assert sum(b"as it was" in one for one in said) == 1
    assert ask(old, "SELECT version_num FROM alembic_version") == [(HEAD,)]
