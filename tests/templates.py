"""Sites of many pages, made from one template each: with the clutter, dates and counters that such sites have."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

_SUBJECTS = ("Thành phố", "Huyện đoàn", "Hội Nông dân", "Phòng Văn hóa", "Trạm y tế", "Công an xã", "Trường tiểu học")
_VERBS = ("triển khai", "tổng kết", "khởi công", "ra quân", "kiểm tra", "sơ kết", "vận động", "khánh thành")
_OBJECTS = ("tuyến đường liên ấp", "mô hình trồng lúa", "đợt tiêm chủng", "cầu nông thôn", "nhà tình thương", "lớp học")
_PLACES = ("ấp Hòa Đê", "ấp Trà Mơn", "xã Vàm Đông", "phường Bờ Tre", "cù lao Giữa", "khóm Năm", "thị trấn Vàm Sen")
_NAMES = ("Kim Ngân", "Hồng Duyên", "Công Toàn", "Lâm Thị Sà Rươl", "Thạch Minh", "Đoàn Hữu Nghiêm")
_MENU = ("Giới thiệu", "Tin tức", "Văn bản", "Hỏi đáp")
FOOTER = "Cơ quan chủ trì: Ủy ban nhân dân thành phố Vàm Sen, địa chỉ số 1 đường Bờ Tre, phường Vàm Đông."
NOTICE = "Mọi phản ánh, kiến nghị của tổ chức và công dân xin gửi về bộ phận tiếp dân trong giờ hành chính các ngày."
_OLD = """<table><tr><td>{menu}</td><td>Thứ ba, {clock}</td></tr><tr><td>{notice}</td><td>
<div>Lượt xem: {views}</div><div>{title}</div><div>{day}</div><div>{text}<div>{author}</div></div>
<div>Đọc thêm nhiều hơn</div><div>{related}</div></td></tr></table>"""
_NEW = """<section><section>{menu}</section></section><section><p>{clock}</p><h2>{title}</h2><p>{day}</p>
<section>{text}<p>{author}</p></section><p>Số lượt xem: {views}</p></section><section>{related}</section>"""
_PAGE = "<html><head><title>Cổng thông tin Vàm Sen</title></head><body>{inner}<div>{footer}</div></body></html>"


@dataclass(frozen=True)
class Story:
    """One article of a made-up site."""

    number: int
    title: str
    paragraphs: tuple[str, ...]
    author: str
    published: date

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)


def story(number: int, author: str | None = None) -> Story:
    """The article of a number: always the same, unlike those of other numbers."""
    dice = random.Random(number)

    def sentence() -> str:
        return (
            f"{dice.choice(_SUBJECTS)} {dice.choice(_VERBS)} {dice.choice(_OBJECTS)} tại {dice.choice(_PLACES)} với "
            f"{dice.randint(2, 990)} hộ tham gia, tổng kinh phí {dice.randint(10, 9000)} triệu đồng, do "
            f"{dice.choice(_NAMES)} phụ trách."
        )

    return Story(
        number,
        f"{dice.choice(_SUBJECTS)} {dice.choice(_VERBS)} {dice.choice(_OBJECTS)} lần thứ {number}",
        tuple(" ".join(sentence() for _ in range(dice.randint(1, 3))) for _ in range(dice.randint(3, 7))),
        author or dice.choice(_NAMES),
        date(2023, 1, 1) + timedelta(days=dice.randint(0, 900)),
    )


def page(one: Story, others: Sequence[Story] = (), *, views: int = 100, redesigned: bool = False) -> bytes:
    """Its page, without a name on any element; `others` stand in its list, with their leads and dates."""
    inner = (_NEW if redesigned else _OLD).format(
        menu="".join(f'<a href="/muc/{n}">{name}</a> ' for n, name in enumerate(_MENU)),
        clock="22/11/2026",
        notice=NOTICE,
        views=views,
        title=escape(one.title),
        day=f"{one.published:%d/%m/%Y}",
        text="".join(f"<div>{escape(line)}</div>" for line in one.paragraphs),
        author=one.author,
        related="".join(map(_listed, others)),
    )
    return _PAGE.format(inner=inner, footer=FOOTER).encode()


def _listed(one: Story) -> str:
    return (
        f'<div><div><a href="/bai/{one.number}">{escape(one.title)}</a></div><div>{one.published:%d/%m/%Y}</div>'
        f"<div>{escape(one.paragraphs[0])}</div></div>"
    )


def index(stories: Sequence[Story]) -> bytes:
    """A list page."""
    items = "".join(f"<li>{_listed(one)}</li>" for one in stories)
    return _PAGE.format(inner=f"<ul>{items}</ul>", footer=FOOTER).encode()
