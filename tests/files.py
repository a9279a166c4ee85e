"""Files as articles offer them, made by hand: PDFs (ISO 32000-1) and DOCX (ECMA-376), sound and hostile."""

import zlib
from collections.abc import Sequence
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from luutru.demo import pdf

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PARAGRAPH = "Ủy ban nhân dân thị trấn Vàm Sen ban hành kế hoạch phòng, chống thiên tai năm 2024 tại địa phương."


def pages(count: int) -> bytes:
    """A PDF of many pages, each with its number at the foot."""
    return _pdf([b"\n".join(pdf._lines(f"Trang {n}", [PARAGRAPH] * 8)) for n in range(1, count + 1)])


def wasteful(megabytes: int) -> bytes:
    """A PDF of some kilobytes whose page is unpacked to as much."""
    packer = zlib.compressobj(9)
    step = b" " * (1 << 20)
    packed = b"".join([*(packer.compress(step) for _ in range(megabytes)), packer.flush()])
    return _pdf([zlib.compress(packed, 9)], b" /Filter [/FlateDecode /FlateDecode]")


def nested(depth: int) -> bytes:
    """A PDF whose page shows a form ten times, which shows another one ten times, and so on."""
    forms = [
        _stream(
            b"/X Do " * 10,
            b" /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>" % (6 + at),
        )
        for at in range(depth)
    ]
    return pdf._file(
        (
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /XObject << /X 5 0 R >> >> >>",
            _stream(b"/X Do " * 10),
            *forms,
            _stream(b"", b" /Type /XObject /Subtype /Form /BBox [0 0 9 9]"),
            b"<< >>",
        )
    )


def scan() -> bytes:
    """A PDF with a picture and no letter."""
    return _pdf([b"q 500 0 0 700 40 60 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q"])


def encrypted() -> bytes:
    """A PDF that wants a password."""
    body = pages(1)
    locked = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<%s> <%s>]" % (
        *(b"5a" * 32, b"a5" * 32),
        *(b"00" * 16,) * 2,
    )
    return body.replace(b"trailer\n<< ", b"trailer\n<< %s " % locked)


def set_in(font: bytes, lines: Sequence[bytes]) -> bytes:
    """A PDF as old word processors print it: bytes of the font's own encoding, declared as WinAnsi."""
    shown = b" ".join(b"<%s> Tj T*" % line.hex().encode() for line in lines)
    resources = (
        b"<< /Type /Font /Subtype /TrueType /BaseFont /%s /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 255 "
        b"/Widths [%s] /FontDescriptor 4 0 R >>" % (font, b" ".join([b"500"] * 224)),
        b"<< /Type /FontDescriptor /FontName /%s /Flags 32 /FontBBox [-665 -325 2000 1040] /ItalicAngle 0 "
        b"/Ascent 905 /Descent -212 /CapHeight 716 /StemV 80 >>" % font,
        b"<< >>",
        b"<< >>",
    )
    return _pdf([b"BT /F1 12 Tf 60 700 Td 20 TL %s ET" % shown], resources=resources)


def docx(*paragraphs: str, title: str = "", document: str | None = None) -> bytes:
    """A DOCX of these paragraphs, or of this document part."""
    said = "".join(f"<w:p><w:r><w:t>{escape(one)}</w:t></w:r></w:p>" for one in paragraphs)
    about = f"<cp xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>{escape(title)}</dc:title></cp>"
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": document or f"<w:document xmlns:w='{W}'><w:body>{said}</w:body></w:document>",
            "docProps/core.xml": about,
        }
    )


def packed(parts: dict[str, str]) -> bytes:
    """A zip file."""
    body = BytesIO()
    with ZipFile(body, "w", ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return body.getvalue()


def _pdf(contents: Sequence[bytes], filters: bytes = b"", resources: Sequence[bytes] | None = None) -> bytes:
    count = len(contents)
    kids = b" ".join(b"%d 0 R" % (7 + 2 * at) for at in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count),
        *(resources or _vietnamese_font()),
    ]
    for at, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (8 + 2 * at)
        )
        objects.append(_stream(content, filters))
    return pdf._file((*objects, b"<< /Title (Microsoft Word - van ban.doc) >>"))


def _vietnamese_font() -> tuple[bytes, ...]:
    return (
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Arial /FirstChar %d /LastChar 255 /Widths [%s] "
        b"/FontDescriptor 4 0 R /Encoding 5 0 R /ToUnicode 6 0 R >>"
        % (pdf._FIRST, b" ".join(b"%d" % pdf._width(letter) for letter in pdf._ALPHABET)),
        b"<< /Type /FontDescriptor /FontName /Arial /Flags 32 /FontBBox [-665 -325 2000 1040] /ItalicAngle 0 "
        b"/Ascent 905 /Descent -212 /CapHeight 716 /StemV 80 >>",
        b"<< /Type /Encoding /Differences [%d %s] >>" % (pdf._FIRST, b" ".join(map(pdf._glyph, pdf._ALPHABET))),
        pdf._stream(pdf._to_unicode()),
    )


def _stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(content), more, content)
