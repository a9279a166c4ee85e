"""The one door to extraction: a payload becomes an article, or a reason why there is none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crawler.extraction import authors, boilerplate, dates, headline, linked_data, metadata
from crawler.extraction.body import AGREES, Body, Part, agreement, by_anchors, by_layout
from crawler.extraction.dates import Dated
from crawler.extraction.generic import generic
from crawler.extraction.headline import Headline
from crawler.extraction.memory import Memory, Recognised, recognise
from crawler.extraction.mentions import read as read_mentions
from crawler.extraction.page import Page, parse
from crawler.extraction.text import fold, join, squeeze
from crawler.sites import Layout
from storage.model import Article, Mention

CODE = 4  # counts the changes of this package that let the same page read otherwise
_HTML = ("text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "")
_ERROR = re.compile(
    r"^(?:40[34]|50[023])(?:\W*$|\s*[-–|:]|\s+(?:not found|forbidden|internal|bad gateway|service|không))"
    r"|\b(?:lỗi|error|http|status)\W{0,3}(?:40[34]|50[023])\b"
    r"|(?:page|file|url|resource|document)\b.{0,30}\bnot (?:be )?found|^\W*not found\W*$|(?:server|runtime) error"
    r"|^\W*(?:access denied|forbidden)|object moved|under maintenance|lỗi (?:hệ thống|máy chủ)"
    r"|không tìm thấy(?=\W*$|\s+(?:trang|nội dung|bài|đường|dữ liệu|kết quả|tài liệu|địa chỉ))"
    r"|(?:trang (?:này|bạn|web|mà)|bài viết|nội dung|đường dẫn|liên kết)\b.{0,40}"
    r"(?:không (?:tìm thấy|tồn tại|còn|khả dụng)|đã bị (?:xóa|xoá|gỡ))"
    r"|(?:website|hệ thống|trang (?:này|web)|cổng thông tin).{0,40}bảo trì",
    re.IGNORECASE | re.MULTILINE,
)
_ERROR_SIZE = 600  # characters beyond which a page that names an error is an article about one
_SMALLEST = 80  # characters that a text found without a layout must have, or with one that finds the title too
_TOLD, _AGREED = 0.7, 0.25  # confidence in a reading by memory, and what full agreement adds
_ENOUGH = 250  # characters from which a text found by selectors or anchors needs no second opinion
_LINKS = 10  # title-like links that make a page without text a list
_MOST_LINES = 30_000  # of a page that is read: in a longer one nobody wrote an article, and it costs a minute
_HEAD = 10  # lines between a title and its text among which its authors stand
_LONGEST_LEAD = 1200


@dataclass(frozen=True)
class Result:
    """An article, or the reason why the page is none; and what the page says about other addresses."""

    article: Article | None
    reason: str | None = None
    mentions: tuple[Mention, ...] = ()


def read(
    payload: bytes,
    *,
    content_type: str | None,
    url: str,
    layouts: Sequence[Layout],
    captured: datetime,
    memory: Memory | None = None,
) -> Result:
    """Reads one content-decoded payload: by the layouts that were valid when it was captured, by memory, or by neither.

    `url` is canonical; `captured` is aware. Reasons: `not a page`, `empty`, `too long`, `error page`, `list`,
    `no text`, `no title`.
    """
    if (content_type or "").partition(";")[0].strip().lower() not in _HTML:
        return Result(None, "not a page")
    page = parse(payload, content_type, url)
    if page is None or not page.lines:
        return Result(None, "empty")
    if len(page.lines) > _MOST_LINES:
        return Result(None, "too long")
    named = read_mentions(page)
    seen = recognise(page, memory)
    found, layout, title = _choose(page, layouts, seen)
    reason = _refusal(page, found, title)
    if reason is not None or found is None or title is None:
        return Result(None, reason, named)
    read_by = f"{CODE}/{found.layout}/{memory.version if memory else '-'}"
    return Result(_article(page, found, layout, seen, title, captured, read_by), None, named)


def mentions(payload: bytes, *, content_type: str | None, url: str) -> tuple[Mention, ...]:
    """What a page that is known to be a list says about other addresses."""
    page = parse(payload, content_type, url)
    return read_mentions(page) if page is not None and page.lines else ()


Choice = tuple[Body | None, Layout | None, Headline | None]


def _choose(page: Page, layouts: Sequence[Layout], seen: Recognised | None) -> Choice:
    """By definition where that finds enough, else by memory where a second opinion agrees, else by the second opinion.

    Where definition and memory disagree, the second opinion decides too.
    """
    defined, enough = _by_definition(page, layouts)
    told = seen.body if seen else None
    if enough and defined[0] and (told is None or agreement(defined[0], told) >= AGREES):
        return defined
    found = _shown_title(page, seen) or headline.find(page)
    other = generic(page, found.at if found else None, seen.repeated if seen else ())
    if enough and defined[0] and (other is None or agreement(defined[0], other) >= AGREES):
        return defined
    if told is not None and other is not None and (agreed := agreement(told, other)) >= AGREES:
        return (
            replace(told, confidence=round(_TOLD + _AGREED * agreed, 3)),
            None,
            headline.above_text(page, found, told.parts[0].at, told.title),
        )
    if enough or (defined[0] and (other is None or other.size < 3 * defined[0].size)):
        return defined
    return other, None, headline.above_text(page, found, other.parts[0].at, other.title) if other else found


def _by_definition(page: Page, layouts: Sequence[Layout]) -> tuple[Choice, bool]:
    """What selectors, else text anchors find, and whether it is enough; else the little that selectors find."""
    little: Choice = (None, None, None)
    for layout in layouts:
        title = next(iter(metadata.texts(page, layout.title)), None)
        if (body := by_layout(page, layout)) is not None:
            choice = (body, layout, headline.find(page, title))
            if body.size >= (_ENOUGH if title is None else _SMALLEST):
                return choice, True
            little = little if little[0] else choice
    for layout in layouts:
        if (body := by_anchors(page, layout)) is not None and body.size >= _ENOUGH:
            return (body, layout, headline.above_text(page, headline.find(page), body.parts[0].at, body.title)), True
    return little, False


def _shown_title(page: Page, seen: Recognised | None) -> Headline | None:
    """The title at the place where the pages of its template show it."""
    if seen is None or seen.title is None:
        return None
    return Headline(boilerplate.without_counter(page.lines[seen.title].text), seen.title, True)


def _refusal(page: Page, body: Body | None, title: Headline | None) -> str | None:
    size = body.size if body else 0
    if size < _ERROR_SIZE and _ERROR.search(f"{page.title}\n{title.text if title else ''}"):
        return "error page"
    if body is None or (size < _SMALLEST and not body.method.startswith("layout")):
        if _ERROR.search("\n".join(line.text for line in page.lines[:40])):
            return "error page"
        return "list" if sum(1 for link in page.links if len(link.text) >= 20) >= _LINKS else "no text"
    if body.listing and not linked_data.article(page):
        return "list"
    return None if title is not None else "no title"


def _article(
    page: Page,
    body: Body,
    layout: Layout | None,
    seen: Recognised | None,
    title: Headline,
    captured: datetime,
    rules: str,
) -> Article:
    linked = linked_data.article(page)
    when = metadata.dated(page, layout, linked, title.at, body, captured)
    if seen is not None and when.source != "layout":
        when = _remembered(when, seen)
    parts = _text(body.parts, title)
    count, names = authors.at_end([part.text for part in parts])
    paragraphs = [part.text for part in (parts[:-count] if count else parts)]
    body = Body(tuple(parts), body.method, body.confidence, body.layout, body.title, body.listing)
    return Article(
        title=title.text,
        text=join(paragraphs),
        lead=_lead(page, layout, paragraphs),
        authors=_authors(page, layout, linked, names or _above(page, title.at, body)),
        published=when.published,
        published_from=when.source,
        modified=when.modified,
        section=metadata.section(page, layout, title.text, linked),
        tags=metadata.tags(page, layout),
        views=metadata.views(page, layout, title.at, body) or (seen.views() if seen else None),
        language=metadata.language(page, " ".join(paragraphs)),
        images=metadata.images(page, layout, body, title.text),
        attachments=metadata.attachments(page, layout, body),
        method=body.method,
        confidence=round(min(1.0, body.confidence + (0.05 if title.agreed else 0.0)), 3),
        rules=rules,
    )


def _remembered(when: Dated, seen: Recognised) -> Dated:
    """The date at the place where the pages of the template show it; never that of the page's clock."""
    shown = seen.published()
    if shown is not None:
        return replace(when, published=shown, source="memory")
    if when.source == "title" and when.published is not None and seen.is_clock(when.published):
        return Dated(None, None, when.modified)
    return when


