"""The text of a DOCX (ECMA-376): the paragraphs of its main part, in order, tables and notes among them.

The parts are read one element at a time, without entities, and nothing is unpacked beyond a limit.
"""

import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from lxml import etree
from lxml.etree import _Element as Element

from crawler.extraction.encodings import restore_lines
from crawler.extraction.text import Text, fold

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says the same again
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_PARTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
_SPACES = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_LARGEST = 64 * 1024 * 1024  # bytes of one part, unpacked
_LEAST = 20  # letters; less is a picture in a frame of text
_DAMAGED = (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, etree.XMLSyntaxError)


def read(body: bytes) -> Text | str:
    """The text of a DOCX, or why there is none: `encrypted`, `no text layer`, `damaged: …`, `unpacked …`."""
    try:
        with ZipFile(BytesIO(body)) as packed:
            infos = {one.filename: one for one in packed.infolist()}
            if any(infos[name].flag_bits & 1 for name in _PARTS if name in infos):
                return "encrypted"
            parts = [_part(packed, name) for name in _PARTS if name in infos]
            about = _part(packed, "docProps/core.xml") if "docProps/core.xml" in infos else b""
        if any(len(part) > _LARGEST for part in (*parts, about)):
            return f"unpacked it is larger than {_LARGEST} bytes"
        lines: list[str] = []
        fonts: set[str] = set()
        for part in parts:
            lines += _paragraphs(part, fonts)
        title = _title(about) if about else ""
    except _DAMAGED as error:
        return f"damaged: {error}"
    paragraphs = tuple(filter(None, map(fold, restore_lines(lines, fonts))))
    return Text(title, paragraphs) if sum(map(len, paragraphs)) >= _LEAST else "no text layer"


def _part(packed: ZipFile, name: str) -> bytes:
    with packed.open(name) as part:
        return part.read(_LARGEST + 1)


def _parse(part: bytes) -> "etree.iterparse[tuple[str, Element]]":
    return etree.iterparse(
        BytesIO(part), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
    )


def _paragraphs(part: bytes, fonts: set[str]) -> Iterator[str]:
    """The paragraphs as they end; what a paragraph holds in a frame comes before it."""
    open_: list[list[str]] = []
    fallbacks = 0
    for event, element in _parse(part):
        if event == "start":
            fallbacks += element.tag == _FALLBACK
            if element.tag == f"{_W}p":
                open_.append([])
            continue
        if element.tag == _FALLBACK:
            fallbacks -= 1
        elif element.tag == f"{_W}rFonts":
            fonts.update(filter(None, (element.get(f"{_W}ascii"), element.get(f"{_W}hAnsi"))))
        elif element.tag == f"{_W}p":
            said = "".join(open_.pop())
            if not fallbacks:
                yield said
        elif open_:
            open_[-1].append(element.text or "" if element.tag == f"{_W}t" else _SPACES.get(str(element.tag), ""))
        if element.tag in (f"{_W}p", f"{_W}tbl"):
            element.clear()


def _title(about: bytes) -> str:
    found = (element.text or "" for event, element in _parse(about) if event == "end" and element.tag == _TITLE)
    return next(found, "")
