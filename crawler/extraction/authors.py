"""Who wrote an article: the short lines of names at its end, and named fields."""

import re
from collections.abc import Iterable, Sequence

from crawler.extraction.text import fold

_LABEL = re.compile(
    r"^\W*(?:tác giả|người viết|(?:tin|bài)(?:\s*(?:,|và|&|-)\s*(?:ảnh|hình|video))?|thực hiện|by)\s*:\s*"
    r"|^\W*(?:(?:được\s+)?(?:viết|đăng|thực hiện)\s+)?(?:bởi|by)\s*:?\s+(?=[^\W\d_])",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"^\W*(?:\(?\s*theo|nguồn(?:\s+tin)?)\s*:?\s+", re.IGNORECASE)
_OFFICE = re.compile(
    r"văn phòng(?:\s[^\W\d_]+){0,8}|(?:ban|báo|cổng|đài|nhóm|phòng|tổ|trung tâm)(?:\s[^\W\d_]+){1,8}", re.IGNORECASE
)
_CREDIT = re.compile(r"^\W*(?:ảnh|hình|ảnh, video)\s*:", re.IGNORECASE)
_SPLIT = re.compile(r"\s*(?:,|;|&|/|\s-\s|\s–\s|\s+và\s+|\s+and\s+)\s*")
_NAME = re.compile(r"[^\W\d_][^\W\d_]*(?:[.\-'’][^\W\d_]+)*\.?")
_PARTICLES = frozenset(("và", "the", "van", "de", "von"))
_SENTENCE = re.compile(r"[.!?:]\s*$")
_INITIALS = re.compile(r"(?:\w\.)+\w*\.?")
_AUTHOR_PAGE = re.compile(r"(?:/|\b)(?:authors?|tac-?gia|phong-vien|nha-bao|profile)\b", re.IGNORECASE)
_LONGEST = 80
_NOBODY = frozenset(("super user", "admin", "administrator", "quản trị", "webmaster", "editor", "staff"))
# fmt: off
_FAMILIES = frozenset(
    (
        "nguyễn", "trần", "lê", "phạm", "huỳnh", "hoàng", "phan", "vũ", "võ", "đặng", "bùi", "đỗ", "hồ", "ngô", "dương",
        "lý", "thạch", "sơn", "danh", "kim", "lâm", "đinh", "trương", "mai", "tô", "hà", "cao", "châu", "tăng", "lương",
        "đoàn", "trịnh", "quách", "tạ", "tống", "thái", "la", "lưu", "liêu", "triệu", "vương", "đào", "chu", "văn",
        "trầm", "tiêu", "quang", "phùng", "giang",
    )
)
# fmt: on


def byline(line: str) -> tuple[str, ...]:
    """The names on a line that holds nothing but names, such as `Hồng Duyên, Công Toàn` or `Theo TTXVN`."""
    text = line.strip(" .()[]-–*")
    if not text or len(text) > _LONGEST or _CREDIT.match(text):
        return ()
    labelled = _LABEL.match(text) or _SOURCE.match(text)
    if labelled:
        text = text[labelled.end() :]
    if text[:1].isupper() and _OFFICE.fullmatch(text):
        return (text,)
    names = [name for name in _SPLIT.split(text) if name]
    if not names or not all(_is_name(name) for name in names):
        return ()
    if not labelled and text.isascii() and text.isalpha() and not text.isupper():
        return ()  # one word that any button may bear
    return tuple(names)


def is_page_of_author(address: str) -> bool:
    """The address is that of what somebody wrote, as the sites of many makers name it."""
    return _AUTHOR_PAGE.search(address) is not None


def is_labelled(line: str) -> bool:
    """The line says itself that it names who wrote."""
    return _LABEL.match(line) is not None and bool(byline(line))


def at_top(phrases: Iterable[str]) -> tuple[str, ...]:
    """The names on one of the lines between a title and its text: labelled, an agency, or such as people bear."""
    for phrase in phrases:
        names = byline(phrase)
        if names and (_LABEL.match(phrase) or _SOURCE.match(phrase) or all(_is_person(name) for name in names)):
            return names
    return ()


def _is_person(name: str) -> bool:
    words = name.split()
    return (len(words) > 1 and words[0].lower() in _FAMILIES) or name.isupper() or _INITIALS.fullmatch(name) is not None


def split(value: str) -> tuple[str, ...]:
    """The names in a named field; all of it as one name where it is not made of names."""
    names = byline(value)
    if names or not value.strip() or len(value) > _LONGEST:
        return names
    return (_SOURCE.sub("", _LABEL.sub("", fold(value))),)


def at_end(lines: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """How many of the last lines are bylines, at most three, and the names on them."""
    names: list[str] = []
    count = 0
    for line in reversed(lines[1:][-3:]):
        found = byline(line)
        if not found or (_SENTENCE.search(line) and not _INITIALS.fullmatch(line.strip())):
            break
        names[:0] = found
        count += 1
    return count, tuple(dict.fromkeys(names))


def _is_name(text: str) -> bool:
    words = text.split()
    if not 1 <= len(words) <= 5 or len(text) < 2 or text.lower() in _NOBODY:
        return False
    return all(_NAME.fullmatch(word) and (word[0].isupper() or word in _PARTICLES) for word in words)
