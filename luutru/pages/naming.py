"""How sites are called: by their definitions, and by their keys where there is none."""

from collections.abc import Mapping, Sequence
from functools import cache

import spiders
from storage.collection import Collection


def defined(collection: Collection) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Name and hosts of each defined site by its key; files of the archive's own are named only, not executed."""
    own = collection.home / "spiders" if collection.config.own_sites else None
    named = {path.stem.replace("_", "-"): (path.stem, ()) for path in (sorted(own.glob("[!_]*.py")) if own else ())}
    return named | _ours()


@cache
def _ours() -> dict[str, tuple[str, Sequence[str]]]:
    return {key: (one.name, one.hosts) for key, one in spiders.sites().items()}