def _text(parts: Sequence[Part], title: Headline) -> list[Part]:
    """The paragraphs without the title, the dates and counters that stand above them."""
    key = squeeze(title.text)
    kept: list[Part] = []
    for part in parts:
        text = part.text
        if not kept:
            glued = dates.at_start(text)
            if glued is not None:
                text = glued[1]
            if (
                not text
                or squeeze(boilerplate.without_counter(text)) == key
                or dates.on_line(text)
                or boilerplate.is_noise(text)
            ):
                continue
            if boilerplate.views(text) is not None and len(text) < 80:
                continue
        kept.append(Part(part.at, text))
    return kept


def _lead(page: Page, layout: Layout | None, paragraphs: Sequence[str]) -> str | None:
    """The first paragraph where the layout or the page marks it as the summary; it stays in the text."""
    if not paragraphs or len(paragraphs[0]) > _LONGEST_LEAD:
        return None
    first = squeeze(paragraphs[0])
    marked = metadata.texts(page, layout.lead) if layout else []
    said = [
        squeeze(text) for text in [*marked, *page.meta.get("description", []), *page.meta.get("og:description", [])]
    ]
    if any(text and (first.startswith(text[:60]) or text.startswith(first[:60])) for text in said):
        return paragraphs[0]
    return paragraphs[0] if len(paragraphs) > 1 and len(paragraphs[0]) <= _LONGEST_LEAD else None


