"""The text of a PDF, read by PDFium: lines become paragraphs, page numbers go."""

import ctypes
import re
from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

from crawler.extraction.encodings import from_tcvn3, is_syllable, restore_lines
from crawler.extraction.text import Text, fold

_HYPHEN = "\ufffe"  # what PDFium makes of a hyphen at the end of a line, and of the line's end
_FULL = 0.75  # of the length that most lines do not exceed: such a line goes on in the next
_WIDEST = 0.9  # of the lines
_ITEM = re.compile(
    r"\s*(?:[-–—+•*▪○●]\s|\(?\d{1,3}[.)]|[a-zđ][.)]\s|[IVXLC]{1,5}[.)]"
    r"|(?:Điều|Chương|Mục|Phần|Phụ lục|Khoản)\s+[\dIVXLC])"
)
_ENDS = re.compile(r"[.:;!?…]['\"”’»)]*\Z")
_NUMBER = re.compile(r"[-–—\s]*(?:(?:trang|page)\s*)?(\d{1,4})(?:\s*/\s*\d{1,4})?[-–—\s.]*", re.IGNORECASE)
_WORD_WITH_HYPHEN = re.compile(r"[\w\u00a1-\u00ff]*(?:-[\w\u00a1-\u00ff]+)+|[\w\u00a1-\u00ff]+-(?![\w\u00a1-\u00ff])")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\uffff]")
_LEAST = 20  # letters of a text: less is a stamp on a scan
_SAMPLES = 8  # letters of a page whose font is asked for


def read(body: bytes) -> Text | str:
    """The text of a PDF, or why there is none: `encrypted`, `no text layer`, `no readable letters`, `damaged: …`."""
    try:
        document = pypdfium2.PdfDocument(body)
        lines, fonts = _lines(document)
    except pypdfium2.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        return "encrypted" if encrypted else f"damaged: {error}"
    title = document.get_metadata_value("Title")
    if any(".vn" in font.lower() for font in fonts):
        lines = [_WORD_WITH_HYPHEN.sub(_horned, line) for line in lines]
    lines = restore_lines(lines, fonts)
    letters = sum(map(len, lines))
    if letters < _LEAST:
        return "no text layer"
    readable = 1.0 - sum(len(_UNREADABLE.findall(line)) for line in lines) / letters
    if readable < 0.5:
        return "no readable letters"
    return Text(title, tuple(_paragraphs([_UNREADABLE.sub("", line) for line in lines])), readable)


def _lines(document: pypdfium2.PdfDocument) -> tuple[list[str], set[str]]:
    """The lines of all pages without the numbers of these, and the names of some of their fonts."""
    lines: list[str] = []
    fonts: set[str] = set()
    for number in range(1, len(document) + 1):
        page = document[number - 1]
        text = page.get_textpage()
        count = text.count_chars()
        if count > 0:
            found = [line for line in text.get_text_range().replace(_HYPHEN, "-").splitlines() if line.strip()]
            lines += _without_number(found, number)
            fonts.update(_font(text, at) for at in range(0, count, count // _SAMPLES + 1))
        text.close()
        page.close()
    return lines, fonts


def _font(text: pypdfium2.PdfTextPage, at: int) -> str:
    name = ctypes.create_string_buffer(64)
    raw.FPDFText_GetFontInfo(text, at, name, len(name), None)
    return name.value.decode("latin-1")


def _without_number(lines: list[str], page: int) -> list[str]:
    """A page without its number in its first or its last line."""
    for at in (0, -1):
        found = _NUMBER.fullmatch(lines[at]) if lines else None
        if found and int(found[1]) == page:
            del lines[at]
    return lines


def _horned(found: re.Match[str]) -> str:
    """TCVN3 writes ư where Latin-1 has the soft hyphen, and PDFium makes a hyphen of that."""
    word = found[0].replace("-", "\u00ad")
    return word if is_syllable(from_tcvn3(word).lower()) else found[0]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    lengths = sorted(map(len, lines))
    full = _FULL * lengths[int(len(lengths) * _WIDEST)]
    held: list[str] = []
    for line in lines:
        if held and not _goes_on(held[-1], line, full):
            yield from _joined(held)
            held = []
        held.append(line)
    yield from _joined(held)


def _goes_on(line: str, following: str, full: float) -> bool:
    if _ITEM.match(following):
        return False
    if following.lstrip()[:1].islower() and not _ENDS.search(line.rstrip()):
        return True
    return len(line) >= full and not (_ENDS.search(line.rstrip()) and len(line) < full / _FULL * 0.95)


def _joined(lines: list[str]) -> Iterator[str]:
    text = fold(" ".join(lines))
    if text:
        yield text
