"""Withholding and releasing: each step is written, and what it comes to is told."""

from collections.abc import Collection
from dataclasses import dataclass, fields

from sqlalchemy import Connection, exists, func, or_, select

from storage.errors import NotFound
from storage.index import attachments, related, withheld
from storage.index.dialects import dialect_of
from storage.index.naming import named, spellings
from storage.index.tables import capture, document, offer, version, withholding
from storage.index.withheld import RELEASE, WITHHOLD, Withholding
from storage.model import Attachment
from storage.moments import now
from storage.surt import surt


@dataclass(frozen=True, slots=True)
class Thing:
    """What may be withheld: a document by its identity, or an address."""

    document: str | None = None
    url: str | None = None

    @property
    def name(self) -> str:
        """As people write it."""
        return self.document or self.url or ""

    @property
    def kind(self) -> str:
        """Which of both it is."""
        return "document" if self.document else "address"


@dataclass(frozen=True, slots=True)
class Reach(Withholding):
    """A step, and what is withheld by it: how many captures, which documents.

    `beside` are documents that are still shown: at the address, of the same text or nearly, or offered as files.
    """

    captures: int
    documents: tuple[str, ...]
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """That a thing is shown again, why and since when."""

    what: str
    kind: str
    reason: str
    by: str
    released: str


@dataclass(frozen=True, slots=True)
class Step:
    """A row as it was written."""

    document: str | None
    url: str | None
    step: str
    moment: str
    until: str | None
    reason: str
    by: str


def steps(connection: Connection, site: str | None = None) -> list[Step]:
    """All that was ever decided, in its order; of one site, what is about its documents and captures."""
    columns = select(*(withholding.c[one.name] for one in fields(Step))).order_by(withholding.c.id)
    named = exists().where(document.c.identity == withholding.c.document, document.c.site == site)
    captured = exists().where(capture.c.urlkey == withholding.c.urlkey, capture.c.site == site)
    rows = connection.execute(columns.where(or_(named, captured)) if site else columns)
    return [Step(*row) for row in rows]


def thing(connection: Connection, wanted: str) -> Thing:
    """The document of this identity or number, or an address, with its scheme or known; raises NotFound."""
    row = named(connection, wanted)
    identity = row.identity if row else None
    if identity is None:  # rules that call it otherwise came after its withholding
        identity = connection.scalar(select(withholding.c.document).where(withholding.c.document == wanted).limit(1))
    if identity is not None:
        return Thing(document=identity)
    spelled = spellings(wanted)
    known = select(capture.c.url).where(capture.c.urlkey.in_([surt(url) for url in spelled])).limit(1)
    is_address = wanted.strip().lower().startswith(("https://", "http://"))
    if spelled and (is_address or connection.scalar(known) is not None):
        return Thing(url=spelled[0])
    raise NotFound(
        f"no document {wanted[:200]!r} in the archive: name it as `luutru search` does, or write an address with https://"
    )


def withhold(connection: Connection, what: Thing, reason: str, by: str, until: str | None = None) -> Reach:
    """Withhold a thing from now on, `until` a moment; what was said of it before no longer counts."""
    urlkeys = _urlkeys(connection, what)
    owners = withheld.touched(connection, urlkeys)
    near = _near(connection, owners.keys())
    since = _write(connection, what, WITHHOLD, reason, by, until)
    covered = withheld.standing(connection).documents.keys()
    among = dialect_of(connection).among
    at_address = select(func.count()).where(capture.c.urlkey.in_(among(sorted(urlkeys))))
    return Reach(
        *(what.name, what.kind, reason, by, since, until),
        captures=connection.scalar(at_address) or 0,
        documents=_identities(connection, owners.keys() & covered),
        beside=_identities(connection, (owners.keys() | near) - covered),
    )


def release(connection: Connection, what: Thing, reason: str, by: str) -> Released:
    """Withhold a thing no longer; raises NotFound where it is not what was withheld."""
    if not any(_is(one, what) for one in withheld.listed(connection)):
        raise NotFound(_not_withheld(connection, what))
    moment = _write(connection, what, RELEASE, reason, by)
    return Released(what.name, what.kind, reason, by, moment)


def _write(connection: Connection, what: Thing, step: str, reason: str, by: str, until: str | None = None) -> str:
    moment = now()
    said = {"step": step, "moment": moment, "until": until, "reason": reason, "by": by, "document": what.document}
    urls: list[str | None] = [what.url, *(_known(connection, what.document) if what.document else ())]
    rows = [said | {"url": url, "urlkey": surt(url) if url else None} for url in urls]
    connection.execute(withholding.insert(), rows)
    return moment


def _known(connection: Connection, identity: str) -> list[str]:
    """The addresses of a document, and those that earlier steps of it name."""
    owner = connection.scalar(select(document.c.id).where(document.c.identity == identity))
    urls = withheld.addresses(connection, [owner] if owner else ()).get(owner or 0, [])
    named = select(withholding.c.url).where(withholding.c.document == identity, withholding.c.url.is_not(None))
    return list({surt(url): url for url in [*connection.scalars(named), *reversed(urls)]}.values())


def _is(one: Withholding, what: Thing) -> bool:
    if what.document:
        return (one.kind, one.what) == ("document", what.document)
    return one.kind == "address" and surt(one.what) == surt(what.name)


def _urlkeys(connection: Connection, what: Thing) -> set[str]:
    return {surt(url) for url in ([what.url] if what.url else _known(connection, what.document or ""))}


def _near(connection: Connection, documents: Collection[int]) -> set[int]:
    """Documents with the texts of these, or nearly, and files that these offer."""
    texts = related.beside(connection, documents)
    among = dialect_of(connection).among
    offered = select(offer.c.url, offer.c.name).join(version, version.c.id == offer.c.version)
    rows = connection.execute(offered.where(version.c.document.in_(among(sorted(documents)))).distinct())
    files = attachments.files_of(connection, [Attachment(row.url, row.name) for row in rows])
    named = select(document.c.id).where(document.c.identity.in_(among([one.document for one in files if one.document])))
    return set().union(*texts.values(), connection.scalars(named))


def _identities(connection: Connection, documents: Collection[int]) -> tuple[str, ...]:
    named = select(document.c.identity).where(document.c.id.in_(dialect_of(connection).among(sorted(documents))))
    return tuple(connection.scalars(named.order_by(document.c.identity)))


def _not_withheld(connection: Connection, what: Thing) -> str:
    held = withheld.standing(connection)
    owner = connection.scalar(select(document.c.id).where(document.c.identity == what.document))
    why = held.documents.get(owner or 0) or (held.urlkeys.get(surt(what.url)) if what.url else None)
    if why is not None:
        return f"{what.name} is withheld because {why.what} is: release that"
    return f"{what.name} is not withheld: `luutru withheld` lists what is"
