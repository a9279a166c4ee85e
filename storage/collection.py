"""A collection: a directory of WARC files and the index over them."""

from pathlib import Path

from storage.config import Config
from storage.errors import StorageError
from storage.index.engine import Index


class Collection:
    """An opened home: its configuration, its files and its index."""

    def __init__(self, home: Path, config: Config, index: Index) -> None:
        self.home = home
        self.config = config
        self.index = index

    @classmethod
    def open(cls, home: Path, config: Config | None = None) -> "Collection":
        """The archive in `home`, its index made or upgraded when needed; raises UsageError, StorageError.

        Where WARC files lie without an index, it is not made anew: an empty one would say that nothing is held.
        """
        config = config or Config.load(home)
        path = home / "index.db"
        if not path.exists() and any((home / "warc").glob("*/*/*.warc.gz*")):
            raise StorageError(f"{path} is gone, and WARC files lie beside it: put it back from a backup")
        return cls(home, config, Index.open(path))

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()
