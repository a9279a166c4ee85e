"""The schema that the migrations make is the schema that the code knows."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import storage
from storage.index.engine import HEAD, Index
from storage.index.tables import metadata


def _is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    return not (kind == "table" and (name or "").startswith(("version_folded", "version_exact")))


def test_the_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index.db")
    with index.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        differences = compare_metadata(context, metadata)
    index.close()
    assert differences == []


def test_the_newest_revision_is_the_one_that_is_opened_without_upgrade() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD
