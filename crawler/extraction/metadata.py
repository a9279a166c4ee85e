"""Everything about an article but its text: when, by whom, where it stands on its site, its pictures and files."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml.html import HtmlElement

from crawler.extraction import boilerplate, dates
from crawler.extraction.body import Body, select, within
from crawler.extraction.dates import VIETNAM, Dated, Moment
from crawler.extraction.page import Page
from crawler.extraction.text import fold, squeeze
from crawler.sites import Layout
from storage.model import Attachment, Image

_FILES = frozenset(
    (".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".rtf", ".zip", ".rar", ".7z")
)
_CRUMB = re.compile(r"\s*(?:>>|»|›|>|/|\|)\s*")
_CRUMB_CLASS = re.compile(r"bread-?crumb|duong-?dan|navpath|sitemappath", re.IGNORECASE)
_CRUMB_LINE = re.compile(r">>|»|trang chủ\s*(?:>>|»|›)", re.IGNORECASE)
_HOME = re.compile(r"(?:trang chủ|trang nhất|home|tin tức - sự kiện trang chủ)", re.IGNORECASE)
_CREDIT = re.compile(r"[\s.(–-]*\b(?:ảnh|hình|photo|nguồn ảnh)\s*:\s*(?P<name>[^()]{2,60}?)[\s.)]*$", re.IGNORECASE)
_CENTRED = re.compile(r"text-align\s*:\s*center", re.IGNORECASE)
_CAPTION_CLASS = re.compile(r"caption|chu-?thich|imgctr|picture|image", re.IGNORECASE)
_PADDED = re.compile(r"\s*\u00a0{4}.*\u00a0{4}\s*", re.DOTALL)  # how vnPortal's authors centre
_TAG_LINE = re.compile(r"(?:tags?|từ khóa|từ khoá)\s*:(?P<names>.*)", re.IGNORECASE)
_STOCK_ALT = frozenset(("anh tin bai", "ảnh tin bài", "image", "img"))
_VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_PUBLISHED = (
    "article:published_time",
    "datepublished",
    "og:published_time",
    "pubdate",
    "publishdate",
    "dc.date.issued",
    "dc.date",
    "date",
)
_MODIFIED = ("article:modified_time", "datemodified", "og:updated_time", "lastmod")
_NEAR = 6  # lines between a title and its date
_CAPTION = 300  # characters of the longest caption


def dated(
    page: Page, layout: Layout | None, linked: dict[str, Any], title: int | None, body: Body, captured: datetime
) -> Dated:
    """When the article was published and changed: the layout's field, the line near the title, then named fields."""
    seen, updated = _near_title(page, title, body, captured)
    modified = _first(
        (dates.field(v) for v in [*_values(page, _MODIFIED), *_strings(linked.get("dateModified"))]), captured
    )
    for selector in layout.published if layout else ():
        for element in select(page, [selector]):
            if body.parts and min(within(page, [element]), default=0) > body.parts[-1].at:
                continue  # of another article, in a list below
            moment = _first([dates.read(fold(element.text_content()))], captured)
            if moment is not None:
                return Dated(moment, "layout", _later(modified, moment))
    if seen is not None:
        return Dated(seen, "title", _later(updated or modified, seen))
    named = [
        ("json-ld", _strings(linked.get("datePublished"))),
        ("meta", _values(page, _PUBLISHED)),
        ("time", _times(page, body)),
    ]
    for source, values in named:
        moment = _first((dates.field(value) for value in values), captured)
        if moment is not None:
            local = _local(moment, page)
            if updated is not None and not any(dates.agrees(value, updated) for value in values):
                return Dated(local, source, _later(updated, local))
            return Dated(local, source, _later(modified, local))
    return Dated(updated, "title" if updated else None, None)


def _near_title(page: Page, title: int | None, body: Body, captured: datetime) -> tuple[Moment | None, Moment | None]:
    """The date on a line next to the title or below the text, and the one on a line that says it is of a change."""
    published: Moment | None = None
    updated: Moment | None = None
    for n, label_needed in _places(page, title, body):
        for phrase in page.phrases(n):
            moment = dates.shown(phrase)
            if moment is None or not dates.plausible([moment], captured):
                continue
            if not dates.is_labelled(phrase) and (label_needed or _is_today(page, n, title, moment, captured)):
                continue
            if dates.is_update(phrase):
                updated = updated or moment
            else:
                published = published or moment
            break
    return (published, updated) if published is not None else (updated, None)


def _places(page: Page, title: int | None, body: Body) -> Iterator[tuple[int, bool]]:
    """Lines on which the date of the article may stand: below the title, above it, and below the text if it says so."""
    lines = page.lines
    first, last = (body.parts[0].at, body.parts[-1].at) if body.parts else (len(lines), len(lines))
    start = title if title is not None else max(0, first - _NEAR)
    end = first if first > start else len(lines)
    for n in range(start + 1, min(start + 1 + _NEAR, end + 1, len(lines))):
        if not (lines[n].chrome or lines[n].is_all_link):
            yield n, False
        if len(lines[n].text) > 140:
            break
    for n in range(start - 1, max(-1, start - 4), -1):
        if lines[n].chrome or lines[n].is_link:
            break
        yield n, False
    for n in range(max(0, last - 2), min(last + _NEAR, len(lines))):
        if n > last and (lines[n].chrome or lines[n].is_link or boilerplate.is_end(lines[n].text)):
            break
        yield n, True


def _is_today(page: Page, n: int, title: int | None, moment: Moment, captured: datetime) -> bool:
    """The clock of the page, above the title."""
    return title is not None and n < title and dates.as_day(moment) == dates.as_day(captured)


def _first(moments: Iterable[Moment | None], captured: datetime) -> Moment | None:
    return next(iter(dates.plausible((m for m in moments if m is not None), captured)), None)


def _later(modified: Moment | None, published: Moment) -> Moment | None:
    return modified if modified is not None and dates.as_day(modified) >= dates.as_day(published) else None


def _local(moment: Moment, page: Page) -> Moment:
    if isinstance(moment, datetime) and not moment.utcoffset() and is_vietnamese(page):
        return moment.astimezone(VIETNAM)
    return moment


def _values(page: Page, names: Iterable[str]) -> list[str]:
    return [value for name in names for value in page.meta.get(name, [])]


