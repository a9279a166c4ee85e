"""A document: what it says in one of its versions, how each thing is known, and where the proof lies."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise

from fastapi import APIRouter, Request, Response

import spiders
from luutru.cite import Style, Work, cite
from luutru.comparison import Effort, compare, words
from luutru.pages import rendering
from luutru.pages.links import Links
from luutru.pages.naming import defined
from luutru.responses import JsonResponse
from luutru.room import LOOPBACK, Asked, Room
from storage.errors import NotFound
from storage.index import questions
from storage.index.attachments import Offered, Offering
from storage.index.engine import Connection
from storage.index.mentions import day_of
from storage.index.pictures import Picture, pictures
from storage.index.provenance import Dating, datings
from storage.index.questions import Shown, VersionLine
from storage.index.related import Republication
from storage.index.wordings import Source, Wording, source, wording
from storage.model import Image
from storage.provenance import Proof, prove

router = APIRouter()
_DATED = 3  # pages that name the day of a document
_COMPARED = 20  # versions whose words are counted, the newest
_EFFORT = 3_000_000  # that all of them together may take


@dataclass(frozen=True, slots=True)
class Standing:
    """A version, and how many words came and went since the one before; None where nobody counted."""

    version: int
    first_seen: str
    last_seen: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture of the article, and where the archive has it, if it does."""

    url: str
    caption: str | None
    credit: str | None
    date: str | None
    warc: str | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class Stop:
    """A place in the course of a text from site to site; without `document`, this document itself."""

    day: str
    document: str | None
    site: str
    title: str | None
    similarity: float
    is_first: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A document as its page tells it, in one version; what has no version has no text."""

    document: str
    kind: str
    url: str
    site: str
    title: str | None
    lead: str | None
    paragraphs: tuple[str, ...]
    authors: tuple[str, ...]
    published: str | None
    published_from: str | None
    modified: str | None
    section: tuple[str, ...]
    tags: tuple[str, ...]
    views: int | None
    language: str | None
    method: str | None
    confidence: float | None
    reason: str | None
    digest: str | None
    version: int | None
    is_newest: bool
    versions: tuple[Standing, ...]
    pictures: tuple[Pictured, ...]
    attachments: tuple[Offered, ...]
    articles: tuple[Offering, ...]
    addresses: tuple[tuple[str, int], ...]
    republications: tuple[Stop, ...]
    gone_since: str | None
    last_seen: str | None
    capture: Source | None
    proof: Proof | None
    dated_by: tuple[Dating, ...]


@router.get("/d/{identity:path}.json")
def json(request: Request, room: Asked, identity: str, version: int | None = None) -> Response:
    """The same for machines; or the page of a document whose name ends so."""
    try:
        return JsonResponse(document(room, identity, version))
    except NotFound:
        with room.read() as connection:
            questions.find(connection, f"{identity}.json")
        return html(request, room, f"{identity}.json", version)


@router.get("/d/{identity:path}")
def html(request: Request, room: Asked, identity: str, version: int | None = None) -> Response:
    """The page."""
    found = document(room, identity, version)
    return rendering.page(request, room, "document.html", found, citations=_citations(request, room, found))


def document(room: Room, wanted: str, number: int | None) -> Page:
    """A document in a version, the standing one unless another is named; raises NotFound."""
    with room.read() as connection:
        shown = questions.show(connection, wanted, spiders.documents(wanted))
        chosen = _chosen(shown, number)
        said = wording(connection, shown.document, chosen.version) if number and chosen else shown
        capture = source(connection, shown.document, chosen.digest) if chosen else None
        texts = questions.texts(connection, shown.document).texts if len(shown.versions) > 1 else ()
        dated = datings(connection, shown.document, _DATED)
        drawn = _pictured(connection, said.images, capture.date if capture else "")
    return Page(
        document=shown.document,
        kind=shown.kind,
        url=shown.url,
        site=shown.site,
        title=said.title,
        lead=_lead(said),
        paragraphs=tuple(said.text.split("\n\n")) if said.text else (),
        authors=said.authors,
        published=said.published,
        published_from=said.published_from,
        modified=said.modified,
        section=said.section,
        tags=said.tags,
        views=shown.views,
        language=said.language,
        method=said.method,
        confidence=said.confidence,
        reason=shown.reason,
        digest=chosen.digest if chosen else None,
        version=chosen.version if chosen else None,
        is_newest=chosen is None or chosen.version == shown.version,
        versions=tuple(_standing(shown, texts)),
        pictures=drawn,
        attachments=shown.attachments,
        articles=shown.articles,
        addresses=_addresses(shown),
        republications=_course(shown, said),
        gone_since=shown.gone_since,
        last_seen=chosen.last_seen if chosen else None,
        capture=capture,
        proof=_proof(room, capture) if capture else None,
        dated_by=tuple(dated),
    )


def _citations(request: Request, room: Room, found: Page) -> list[tuple[Style, str]]:
    """How the version is cited, in each style; not where no capture of it may be seen."""
    if found.capture is None:
        return []
    names = defined(room.collection)
    zone = room.collection.config.zone
    work = Work(
        document=found.document,
        title=found.title or found.url,
        authors=found.authors,
        publisher=names[found.site][0] if found.site in names else found.site,
        published=date.fromisoformat(found.published[:10]) if found.published else None,
        url=found.url,
        archived=datetime.fromisoformat(found.capture.date).astimezone(zone).date(),
        archive_url=_permanent(request, found),
        language=found.language,
        gone=found.gone_since is not None,
    )
    return [(style, cite(work, style, rendering.language_of(request.url.path))) for style in Style]


def _permanent(request: Request, found: Page) -> str | None:
    """Where others find this version in the reading room; None where only this machine does."""
    if request.headers["host"].partition(":")[0] in LOOPBACK:
        return None
    return f"{str(request.base_url).rstrip('/')}{Links('vi').document(found.document, found.version)}"


def _chosen(shown: Shown, number: int | None) -> VersionLine | None:
    """The version of a number, the standing one without; None where the document has no text."""
    wanted = shown.version if number is None else number
    found = next((one for one in shown.versions if one.version == wanted), None)
    if found is None and number is not None:
        raise NotFound(f"{shown.document} has no version {number}: there are {len(shown.versions)}")
    return found


def _lead(said: Shown | Wording) -> str | None:
    """The lead, where the text does not begin with it."""
    return said.lead if said.lead and not (said.text or "").startswith(said.lead) else None


def _proof(room: Room, capture: Source) -> Proof:
    """What the file says of a capture, without the notes, which are bytes as received."""
    found = prove(room.collection.home, capture)
    return replace(found, found=replace(found.found, notes=())) if found.found else found


def _standing(shown: Shown, texts: Sequence[tuple[str, str]]) -> Iterable[Standing]:
    """The versions, and what changed in each of the newest of them, as far as an effort goes."""
    counted: dict[int, tuple[int, int]] = {}
    effort = Effort(_EFFORT)
    for after, before in pairwise(shown.versions[: -_COMPARED - 2 : -1]):
        old, new = ("\n\n".join(texts[at.version - 1]) for at in (before, after))
        pieces = compare(old, new, effort)
        if effort.was_short:
            break
        counted[after.version] = words(pieces)
    for one in shown.versions:
        yield Standing(one.version, one.first_seen, one.last_seen, *counted.get(one.version, (None, None)))


def _pictured(connection: Connection, images: Sequence[Image], moment: str) -> tuple[Pictured, ...]:
    held: dict[str, Picture] = pictures(connection, [one.url for one in images], moment) if images else {}
    return tuple(
        Pictured(
            url=one.url,
            caption=one.caption,
            credit=one.credit,
            date=held[one.url].date if one.url in held else None,
            warc=held[one.url].warc if one.url in held else None,
            offset=held[one.url].offset if one.url in held else None,
        )
        for one in images
    )


def _addresses(shown: Shown) -> tuple[tuple[str, int], ...]:
    captures = Counter(one.url for one in shown.captures)
    return tuple((url, captures[url]) for url in shown.addresses)


def _course(shown: Shown, said: Shown | Wording) -> tuple[Stop, ...]:
    """This document and its republications by day; the first is the one that no other precedes."""
    if not shown.republications:
        return ()
    first_seen = min(one.first_seen for one in shown.versions)
    mine = Stop(day_of(said.published, first_seen), None, shown.site, None, 1.0, False)
    others = [_stop(one) for one in shown.republications]
    stops = sorted([mine, *others], key=lambda one: (one.day, one.document is not None, one.document or ""))
    is_told = all(one.first is not None for one in shown.republications)
    return (replace(stops[0], is_first=is_told), *stops[1:])


def _stop(one: Republication) -> Stop:
    return Stop(day_of(one.published, one.first_seen), one.document, one.site, one.title, one.similarity, False)
