"""Files that articles offer: what they are by their first bytes, and the text of those that can be read.

Media types lie and so do names: a payload is what its bytes are; its name only says more about what is kept unread.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from crawler.extraction.text import Text, fold, join
from storage.model import Article
from storage.urls import file_name

FILE_NAME, METADATA = "file name", "metadata"  # where a title was read
_MARKS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),  # Office up to 2003, and what Office encrypts
    (b"{\\rtf", "rtf"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
_PACKED = (  # names inside of a zip file, which are never packed themselves
    (b"word/document.xml", "docx"),
    (b"xl/workbook.xml", "xlsx"),
    (b"ppt/presentation.xml", "pptx"),
    (b"mimetypeapplication/vnd.oasis.opendocument.", "OpenDocument"),
)
_HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|!--|html|head|body|\?xml)", re.IGNORECASE)
_SUFFIX = re.compile(r"\.([a-z0-9]{1,5})", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"microsoft (?:word|excel|powerpoint)\b.*|(?:document|untitled|tài liệu|slide|book|sheet|bản)\s*\(?\d*\)?"
    r"|.*\.(?:docx?|pdf|xlsx?|pptx?|rtf|indd|cdr|tmp|dot[xm]?)|[\W\d_]*|normal|(?:scan|img|cv|kh|tb|qd)[\W\d_]+",
    re.IGNORECASE,
)
_SHORTEST_TITLE = 8
_VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_LARGEST = 10_000_000  # characters of text


def sniff(body: bytes) -> str | None:
    """What file a payload is, such as `pdf` or `docx`; None where it is none of those that articles offer."""
    head = body[:1024]
    if _HTML.match(head):
        return None
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return next((name for inside, name in _PACKED if inside in body), "zip")
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def is_page(body: bytes, content_type: str | None) -> bool:
    """Whether what came instead of a file is a page."""
    return _HTML.match(body[:1024]) is not None or (content_type or "").strip().lower().startswith("text/html")


def reader(kind: str | None) -> Callable[[bytes], Text | str] | None:
    """What reads the files of a kind, imported now; a hostile file may let it take any time and memory, and crash."""
    if kind == "pdf":
        from crawler.extraction import pdf

        return pdf.read
    if kind == "docx":
        from crawler.extraction import docx

        return docx.read
    return None


def unread(body: bytes, kind: str | None, url: str) -> str:
    """Why the text of a file is not available that nothing here reads."""
    if kind == "ole" and "EncryptedPackage".encode("utf-16-le") in body:
        return "encrypted"
    return f"no text is read from {_named(kind, url)} files"


def article(found: Text, kind: str, url: str, rules: str) -> Article | str:
    """What a file says as a document of its own, or the reason why it is none."""
    text = join(found.paragraphs)
    if len(text) > _LARGEST:
        return f"its text has more than {_LARGEST} characters"
    title = fold(found.title)
    sensible = len(title) >= _SHORTEST_TITLE and " " in title and not _NO_TITLE.fullmatch(title)
    return Article(
        title=title if sensible else file_name(url),
        title_from=METADATA if sensible else FILE_NAME,
        text=text,
        language="vi" if len(_VIETNAMESE.findall(text[:4000])) > len(text[:4000]) * 0.03 else None,
        method=kind,
        confidence=round(found.readable, 3),
        rules=rules,
    )


def _named(kind: str | None, url: str) -> str:
    suffix = _SUFFIX.fullmatch(PurePosixPath(urlsplit(url).path).suffix)
    named = suffix[1].lower() if suffix else "such"
    return named if kind in (None, "ole") else str(kind)
