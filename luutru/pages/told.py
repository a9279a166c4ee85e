"""Sentences that crawls and checks have written in English, told in the language of a page.

They have few forms, `told.*` of the texts: the English file has them as the code writes them, with a name for each
value. A sentence of no such form, as earlier versions may have written, stays as it is.
"""

import re
from collections.abc import Iterator
from functools import cache

from markupsafe import Markup, escape

from luutru.pages.words import Words, texts

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SHAPES = {  # what a value looks like, by its name; any other is taken as it is
    **dict.fromkeys(("n", "bad", "least", "most", "cut", "days"), r"\d[\d,]*%?"),
    **dict.fromkeys(("usual", "share"), r"\d+%"),
    **dict.fromkeys(("free", "need", "times"), r"[\d.,]+"),
    "outcome": "[a-z]+",
}
_LONG = 2_000  # letters of a sentence that stays as it is
_DEEP = 3  # sentences within sentences
_VERBATIM = frozenset({"reason"})  # written by programs: stays English


def told(sentence: str, words: Words) -> Markup | None:
    """The sentence in another language than English, as a sentence; None where it has no known form."""
    found = _told(sentence, words, _DEEP) if len(sentence) < _LONG else None
    if found is None:
        return None
    begin, rest = str(found)[:1], str(found)[1:]
    return found if begin == "<" else Markup(begin.upper() + rest)  # noqa: S704  # it was markup before


def _told(sentence: str, words: Words, deep: int) -> Markup | None:
    for key, form in _forms():
        if (match := form.fullmatch(sentence)) is None:
            continue
        values = {name: _value(name, value, words, deep) for name, value in match.groupdict().items()}
        if None not in values.values():
            return words(key, **values)
    return None


def _value(name: str, value: str, words: Words, deep: int) -> object:
    if name == "said":
        return _told(value, words, deep - 1) if deep else None
    if name == "outcome":
        return words.known(f"outcome.{value}", value).lower()
    if name in _VERBATIM:
        return Markup('<span lang="en">{}</span>').format(value)
    if name == "command":
        return Markup("<code>{}</code>").format(value)
    if name in _SHAPES:
        return value.translate(str.maketrans(",.", ".,")).replace("%", "\u00a0%")
    return escape(value)


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every form of the English texts by its key, in their order: the first that fits is taken."""
    return tuple(_patterns())


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for key, text in texts("en").items():
        if key.startswith("told."):
            for form in [text] if isinstance(text, str) else text.values():
                parts = _PLACEHOLDER.split(form)  # text and names by turns
                pattern = "".join(
                    f"(?P<{part}>{_SHAPES.get(part, '.+?')})" if at % 2 else re.escape(part)
                    for at, part in enumerate(parts)
                )
                yield key, re.compile(pattern, re.DOTALL)
