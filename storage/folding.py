"""Vietnamese as searchers type it: with or without diacritics, the tone on either vowel, composed or in parts.

Every function keeps the number and order of words as SQLite's `unicode61` tokenizer counts them (with `INVISIBLE` among
its token characters), whatever the text is: an index that was fed with the result points at the original's words.
"""

import re
import unicodedata
from itertools import pairwise

# Combining marks that unicode61 reads as a part of their word; all that Vietnamese needs are among them.
MARKS = "\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d\u032e\u0330\u0331"
INVISIBLE = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\ufeff"
)
JOINED = "\u203f"  # between the words of a pair: no word has it

_LATIN = "0-9A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_WITHIN_A_WORD = re.compile(f"(?<=[{_LATIN}])[{INVISIBLE}]+|[{INVISIBLE}]+(?=[{_LATIN}])")
_IN_PARTS = re.compile(f"[{_LATIN}][{MARKS}]+")
_WORD = re.compile(rf"[^\W_]+(?:[{MARKS}{INVISIBLE}]+[^\W_]*)*")
_ANY_MARK = re.compile(f"[{MARKS}]")
_ANY_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_OLD_STYLE = re.compile("[òóỏõọÒÓỎÕỌ][aeAE]|[ùúủũụÙÚỦŨỤ][yY]")


def _bases() -> dict[int, str]:
    table = {code: "" for code in range(0x300, 0x332) if _ANY_MARK.match(chr(code))}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = _ANY_MARK.sub("", unicodedata.normalize("NFD", chr(code)))
        if base.isascii():
            table[code] = base
    return table | dict.fromkeys(map(ord, "\u00a0\u2007\u202f"), " ")


def _placements() -> dict[str, str]:
    styles = zip("òóỏõọòóỏõọùúủũụ", "oooooooooouuuuu", "aaaaaeeeeeyyyyy", "àáảãạèéẻẽẹỳýỷỹỵ", strict=True)
    cases = (str.lower, str.upper)
    return {
        one(toned) + two(vowel): one(plain) + two(moved)
        for toned, plain, vowel, moved in styles
        for one in cases
        for two in cases
    }


_BASES = _bases()
_PLACEMENTS = _placements()


def fold(text: str) -> str:
    """The text without diacritics, đ as d, no invisible characters, no-break spaces as spaces; case stays."""
    return strokeless(text).translate(_BASES)


def strokeless(text: str) -> str:
    """The text composed and with đ as d: of folding, the part that `unicode61 remove_diacritics 2` leaves undone."""
    return _legible(text).replace("đ", "d").replace("Đ", "D")


def spell(text: str) -> str:
    """The text in one spelling with its diacritics: composed, `hóa` as `hoá`, no invisible characters; case stays."""
    return _OLD_STYLE.sub(lambda match: _PLACEMENTS[match[0]], _legible(text))


def pairs(text: str) -> str:
    """Each two words that follow each other as one, in their order: of `đô thị loại`, `đô‿thị thị‿loại`."""
    words = _WORD.findall(text)
    return " ".join(map(JOINED.join, pairwise(words)))


def accented(text: str) -> bool:
    """Whether the spelling says more than the letters: a tone, a vowel mark or đ."""
    return fold(text) != spell(text)


def _legible(text: str) -> str:
    if _ANY_MARK.search(text):
        text = _IN_PARTS.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    if _ANY_INVISIBLE.search(text):
        text = _WITHIN_A_WORD.sub("", text)
    # Text converted from legacy fonts has eth or African D for Đ.
    return text.replace("ð", "đ").replace("Ð", "Đ").replace("ɖ", "đ").replace("Ɖ", "Đ")
