"""The broadcaster, one application under several hosts: articles by their slug, lists by category and page."""

import re
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from luutru.demo.answers import Answer, Ask, file, link, page, static, template
from luutru.demo.content import FICTION, Article, Block, Pdf, Photo, read, slug
from luutru.demo.pictures import landscape

HOST = "thst.vn"
HOSTS = (HOST, "www.thst.vn", "soctrangtv.vn", "www.soctrangtv.vn")
CATEGORIES = {
    7: "Tin địa phương",
    12: "Lễ hội Oóc-om-bóc - Đua Ghe Ngo tỉnh Sông Trăng",
    60: "Đời sống - Xã hội",
    24: "Doanh nghiệp - Người tiêu dùng",
    18: "Giáo dục - Khoa học & Công nghệ",
    15: "Nông nghiệp - Nông thôn",
    21: "Pháp luật - Cải cách hành chính",
}
PAGE_SIZE = 4

_PICTURES = 16
_UNBROKEN = "Bánh pía"  # the slug of the article that begins so has a no-break space, as a real one
_LIST = re.compile(r"/Home/ReloadSubject/(?P<page>\d{1,4})")
_ARTICLE = re.compile(r"/t/(?P<slug>[^/]+)")
_PHOTO = re.compile(r"/UserFiles/Image/(?P<year>\d{4})/st-(?P<number>\d{1,3})-(?P<width>320|640)\.png")
_PLAYER = '<script>var nguon = "https://pa.thst.vn/hls-live/demo/livestream.m3u8";</script>'
_SCHEDULE = ("05:30 Nông thôn ngày mới", "06:30 Thời sự sáng", "11:15 Khmer ngữ", "18:15 Thời sự", "20:00 Phim truyện")


