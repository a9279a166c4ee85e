"""The same articles on pages of other makes: what a rule is worth is seen where nobody looked when writing it.

`stripped` and `renamed` are given pages without, or with invented, class and id attributes. A layout of `layouts/` is
a page and the way in which it sets paragraphs, captions, author, date, cards of other articles; the articles are those
of the sample pages, some cut short, some with a table, a list, headings, dates of events or a file, some without a
date or an author. The layouts in `layouts/held` are for final figures only: no rule is made with a look at them.
Everything is drawn from the page's own name, so that the same call gives the same pages.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from random import Random
from string import Template

import samples
from samples import Page, Said

LAYOUTS = Path(__file__).parent / "layouts"
HELD = LAYOUTS / "held"
_NAMES = re.compile(r"""(<[a-zA-Z][^<>]*?)\s+(class|id)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""")
_PART = re.compile(r"^== (.+)\n", re.MULTILINE)
_ARTICLE = re.compile(r"<!--\[-->.*<!--\]-->", re.DOTALL)
_WEEKDAYS = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")
_MONTHS = ("Một", "Hai", "Ba", "Tư", "Năm", "Sáu", "Bảy", "Tám", "Chín", "Mười", "Mười một", "Mười hai")
_TODAYS = (
    date(2026, 11, 22),
    date(2026, 11, 20),
    date(2026, 11, 10),
)  # what page clocks say; old where a cache answers
_ZONE = timezone(timedelta(hours=7))
_ROWS = (
    ("STT", "Chỉ tiêu", "Đơn vị", "Kết quả"),
    ("1", "Thu ngân sách trên địa bàn", "Tỷ đồng", "879"),
    ("2", "Tỷ lệ hộ nghèo theo chuẩn mới", "%", "0,42"),
    ("3", "Số phường đạt chuẩn văn minh đô thị", "Phường", "10"),
)
_EVENTS = (
    "Trước đó, ngày 12/3/2021, đoàn công tác đã khảo sát thực tế; đến ngày 15 tháng 4 năm 2022, phương án được"
    " thông qua và có hiệu lực từ 01-07-2022.",
    "Theo Quyết định số 118/QĐ-UBND ngày 20/01/2020, công trình khởi công lúc 8 giờ 30 phút ngày 05/02/2020.",
)
_ITEMS = (
    "Giải phóng mặt bằng các dự án trọng điểm trên địa bàn;",
    "Rà soát, bổ sung quy hoạch sử dụng đất của từng phường;",
    "Công khai thủ tục hành chính tại bộ phận một cửa.",
)


SETS: dict[str, Callable[[], list[Page]]] = {
    "sim": lambda: samples.load("sim"),
    "sim-stripped": lambda: [stripped(page) for page in samples.load("sim")],
    "sim-renamed": lambda: [renamed(page) for page in samples.load("sim")],
    "relaid": lambda: relaid(layouts(), samples.gold("sim")),
    "held": lambda: relaid(layouts(HELD), samples.gold("sim")),
    "lists": lambda: lists(layouts(), samples.gold("sim")),
    "held-lists": lambda: lists(layouts(HELD), samples.gold("sim")),
    "scrapinghub": lambda: samples.load("scrapinghub"),
    "scrapinghub-stripped": lambda: [stripped(page) for page in samples.load("scrapinghub")],
}


@dataclass(frozen=True)
class Layout:
    """A page and its parts, each a template; `cards` are lists of other articles, by name with their number."""

    name: str
    page: Template
    parts: dict[str, Template]
    cards: dict[str, int]


@dataclass(frozen=True)
class Story:
    """One article, before it is laid out: its lines, each with what it is."""

    name: str
    title: str
    lines: tuple[tuple[str, str], ...]
    author: str | None
    when: datetime | None
    views: int


def stripped(page: Page) -> Page:
    """The page without any class and id."""
    return _named(page, "stripped", lambda name, value: "")


def renamed(page: Page) -> Page:
    """The page with other classes and ids, the same one for the same."""
    letters = Random(page.name)
    names: dict[str, str] = {}

    def other(name: str, value: str) -> str:
        words = (names.setdefault(word, f"x{letters.randrange(16**5):05x}") for word in value.strip("\"'").split())
        return f' {name}="{" ".join(words)}"'

    return _named(page, "renamed", other)


def _named(page: Page, kind: str, other: Callable[[str, str], str]) -> Page:
    text = page.html
    marked = _NAMES.sub(lambda found: f"{found[1]}\0{found[2]}\0{found[3]}\0", text)
    while marked != text:  # one attribute of a tag at a time
        text, marked = marked, _NAMES.sub(lambda found: f"{found[1]}\0{found[2]}\0{found[3]}\0", marked)
    done = re.sub("\0(class|id)\0([^\0]*)\0", lambda found: other(found[1], found[2]), text)
    return replace(page, payload=done.encode())


def layouts(folder: Path = LAYOUTS) -> list[Layout]:
    """The layouts of a folder, by name."""
    return [_layout(path) for path in sorted(folder.glob("*.html"))]


def _layout(path: Path) -> Layout:
    _, *split = _PART.split(path.read_text("utf-8"))
    parts = {name: Template(text.rstrip("\n")) for name, text in zip(split[::2], split[1::2], strict=True)}
    cards = {name.split()[1]: int(name.split()[2]) for name in parts if name.startswith("cards ")}
    plain = {name.split()[1] if name.startswith("cards ") else name: text for name, text in parts.items()}
    return Layout(path.stem, plain.pop("page"), plain, cards)


def relaid(layouts: Sequence[Layout], gold: Sequence[Said], each: int = 12) -> list[Page]:
    """So many articles in every layout."""
    return [_page(layout, story, gold) for layout in layouts for story in _stories(layout.name, gold, each)]


def lists(layouts: Sequence[Layout], gold: Sequence[Said], each: int = 3) -> list[Page]:
    """List pages of the same layouts, with leads, that hold no article."""
    return [_list(layout, f"{layout.name}_list_{n:02}", gold) for layout in layouts for n in range(each)]


def _stories(layout: str, gold: Sequence[Said], each: int) -> Iterator[Story]:
    for n, said in enumerate(Random(layout).sample(gold, each)):
        yield story(said, f"x_{layout}_{n:02}")


def story(said: Said, name: str) -> Story:
    """An article of the sample pages, cut or grown as its new name has it."""
    draw = Random(name)
    captions = set(said["captions"])
    lines = [("caption" if line in captions else "paragraph", line) for line in said["text"].split("\n\n")]
    if draw.random() < 0.2:
        lines = [line for line in lines if line[0] == "paragraph"][: draw.choice((2, 3))]
    else:
        for grow in (_with_table, _with_list, _with_headings, _with_events):
            if draw.random() < 0.25:
                lines = grow(lines, draw)
    day = date.fromisoformat(said["hidden_date"])
    when = datetime.combine(day, time(draw.randrange(24), draw.randrange(60), draw.randrange(60)), _ZONE)
    return Story(
        name,
        said["title"],
        tuple(lines),
        said["author"] if draw.random() < 0.8 else None,
        when if draw.random() < 0.75 else None,
        draw.randrange(5, 20000),
    )


def _with_table(lines: list[tuple[str, str]], draw: Random) -> list[tuple[str, str]]:
    return [*lines[:2], ("table", "\n".join("\t".join(row) for row in _ROWS)), *lines[2:]]


def _with_list(lines: list[tuple[str, str]], draw: Random) -> list[tuple[str, str]]:
    return [*lines[:-1], ("list", "\n".join(_ITEMS)), lines[-1]]


def _with_headings(lines: list[tuple[str, str]], draw: Random) -> list[tuple[str, str]]:
    half = len(lines) // 2
    return [*lines[:half], ("heading", "II. Nhiệm vụ và giải pháp"), *lines[half:]]


def _with_events(lines: list[tuple[str, str]], draw: Random) -> list[tuple[str, str]]:
    return [*lines[:-1], ("paragraph", draw.choice(_EVENTS)), lines[-1]]


def _page(layout: Layout, story: Story, gold: Sequence[Said]) -> Page:
    draw = Random(story.name)
    return Page(
        name=story.name,
        url=f"https://{layout.name}.example/bai-viet/{draw.randrange(10**6)}",
        payload=laid_out(layout, story, gold).encode(),
        text="\n\n".join(line.replace("\t", " ") for _, line in story.lines),
        title=story.title,
        author=story.author,
        date=story.when.date().isoformat() if story.when else None,
        vietnamese=True,
        described=True,
    )


def laid_out(layout: Layout, story: Story, gold: Sequence[Said]) -> str:
    """The page of an article, with cards of the others about it."""
    draw = Random(story.name)
    others = [said for said in gold if said["title"] != story.title]
    kinds = iter(("lead", *["rest"] * len(story.lines)))
    body = "\n".join(_set(layout, kind, line, next(kinds) == "lead", draw) for kind, line in story.lines)
    given = {
        "title": html.escape(story.title),
        "body": body,
        "lead_text": html.escape(story.lines[0][1][:150]),
        "meta": _meta(story, draw),
        "date": _part(layout, "date", day=_day(layout, story.when), iso=story.when.isoformat()) if story.when else "",
        "author": _part(layout, "author", author=html.escape(story.author)) if story.author else "",
        "views": _part(layout, "views", views=str(story.views)) if draw.random() < 0.7 else "",
        "files": _part(layout, "files", n=str(draw.randrange(10**5))) if draw.random() < 0.25 else "",
    }
    return _filled(layout, layout.page, given, others, draw)


def _list(layout: Layout, name: str, gold: Sequence[Said]) -> Page:
    draw = Random(name)
    items = "".join(_cards(layout, "item", 12, gold, draw))
    page = Template(_ARTICLE.sub(lambda found: f"<div>{items.replace('$', '$$')}</div>", layout.page.template))
    text = _filled(layout, page, {"title": "Tin tức - Sự kiện", "lead_text": "Tin tức", "meta": ""}, gold, draw)
    return Page(name, f"https://{layout.name}.example/tin-tuc/", text.encode(), "", described=True)


def _filled(layout: Layout, page: Template, given: dict[str, str], gold: Sequence[Said], draw: Random) -> str:
    cards = {name: "".join(_cards(layout, name, many, gold, draw)) for name, many in layout.cards.items()}
    today = draw.choice(_TODAYS)
    clock = {"weekday": _WEEKDAYS[today.weekday()], "clock": f"{today:%d/%m/%Y}"}
    return page.substitute(given | cards | clock)


def _cards(layout: Layout, name: str, many: int, gold: Sequence[Said], draw: Random) -> Iterator[str]:
    for said in draw.sample(gold, many):
        lead = said["text"].split("\n\n")[0]
        day = date.fromisoformat(said["hidden_date"])
        yield _part(
            layout,
            name,
            n=str(draw.randrange(10**6)),
            title=html.escape(said["title"]),
            date=f"{day:%d/%m/%Y}",
            lead=html.escape(lead if draw.random() < 0.5 else f"{lead[:140]}..."),
        )


def _set(layout: Layout, kind: str, line: str, first: bool, draw: Random) -> str:
    if kind == "table":
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row.split("\t")) for row in line.split("\n"))
        return f'<table border="1">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'
    if kind == "list":
        return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in line.split(chr(10)))}</ul>"
    name = "lead" if first and kind == "paragraph" and "lead" in layout.parts else kind
    return _part(layout, name, line=html.escape(line), src=f"/img/{draw.randrange(10**5)}.jpg", n="7", title="")


def _part(layout: Layout, name: str, **given: str) -> str:
    return layout.parts[name].substitute(given)


def _day(layout: Layout, when: datetime) -> str:
    words = {
        "weekday": _WEEKDAYS[when.weekday()],
        "month": str(when.month),
        "month_word": _MONTHS[when.month - 1],
        "half": "SA" if when.hour < 12 else "CH",
    }
    return when.strftime(layout.parts["day"].substitute(words))


def _meta(story: Story, draw: Random) -> str:
    if story.when is None or draw.random() < 0.4:
        return ""
    moment = story.when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if draw.random() < 0.5:
        return f'<meta property="article:published_time" content="{moment}">'
    said = {"@context": "https://schema.org", "@type": "NewsArticle", "datePublished": moment}
    return f'<script type="application/ld+json">{json.dumps(said)}</script>'
