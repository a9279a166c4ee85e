"""Vietnamese that was written for old fonts, or read by the wrong table, becomes Unicode again.

TCVN3 (the fonts `.VnTime`, `.VnArial`, …) and VNI (`VNI-Times`, …) are no charsets that a page can declare: their bytes
are served as windows-1252, or were made UTF-8 letter by letter, and only the font shows Vietnamese. What proves them,
and windows-1258 that was declared as something else, is that words become syllables which were none before.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from lxml import etree
from lxml.html import HtmlElement

Reading = Callable[[str], str]

_TONES = dict(zip("ùøûõï", "\u0301\u0300\u0309\u0303\u0323", strict=True))  # as VNI writes them behind the letter
_ENOUGH = 4  # words that nothing else explains, which prove an encoding on a page that names no font of it
_ENOUGH_WITH_FONT = 2
_MANY = 3  # words beyond ASCII that say by themselves when a text is in another language
_SHOUTED = 3  # capitals without a small letter that make a line all capitals
_QUOTES = "«»·¡¿"  # not part of a word, but letters in TCVN3
_CAPITALS = re.compile(r"(?<![^\W\d_])[^\Wa-z\d_]{2,}(?![^\W\d_])")  # words without a small ASCII letter
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what lxml reads but refuses to be given
_UNSHOWN = frozenset(("script", "style"))
_SPOKEN = ("content", "alt", "title")  # attributes that hold text
_FAMILY = re.compile(r"(?<![\w-])font(?:-family)?\s*:\s*([^;,]*)", re.IGNORECASE)
_OLD_FONT = re.compile(r"(?<![\w.-])(?:(?P<tcvn3>\.vn\w[\w -]*)|(?P<vni>vni[ -]\w[\w -]*))", re.IGNORECASE)
_NAMED = re.compile(
    rb"""\.vn(?<=[\s"':;,=]\.vn)(?P<tcvn3>[a-z0-9])|vni(?<=[\s"':;,=]vni)(?P<vni>[ -][a-z])"""  # literals first: quick
)
_FONT_BEFORE = re.compile(rb"(?:font(?:-family)?\s*:|face\s*=)[^{}<>]*\Z")
_NEAR = 9  # no written syllable is longer
_MANY_SUSPECTS = 1000
# Letters that stand in a word of an old encoding, and hardly ever so in Unicode: what is not near one needs no look.
_SUSPECT = re.compile(
    "[\u00a1-\u00ff](?:(?<=[A-Za-z][\u00a1-\u00be×÷])|(?<=[\u00a1-\u00be×÷])(?=[A-Za-z])"
    "|(?<=[AEOUYaeouyôöÔÖ][ùøûõïâáàåãäêéèúüëÙØÛÕÏÂÁÀÅÃÄÊÉÈÚÜËÌÒÞìòþ]))"
)
_SIGNS = "©®§£¥¢¤¦¡·»¼½¾×÷¨"  # letters in TCVN3, but none that is a word by itself
_LETTER = "[^\\W\\d_]|[\u00a1-\u00bf\u00d7\u00f7\u0300-\u0323]"
_WORD = re.compile(f"(?:{_LETTER})+")
_SIGN = re.compile(f"((?<!{_LETTER})[{_SIGNS}](?!{_LETTER}))")

TCVN3 = {
    chr(first + at): letter
    for first, letters in (
        (0xA1, "ĂÂÊÔƠƯĐăâêôơưđ"),
        (0xB5, "àảãáạ"),
        (0xBB, "ằẳẵắ"),
        (0xC6, "ặầẩẫấậè"),
        (0xCE, "ẻẽéẹềểễếệìỉ"),
        (0xDC, "ĩíịò"),
        (0xE1, "ỏõóọồổỗốộờởỡớợù"),
        (0xF1, "ủũúụừửữứựỳỷỹýỵ"),
    )
    for at, letter in enumerate(letters)
}


def _vni() -> dict[str, str]:
    small = dict(zip("ñôöíìæóòî", "đơưíìỉĩịỵ", strict=True))
    bases = dict(zip("aeouyôö", "aeouyơư", strict=True))
    small |= {base + mark: bases[base] + tone for base in bases for mark, tone in _TONES.items()}
    small |= {base + mark: base + hat for base in "aeo" for mark, hat in zip("âáàåãä", _toned("\u0302"), strict=True)}
    small |= {"a" + mark: "a" + hat for mark, hat in zip("êéèúüë", _toned("\u0306"), strict=True)}
    small = {key: unicodedata.normalize("NFC", letter) for key, letter in small.items()}
    return small | {key.upper(): letter.upper() for key, letter in small.items()}


def _toned(hat: str) -> Iterator[str]:
    yield from (hat + tone for tone in ("", *_TONES.values()))


VNI = _vni()
WINDOWS_1258 = {
    bytes((byte,)).decode("cp1252"): bytes((byte,)).decode("cp1258")
    for byte in range(0xC0, 0x100)  # below, windows-1258 has nothing of its own
    if bytes((byte,)).decode("cp1252") != bytes((byte,)).decode("cp1258")
}

_TO_UNICODE = {"tcvn3": str.maketrans(TCVN3 | {"\u03bc": "à"}), "windows-1258": str.maketrans(WINDOWS_1258)}
_TO_LATIN = str.maketrans({letter: latin for latin, letter in WINDOWS_1258.items()})
_VNI_LETTER = re.compile("|".join(sorted(VNI, key=len, reverse=True)), re.IGNORECASE)

_OPEN = (
    "a|ai|ao|au|ay|âu|ây|e|eo|ê|êu|i|ia|iu|iêu|o|oa|oai|oao|oay|oe|oeo|oi|ô|ôi|ơ|ơi|u|ua|uây|uê|ui|uơ|uôi|uy|uya|uyu"
)
_OPEN += "|ư|ưa|ưi|ưu|ươi|ươu|y|yêu"
_CLOSED = "(?:a|ă|â|e|ê|i|iê|o|oa|oă|oe|oo|ô|ơ|u|uâ|uê|uô|uy|uyê|ư|ươ|y|yê)(?:c|m|n|ng|p|t)"
_SYLLABLE = re.compile(
    "(?:b|ch?|d|đ|gh?|gi|h|kh?|l|m|nh?|ngh?|ph?|qu|r|s|th?|tr|v|x)?"
    f"(?:{_OPEN}|(?:{_CLOSED}|(?:a|ê|i|y|oa|uê|uy)(?:ch|nh)))"
)


def from_tcvn3(text: str) -> str:
    """TCVN3 that was read as Latin letters, in Unicode.

    Its fonts have no toned capitals: those are small letters in a font of capitals (`.VnTimeH`). A word, or a whole
    text, of which every ASCII letter is a capital was set in one; the toned first letter of a name stays small.
    """
    parts = _SIGN.split(text.translate(_TO_LATIN))
    parts[::2] = [part.translate(_TO_UNICODE["tcvn3"]) for part in parts[::2]]
    read = "".join(parts)
    if _is_shouted(read, _SHOUTED):
        return read.upper()
    return _CAPITALS.sub(lambda word: word[0].upper() if _is_shouted(word[0], 2) else word[0], read)


def from_vni(text: str) -> str:
    """VNI that was read as Latin letters, in Unicode. A letter and its mark may differ in case: the letter decides."""
    return _VNI_LETTER.sub(_vni_letter, text.translate(_TO_LATIN))


def from_windows_1258(text: str) -> str:
    """windows-1258 that was read as windows-1252, in Unicode."""
    return unicodedata.normalize("NFC", text.translate(_TO_UNICODE["windows-1258"]))


_READINGS: dict[str, Reading] = {"tcvn3": from_tcvn3, "vni": from_vni, "windows-1258": from_windows_1258}


def _is_shouted(text: str, least: int) -> bool:
    plain = [letter for letter in text if letter.isascii() and letter.isalpha()]
    return len(plain) >= least and all(letter.isupper() for letter in plain)


def _vni_letter(found: re.Match[str]) -> str:
    letter = VNI[found[0].lower()]
    return letter.upper() if found[0][0].isupper() else letter


@lru_cache(maxsize=16384)
def is_syllable(word: str) -> bool:
    """The word could be Vietnamese: onset, rhyme and a tone that the rhyme can bear."""
    parts = unicodedata.normalize("NFD", word.lower())
    tones = [part for part in parts if part in _TONES.values()]
    found = _SYLLABLE.fullmatch(unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones)))
    if found is None or len(tones) > 1:
        return False
    return not found[0].endswith(("c", "ch", "p", "t")) or tones in (["\u0301"], ["\u0323"])


