"""The text of files: what they say, in Unicode, and why some say nothing."""

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from files import PARAGRAPH, W, docx, encrypted, nested, packed, pages, scan, set_in, wasteful

from crawler.confined import confined
from crawler.extraction import files
from crawler.extraction.encodings import TCVN3
from luutru.demo import pdf
from storage.errors import Exhausted
from storage.model import Article

URL = "https://a.vn/upload/K%E1%BA%BF%20ho%E1%BA%A1ch%20(1).pdf"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def read(body: bytes, url: str = URL) -> Article | str:
    kind = files.sniff(body)
    reader = files.reader(kind)
    if kind is None or reader is None:
        return files.unread(body, kind, url)
    found = reader(body)
    return found if isinstance(found, str) else files.article(found, kind, url, "rules")


def article(body: bytes) -> Article:
    found = read(body)
    assert isinstance(found, Article)
    return found


def test_a_pdf_is_read_as_paragraphs() -> None:
    said = [PARAGRAPH * 3, "1. Mục đích", "a) Chủ động ứng phó.", PARAGRAPH]
    found = article(pdf.write("Kế hoạch số 12/KH-UBND", said))
    assert found.text.split("\n\n") == ["Kế hoạch số 12/KH-UBND", *said]
    assert (found.title, found.title_from) == ("Kế hoạch số 12/KH-UBND", "metadata")
    assert (found.method, found.language, found.confidence) == ("pdf", "vi", 1.0)
    assert unicodedata.is_normalized("NFC", found.text)


def test_page_numbers_are_no_text() -> None:
    body = article(pages(30)).text
    assert body.count("Trang ") == 0
    assert body.count(PARAGRAPH) == 240


def test_a_title_that_says_nothing_gives_way_to_the_name_of_the_file() -> None:
    found = article(pages(2))
    assert (found.title, found.title_from) == ("Kế hoạch (1).pdf", "file name")


def test_tcvn3_becomes_unicode_also_where_the_horned_u_came_as_a_hyphen() -> None:
    table = {letter: latin for latin, letter in TCVN3.items()}
    text = "thông báo về việc được hưởng chế độ của người lao động - đua ghe ngo - như tháng trước"
    body = set_in(b".VnTime", ["".join(table.get(letter, letter) for letter in text).encode("latin-1")])
    assert article(body).text == text


def test_a_hyphen_at_the_end_of_a_line_stays() -> None:
    body = set_in(b"Arial", [b"Le hoi dua ghe Ngo va Ooc-om-", b"boc nam 2024 dien ra tai thi tran"])
    assert article(body).text == "Le hoi dua ghe Ngo va Ooc-om-boc nam 2024 dien ra tai thi tran"


def test_a_docx_is_read_in_the_order_of_its_page() -> None:
    cell = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Trong bảng</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    parts = (
        "<w:p><w:r><w:t xml:space='preserve'>Ủy ban </w:t></w:r>"
        "<w:r><w:t>nhân dân</w:t><w:tab/><w:t>xã</w:t></w:r></w:p>"
        f"{cell}<w:p><w:del><w:r><w:delText>gạch bỏ</w:delText></w:r></w:del><w:r><w:t>Cuối.</w:t></w:r></w:p>"
    )
    document = f"<w:document xmlns:w='{W}'><w:body>{parts}</w:body></w:document>"
    found = article(docx(title="Kế hoạch tuyên truyền", document=document))
    assert found.text.split("\n\n") == ["Ủy ban nhân dân xã", "Trong bảng", "Cuối."]
    assert (found.title, found.method) == ("Kế hoạch tuyên truyền", "docx")


def test_a_docx_is_made_nfc_and_read_by_its_fonts() -> None:
    assert article(docx(unicodedata.normalize("NFD", PARAGRAPH))).text == PARAGRAPH
    table = {letter: latin for latin, letter in TCVN3.items()}
    old = "".join(table.get(letter, letter) for letter in "thông báo về việc nước sạch")
    run = f"<w:p><w:r><w:rPr><w:rFonts w:ascii='.VnTime'/></w:rPr><w:t>{old}</w:t></w:r></w:p>"
    document = f"<w:document xmlns:w='{W}'><w:body>{run}</w:body></w:document>"
    assert article(docx(document=document)).text == "thông báo về việc nước sạch"


BOOM = "<!DOCTYPE d [<!ENTITY a 'ha ha ha '>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
LAUGHS = f"{BOOM}]><w:document xmlns:w='{W}'><w:p><w:r><w:t>&i;</w:t></w:r></w:p></w:document>"
SECRET = LAUGHS.replace(BOOM, "<!DOCTYPE d [<!ENTITY i SYSTEM 'file:///etc/passwd'>")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (encrypted(), "encrypted"),
        (scan(), "no text layer"),
        (pages(40)[:5000], "damaged: "),
        (b"%PDF-1.4\n", "damaged: "),
        (docx(PARAGRAPH)[:-200], "damaged: "),
        (docx(document=LAUGHS), "damaged: "),
        (docx(document=SECRET), "no text layer"),
        (docx(document="<w:document"), "damaged: "),
        (docx(document=" " * (65 << 20)), "unpacked it is larger than"),
        (OLE, "no text is read from doc files"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (packed({"xl/workbook.xml": "<x/>"}), "no text is read from xlsx files"),
        (packed({"a.txt": "a"}), "no text is read from zip files"),
        (b"{\\rtf1 a}", "no text is read from rtf files"),
    ],
)
def test_what_has_no_text_says_why(body: bytes, reason: str) -> None:
    found = read(body, "https://a.vn/cong-van.doc")
    assert isinstance(found, str)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xef\xbb\xbf\r\n%PDF-1.7", "pdf"),
        (b"<!DOCTYPE html><p>%PDF-1.7", None),
        (b"<html>PK\x03\x04", None),
        (b"\x89PNG\r\n", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_bytes_say(body: bytes, kind: str | None) -> None:
    assert files.sniff(body) == kind


READ_BOMB = """
import resource, sys
from crawler.confined import confined
from crawler.extraction import files
from storage.errors import Exhausted

body = sys.stdin.buffer.read()
try:
    confined(lambda: files.reader("pdf")(body), memory=300 << 20, seconds=5)
except Exhausted as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)  # kB, of the largest child
print(confined(lambda: len(body)))
"""


@pytest.mark.parametrize("body", [wasteful(600), nested(9)], ids=["unpacked", "nested"])
def test_a_bomb_ends_at_the_limits(body: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", READ_BOMB], input=body, capture_output=True, check=True)
    reason, largest, length = done.stdout.decode().splitlines()
    assert reason.startswith("reading it takes more than")
    assert int(largest) < 600 * 1024
    assert int(length) == len(body)  # the process goes on


def test_time_is_limited() -> None:
    with pytest.raises(Exhausted, match="more than 1 seconds"):
        confined(lambda: [None for _ in iter(int, 1)] and None, seconds=1)


def test_what_is_confined_writes_no_file_and_says_nothing(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def act() -> str:
        os.write(2, b"noise")
        (tmp_path / "file").write_bytes(b"x")
        return "written"

    with pytest.raises((Exhausted, RuntimeError)):
        confined(act)
    assert capfd.readouterr() == ("", "")


def test_a_mistake_of_ours_is_told() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        confined(lambda: 1 // 0)


def test_the_readers_are_imported_only_when_there_is_a_file() -> None:
    script = "import sys, crawler.derive; sys.exit('pypdfium2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
