"""Questions to the full text: hits with their best version, facets, and pages that follow each other by key.

A question with words ranks `RANKED` matches only, those that are spelled as typed before the others and of each the
newest, by exact spelling, score and id; the documents beyond them, and all documents of a question without words,
follow by day and id, the newest first. A match is scored in the full text in which it was found. A cursor keeps the
newest version that its first page knew: what is added in between is on no page.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2s
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    func,
    select,
    tuple_,
)

from storage.errors import UsageError
from storage.folding import accented
from storage.index import facets, forms
from storage.index.dialects import dialect_of
from storage.index.facets import COUNTED, Facets
from storage.index.filters import conditions
from storage.index.hits import Hit, hits
from storage.index.places import Dated, Distinct, Place, Ranked
from storage.index.tables import document, facet, version
from storage.index.withheld import narrowed, standing
from storage.query import Query

RANKED = 1_000
_WRONG_CURSOR = "the cursor is not of this search: leave it out to begin with the first page"
_Form = tuple[Query, bool, bool]  # with what a cursor goes: the query, whether distinct, whether by day
_Scored = tuple[dict[int, tuple[float, str, int]], set[int], list[int]]


@dataclass(frozen=True, slots=True)
class Results:
    """One page of an answer; `next` is the cursor of the next one. When `total_capped`, there are more than `total`."""

    hits: tuple[Hit, ...]
    total: int
    total_capped: bool
    facets: Facets
    next: str | None


def search(
    connection: Connection,
    query: Query,
    *,
    limit: int = 20,
    cursor: str | None = None,
    distinct: bool = False,
    by_day: bool = False,
    marks: tuple[str, str] = ("[", "]"),
) -> Results:
    """The next `limit` documents that answer the query; UsageError for a cursor that another query gave.

    With `distinct`, republications of a hit are no hits of their own; with `by_day` nothing is ranked, and the newest
    come first. In snippets of the original text, matches stand between the two `marks`.
    """
    form = (query, distinct, by_day)
    newest, last = _decode(cursor, form) if cursor else (_newest_version(connection), None)
    question = _Question(connection, query, newest, by_day)
    places = question.distinct_places(last, limit + 1) if distinct else question.places(last, limit + 1)
    total, counts = facets.count(connection, question.matching, COUNTED)
    return Results(
        hits=question.hits(places[:limit], marks, question.left_out(places[:limit]) if distinct else {}),
        total=total,
        total_capped=counts.capped,
        facets=counts,
        next=_encode(form, newest, places[limit - 1]) if len(places) > limit else None,
    )


def walk(
    connection: Connection, query: Query, cursor: str | None = None, limit: int = 500
) -> tuple[tuple[Hit, ...], str | None]:
    """The next `limit` of all documents that answer, the newest first by day, and the cursor of those after them.

    Nothing is ranked or counted, and snippets show how a text begins. UsageError for a cursor of another question.
    """
    form = (query, False, True)
    newest, last = _decode(cursor, form) if cursor else (_newest_version(connection), None)
    if isinstance(last, Ranked):
        raise UsageError(_WRONG_CURSOR)
    question = _Question(connection, query, newest, by_day=True)
    places = question.dated(last, (), limit + 1)
    following = _encode(form, newest, places[limit - 1]) if len(places) > limit else None
    return question.hits(places[:limit], None, {}), following


def _newest_version(connection: Connection) -> int:
    return connection.scalar(_NEWEST) or 0


class _Question:
    """A query over the versions up to `newest`."""

    def __init__(self, connection: Connection, query: Query, newest: int, by_day: bool) -> None:
        self.connection = connection
        self.by_day = by_day
        self.dialect = dialect_of(connection)
        self.terms = query.terms
        self.excluded = query.excluded
        self.spelled = [term for term in query.terms if accented(str(term))]
        self.asked = {"newest": newest} | self.dialect.sought(self.terms, self.spelled)
        self.on_document, self.on_version = conditions(connection, query.filters)
        self.held = standing(connection)

    def places(self, last: Place | None, count: int) -> Sequence[Place]:
        """The next documents after `last`: those that are ranked, then the others by day; or all by day."""
        if self.by_day:
            return self._newest_first(last if isinstance(last, Dated) else None, count)
        ranked, all_matches = self._ranked
        if isinstance(last, Dated):
            return self.dated(last, ranked, count)
        places = [place for place in ranked if last is None or place < last][:count]
        if all_matches is not None or len(places) == count:
            return places
        return [*places, *self.dated(None, ranked, count - len(places))]

    def _newest_first(self, last: Dated | None, count: int) -> Sequence[Place]:
        _, all_matches = self._ranked
        if all_matches is None:
            return self.dated(last, (), count)
        rows = self.connection.execute(forms.days(self.dialect), {"versions": json.dumps(all_matches)})
        places = sorted((Dated(*row) for row in rows), reverse=True)
        return [place for place in places if last is None or place < last][:count]

    def distinct_places(self, last: Place | None, count: int) -> list[Place]:
        """The same without republications of documents that come before."""
        shown: list[Place] = []
        while len(shown) < count and (following := self.places(last, count)):
            shown += self.distinct(following)
            last = following[-1]
        return shown[:count]

    @cached_property
    def distinct(self) -> Distinct:
        """What leaves republications out."""
        return Distinct(self.connection, self._ranked[0], self._places_by_day)

    def matching(self, columns: Select[Any], most: int) -> tuple[Select[Any], Mapping[str, Any]]:
        """Of a select from `facet`, so many matches, the newest first; and the values of its parameters."""
        if not self.terms:
            among = columns.join(document, facet.c.document == document.c.id + 0)
            return self._by_day(among).limit(most), self.asked
        _, all_matches = self._ranked
        if all_matches is not None:
            return forms.listed(self.dialect, columns, most), {"versions": json.dumps(all_matches)}
        return forms.of_facets(self._newest(self.dialect.folded(self.terms), most), columns), self.asked

    def left_out(self, places: Sequence[Place]) -> dict[int, tuple[str, ...]]:
        """The identities of what is left out for each of these places, by document."""
        ids = {place.document: self.distinct.left_out(place.document) for place in places}
        wanted = sorted({id_ for others in ids.values() for id_ in others})
        names = dict(self.connection.execute(_NAMES, {"ids": wanted}).all()) if wanted else {}
        return {one: tuple(names[id_] for id_ in others) for one, others in ids.items()}

    def hits(
        self, places: Sequence[Place], marks: tuple[str, str] | None, also: Mapping[int, tuple[str, ...]]
    ) -> tuple[Hit, ...]:
        """The places as they are shown, in their order; without marks, snippets are how the texts begin."""
        dated = [place.document for place in places if isinstance(place, Dated)]
        named = self._standing(dated) if dated else {}
        scores = {place.version: place.score for place in places if isinstance(place, Ranked)}
        ids = [place.version if isinstance(place, Ranked) else named[place.document] for place in places]
        are_spelled = len(self.spelled) == len(self.terms)
        exact = {one.version for one in places if are_spelled and isinstance(one, Ranked) and one.exact}
        shown = (
            self.dialect.snippets(self.connection, self.terms, ids, exact, marks)
            if marks and self.terms and ids
            else {}
        )
        return hits(self.connection, ids, shown, scores, also)

    @cached_property
    def _ranked(self) -> tuple[list[Ranked], list[int] | None]:
        """The best version of each document, if they are ranked, the best first; all versions that match, if few do."""
        if not self.terms:
            return [], None
        folded = self.dialect.folded(self.terms)
        if self.by_day:
            matches = self._gathered(forms.gathered(self.dialect, self._newest(folded, RANKED)))
            return [], matches if len(matches) < RANKED else None
        typed = self._spelled_as_typed(folded) if self.spelled else None
        scored, exact, matches = self._of_phrases(folded, typed) or self._of_words(folded, typed)
        rising = sorted((id_ in exact, score, seen, id_, owner) for id_, (score, seen, owner) in scored.items())
        best = {owner: Ranked(is_exact, score, owner, id_) for is_exact, score, _, id_, owner in rising}
        return sorted(best.values(), reverse=True), matches if len(matches) < RANKED else None

    def _of_words(self, folded: Select[Any], typed: Select[Any] | None) -> _Scored:
        """Those that are spelled as typed, then others; which are the first ones, and all or too many that match."""
        scored = self._scored(self._newest(folded if typed is None else typed, RANKED))
        exact, matches = set[int]() if typed is None else set(scored), list(scored)
        if typed is not None and len(scored) < RANKED:
            matches = self._gathered(forms.gathered(self.dialect, self._newest(folded, RANKED)))
            others = set(matches) - exact
            scored |= self._scored(forms.among(self.dialect, folded), others) if others else {}
        return scored, exact, matches

    def _of_phrases(self, folded: Select[Any], typed: Select[Any] | None) -> _Scored | None:
        """The same of phrases that few texts have, which are found whatever their spelling before that is looked at."""
        if not self.dialect.finds_phrases(self.terms):
            return None
        scored = self._scored(self._newest(folded, RANKED))
        if len(scored) == RANKED:
            return None
        exact = (
            self._gathered(forms.gathered(self.dialect, forms.among(self.dialect, typed)), scored)
            if typed is not None and scored
            else ()
        )
        return scored, set(exact), list(scored)

    def _spelled_as_typed(self, folded: Select[Any]) -> Select[Any]:
        """The matches whose words are spelled so, of those that have diacritics."""
        exact = self.dialect.exact()
        return exact if len(self.spelled) == len(self.terms) else forms.spelled(folded, exact)

    def _scored(self, found: Select[Any], ids: Collection[int] = ()) -> dict[int, tuple[float, str, int]]:
        """Of matches by number: score, last capture, document."""
        rows = self._gathered(forms.scored(self.dialect, found), ids)
        return {id_: (score, seen, owner) for id_, score, seen, owner in rows}

    def _gathered(self, query: Select[Any], ids: Collection[int] = ()) -> list[Any]:
        """The rows of a statement, which may be one about versions with these ids."""
        among: dict[str, Any] = {"versions": json.dumps(sorted(ids)), "count": len(ids)}
        among |= {"first": min(ids), "last": max(ids)} if ids else {}
        return list(json.loads(self.connection.scalar(query, self.asked | among) or "[]"))

    def _newest(self, found: Select[Any], count: int) -> Select[Any]:
        """Of matches those that answer, the newest first, up to so many."""
        # `id + 0` keeps SQLite from opening the full text once for every id in the list (34 s instead of 0.1 s).
        id_ = found.selected_columns.id
        if self.on_document or self.on_version:
            within = select(version.c.id).join(document, version.c.document == document.c.id)
            found = found.where((id_ + 0).in_(within.where(*self.on_document, *self.on_version)))
        return forms.latest(narrowed(found, self._answerable(id_)), count)

    def _places_by_day(self, documents: Collection[int]) -> list[Dated]:
        among = document.c.id.in_(self.dialect.among(list(documents)))
        rows = self.connection.execute(self._by_day(select(document.c.day, document.c.id)).where(among), self.asked)
        return [Dated(*row) for row in rows]

    def dated(self, last: Dated | None, ranked: Sequence[Ranked], count: int) -> list[Dated]:
        """The next documents by day that are not ranked."""
        found = self._by_day(select(document.c.day, document.c.id)).limit(count)
        if last:
            found = found.where(tuple_(document.c.day, document.c.id) < (last.day, last.document))
        if ranked:
            found = found.where(document.c.id.not_in(self.dialect.among([place.document for place in ranked])))
        return [Dated(day, id_) for day, id_ in self.connection.execute(found, self.asked)]

    def _by_day(self, columns: Select[Any]) -> Select[Any]:
        answers = exists().where(version.c.document == document.c.id, *self._answers())
        return columns.where(*self.on_document, answers).order_by(document.c.day.desc(), document.c.id.desc())

    def _standing(self, documents: Sequence[int]) -> dict[int, int]:
        """The newest version of each document that answers."""
        columns = select(version.c.document, version.c.id).join(document, version.c.document == document.c.id)
        found = columns.where(document.c.id.in_(self.dialect.among(documents)), *self._answers())
        return dict(self.connection.execute(found.order_by(version.c.last_seen, version.c.id), self.asked).all())

    def _answers(self) -> list[ColumnElement[bool]]:
        words = [version.c.id.in_(self.dialect.folded(self.terms))] if self.terms else []
        return [version.c.id <= forms.NEWEST, *self.on_version, *words, *self._answerable(version.c.id)]

    def _answerable(self, id_: ColumnElement[int]) -> list[ColumnElement[bool]]:
        """That a version is not withheld, and has none of the excluded words."""
        excluded = [id_.not_in(self.dialect.naming(self.excluded))] if self.excluded else []
        return [*excluded, *self.held.versions_shown(id_)]


_NEWEST = select(func.max(version.c.id))
_NAMES = select(document.c.id, document.c.identity).where(document.c.id.in_(bindparam("ids", expanding=True)))


def _encode(form: _Form, newest: int, last: Place) -> str:
    key = [last.exact, last.score, last.document] if isinstance(last, Ranked) else [last.day, last.document]
    return urlsafe_b64encode(json.dumps([_seal(form, newest, key), newest, key]).encode()).decode()


def _decode(cursor: str, form: _Form) -> tuple[int, Place]:
    try:
        seal, newest, key = json.loads(urlsafe_b64decode(cursor))
    except (ValueError, TypeError):
        seal, newest, key = None, 0, []
    if seal != _seal(form, newest, key):
        raise UsageError(_WRONG_CURSOR)
    return newest, Ranked(*key) if isinstance(key[0], bool) else Dated(*key)


def _seal(form: _Form, newest: int, key: list[Any]) -> str:
    return blake2s(repr((form, newest, key)).encode(), digest_size=6).hexdigest()
