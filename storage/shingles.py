"""Texts as sets of word 3-shingles, and the bands by which nearly equal sets are found among very many: pure.

Bands are those of MinHash by one permutation with rotation (Shrivastava and Li, 2014): each of the ROWS of a band
hashes all shingles onto a circle of its own and takes the first at or after the band's point. Two sets of similarity s
have equal rows with probability s, so they share no band with probability (1 - s**ROWS)**BANDS: .00045 at s = .65.
Of the pairs that share one most are strange all the same: a byte of every row, its mark, tells so without their texts.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import eq
from struct import pack, unpack

from storage.folding import MARKS, fold, strokeless

NEAR = 650  # thousandths: the least similarity of texts that are nearly the same
SHORTEST = 30  # shingles: of fewer, one other word changes a tenth, and bands hold the same few over and over
BANDS, ROWS = 24, 3
LIKELY = 30  # equal marks of BANDS * ROWS: pairs at NEAR have 47, give or take 4; those at a quarter 18
RULE = f"1/{BANDS}x{ROWS}"  # number of what is below and in `storage.folding`, as the rows of the index name it

_WORD = re.compile(rf"[\w{MARKS}]+")
_POINTS = [number * 2**64 // BANDS for number in range(BANDS)]
_BAND_BYTES = 6


def words(text: str) -> list[str]:
    """Letters and digits, without case and diacritics."""
    return [folded for word in _WORD.findall(strokeless(text).casefold()) if (folded := _folded(word))]


def shingles(words: Sequence[str]) -> frozenset[str]:
    """Every three words that follow each other."""
    return frozenset(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


@dataclass(frozen=True, slots=True)
class Sketch:
    """One number of 48 bits for each band, and the marks of all rows, a byte each; none for a set below SHORTEST."""

    bands: tuple[int, ...] = ()
    marks: bytes = b""


def sketch(shingles: frozenset[str]) -> Sketch:
    """What is kept of a set, so that those near it are found."""
    if len(shingles) < SHORTEST:
        return Sketch()
    hashed = b"".join([blake2b(one, digest_size=8 * ROWS).digest() for one in map(str.encode, shingles)])
    numbers = unpack(f"<{ROWS * len(shingles)}Q", hashed)
    circles = [sorted(numbers[row::ROWS]) for row in range(ROWS)]
    rows = [[_first(circle, point) for circle in circles] for point in _POINTS]
    return Sketch(
        bands=tuple(_band(number, firsts) for number, firsts in enumerate(rows)),
        marks=bytes(first & 0xFF for firsts in rows for first in firsts),
    )


def may_be_near(one: bytes, other: bytes) -> bool:
    """Whether the marks of two sets leave it possible that they are near; of 14,500 pairs at NEAR none is denied."""
    equal: int = sum(map(eq, one, other))
    return equal >= LIKELY


def similarity(one: frozenset[str], other: frozenset[str]) -> int:
    """Jaccard's measure in thousandths, rounded down: 1000 is for equal sets alone."""
    common = len(one & other)
    return 1000 * common // max(len(one) + len(other) - common, 1)


@lru_cache(maxsize=16384)  # Vietnamese has seven thousand syllables
def _folded(word: str) -> str:
    return fold(word)


def _first(circle: Sequence[int], point: int) -> int:
    return circle[bisect_left(circle, point) % len(circle)]


def _band(number: int, rows: Sequence[int]) -> int:
    hashed = blake2b(pack(f"<B{ROWS}Q", number, *rows), digest_size=_BAND_BYTES)
    return int.from_bytes(hashed.digest(), "little")
