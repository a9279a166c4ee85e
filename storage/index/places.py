"""The places of documents in an answer, and which of them are left out where republications count once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from storage.index import related


class Ranked(NamedTuple):  # ordered by the fields that a cursor holds
    """A place among the documents that are ranked; the greater one comes first."""

    exact: bool
    score: float
    document: int
    version: int = 0


class Dated(NamedTuple):
    """A place among those that follow them by day."""

    day: str
    document: int


Place = Ranked | Dated


def precedes(one: Place, other: Place) -> bool:
    """Whether the one comes first."""
    if isinstance(one, Ranked):
        return isinstance(other, Dated) or one > other
    return isinstance(other, Dated) and one > other


class Distinct:
    """Shows a document only if it is no republication of one that is shown before it.

    What is left out is named by each of those that it is a republication of. It does not depend on where a page begins:
    whether a document is shown follows from the documents before it that answer, as far as they are its republications,
    and theirs, and so on.
    """

    def __init__(
        self, connection: Connection, ranked: Iterable[Ranked], dated: Callable[[Collection[int]], Iterable[Dated]]
    ) -> None:
        """`dated` gives the places of those of these documents that answer."""
        self._connection = connection
        self._dated = dated
        self._places: dict[int, Place] = {place.document: place for place in ranked}
        self._beside: dict[int, list[Place]] = {}  # republications that answer
        self._shown: dict[int, bool] = {}

    def __call__(self, places: Sequence[Place]) -> list[Place]:
        """Those of the places that are shown."""
        self._judge(places)
        return [place for place in places if self._shown[place.document]]

    def left_out(self, document: int) -> list[int]:
        """What is left out because this document is shown, in order."""
        found = sorted(self._beside[document], key=_order, reverse=True)
        return [place.document for place in found]

    def _judge(self, places: Sequence[Place]) -> None:
        """Find out for these whether they are shown, and before for all that decide it."""
        met: list[Place] = []
        new = [place for place in places if place.document not in self._shown]
        while new:
            met += new
            self._look_around(new)
            earlier = {one.document: one for place in new for one in self._before(place)}
            new = [one for id_, one in earlier.items() if id_ not in self._beside]
        for place in sorted(met, key=_order, reverse=True):
            self._shown[place.document] = not any(self._shown[one.document] for one in self._before(place))

    def _look_around(self, places: Sequence[Place]) -> None:
        beside: Mapping[int, set[int]] = related.beside(self._connection, [place.document for place in places])
        unknown = set().union(*beside.values()) - self._places.keys()
        if unknown:
            self._places |= {place.document: place for place in self._dated(unknown)}
        for id_, others in beside.items():
            self._beside[id_] = [self._places[other] for other in others if other in self._places]

    def _before(self, place: Place) -> list[Place]:
        return [one for one in self._beside[place.document] if precedes(one, place)]


def _order(place: Place) -> tuple[bool, Place]:
    return isinstance(place, Ranked), place
