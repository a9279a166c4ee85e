"""Which texts are the same, or nearly: what is stored of that, and the republications that follow from it.

Each version has a body: one for all texts of the same words, whatever their titles, case, diacritics and punctuation;
a text that is too short for bands shares its body only with equal titles and texts. Two bodies are near when they share
a band that no more than CROWD bodies share, and their similarity is NEAR or more.

That is a function of the versions that there are, in whatever order they came and went: a body waits to be compared
when it is new, when a version of it goes, and when one of its bands becomes a crowd or ceases to be one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, func, or_, select, update

from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.mentions import day_of
from storage.index.tables import band, body, document, near, version
from storage.index.withheld import narrowed, standing
from storage.shingles import NEAR, RULE, Sketch, may_be_near, shingles, similarity, sketch, words

CROWD = 100  # bodies that share a band; of more, none is compared for its sake
_BATCH = 20  # versions or bodies at a time: the transaction must be short
_HELD = 250_000  # shingles in memory, some 25 MB
_BAND_BYTES = 6

_OF_BODY = (
    update(version)
    .where(version.c.id == bindparam("row"), version.c.digest == bindparam("of_text"))
    .values(body=bindparam("of"))
)
_UNPAIR = delete(near).where(near.c.body == bindparam("one"), near.c.other == bindparam("two"))
_UNBAND = delete(band).where(band.c.value == bindparam("named"), band.c.body == bindparam("of"))
_SAID = exists().where(version.c.body == body.c.id)  # by a version

_mine, _theirs = version.alias("mine"), version.alias("theirs")
_BESIDE = (
    select(_mine.c.document, _theirs.c.document)
    .join_from(_mine, near, near.c.body == _mine.c.body)
    .join(_theirs, _theirs.c.body == near.c.other)
    .where(_mine.c.document.in_(bindparam("documents", expanding=True)))
    .where(_theirs.c.document != _mine.c.document)
)
_ours = document.alias("ours")
_REPUBLICATIONS = (
    select(near.c.similarity, document.c.id, document.c.identity, document.c.site, _theirs.c.title)
    .add_columns(_theirs.c.published, _theirs.c.first_seen, _ours.c.identity.label("my_identity"))
    .add_columns(_mine.c.published.label("my_published"), _mine.c.first_seen.label("my_first_seen"))
    .join_from(_mine, near, near.c.body == _mine.c.body)
    .join(_ours, _ours.c.id == _mine.c.document)
    .join(_theirs, _theirs.c.body == near.c.other)
    .join(document, document.c.id == _theirs.c.document)
    .where(_mine.c.document == bindparam("owner"), _theirs.c.document != bindparam("owner"))
    .order_by(document.c.id, near.c.similarity.desc(), _theirs.c.first_seen, _theirs.c.digest)
)
_Pair = tuple[int, int, int]  # body, other, similarity


@dataclass(frozen=True, slots=True)
class First:
    """The document that had a text first, and by which dates: `published`, or `captured` where these do not tell."""

    document: str
    by: str


@dataclass(frozen=True, slots=True)
class Republication:
    """Another document with the same text, or nearly.

    `title`, `published` and `first_seen` are those of that text, the earliest dates where there are several such texts;
    `similarity` is 1 for the same words. `first` is None where no date tells.
    """

    document: str
    site: str
    title: str
    published: str | None
    first_seen: str
    similarity: float
    first: First | None


def keep_up(index: Index, part: int = 0, parts: int = 1) -> bool:
    """Do a portion of what waits, of that whose id leaves `part` of `parts`; False when nothing did.

    Texts are read and compared outside of the transactions that write.
    """
    given = _give_bodies(index, part, parts)
    return _compare(index, part, parts) or given


def leave(connection: Connection, versions: Sequence[int]) -> None:
    """These versions are about to go: what only they said must go too."""
    theirs = select(version.c.body).where(version.c.id.in_(dialect_of(connection).among(versions)))
    connection.execute(update(body).where(body.c.id.in_(theirs)).values(compared=None))


def waiting(connection: Connection) -> bool:
    """Whether there are texts that were not compared yet."""
    unread, new = exists().where(version.c.body.is_(None)), exists().where(body.c.compared.is_(None))
    return bool(connection.scalar(select(or_(unread, new))))


def republications(connection: Connection, owner: int) -> list[Republication]:
    """The other documents with a text of this one, or nearly, by the day of publication, else of first capture."""
    held = standing(connection)
    mine, theirs = held.versions_shown(_mine.c.id), held.versions_shown(_theirs.c.id)
    rows = connection.execute(narrowed(_REPUBLICATIONS, [*mine, *theirs]), {"owner": owner}).all()
    found = [_republication(list(of_one)) for _, of_one in groupby(rows, key=lambda row: row.id)]
    return sorted(found, key=lambda one: (day_of(one.published, one.first_seen), one.first_seen, one.document))


def beside(connection: Connection, documents: Collection[int]) -> dict[int, set[int]]:
    """The documents that are republications of each of these, by id."""
    found: dict[int, set[int]] = {id_: set() for id_ in documents}
    for one, other in connection.execute(_BESIDE, {"documents": list(documents)}).all():
        found[one].add(other)
    return found


def _republication(rows: Sequence[Row[Any]]) -> Republication:
    closest = rows[0]
    published, mine = (
        min((date for date in dates if date), key=_when, default=None)
        for dates in ([row.published for row in rows], [row.my_published for row in rows])
    )
    first_seen, my_first_seen = min(row.first_seen for row in rows), min(row.my_first_seen for row in rows)
    earlier, by = _earlier(mine, published), "published"
    if earlier is None:
        earlier, by = _before(my_first_seen, first_seen), "captured"
    first = None if earlier is None else First(closest.my_identity if earlier else closest.identity, by)
    return Republication(
        document=closest.identity,
        site=closest.site,
        title=closest.title,
        published=published,
        first_seen=first_seen,
        similarity=closest.similarity / 1000,
        first=first,
    )


def _earlier(one: str | None, other: str | None) -> bool | None:
    """Whether one date of publication is before the other; None where they do not tell."""
    if not one or not other:
        return None
    if len(one) > len("2025-01-02") < len(other):
        return _before(datetime.fromisoformat(one), datetime.fromisoformat(other))
    return _before(one[:10], other[:10])


def _before(one: Any, other: Any) -> bool | None:
    return None if one == other else bool(one < other)


def _when(published: str) -> tuple[str, str]:
    return published[:10], published


def _give_bodies(index: Index, part: int, parts: int) -> bool:
    """Give a batch of versions their bodies."""
    columns = select(version.c.id, version.c.digest, version.c.text)
    wanted = columns.where(version.c.body.is_(None), version.c.id % parts == part)
    with index.read() as connection:
        rows = connection.execute(wanted.order_by(version.c.id).limit(_BATCH)).all()
    sketches = {row.id: _sketch(row.text, row.digest) for row in rows}
    if not sketches:
        return False
    with index.write() as connection:
        ids = _bodies(connection, dict(sketches.values()))
        given = [{"row": row.id, "of_text": row.digest, "of": ids[sketches[row.id][0]]} for row in rows]
        connection.execute(_OF_BODY, given)
    return True


def _sketch(text: str, digest: str) -> tuple[str, Sketch]:
    """The digest of a text's body, and its sketch."""
    read = words(text)
    found = sketch(shingles(read))
    return blake2b(" ".join(read).encode(), digest_size=16).hexdigest() if found.bands else digest, found


