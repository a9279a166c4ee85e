"""Two texts compared word by word: pure."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, chain, groupby

_WORD = re.compile(r"\S+\s*|\s+")
_PARAGRAPH = re.compile(r".[^\n]*\n*", re.DOTALL)
_TOKEN = 3  # steps that a word takes which is nowhere in the other text


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of a piece of text: `op` is equal, replace, delete or insert, as in `difflib`."""

    op: str
    a: str
    b: str


@dataclass(slots=True)
class Effort:
    """How much one answer may compare, in `steps` of a tenth of a microsecond or so: pairs of equal words, mostly.

    What would take more is left as one change, and `was_short` tells it. The same texts always take the same.
    """

    steps: int = 10_000_000
    was_short: bool = False

    def takes(self, steps: int) -> bool:
        """Whether so much is left; then it is spent."""
        if steps > self.steps:
            self.was_short = True
            return False
        self.steps -= steps
        return True


def compare(old: str, new: str, effort: Effort | None = None) -> list[Piece]:
    """How one text becomes another: the pieces' `a` joined are the old text, their `b` the new one.

    Paragraphs are compared first, then the words of those that differ, as far as the effort goes. Neighbours with one
    `op` are one piece.
    """
    return list(compared(old, new, effort or Effort()))


def compared(old: str, new: str, effort: Effort) -> Iterator[Piece]:
    """The same, one after the other: who looks at the first ones only does not wait for the others."""
    parts = chain.from_iterable(
        _by(_WORD, piece, effort) if piece.op == "replace" else (piece,)
        for piece in _by(_PARAGRAPH, Piece("replace", old, new), effort)
    )
    for op, alike in groupby(parts, key=lambda part: part.op):
        some = list(alike)
        yield Piece(op, "".join(part.a for part in some), "".join(part.b for part in some))


def words(pieces: Iterable[Piece]) -> tuple[int, int]:
    """How many words were put in, and how many taken out."""
    changed = [piece for piece in pieces if piece.op != "equal"]
    return sum(len(piece.b.split()) for piece in changed), sum(len(piece.a.split()) for piece in changed)


def changes(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[tuple[str, int, int, int, int]]:
    """How one list becomes another, as `difflib` tells it in its opcodes, as far as the effort goes."""
    i = k = 0
    for left, right, size in [*sorted(_alike(old, new, effort)), (len(old), len(new), 0)]:
        if i < left or k < right:
            yield "insert" if i == left else "delete" if k == right else "replace", i, left, k, right
        if size:
            yield "equal", left, left + size, right, right + size
        i, k = left + size, right + size


def _alike(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[tuple[int, int, int]]:
    """What both have: the longest there is first, then the longest before and behind it, and so on."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    often = Counter(new)
    costs = list(accumulate((_TOKEN + often[one] for one in old), initial=0))
    parts = deque([(0, len(old), 0, len(new))])
    while parts:
        i, j, k, n = parts.popleft()
        if i == j or k == n or not effort.takes(costs[j] - costs[i]):
            continue
        left, right, size = matcher.find_longest_match(i, j, k, n)
        if size:
            yield left, right, size
            parts += ((i, left, k, right), (left + size, j, right + size, n))


def _by(token: re.Pattern[str], piece: Piece, effort: Effort) -> Iterator[Piece]:
    """The pieces of a piece; what begins and ends alike is not searched."""
    if not effort.takes(len(piece.a) + len(piece.b)):
        yield piece
        return
    old, new = token.findall(piece.a), token.findall(piece.b)
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    ends = len(old) - tail, len(new) - tail
    middle = changes(old[head : ends[0]], new[head : ends[1]], effort)
    inner = ((op, i + head, j + head, k + head, n + head) for op, i, j, k, n in middle)
    for op, i, j, k, n in chain(
        [("equal", 0, head, 0, head)], inner, [("equal", ends[0], len(old), ends[1], len(new))]
    ):
        if i < j or k < n:
            yield Piece(op, "".join(old[i:j]), "".join(new[k:n]))
