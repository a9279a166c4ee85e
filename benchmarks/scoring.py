"""How an extraction is held against what a page says: pure functions, nothing read, nothing run.

Text is compared as the article-extraction benchmark does: runs of four words, counted, each page by its own
precision and recall; F1 is that of their means over the pages. A page without any text in the answer has no
precision and is left out of its mean; its recall is nought.
"""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

RUN = 4  # words
_WORD = re.compile(r"\w+")
_BETWEEN_NAMES = re.compile(r"[;,]|\s[-–]\s|\band\b|\bvà\b")


class Match(NamedTuple):
    """Runs of words that a text and its truth share, that it has too many, that it lacks."""

    shared: int
    surplus: int
    missed: int

    @property
    def precision(self) -> float:
        return self.shared / (self.shared + self.surplus) if self.shared + self.surplus else 1.0

    @property
    def recall(self) -> float:
        return self.shared / (self.shared + self.missed) if self.shared + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Of this page alone."""
        return harmonic(self.precision, self.recall) if self.shared + self.surplus else float(not self.missed)


class Score(NamedTuple):
    """Over many pages."""

    f1: float
    precision: float
    recall: float


class Difference(NamedTuple):
    """How much one F1 is above another, with the bounds between which 95 % of the samples lie."""

    f1: float
    low: float
    high: float


def match(truth: str, text: str) -> Match:
    """The runs of four words of both, with their numbers; of a shorter text all its words as one run."""
    expected, found = _runs(truth), _runs(text)
    shared = (expected & found).total()
    return Match(shared, found.total() - shared, expected.total() - shared)


def score(matches: Sequence[Match]) -> Score:
    """The means of precision, over the pages with an answer, and of recall, over those with a truth; their F1."""
    precision = _mean(one.precision for one in matches if one.shared + one.surplus)
    recall = _mean(one.recall for one in matches if one.shared + one.missed)
    return Score(harmonic(precision, recall), precision, recall)


def difference(ours: Sequence[Match], theirs: Sequence[Match], samples: int = 4000, seed: int = 20260101) -> Difference:
    """The paired bootstrap: the same pages drawn for both, with replacement; the same seed gives the same bounds."""
    draw = random.Random(seed)
    pages = range(len(ours))
    seen = sorted(_gap(ours, theirs, draw.choices(pages, k=len(pages))) for _ in range(samples))
    edge = round(0.025 * samples)
    return Difference(_gap(ours, theirs, pages), seen[edge], seen[-1 - edge])


def is_title(truth: str, title: str | None) -> bool:
    """The same words in the same order, whatever stands between them and in whatever case."""
    return bool(title) and _plain(title or "") == _plain(truth)


def are_authors(truth: str, authors: Iterable[str]) -> bool:
    """The same names, in any order."""
    found = {name for author in authors for name in _names(author)}
    return bool(found) and found == _names(truth)


def surviving(phrases: Iterable[str], truth: str, text: str) -> list[str]:
    """The phrases that a text contains although its truth does not, white space and case aside."""
    expected, found = _line(truth), _line(text)
    return [phrase for phrase in phrases if _line(phrase) in found and _line(phrase) not in expected]


def harmonic(precision: float, recall: float) -> float:
    """The F1 of a precision and a recall."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    starts = range(max(1, len(words) - RUN + 1))
    return Counter(tuple(words[at : at + RUN]) for at in starts if words)


def _gap(ours: Sequence[Match], theirs: Sequence[Match], pages: Sequence[int]) -> float:
    return score([ours[page] for page in pages]).f1 - score([theirs[page] for page in pages]).f1


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return fmean(known) if known else 0.0


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def _names(text: str) -> set[str]:
    return {name for part in _BETWEEN_NAMES.split(unicodedata.normalize("NFC", text)) if (name := _plain(part))}


def _line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