def _bodies(connection: Connection, sketches: Mapping[str, Sketch]) -> dict[str, int]:
    """The bodies of these digests, new ones made."""
    of_digests = select(body.c.digest, body.c.id).where(body.c.digest.in_(list(sketches)))
    known = {row.digest: row.id for row in connection.execute(of_digests)}
    new = {digest: found for digest, found in sketches.items() if digest not in known}
    if not new:
        return known
    made = [
        {"digest": digest, "rule": RULE, "bands": _pack(found.bands), "marks": found.marks}
        for digest, found in new.items()
    ]
    connection.execute(body.insert(), made)
    ids = {row.digest: row.id for row in connection.execute(of_digests)}
    rows = sorted((value, ids[digest]) for digest, found in new.items() for value in found.bands)
    with _recompared(connection, [value for value, _ in rows]):
        dialect_of(connection).insert_ignore(connection, band, [{"value": v, "body": id_} for v, id_ in rows])
    connection.execute(near.insert(), [{"body": ids[one], "other": ids[one], "similarity": 1000} for one in new])
    return ids


@contextmanager
def _recompared(connection: Connection, values: Sequence[int]) -> Iterator[None]:
    """Let those wait who share one of these bands, if it becomes a crowd in between, or ceases to be one."""
    before = _crowds(connection, values)
    yield
    changed = before ^ _crowds(connection, values)
    if changed:
        members = select(band.c.body).where(band.c.value.in_(dialect_of(connection).among(sorted(changed))))
        connection.execute(update(body).where(body.c.id.in_(members)).values(compared=None))


def _crowds(connection: Connection, values: Sequence[int]) -> set[int]:
    """The bands that too many share."""
    named = dialect_of(connection).among(values).subquery()
    one_more = select(band.c.body).where(band.c.value == named.c.value).limit(1).offset(CROWD)
    return set(connection.scalars(select(named.c.value).where(one_more.exists())))


def _compare(index: Index, part: int, parts: int) -> bool:
    """Compare a batch of bodies with those that share bands with them; a body without versions is removed.

    What was compared is written only if the bodies are the same still; else it waits on.
    """
    with index.read() as connection:
        bodies = _waiting(connection).where(body.c.id % parts == part).order_by(body.c.id).limit(_BATCH)
        waiting = {row.id: _unpack(row.bands) for row in connection.execute(bodies)}
        sharing = _sharing(connection, waiting)
        likely = _likely(connection, sharing)
    if not waiting:
        return False
    near_by = dict(_near_by(index, likely))
    with index.write() as connection:
        still = {row.id for row in connection.execute(_waiting(connection, list(waiting)))}
        again = _sharing(connection, {id_: waiting[id_] for id_ in still})
        lost = set(connection.scalars(select(body.c.id).where(body.c.id.in_(still), ~_SAID)))
        done = {id_ for id_ in still - lost if id_ in near_by and again[id_] == sharing[id_]}
        _pair(connection, done, {pair for id_ in done for pair in near_by[id_]})
        _remove(connection, {id_: waiting[id_] for id_ in lost})
        connection.execute(update(body).where(body.c.id.in_(done)).values(compared=1))
    return True


