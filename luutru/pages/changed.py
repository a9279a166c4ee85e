"""Changes of documents, as lists of them show each: with its gist."""

from collections.abc import Iterable
from dataclasses import dataclass

from luutru.comparison import Effort, Piece
from luutru.pages.differences import gist
from storage.index.latest import Change


@dataclass(frozen=True, slots=True)
class Changed:
    """A change, and its first place with a few words around it; `in_title` when that is the title."""

    document: str
    site: str
    title: str
    before: int
    after: int
    when: str
    in_title: bool
    pieces: tuple[Piece, ...]


def shown(changes: Iterable[Change]) -> tuple[Changed, ...]:
    """The changes as they are shown."""
    effort = Effort()  # for all of them
    return tuple(_shown(one, effort) for one in changes)


def _shown(one: Change, effort: Effort) -> Changed:
    (old_title, _, old), (new_title, _, new) = one.old.partition("\n\n"), one.new.partition("\n\n")
    in_title = old_title != new_title
    return Changed(
        document=one.document,
        site=one.site,
        title=one.title,
        before=one.before,
        after=one.after,
        when=one.when,
        in_title=in_title,
        pieces=gist(old_title, new_title, effort) if in_title else gist(old, new, effort),
    )
