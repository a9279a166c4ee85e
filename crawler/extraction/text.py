"""Text as it is kept: NFC, white space folded, nothing invisible; and the digest that decides what is a new version."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

DIGEST_RULE = 1  # the number of the definition below; another definition is another number

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SQUEEZED = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says; `readable` is the share of its letters that are letters."""

    title: str
    paragraphs: tuple[str, ...]
    readable: float = 1.0


@lru_cache(maxsize=8192)  # menus, cards and footers come again on every page of a site
def fold(text: str) -> str:
    """One line: NFC, zero-width characters removed, every run of white space (also no-break) one space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return " ".join(text.split())


def squeeze(text: str) -> str:
    """Letters and digits only, in lower case: for comparing what two readers of a page saw, never for keeping."""
    return _SQUEEZED.sub("", unicodedata.normalize("NFC", text)).lower()


def compact(text: str) -> str:
    """Folded, without any white space: for finding what another reader of the page saw, however it spaces it."""
    return fold(text).replace(" ", "")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of an article's text."""
    return [line for line in map(fold, text.split("\n\n")) if line]


def digest(title: str, text: str) -> str:
    """SHA-256, in hexadecimal, over title and paragraphs: definition 1.

    Each is folded (NFC, then zero-width removed, white space collapsed), empty paragraphs are left out, and the
    lines are joined by one line feed in UTF-8. Case, tone placement and punctuation are kept.
    """
    return hashlib.sha256("\n".join([fold(title), *paragraphs(text)]).encode()).hexdigest()


def join(lines: Iterable[str]) -> str:
    """Paragraphs as they are stored: with one empty line between them."""
    return "\n\n".join(lines)
