"""Something that needs a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person; `site` is None where it is the archive's, `since` where nobody knows."""

    site: str | None
    kind: str
    since: str | None
    detail: str
