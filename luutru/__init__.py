"""How people use the archive: commands, demo, and later the reading room."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.collection import Collection

__all__ = ["Collection"]


def __getattr__(name: str) -> Any:
    """What the package offers is imported when it is asked for: `luutru --help` needs none of it."""
    if name == "Collection":
        from storage.collection import Collection

        return Collection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