def _waiting(connection: Connection, ids: Sequence[int] | None = None) -> Select[tuple[int, bytes]]:
    found = select(body.c.id, body.c.bands).where(body.c.compared.is_(None))
    return found if ids is None else found.where(body.c.id.in_(dialect_of(connection).among(ids)))


def _sharing(connection: Connection, bodies: Mapping[int, Sequence[int]]) -> dict[int, set[int]]:
    """The other bodies that versions have and that share a band with each of these, crowds left out."""
    values = sorted({value for values in bodies.values() for value in values})
    open_ = sorted(set(values) - _crowds(connection, values))
    members: dict[int, set[int]] = {}
    said = exists().where(version.c.body == band.c.body)
    for row in connection.execute(select(band).where(band.c.value.in_(dialect_of(connection).among(open_)), said)):
        members.setdefault(row.value, set()).add(row.body)
    return {id_: set().union(*(members.get(value, ()) for value in values)) - {id_} for id_, values in bodies.items()}


def _likely(connection: Connection, sharing: Mapping[int, set[int]]) -> dict[int, set[int]]:
    """Those of the bodies that share a band whose marks do not tell that they are strange to each other."""
    ids = sorted(set(sharing).union(*sharing.values()))
    query = select(body.c.id, body.c.marks).where(body.c.id.in_(dialect_of(connection).among(ids)))
    marks = {row.id: row.marks for row in connection.execute(query)}
    return {
        one: {other for other in others if may_be_near(marks[one], marks[other])} for one, others in sharing.items()
    }


def _near_by(index: Index, sharing: Mapping[int, set[int]]) -> Iterator[tuple[int, list[_Pair]]]:
    """The pairs of each body; one is left out when a version went that was to be read."""
    held: dict[int, frozenset[str]] = {}
    for one, others in sharing.items():
        pairs = []
        needed = [one, *sorted(others)] if others else []
        own: frozenset[str] = frozenset()
        for chunk in (needed[at : at + _BATCH] for at in range(0, len(needed), _BATCH)):
            if sum(map(len, held.values())) > _HELD:
                held.clear()
            held |= _shingles_of(index, set(chunk) - held.keys())
            if not held.keys() >= set(chunk):
                break
            own = own or held[one]
            pairs += [(one, other, similarity(own, held[other])) for other in chunk if other != one]
        else:
            yield one, [pair for pair in pairs if pair[2] >= NEAR]


def _shingles_of(index: Index, bodies: Collection[int]) -> dict[int, frozenset[str]]:
    with index.read() as connection:
        of_bodies = version.c.body.in_(dialect_of(connection).among(list(bodies)))
        any_one = select(func.min(version.c.id)).where(of_bodies).group_by(version.c.body)
        rows = connection.execute(select(version.c.body, version.c.text).where(version.c.id.in_(any_one))).all()
    return {row.body: shingles(words(row.text)) for row in rows}


def _pair(connection: Connection, bodies: Collection[int], pairs: set[_Pair]) -> None:
    """Let exactly these pairs of the bodies stand."""
    stood = select(near).where(near.c.body.in_(dialect_of(connection).among(list(bodies))), near.c.body != near.c.other)
    known = {(row.body, row.other, row.similarity) for row in connection.execute(stood)}
    _execute(connection, _UNPAIR, _both_ways(known - pairs, "one", "two"))
    dialect_of(connection).insert_ignore(connection, near, _both_ways(pairs - known, "body", "other"))


def _both_ways(pairs: Iterable[_Pair], one: str, two: str) -> list[dict[str, int]]:
    return [{one: a, two: b, "similarity": measure} for x, y, measure in pairs for a, b in ((x, y), (y, x))]


def _remove(connection: Connection, bodies: Mapping[int, Sequence[int]]) -> None:
    _pair(connection, bodies.keys(), set())
    values = [value for values in bodies.values() for value in values]
    with _recompared(connection, values):
        _execute(connection, _UNBAND, [{"named": v, "of": id_} for id_, values in bodies.items() for v in values])
    _execute(connection, _UNPAIR, [{"one": id_, "two": id_} for id_ in bodies])
    _execute(connection, delete(body).where(body.c.id == bindparam("of")), [{"of": id_} for id_ in bodies])


def _execute(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _pack(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(_BAND_BYTES, "little") for value in values)


def _unpack(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[at : at + _BAND_BYTES], "little") for at in range(0, len(packed), _BAND_BYTES)]
