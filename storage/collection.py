"""A collection: a directory of WARC files and the index over them."""

from pathlib import Path

from storage.config import FILE, Config
from storage.disk import telling
from storage.errors import StorageError, UsageError
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
        refuse_to_share(home, path)
        if not path.exists() and any(one.is_file() for one in (home / "warc").rglob("*.warc*")):
            raise StorageError(f"{path} is gone, and WARC files lie beside it: run `luutru reindex`")
        return cls(home, config, Index.open(path))

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()


def refuse_to_share(home: Path, path: Path) -> None:
    """Raise UsageError where the index is that of another home: it is there, or was opened by it from elsewhere."""
    real, here = path.resolve(), home.resolve()
    if real.exists() and real.stat().st_nlink > 1:
        raise UsageError(f"{path} has a second name, and two archives must not share an index: copy the file")
    if real.parent == here:
        return
    if (real.parent / FILE).exists():
        raise UsageError(f"{path} is the index of the archive {real.parent}: let this one have its own")
    owner = real.with_name(f"{real.name}.home")  # beside an index that lies on another disk
    with telling(owner):
        try:
            with owner.open("x", encoding="utf-8") as file:
                file.write(str(here))
        except FileExistsError:
            if owner.read_text("utf-8") != str(here):
                raise UsageError(
                    f"{path} is the index of the archive {owner.read_text('utf-8')}: let this one have its own, "
                    f"or remove {owner} if the archive was moved"
                ) from None