@lru_cache(maxsize=16384)
def _reads(word: str, name: str) -> bool:
    return is_syllable(_READINGS[name](word))


def _words(text: str) -> list[str]:
    """The words beyond ASCII."""
    return [word for word in _WORD.findall(text) if not word.isascii() and word not in _SIGNS]


def _as_it_stands(word: str) -> bool:
    return is_syllable(word.strip(_QUOTES))


def _proof(words: Iterable[str], name: str) -> set[str]:
    return {word for word in words if _reads(word, name) and not _as_it_stands(word)}


_TCVN3_FONT = re.compile(rb"""\.vn(?<=[\s"':;,=]\.vn)[a-z]""")  # literals first: quick
_VNI_FONT = re.compile(rb"vni[ -]")
_FOREIGN = re.compile(rb"\xc3[\x90\x91\x96\x9e\xb0\xb1\xb6\xbe]")
_REFERENCE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|nbsp|copy|raquo|laquo|#39|#160);)[#a-z]\w{1,8};")
_RARE_SIGNS = re.compile(rb"\xc2[\xa8-\xbe]")
_FEW_SIGNS = 3  # © and » stand on many pages


class _Run(NamedTuple):
    """A text between two tags, and the old font that it is set in."""

    element: HtmlElement
    is_tail: bool
    text: str
    font: str | None
    capitals: bool


