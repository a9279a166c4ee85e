"""Answers that commands and addresses give alike, put together from what the index says.

The fields, in their order, are the keys of the JSON that `docs/cli.md` documents.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Literal

from typing_extensions import TypedDict  # that of typing is not read by pydantic before Python 3.12

from luutru.cite import Work
from luutru.comparison import Effort, Piece, compare
from storage import health as watching
from storage.collection import Collection
from storage.disk import folders, free_bytes
from storage.errors import NotFound
from storage.index import questions
from storage.index.conditions import Condition, conditions
from storage.index.engine import Connection
from storage.index.facets import Facets
from storage.index.health import Problem
from storage.index.hits import Hit
from storage.index.questions import Shown
from storage.index.search import Results

Sort = Literal["rank", "new"]  # how hits are sorted: the best first, or the newest by day


@dataclass(frozen=True, slots=True)
class Count:
    """How many documents have a value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents by site, section, month and what they have; when `capped`, only the newest matches are counted."""

    site: tuple[Count, ...]
    section: tuple[Count, ...]
    month: tuple[Count, ...]
    has: tuple[Count, ...]
    capped: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer; `next` is the cursor of the following one."""

    total: int
    results: tuple[Hit, ...]
    facets: Counts
    next: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether anything needs a person, and what; how each site is, and how many bytes are free on the fullest disk."""

    ok: bool
    problems: tuple[Problem, ...]
    sites: tuple[Condition, ...]
    free: int


@dataclass(frozen=True, slots=True)
class Citation:
    """How a document is cited in one style, by the version that stands."""

    document: str
    version: int | None
    style: str
    text: str


Comparison = TypedDict("Comparison", {"document": str, "from": int, "to": int, "changes": list[Piece]})


def page(found: Results) -> Page:
    """What a search found, as it is written."""
    return Page(found.total, found.hits, _counts(found.facets), found.next)


def work(shown: Shown, publisher: str, zone: tzinfo, replay: str | None) -> Work:
    """A document as it is cited: in the version that stands, by its first capture, as the replay shows it.

    Raises NotFound where no capture of it may be shown.
    """
    captured = _captured(shown)
    return Work(
        document=shown.document,
        title=shown.title or shown.url,
        authors=shown.authors,
        publisher=publisher,
        published=date.fromisoformat(shown.published[:10]) if shown.published else None,
        url=shown.url,
        archived=captured.astimezone(zone).date(),
        archive_url=f"{replay.rstrip('/')}/{captured:%Y%m%d%H%M%S}/{shown.url}" if replay else None,
        language=shown.language,
        gone=shown.gone,
    )


def _captured(shown: Shown) -> datetime:
    """When the version that stands was captured first; of a file without text, when it was."""
    for one in shown.versions:
        if one.version == shown.version:
            return datetime.fromisoformat(one.first_seen)
    if not shown.captures:
        raise NotFound(f"{shown.document} has no capture to cite")
    return datetime.strptime(shown.captures[0].timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def health(collection: Collection) -> Health:
    """What needs a person, and how each site is."""
    found = watching.problems(collection)
    with collection.index.read() as connection:
        sites = tuple(conditions(connection))
    return Health(not found, tuple(found), sites, free_bytes(*folders(collection.home)))


def comparison(
    connection: Connection,
    document: str,
    versions: tuple[int, int] | None,
    identities: Iterable[str] = (),
    effort: Effort | None = None,
) -> Comparison:
    """How one version of a document becomes another, as far as the effort goes, without numbers the last two.

    Raises NotFound.
    """
    held = questions.texts(connection, document, identities)
    shown = [number for number in range(1, len(held.texts) + 1) if number not in held.withheld]
    one, other = versions or _last_two(held.document, shown)
    for number in (one, other):
        if number not in shown:
            raise NotFound(f"{held.document} has no version {number}: `luutru history {held.document}` lists them")
    old, new = ("\n\n".join(held.texts[number - 1]) for number in (one, other))
    return {"document": held.document, "from": one, "to": other, "changes": compare(old, new, effort)}


def _last_two(document: str, shown: Sequence[int]) -> tuple[int, int]:
    if len(shown) < 2:
        raise NotFound(f"{document} has {'one text' if shown else 'no text'} only: there is nothing to compare")
    return shown[-2], shown[-1]


def _counts(facets: Facets) -> Counts:
    def counted(values: Iterable[tuple[str, int]]) -> tuple[Count, ...]:
        return tuple(Count(*one) for one in values)

    return Counts(
        site=counted(facets.site),
        section=counted(facets.section),
        month=counted(facets.month),
        has=counted(facets.has),
        capped=facets.capped,
    )
