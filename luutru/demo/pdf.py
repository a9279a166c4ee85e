"""A one-page PDF with Vietnamese text, written by hand (ISO 32000-1).

Vietnamese has fewer letters than a simple font has codes, so each letter gets a code: its glyph is named in
`Differences` (AGL names `uniXXXX`), and `ToUnicode` tells readers what to copy. No font is embedded.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from textwrap import wrap

_BASES = "aăâeêioôơuưy"
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_LETTERS = (*_BASES[1:], "đ", *(unicodedata.normalize("NFC", base + tone) for base in _BASES for tone in _TONES))
_ALPHABET = (*map(chr, range(32, 127)), *dict.fromkeys((*_LETTERS, *map(str.upper, _LETTERS))), "–", "“", "”", "²", "‰")
_CODES = {letter: code for code, letter in enumerate(_ALPHABET, 256 - len(_ALPHABET))}
_FIRST = 256 - len(_ALPHABET)
_LINE = 17  # points
_WIDTHS = dict.fromkeys("iljI.,:;'|!", 278) | dict.fromkeys("frt ()-[]", 333) | dict.fromkeys("mwMW", 833)


def write(title: str, paragraphs: Sequence[str]) -> bytes:
    """The file: `title` in larger letters, then the paragraphs, wrapped; as much as an A4 page holds."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R /Lang (vi) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        _stream(b"\n".join(_lines(title, paragraphs))),
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Arial /FirstChar %d /LastChar 255 /Widths [%s] "
        b"/FontDescriptor 7 0 R /Encoding 6 0 R /ToUnicode 8 0 R >>"
        % (_FIRST, b" ".join(b"%d" % _width(letter) for letter in _ALPHABET)),
        b"<< /Type /Encoding /Differences [%d %s] >>" % (_FIRST, b" ".join(map(_glyph, _ALPHABET))),
        b"<< /Type /FontDescriptor /FontName /Arial /Flags 32 /FontBBox [-665 -325 2000 1040] /ItalicAngle 0 "
        b"/Ascent 905 /Descent -212 /CapHeight 716 /StemV 80 >>",
        _stream(_to_unicode()),
        b"<< /Title <%s> /Producer (luutru demo) >>" % (b"\xfe\xff" + title.encode("utf-16-be")).hex().encode(),
    )
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    body = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    size = len(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        size - 1,
        len(body),
    )
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def _lines(title: str, paragraphs: Sequence[str]) -> Iterator[bytes]:
    yield b"BT /F1 15 Tf 60 770 Td %d TL" % (_LINE + 4)
    yield from (_shown(line) for line in wrap(title, 52))
    yield b"/F1 11 Tf %d TL T*" % _LINE
    lines = [line for paragraph in paragraphs for line in (*wrap(paragraph, 82), "")]
    yield from (_shown(line) for line in lines[:36])
    yield b"ET"


def _shown(line: str) -> bytes:
    codes = bytes(_CODES[letter] for letter in unicodedata.normalize("NFC", line))
    return b"<%s> Tj T*" % codes.hex().encode()


def _to_unicode() -> bytes:
    pairs = [b"<%02x> <%04x>" % (code, ord(letter)) for letter, code in _CODES.items()]
    blocks = [pairs[at : at + 100] for at in range(0, len(pairs), 100)]
    return (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Demo def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <ff> endcodespacerange\n"
        + b"".join(b"%d beginbfchar\n%s\nendbfchar\n" % (len(block), b"\n".join(block)) for block in blocks)
        + b"endcmap CMapName currentdict /CMap defineresource pop end end"
    )


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _glyph(letter: str) -> bytes:
    return b"/space" if letter == " " else b"/uni%04X" % ord(letter)


def _width(letter: str) -> int:
    return _WIDTHS.get(unicodedata.normalize("NFD", letter)[0], 667 if letter.isupper() else 556)