def is_suspect(markup: bytes) -> bool:
    """A quick look at a page in UTF-8: False where nothing can be legacy text, which is so on nearly all pages.

    TCVN3 needs several of the signs between U+00A8 and U+00BE, VNI and windows-1258 need letters that Vietnamese has
    not (ñ, ö, ð, þ); character references may stand for any of them, and a font may say so.
    """
    lowered = markup.lower()
    return (
        any(sought.search(lowered) for sought in (_TCVN3_FONT, _VNI_FONT, _FOREIGN, _REFERENCE))
        or len(set(_RARE_SIGNS.findall(markup))) >= _FEW_SIGNS
    )


def restore(root: HtmlElement, markup: bytes) -> None:
    """Makes what is TCVN3, VNI or misread windows-1258 Unicode, in place; `markup` is searched for fonts of theirs.

    Every text between two tags is judged by itself: converted where that makes more of its words Vietnamese and
    explains half of them. A text that says nothing either way reads as the one before it in the same font.
    """
    text = "\n".join(text for text in root.itertext() if not text.isascii())
    needed = dict.fromkeys(_READINGS, _ENOUGH) | dict.fromkeys(_named(markup) if text else (), _ENOUGH_WITH_FONT)
    if min(needed.values()) == _ENOUGH:
        text = "\n".join(text[max(0, at - _NEAR) : at + _NEAR] for at in _suspects(text))
    words = set(_words(text))
    names = [name for name in _READINGS if len(_proof(words, name)) >= needed[name]]
    if not names:
        return
    runs = list(_runs(root))
    said = [_judge(run, names) for run in runs]
    proof: dict[str | None, set[str]] = {name: set() for name in names}
    for run, name in zip(runs, said, strict=True):
        if name:
            proof[name].update(_proof(_words(run.text), name))
    kept = [name for name in names if len(proof[name]) >= needed[name]]
    if kept:
        _rewrite(runs, said if kept == names else [_judge(run, kept) for run in runs], kept)
        _rewrite_attributes(root, kept)