def _strings(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else []


def _times(page: Page, body: Body) -> list[str]:
    """`time` elements above the text; more than one day among them says nothing."""
    first = page.lines[body.parts[0].at].element if body.parts else page.root
    before: list[str] = []
    for element in page.root.iter():
        if element is first:
            break
        value = (
            element.get("datetime")
            if element.tag == "time"
            else element.get("content")
            if element.get("itemprop") == "datePublished"
            else None
        )
        if value:
            before.append(value)
    return before if len({value[:10] for value in before}) == 1 else []


def is_vietnamese(page: Page) -> bool:
    """The page says that it is Vietnamese, or reads so."""
    said = (page.root.get("lang") or page.root.get("xml:lang") or "").lower()
    return said.startswith("vi") or language(page, " ".join(line.text for line in page.lines[:200])) == "vi"


def language(page: Page, text: str) -> str | None:
    """`vi` where the letters prove it, else what the page declares."""
    sample = text[:4000]
    if sample and len(_VIETNAMESE.findall(sample)) > len(sample) * 0.03:
        return "vi"
    said = (page.root.get("lang") or "").strip().lower().replace("_", "-").partition("-")[0]
    return said if 2 <= len(said) <= 3 and said.isalpha() and said != "vi" else None


def section(page: Page, layout: Layout | None, title: str, linked: dict[str, Any]) -> tuple[str, ...]:
    """The path of sections, outermost first, without home and title: `TIN TỨC`, `Tin địa phương`."""
    for element in select(page, layout.section) if layout else []:
        if path := _path([fold(text) for text in element.itertext()], title):
            return path
    for line in page.lines:
        if len(line.text) <= 200 and _CRUMB_LINE.match(line.text) and (path := _path([line.text], title)):
            return path
    for element in page.root.iter("div", "ul", "ol", "nav", "p", "td", "span"):
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        if (
            len(names) > 1
            and _CRUMB_CLASS.search(names)
            and (path := _path([fold(text) for text in element.itertext()], title))
        ):
            return path
    named = page.meta.get("article:section", []) or _strings(linked.get("articleSection"))
    return tuple(fold(name) for name in named[:1])


def _path(texts: Iterable[str], title: str) -> tuple[str, ...]:
    names = [name.strip() for text in texts for name in _CRUMB.split(text)]
    kept = [
        n for n in names if 1 < len(n) <= 80 and not _HOME.fullmatch(n) and squeeze(n) and squeeze(n) != squeeze(title)
    ]
    return tuple(dict.fromkeys(kept)) if len(kept) <= 6 else ()


def tags(page: Page, layout: Layout | None) -> tuple[str, ...]:
    """Keywords that the page shows on its tag links, else on a line of their own."""
    found = [fold(e.text_content()) for css in (layout.tags if layout else ()) for e in select(page, [css])]
    found += page.meta.get("article:tag", [])
    found += [fold(e.text_content()) for e in page.root.iterfind(".//a[@rel='tag']")]
    if not found:
        lines = (_TAG_LINE.fullmatch(line.text) for line in page.lines if len(line.text) <= _CAPTION)
        found = [name for line in lines if line for name in re.split(r"[|,;]", line["names"])]
    names = [name.strip(" #,;|") for name in found]
    return tuple(dict.fromkeys(name for name in names if name and len(name) <= 80))


def views(page: Page, layout: Layout | None, title: int | None, body: Body) -> int | None:
    """How often the page says that it was read: in the layout's field, else near the title."""
    for element in select(page, layout.views) if layout else []:
        text = fold(element.text_content())
        count = boilerplate.views(text)
        digits = re.sub(r"[.,\s]", "", text)
        if count is not None or digits.isdecimal():
            return count if count is not None else int(digits)
    first = title if title is not None else (body.parts[0].at if body.parts else 0)
    near = page.lines[max(0, first - 4) : first + _NEAR]
    return next((count for count in (boilerplate.views(line.text) for line in near) if count is not None), None)


def images(page: Page, layout: Layout | None, body: Body, title: str) -> tuple[Image, ...]:
    """The pictures between the first and the last line of the text, with their captions."""
    if not body.parts:
        return ()
    numbers = {part.at: part.text for part in body.parts}
    first, last = body.parts[0].at, body.parts[-1].at
    inside = [p for p in page.pictures if first <= p.at <= last + 1]
    found: dict[str, Image] = {}
    for picture in inside:
        address = page.absolute(_source(picture.element))
        if address is None or _is_decoration(picture.element):
            continue
        caption = _caption(page, picture.at, picture.element, numbers) or _alt(picture.element, title)
        credit = _CREDIT.search(caption) if caption else None
        found.setdefault(address, Image(address, caption, credit["name"].strip() if credit else None))
    return tuple(found.values())


def _source(element: HtmlElement) -> str:
    for name in ("data-src", "data-original", "data-lazy-src", "src"):
        value = (element.get(name) or "").strip()
        if value and not value.startswith("data:"):
            return value
    return "#"


def _is_decoration(element: HtmlElement) -> bool:
    sizes = [element.get(name, "") for name in ("width", "height")]
    return any(size.isdecimal() and int(size) < 60 for size in sizes)


def _caption(page: Page, at: int, element: HtmlElement, body: dict[int, str]) -> str | None:
    """The line below a picture when it is set like a caption: in the same block, figure or table, centred, slanted."""
    text = body.get(at)
    if text is None or len(text) > _CAPTION:
        return None
    block = page.lines[at].element
    if _PADDED.fullmatch(block.text_content()) or _fill(element, block, text):
        return text
    frames = {node for node in element.iterancestors("figure", "table") if len(node.text_content()) <= 2 * _CAPTION}
    ancestors = [block, *block.iterancestors()][:4]
    if frames.intersection(ancestors) or any(_is_set_as_caption(node) for node in ancestors[:3]):
        return text
    slanted = "".join(part.text_content() for part in block.iter("em", "i"))
    return text if slanted and squeeze(slanted) == squeeze(text) else None


def _fill(picture: HtmlElement, block: HtmlElement, text: str) -> bool:
    """A picture and the text behind it are all that stands in a block that is no paragraph."""
    return block.tag != "p" and picture.getparent() is block and fold(block.text_content()) == text


def _is_set_as_caption(node: HtmlElement) -> bool:
    if node.tag == "figcaption" or node.get("align") == "center" or _CENTRED.search(node.get("style") or ""):
        return True
    return _CAPTION_CLASS.search(node.get("class") or "") is not None


def _alt(element: HtmlElement, title: str) -> str | None:
    alt = fold(element.get("alt") or "")
    return (
        alt
        if len(alt) > 3 and alt.lower() not in _STOCK_ALT and squeeze(alt) != squeeze(title) and " " in alt
        else None
    )


def attachments(page: Page, layout: Layout | None, body: Body) -> tuple[Attachment, ...]:
    """The files that the article offers: links to documents in its container, else from its text to a little below."""
    elements = select(page, layout.container) if layout else []
    span = within(page, elements) or [part.at for part in body.parts]
    if not span:
        return ()
    first, last = min(span), max(span) + (0 if elements else _NEAR)
    found: dict[str, Attachment] = {}
    for link in page.links:
        address = page.absolute(link.element.get("href") or "") if first <= link.at <= last else None
        if address and PurePosixPath(urlsplit(address).path).suffix.lower() in _FILES:
            name = link.text or PurePosixPath(unquote(urlsplit(address).path)).name
            found.setdefault(address, Attachment(address, name))
    return tuple(found.values())


def texts(page: Page, selectors: Sequence[str]) -> list[str]:
    """What the elements of the first selector with any match say."""
    return [text for text in (fold(e.text_content()) for e in select(page, selectors)) if text]
