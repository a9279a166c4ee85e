"""What changed between two texts, laid out for reading: paragraph beside paragraph, and the gist in one line. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from luutru.comparison import Effort, Piece, changes, compare, compared, words

_AROUND = 8  # words that stand on either side of a change
_LONG = 40  # words of a change that are shown in one line
_MANY = 2_500  # pairs of paragraphs that are tried with each other
_PAIR, _LINE = 10, 500  # steps that such a pair takes, and what is shown by itself
_LONGEST = 100  # letters of a word, or a figure
_ALIKE = 0.4
_WORD = re.compile(r"\S+")
_WITHIN_FIGURES = frozenset(f"{sign}d" for sign in ".,/:-")
_TOKEN = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True)
class Line:
    """A title (number 0) or a paragraph that changed (`replace`, `insert`, `delete`), or several that did not.

    `number` counts the paragraphs of the later text, of the earlier one where it was taken out.
    """

    op: str
    number: int
    pieces: tuple[Piece, ...]
    paragraphs: tuple[str, ...] = ()


def lines(old: tuple[str, str], new: tuple[str, str], effort: Effort | None = None) -> tuple[Line, ...]:
    """How one title and text become another, as far as the effort goes."""
    effort = effort or Effort()
    before, after = (text.split("\n\n") if text else [] for _, text in (old, new))
    title = [] if old[0] == new[0] else [Line("replace", 0, refined(compare(old[0], new[0], effort)))]
    return (*title, *_paragraphs(before, after, effort))


def counted(changed: Sequence[Line]) -> tuple[int, int]:
    """How many words came, and how many went."""
    return words(piece for line in changed for piece in line.pieces)


def refined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The same pieces, in which the words that a replaced one begins or ends with on both sides are no change."""
    return tuple(_refined(pieces))


def _refined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    before: Piece | None = None
    for one in _narrowed(pieces):
        if before and before.op == one.op == "equal":
            before = _equal(before.b + one.b)
            continue
        if before:
            yield before
        before = one
    if before:
        yield before


def _narrowed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for one in pieces:
        if one.op != "replace":
            yield one
            continue
        head = _alike(one.a, one.b)
        a, b = one.a[head:], one.b[head:]
        tail = _alike(a[::-1], b[::-1])
        middle = Piece("replace", a[: len(a) - tail], b[: len(b) - tail])
        ends = one.a[:head], a[len(a) - tail :]
        yield from (part for part in (_equal(ends[0]), middle, _equal(ends[1])) if part.a or part.b)


def _equal(text: str) -> Piece:
    return Piece("equal", text, text)


def _alike(one: str, other: str) -> int:
    """How much two texts have in common at their beginning, in whole words."""
    shorter = min(len(one), len(other))
    at = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    places = range(at, max(at - _LONGEST, 0), -1)
    return next((at for at in places if not any(_is_inside(text, at) for text in (one, other))), 0)


def _is_inside(text: str, at: int) -> bool:
    """Whether a place is within a word or a figure, such as 4,2 or 3/2025."""
    kinds = "".join("d" if one.isdigit() else "w" if one.isalnum() else one for one in text[at : at + 2])
    before = "".join("d" if one.isdigit() else "w" if one.isalnum() else one for one in text[max(at - 2, 0) : at])
    if before[-1:] in ("d", "w") and kinds[:1] in ("d", "w"):
        return True
    return (before[-1:] == "d" and kinds in _WITHIN_FIGURES) or (kinds[:1] == "d" and before[::-1] in _WITHIN_FIGURES)


def gist(old: str, new: str, effort: Effort | None = None) -> tuple[Piece, ...]:
    """The first change between two texts, with a few words on either side of it."""
    pieces = _refined(compared(old, new, effort or Effort()))
    first = next(pieces, None)
    same, changed = (first, next(pieces, None)) if first and first.op == "equal" else (None, first)
    if changed is None:
        return ()
    change = Piece(changed.op, _cut(changed.a), _cut(changed.b))
    following = next(pieces, None)
    before = _last(same.b) if same else ""
    after = _first(following.b) if following else ""
    return tuple(
        one for one in (Piece("equal", before, before), change, Piece("equal", after, after)) if one.a or one.b
    )


def _paragraphs(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[Line]:
    for op, i, j, k, n in changes(old, new, effort):
        if op == "equal":
            yield Line(op, k + 1, (), tuple(new[k:n]))
        elif effort.takes(_LINE * (j - i + n - k)):
            yield from _changed(old[i:j], new[k:n], i, k, effort)
        else:
            yield from _changed(_joined(old[i:j]), _joined(new[k:n]), i, k, effort)


def _joined(paragraphs: Sequence[str]) -> Sequence[str]:
    """All of them as one."""
    return ["\n\n".join(paragraphs)] if paragraphs else []


def _changed(old: Sequence[str], new: Sequence[str], i: int, k: int, effort: Effort) -> Iterator[Line]:
    """Paragraphs that are alike beside each other, the others by themselves, in the order of the texts."""
    one, other = 0, 0
    for left, right in [*_pairs(old, new, effort), (len(old), len(new))]:
        yield from (Line("delete", i + at + 1, (Piece("delete", old[at], ""),)) for at in range(one, left))
        yield from (Line("insert", k + at + 1, (Piece("insert", "", new[at]),)) for at in range(other, right))
        if left < len(old):
            yield Line("replace", k + right + 1, refined(compare(old[left], new[right], effort)))
        one, other = left + 1, right + 1


def _pairs(old: Sequence[str], new: Sequence[str], effort: Effort) -> list[tuple[int, int]]:
    """Which paragraphs became which: those that have enough words in common, the order kept, as much as can be."""
    if len(old) * len(new) > _MANY or not effort.takes(_PAIR * len(old) * len(new)):
        return [(at, at) for at in range(min(len(old), len(new)))]
    mine, theirs = ([set(_WORD.findall(one)) for one in paragraphs] for paragraphs in (old, new))
    share = [[_share(one, other) for other in theirs] for one in mine]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for k in range(len(new) - 1, -1, -1):
            paired = share[i][k] + best[i + 1][k + 1] if share[i][k] >= _ALIKE else 0.0
            best[i][k] = max(paired, best[i + 1][k], best[i][k + 1])
    pairs, i, k = [], 0, 0
    while i < len(old) and k < len(new):
        if share[i][k] >= _ALIKE and best[i][k] == share[i][k] + best[i + 1][k + 1]:
            pairs.append((i, k))
            i, k = i + 1, k + 1
        elif best[i][k] == best[i + 1][k]:
            i += 1
        else:
            k += 1
    return pairs


def _share(mine: set[str], theirs: set[str]) -> float:
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine and theirs else 0.0


def _last(text: str) -> str:
    """The last words of what stands before a change, of its paragraph."""
    line = text.rpartition("\n")[2]
    tokens = _TOKEN.findall(line)
    space = line[len(line.rstrip()) :]
    return ("… " if len(tokens) > _AROUND else "") + "".join(tokens[-_AROUND:]).lstrip() + space


def _first(text: str) -> str:
    line = text.partition("\n")[0]
    tokens = _TOKEN.findall(line)
    return "".join(tokens[:_AROUND]) + (" …" if len(tokens) > _AROUND else "")


def _cut(text: str) -> str:
    tokens = _TOKEN.findall(text)
    return text if len(tokens) <= _LONG else "".join(tokens[:_LONG]) + " …"