def restore_lines(lines: list[str], fonts: Iterable[str]) -> list[str]:
    """The lines of a text that is set in these fonts, made Unicode by the same evidence."""
    named = "".join(f"<font face='{font.rpartition('+')[2]}'>" for font in sorted(fonts))  # ABCDEF+ marks a part of it
    root = HtmlElement()
    for line in lines:
        part = etree.SubElement(root, "p")
        part.text = _UNWRITABLE.sub("", line)
    restore(root, named.encode("utf-8", "replace"))
    return [part.text or "" for part in root]


def _named(markup: bytes) -> Iterator[str]:
    lowered = markup.lower()
    for found in _NAMED.finditer(lowered):
        if found.lastgroup and _FONT_BEFORE.search(lowered, max(0, found.start() - 80), found.start() + 1):
            yield found.lastgroup


def _suspects(text: str) -> Iterator[int]:
    return (found.start() for found in islice(_SUSPECT.finditer(text), _MANY_SUSPECTS))


def _judge(run: _Run, names: list[str]) -> str | None:
    """The encoding of a run; empty when it is in none of them, None when it does not say."""
    words = _words(run.text)
    plain = sum(map(_as_it_stands, words))
    scores = {name: sum(_reads(word, name) for word in words) for name in names if run.font in (None, name)}
    best = max(scores, key=scores.__getitem__, default="")
    score = scores.get(best, 0)
    if score > plain and score * 2 >= len(words):
        return best
    return "" if plain > score or (len(words) >= _MANY and score * 2 < len(words)) else None


def _rewrite(runs: Iterable[_Run], said: Iterable[str | None], names: list[str]) -> None:
    before: dict[str | None, str] = {name: name for name in names}
    for run, name in zip(runs, said, strict=True):
        if not run.text.isascii():
            before[run.font] = before.get(run.font, "") if name is None else name
        reading = before.get(run.font)
        if reading and (run.capitals or not run.text.isascii()):
            text = _READINGS[reading](run.text)
            _write(run, text.upper() if run.capitals else text)


def _rewrite_attributes(root: HtmlElement, names: list[str]) -> None:
    for element in root.iter("meta", "img", "a"):
        for key in _SPOKEN:
            text = element.get(key) or ""
            if not text.isascii() and (name := _judge(_Run(element, False, text, None, False), names)):
                element.set(key, _UNWRITABLE.sub("", _READINGS[name](text)))


def _write(run: _Run, text: str) -> None:
    text = _UNWRITABLE.sub("", text)
    if run.is_tail:
        run.element.tail = text
    else:
        run.element.text = text


def _runs(root: HtmlElement) -> Iterator[_Run]:
    fonts: list[tuple[str | None, bool]] = [(None, False)]
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            fonts.append(_font(element) or fonts[-1])
            if element.text and element.tag not in _UNSHOWN:
                yield _Run(element, False, element.text, *fonts[-1])
        else:
            fonts.pop()
            if element.tail and element is not root:
                yield _Run(element, True, element.tail, *fonts[-1])


def _font(element: HtmlElement) -> tuple[str | None, bool] | None:
    """The old encoding that an element's own font is made for, and if it has capitals only; None without a font."""
    style = _FAMILY.search(element.get("style") or "")
    family = style[1] if style else element.get("face")
    if family is None:
        return None
    found = _OLD_FONT.search(family.partition(",")[0])
    if found is None:
        return None, False
    return found.lastgroup, found.lastgroup == "tcvn3" and found[0].strip().lower().endswith("h")
