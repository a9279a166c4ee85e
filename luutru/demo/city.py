"""The city portal, in the shapes of VNPT vnPortal: an article has a desktop and a mobile address."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from urllib.parse import quote, urlencode

from luutru.demo.answers import Answer, Ask, file, link, page, static, template
from luutru.demo.content import FICTION, Article, Block, Pdf, Photo, ascii_name, read, slug
from luutru.demo.pdf import write
from luutru.demo.pictures import landscape

HOST = "thanhpho.soctrang.gov.vn"
MOBILE_HOST = "soctrang.gov.vn"
STORAGE_HOST = "storage-vnportal.vnpt.vn"
HOSTS = (
    HOST,
    MOBILE_HOST,
    *(f"{unit}.soctrang.gov.vn" for unit in ("chauthanh", "vpub", "tuyengiao", "bandantoc", "sotuphap")),
    STORAGE_HOST,
)
PAGE_SIZE = 5

_PORTAL = "ubndtpst/1273"
_DESKTOP, _MOBILE = 33327, 369  # pageid: a layout, not identity
_PICTURES = 16
_BLANK = "&nbsp;" * 24
_LIST = re.compile(r"/[^/]+/\d+/\d+/(?P<catid>\d+)/(?:[^/]*/?)?")
_ARTICLE = re.compile(r"/[^/]+/\d+/\d+/\d+/(?P<id>\d+)/[^/]+/[^/]+\.aspx")
_PHOTO = re.compile(r"/(?:upload/1273|stg-ubnd/1273)/Anh \((?P<number>\d{1,4})\) (?P<width>320|640)\.png")
_PDF = re.compile(r"/(?:upload|stg-ubnd)/1273/(?P<name>[^/]+\.pdf)")


@dataclass(frozen=True)
class Category:
    """A section of the portal and the articles its lists show."""

    number: int
    name: str
    articles: tuple[Article, ...]


@dataclass(frozen=True)
class Steering:
    """A directive on the home page, with the document attached."""

    number: int
    published: date
    title: str
    text: str


_SECTIONS = {
    "tin-tuc": (57701, "Tin tức - Sự kiện"),
    "do-thi": (57702, "Kinh tế - Đô thị"),
    "xa-hoi": (57703, "Văn hóa - Xã hội"),
    "hanh-chinh": (57704, "Cải cách hành chính"),
}
_STEERING = (
    Steering(
        28114,
        date(2025, 6, 5),
        "Công văn về việc sao lưu, bàn giao dữ liệu trang thông tin điện tử",
        "Yêu cầu các phòng, ban, phường thống kê tin bài, văn bản đã đăng, sao lưu đầy đủ và lập biên bản bàn giao "
        "cho cơ quan lưu trữ trước ngày 25/6/2025.",
    ),
    Steering(
        27873,
        date(2024, 10, 1),
        "Kế hoạch tổ chức Lễ hội Oóc-om-bóc - đua ghe Ngo thành phố năm 2024",
        "Phân công nhiệm vụ bảo đảm an toàn đường thủy, y tế, vệ sinh môi trường và hướng dẫn du khách trong thời gian "
        "diễn ra lễ hội.",
    ),
    Steering(
        26490,
        date(2023, 4, 12),
        "Chỉ thị về tăng cường quản lý trật tự xây dựng trên địa bàn thành phố",
        "Chủ tịch Ủy ban nhân dân các phường chịu trách nhiệm khi để xảy ra xây dựng không phép mà không phát hiện, "
        "xử lý kịp thời.",
    ),
)


class CityPortal:
    """Answers for every host of the platform."""

    def __init__(self) -> None:
        self.articles = read("city")
        self.categories = tuple(
            Category(number, name, tuple(one for one in self.articles if one.section == section))
            for section, (number, name) in _SECTIONS.items()
        )
        news = self.categories[0].articles
        self._neighbours = (
            Category(54194, "Đưa nghị quyết đi vào cuộc sống", news[:3]),
            Category(63645, "Hoạt động đảng, đoàn thể", news[3:6]),
        )
        self._by_id = {article_id(one): one for one in self.articles}
        self._category_of = {one.title: category for category in self.categories for one in category.articles}
        self._pdfs = {pdf.name: (pdf, one) for one in self.articles for pdf in one.pdfs}

    def answer(self, ask: Ask) -> Answer | None:
        """The answer to a request; None when there is nothing at its address."""
        if ask.path.lower() in ("/", "/default.aspx", "/mdefault.aspx"):
            return self._asked(ask)
        if found := _ARTICLE.fullmatch(ask.path):
            return self._article(ask, int(found["id"]))
        if found := _LIST.fullmatch(ask.path):
            return self._list(ask, int(found["catid"]), 1)
        if ask.path == "/login":
            return self._page(ask, "Đăng nhập", "<p>Đăng nhập hệ thống</p>")
        return self._file(ask.path)

    def _asked(self, ask: Ask) -> Answer | None:
        asked = {name: int(value) for name, value in ask.query.items() if value.isascii() and value.isdigit()}
        if "p_steering" in asked:
            return self._steering(ask, asked["p_steering"])
        if "id" in asked:
            return self._article(ask, asked["id"])
        if "catid" in asked:
            return self._list(ask, asked["catid"], asked.get("page", 1))
        return self._home(ask)

    def _file(self, path: str) -> Answer | None:
        if found := _PHOTO.fullmatch(path):
            return file("photo.png", landscape(int(found["number"]) % _PICTURES, int(found["width"])))
        if found := _PDF.fullmatch(path):
            return self._pdf(found["name"])
        return static(path.lstrip("/")) if path.startswith("/portal/") else None

    def _pdf(self, name: str) -> Answer | None:
        if name not in self._pdfs:
            return None
        pdf, article = self._pdfs[name]
        day = article.published.strftime("ngày %d tháng %m năm %Y")
        head = ("ỦY BAN NHÂN DÂN THÀNH PHỐ VÀM SEN", f"Vàm Sen, {day}", FICTION)
        about = f"Tài liệu kèm theo tin “{article.title}” trên Cổng thông tin điện tử thành phố."
        return file(name, write(pdf.title, (*head, about, *article.paragraphs[1:3])))

    def _home(self, ask: Ask) -> Answer:
        parts = (
            f'<div class="List"><h2>{link(_list_url(ask, one), one.name)}</h2>'
            f"{self._items(ask, one.articles[:3], mobile=True)}</div>"
            for one in self.categories
        )
        return self._page(ask, "Cổng thông tin điện tử UBND thành phố Vàm Sen", "".join(parts))

    def _list(self, ask: Ask, number: int, at: int) -> Answer | None:
        category = next((one for one in self.categories + self._neighbours if one.number == number), None)
        if category is None:
            return None
        pages = -(-len(category.articles) // PAGE_SIZE)
        shown = category.articles[(at - 1) * PAGE_SIZE : at * PAGE_SIZE]
        pager = " ".join(link(_list_query(ask, category, n), str(n)) for n in range(1, pages + 1) if n != at)
        main = f'<h2>{escape(category.name)}</h2>{self._items(ask, shown)}<div class="Pager">{pager}</div>'
        return self._page(ask, category.name, f'<div class="List">{main}</div>')

    def _items(self, ask: Ask, articles: Sequence[Article], mobile: bool = False) -> str:
        url = self.mobile_url if mobile else self.desktop_url
        items = (
            f"<li>• {one.published:%d/%m/%Y} {link(_from(ask, url(one, ask.number)), one.title)}"
            f"<p>{escape(_summary(one.lead))}</p></li>"
            for one in articles
        )
        return f'<ul class="ArticleList">{"".join(items)}</ul>'

    def _article(self, ask: Ask, number: int) -> Answer | None:
        article = self._by_id.get(number)
        if article is None:
            return None
        mobile = ask.path.lower() == "/mdefault.aspx"
        other, label = (
            (self.desktop_url(article), "Phiên bản máy tính")
            if mobile
            else (self.mobile_url(article, ask.number), "Phiên bản di động")
        )
        main = _ARTICLE_SHAPES[number % 3](article, number % 400 + ask.number)
        return self._page(ask, article.title, main, link(_from(ask, other), label), "mobile.html" if mobile else None)

    def _steering(self, ask: Ask, number: int) -> Answer | None:
        found = next((one for one in _STEERING if one.number == number), None)
        if found is None:
            return None
        article = Article(found.title, found.published, "", ("Văn phòng",), (), found.text, ())
        return self._page(ask, found.title, _with_header(article, 40 + ask.number))

    def _page(self, ask: Ask, title: str, main: str, tools: str = "", name: str | None = None) -> Answer:
        menu = "".join(f"<li>{link(_list_query(ask, one, 1), one.name)}</li>" for one in self.categories)
        steering = "".join(f"<li>{_steering_link(ask, one)}</li>" for one in _STEERING)
        text = template(name or "portal.html").substitute(
            title=escape(title),
            menu=f"<ul><li>{link(_from(ask, f'https://{HOST}/'), 'Trang chủ')}</li>{menu}</ul>",
            tools=f"{tools} {link(_from(ask, f'https://{HOST}/login'), 'Đăng nhập')}",
            main=main,
            steering=steering,
            visitors=1962218 + ask.number,
            fiction=FICTION,
        )
        return page(text)

    def desktop_url(self, article: Article, _turn: int = 0) -> str:
        """The address of an article on the desktop."""
        category = self._category_of[article.title]
        path = f"{_PORTAL}/{_DESKTOP}/{category.number}/{article_id(article)}"
        return f"https://{HOST}/{path}/{ascii_name(category.name)}/{ascii_name(article.title)}.aspx"

    def mobile_url(self, article: Article, turn: int = 0) -> str:
        """The address of an article for telephones; `turn` turns the order of its parameters."""
        category = self._category_of[article.title]
        query = _query(
            turn,
            catid=category.number,
            catname=category.name,
            id=article_id(article),
            pageid=_MOBILE,
            sid=1273,
            sname="ubndtpst",
            title=slug(article.title)[:96],
        )
        return f"https://{MOBILE_HOST}/mDefault.aspx?{query}"


def article_id(article: Article) -> int:
    """The number of an article on the platform: it rises with time."""
    return 371205 + (article.published - date(2023, 8, 8)).days * 59


def _from(ask: Ask, url: str) -> str:
    """The address as a page writes it: short on the same host."""
    return url.removeprefix(f"https://{ask.host}") if ask.scheme == "https" else url


def _query(turn: int, **values: object) -> str:
    pairs = list(values.items())
    cut = turn % len(pairs)
    return urlencode(pairs[cut:] + pairs[:cut])


def _list_url(ask: Ask, category: Category) -> str:
    return _from(ask, f"https://{HOST}/{_PORTAL}/{_DESKTOP}/{category.number}/{ascii_name(category.name)}/")


def _list_query(ask: Ask, category: Category, at: int) -> str:
    place = {"sname": "ubndtpst", "sid": 1273, "pageid": _DESKTOP, "catid": category.number}
    query = _query(ask.number, **place, catname=slug(category.name), **({"page": at} if at > 1 else {}))
    return _from(ask, f"https://{HOST}/Default.aspx?{query}")


def _steering_link(ask: Ask, steering: Steering) -> str:
    query = _query(ask.number, p_steering=steering.number, pageid=27160, sname="ubndtpst")
    return link(_from(ask, f"https://{HOST}/Default.aspx?{query}"), steering.title)


def _summary(lead: str) -> str:
    return lead if len(lead) <= 160 else lead[:160].rsplit(" ", 1)[0] + "..."


def _old(article: Article, views: int) -> str:
    """As in 2018: no date, no class names, the lead bold."""
    body = _body(article)
    lead = f"<p><strong>{escape(article.lead)}</strong></p>"
    return _table(views, f"<div><b>{escape(article.title)}</b></div>{lead}<p>&nbsp;</p>{body}")


def _with_header(article: Article, views: int) -> str:
    """With the class names of later versions, the date in words."""
    head = (
        f'<h1 class="ArticleHeader">{escape(article.title)}</h1>'
        f'<div class="DateCreate">Ngày {article.published:%d/%m/%Y}</div>'
    )
    return _table(views, f'{head}<div class="ArticleContent"><p>{escape(article.lead)}</p>{_body(article)}</div>')


def _dated(article: Article, views: int) -> str:
    """A plain date line, the text in nested elements."""
    head = f'<div class="Title">{escape(article.title)}</div><div>{article.published:%d/%m/%Y}</div>'
    return _table(views, f"{head}<div><div><p><em>{escape(article.lead)}</em></p>{_body(article)}</div></div>")


_ARTICLE_SHAPES = (_dated, _with_header, _old)


def _table(views: int, text: str) -> str:
    counter = (
        f'<div class="UIMultiFunction_Default"><div class="MultiFunctionControl">'
        f'<a href="javascript:window.print()" title="In"><span class="Icon">&bull;</span></a></div></div>'
        f"<div>Lượt xem: {views}</div>"
    )
    return f'<table class="Article" width="100%"><tr><td>{counter}{text}</td></tr></table>'


def _body(article: Article) -> str:
    number = article_id(article)
    blocks = "".join(_block(block, number + at) for at, block in enumerate(article.blocks))
    return f'{blocks}<p style="text-align: right"><strong>{escape(", ".join(article.authors))}</strong></p>'


def _block(block: Block, number: int) -> str:
    match block:
        case Photo(caption):
            return f'<div class="Photo">{_image(number)}</div><p>{_BLANK}{escape(caption)}{_BLANK}</p><p>&nbsp;</p>'
        case Pdf(name, title):
            place = f"{HOST}/upload" if number % 2 else f"{STORAGE_HOST}/stg-ubnd"
            return f"<p>Tải về: {link(f'https://{place}/1273/{quote(name)}', title)}</p>"
        case _:
            return f"<p>{escape(block)}</p>"


def _image(number: int) -> str:
    small, large = (quote(f"Anh ({number % _PICTURES}) {width}.png") for width in (320, 640))
    if number % 3:
        return (
            f'<img src="/upload/1273/{small}" srcset="/upload/1273/{small} 320w, /upload/1273/{large} 640w" '
            'sizes="(max-width: 600px) 320px, 640px" alt="anh tin bai" />'
        )
    return f'<img src="/portal/waves.svg" data-src="https://{STORAGE_HOST}/stg-ubnd/1273/{large}" alt="anh tin bai" />'
