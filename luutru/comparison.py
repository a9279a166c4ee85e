"""Two texts compared word by word: pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, groupby

_WORD = re.compile(r"\S+\s*|\s+")
_PARAGRAPH = re.compile(r".[^\n]*\n*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of a piece of text: `op` is equal, replace, delete or insert, as in `difflib`."""

    op: str
    a: str
    b: str


def compare(old: str, new: str) -> list[Piece]:
    """How one text becomes another: the pieces' `a` joined are the old text, their `b` the new one.

    Paragraphs are compared first, then the words of those that differ. Neighbours with one `op` are one piece.
    """
    return list(compared(old, new))


def compared(old: str, new: str) -> Iterator[Piece]:
    """The same, one after the other: who looks at the first ones only does not wait for the others."""
    parts = chain.from_iterable(
        _by_words(piece) if piece.op == "replace" else (piece,)
        for piece in _by(_PARAGRAPH.findall(old), _PARAGRAPH.findall(new))
    )
    for op, alike in groupby(parts, key=lambda part: part.op):
        some = list(alike)
        yield Piece(op, "".join(part.a for part in some), "".join(part.b for part in some))


def words(pieces: Iterable[Piece]) -> tuple[int, int]:
    """How many words were put in, and how many taken out."""
    changed = [piece for piece in pieces if piece.op != "equal"]
    return sum(len(piece.b.split()) for piece in changed), sum(len(piece.a.split()) for piece in changed)


def _by_words(piece: Piece) -> Iterator[Piece]:
    return _by(_WORD.findall(piece.a), _WORD.findall(piece.b))


def _by(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    """The pieces between two lists; what begins and ends alike is not searched."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    ends = len(old) - tail, len(new) - tail
    middle = SequenceMatcher(None, old[head : ends[0]], new[head : ends[1]], autojunk=False)
    inner = ((op, i + head, j + head, k + head, n + head) for op, i, j, k, n in middle.get_opcodes())
    for op, i, j, k, n in chain(
        [("equal", 0, head, 0, head)], inner, [("equal", ends[0], len(old), ends[1], len(new))]
    ):
        if i < j or k < n:
            yield Piece(op, "".join(old[i:j]), "".join(new[k:n]))
