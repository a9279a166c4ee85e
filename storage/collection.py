"""A collection: a directory of WARC files and the index over them."""

from pathlib import Path

from storage.config import Config
from storage.index.engine import Index


class Collection:
    """An opened home: its configuration, its files and its index."""

    def __init__(self, home: Path, config: Config, index: Index) -> None:
        self.home = home
        self.config = config
        self.index = index

    @classmethod
    def open(cls, home: Path, config: Config | None = None) -> "Collection":
        """The archive in `home`, its index made or upgraded when needed; raises UsageError, StorageError."""
        return cls(home, config or Config.load(home), Index.open(home / "index.db"))

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()