class Broadcaster:
    """Answers for every host of the application."""

    def __init__(self) -> None:
        self.articles = read("broadcaster", read("city"))
        self._by_slug = {article_slug(one): one for one in self.articles}

    def answer(self, ask: Ask) -> Answer | None:
        """The answer to a request; None when there is nothing at its address."""
        if ask.path in ("/", "/Home", "/Home/Index"):
            return self._home(ask)
        if found := _ARTICLE.fullmatch(ask.path):
            return self._article(ask, found["slug"])
        if found := _LIST.fullmatch(ask.path):
            return self._list(ask, ask.query.get("macd", ""), int(found["page"]))
        if ask.path in ("/Home/NewLichPhatSong", "/Lich-phat-song-day-du"):
            return self._schedule(ask)
        if ask.path == "/login":
            return self._page(ask, "Đăng nhập", "<p>Đăng nhập hệ thống</p>")
        if found := _PHOTO.fullmatch(ask.path):
            return file("photo.png", landscape(100 + int(found["number"]) % _PICTURES, int(found["width"])))
        return static(ask.path.lstrip("/")) if ask.path.startswith(("/Content/", "/Scripts/")) else None

    def _home(self, ask: Ask) -> Answer:
        hosts = " ".join(link(f"https://{host}/", host) for host in HOSTS)
        main = f"<h2>TIN MỚI</h2>{_items(self.articles[:6], '')}<div>{hosts}</div>{_PLAYER}"
        return self._page(ask, "Đài Phát thanh và Truyền hình Sông Trăng", main)

    def _list(self, ask: Ask, code: str, at: int) -> Answer | None:
        name = CATEGORIES.get(int(code)) if code.isascii() and code.isdigit() else None
        if name is None:
            return None
        articles = [one for one in self.articles if one.section == code]
        pages = -(-len(articles) // PAGE_SIZE)
        prefix = _prefix(ask)
        pager = " ".join(link(f"{prefix}{_list_path(n, code)}", str(n)) for n in range(1, pages + 1) if n != at)
        shown = articles[max(at - 1, 0) * PAGE_SIZE : max(at, 1) * PAGE_SIZE]
        return self._page(ask, name, f"<h2>{escape(name)}</h2>{_items(shown, prefix)}<div>{pager}</div>")

    def _article(self, ask: Ask, name: str) -> Answer | None:
        article = self._by_slug.get(name)
        if article is None:
            return None
        views = len(article.title) * 7 + ask.number
        section = CATEGORIES[int(article.section)]
        blocks = "".join(_block(block, article, at) for at, block in enumerate(article.blocks))
        tags = "".join(f"{tag} | " for tag in article.tags if len(article.title) % 2)
        main = (
            f'<div class="tieude">{escape(article.title)} (Lượt xem: {views})</div>'
            f"<div>&gt;&gt; TIN TỨC &gt;&gt; {escape(section)}</div>"
            f"<div>Cập nhật: {article.published:%d/%m/%Y}<b>{escape(article.lead)}</b></div>{blocks}"
            f'<div class="tacgia">{escape(", ".join(article.authors))}</div>'
            f"<div>Tag: {escape(tags or '|')}</div>"
            f"<div>TIN LIÊN QUAN</div><ul>{self._related(ask, article)}</ul>"
        )
        return self._page(ask, article.title, main)

    def _related(self, ask: Ask, article: Article) -> str:
        at = self.articles.index(article)
        around = (self.articles[at + 1 :] + self.articles[:at])[:20]
        return "".join(f"<li>- {link(_prefix(ask) + article_path(one), _cut(one.title))}</li>" for one in around)

    def _schedule(self, ask: Ask) -> Answer:
        rows = "".join(f"<li>{escape(row)}</li>" for row in _SCHEDULE)
        return self._page(ask, "Lịch phát sóng", f"<h2>LỊCH PHÁT SÓNG</h2><ul>{rows}</ul>{_PLAYER}")

    def _page(self, ask: Ask, title: str, main: str) -> Answer:
        prefix = _prefix(ask)
        menu = "".join(f"<li>- {link(prefix + _list_path(1, code), name)}</li>" for code, name in CATEGORIES.items())
        tools = " ".join(
            link(prefix + path, name)
            for path, name in (("/Home/NewLichPhatSong", "Lịch phát sóng"), ("/login", "Đăng nhập"))
        )
        text = template("broadcaster.html").substitute(
            title=escape(title), tools=tools, main=main, menu=menu, fiction=FICTION
        )
        return page(text)


def article_slug(article: Article) -> str:
    """The name of an article in its address."""
    name = slug(article.title)
    return name.replace("-", "\u00a0", 1) if article.title.startswith(_UNBROKEN) else name


def article_path(article: Article) -> str:
    """The path of an article."""
    return f"/t/{quote(article_slug(article))}"


def _list_path(at: int, code: int | str) -> str:
    return f"/Home/ReloadSubject/{at}?MACD={code}"


def _prefix(ask: Ask) -> str:
    """What stands before the paths of links: the other hosts send their readers to the first."""
    return "" if (ask.scheme, ask.host) == ("https", HOST) else f"https://{HOST}"


def _items(articles: Sequence[Article], prefix: str) -> str:
    items = (
        f"<li><div>{link(prefix + article_path(one), one.title)} |</div>"
        f"<div>{one.published:%d/%m/%Y}</div><p>{escape(one.lead)}</p></li>"
        for one in articles
    )
    return f'<ul class="tin">{"".join(items)}</ul>'


def _cut(title: str) -> str:
    return title if len(title) <= 38 else title[:38].rsplit(" ", 1)[0] + "..."


def _block(block: Block, article: Article, at: int) -> str:
    match block:
        case Photo(caption):
            return f'<div class="anh">{_image(article, at)}{escape(caption)}</div>'
        case Pdf():
            return ""  # the documents stay with the city
        case _:
            return f"<p>{escape(block)}</p>"


def _image(article: Article, at: int) -> str:
    number = (article.published.toordinal() + at) % _PICTURES
    small, large = (f"/UserFiles/Image/{article.published.year}/st-{number}-{width}.png" for width in (320, 640))
    title = escape(article.title)
    if number % 4:
        return f'<img src="{small}" srcset="{small} 320w, {large} 640w" sizes="640px" alt="{title}" />'
    return f'<img src="/Content/images/song.svg" data-original="{large}" alt="{title}" />'