def _authors(page: Page, layout: Layout | None, linked: object, names: tuple[str, ...]) -> tuple[str, ...]:
    chosen = [name for text in metadata.texts(page, layout.authors) for name in authors.split(text)] if layout else []
    if chosen or names:
        return tuple(dict.fromkeys(fold(name) for name in (chosen or names)))
    given = linked.get("author") if isinstance(linked, dict) else None
    said = [linked_data.text_of(one) for one in (given if isinstance(given, list) else [given])]
    named = [name for name in said if name] or [name for name in page.meta.get("author", []) if _shows(page, name)]
    return tuple(dict.fromkeys(one for name in named for one in authors.split(name)))


def _above(page: Page, title: int | None, body: Body) -> tuple[str, ...]:
    """The names between the title and the text; what is a link elsewhere on the page too is a section, no name."""
    first = body.parts[0].at if body.parts else 0
    if title is None or not 0 < first - title <= _HEAD:
        return ()
    others = {line.text for n, line in enumerate(page.lines) if line.is_link and not title < n < first}
    lines = [n for n in range(title + 1, first) if not page.lines[n].chrome and page.lines[n].text not in others]
    own = [
        link for link in page.links if link.at in lines and authors.is_page_of_author(link.element.get("href") or "")
    ]
    linked = [name for link in own for name in authors.split(link.text)]
    return tuple(linked) or authors.at_top(phrase for n in lines for phrase in page.phrases(n))


def _shows(page: Page, name: str) -> bool:
    """The page prints the name too: what only the head says is often the maker of the software."""
    key = squeeze(name)
    return (
        bool(key)
        and key not in squeeze(page.title)
        and any(key in squeeze(line.text) for line in page.lines if len(line.text) < 120)
    )
