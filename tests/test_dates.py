"""Publication dates: day first, near the title or in a named field, and none rather than a wrong one."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extraction import article, dates

CAPTURED = datetime(2026, 11, 22, 7, 50, tzinfo=UTC)
VIETNAM = timezone(timedelta(hours=7))
SENTENCE = "Tình hình kinh tế - xã hội của thành phố tiếp tục phát triển khá, các mặt đời sống được nâng lên. "


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=VIETNAM)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("02/01/2025", date(2025, 1, 2)),
        ("Thứ năm, 09/03/2023 16:02", at(2023, 3, 9, 16, 2)),
        ("Thứ Năm, ngày 09/03/2023 - 16:02", at(2023, 3, 9, 16, 2)),
        ("Thứ năm, 09/03/2023 16:02 (GMT+7)", at(2023, 3, 9, 16, 2)),
        ("Cập nhật: 02/01/2025", date(2025, 1, 2)),
        ("Cập nhật lúc: 10:15 02/01/2025", at(2025, 1, 2, 10, 15)),
        ("Ngày đăng: 16/10/2019 - Lượt xem: 878", date(2019, 10, 16)),
        ("Đăng ngày 5/4/2021", date(2021, 4, 5)),
        ("Ngày 9/7/2018", date(2018, 7, 9)),
        ("Thứ tư, 3/7/2024, 07:31 (GMT+7)", at(2024, 7, 3, 7, 31)),
        ("Chủ nhật, 01/12/2024 | 08:00", at(2024, 12, 1, 8, 0)),
        ("08:15 | 11/10/2022", at(2022, 10, 11, 8, 15)),
        ("07/08/2019 09:30:00 SA", at(2019, 8, 7, 9, 30)),
        ("07/08/2019 02:30 CH", at(2019, 8, 7, 14, 30)),
        ("07/08/2019 12:05 SA", at(2019, 8, 7, 0, 5)),
        ("Thứ sáu, 9 tháng 7 năm 2018", date(2018, 7, 9)),
        ("ngày 25 tháng 3 năm 2021", date(2021, 3, 25)),
        ("Sóc Trăng, ngày 09 tháng 07 năm 2018", date(2018, 7, 9)),
        ("9 Tháng Ba, 2023", date(2023, 3, 9)),
        ("Tháng Mười Hai 9, 2023", date(2023, 12, 9)),
        ("09 Th3 2023", date(2023, 3, 9)),
        ("(17-09-2024)", date(2024, 9, 17)),
        ("9.3.2023", date(2023, 3, 9)),
        ("Hồng Duyên - 10:15 02/01/2025", at(2025, 1, 2, 10, 15)),
    ],
)
def test_lines_that_say_when(text: str, moment: dates.Moment) -> None:
    assert dates.on_line(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "Sáng ngày 25/3/2021, Ban Thường vụ Thành ủy Sóc Trăng tổ chức Hội nghị",
        "theo Quy định số 11-QĐ/TW ngày 18/02/2019",
        "Giấy phép số: 287/GP-TTĐT cấp ngày 22/12/2016.",
        "Hội nghị ngày 25/3/2021",
        "02/01/2025 - 03/01/2025",
        "31/02/2024",
        "9-7",
        "ngày 3/1",
        "2 giờ trước",
        "Hôm qua, 15:30",
        "09/03/23",
        "Tổng thu 1.234.2024 đồng",
        "",
    ],
)
def test_lines_that_do_not(text: str) -> None:
    assert dates.on_line(text) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2023-03-09T16:02:00+07:00", at(2023, 3, 9, 16, 2)),
        ("2023-03-08T18:30:00Z", datetime(2023, 3, 8, 18, 30, tzinfo=UTC)),
        ("2023-03-09T16:02:00.123", at(2023, 3, 9, 16, 2)),
        ("2023-03-09", date(2023, 3, 9)),
        ("20230309", date(2023, 3, 9)),
        ("3/25/2023 4:02:00 PM", at(2023, 3, 25, 16, 2)),
        ("25/3/2023 4:02:00 PM", at(2023, 3, 25, 16, 2)),
        ("3/3/2023 12:02:00 AM", at(2023, 3, 3, 0, 2)),
        ("3/9/2023 4:02:00 PM", None),  # 9 March or 3 September
        ("2023-02-30", None),
        ("mới", None),
    ],
)
def test_fields(value: str, moment: dates.Moment | None) -> None:
    assert dates.field(value) == moment


def test_a_glued_date_leaves_the_text() -> None:
    assert dates.at_start("Cập nhật: 02/01/2025Năm 2024, Đảng bộ") == (date(2025, 1, 2), "Năm 2024, Đảng bộ")
    assert dates.at_start("Cập nhật tình hình đến ngày 02/01/2025, cả nước") is None


def published(body: str, head: str = "") -> tuple[dates.Moment | None, str | None, dates.Moment | None]:
    html = f"<html lang='vi'><head><title>Hội nghị đánh giá tình hình</title>{head}</head><body>{body}</body></html>"
    text = body_of() if "{text}" in body else ""
    payload = html.replace("{text}", text).encode()
    found = article.read(
        payload, content_type="text/html", url="https://a.example/x", layouts=(), captured=CAPTURED
    ).article
    assert found is not None
    return found.published, found.published_from, found.modified


def body_of() -> str:
    return "".join(f"<p>{SENTENCE * 3}{n}.</p>" for n in range(4))


TITLE = "<h1>Hội nghị đánh giá tình hình</h1>"


@pytest.mark.parametrize(
    ("body", "head", "wanted"),
    [
        ("<div>" + TITLE + "<p>Sáng ngày 25/3/2021, Ban Thường vụ tổ chức.</p>{text}</div>", "", (None, None, None)),
        ("<div>" + TITLE + "{text}</div><div>Giấy phép số: 287 cấp ngày 22/12/2016.</div>", "", (None, None, None)),
        ("<div class=date>Chủ nhật, 22/11/2026</div><div>" + TITLE + "{text}</div>", "", (None, None, None)),
        (
            "<div class=date>Chủ nhật, 22/11/2026</div><div>"
            + TITLE
            + "<span>Ngày đăng: 09/07/2018</span>{text}</div>",
            "",
            (date(2018, 7, 9), "title", None),
        ),
        (
            "<div>"
            + TITLE
            + "<i>Cập nhật: 02/01/2025</i>{text}</div><ul><li>Thời sự (23/04/2024)</li><li>B (23/04/2024)</li></ul>",
            "",
            (date(2025, 1, 2), "title", None),
        ),
        (
            "<div>" + TITLE + "<p>Ngày đăng: 02/01/2025</p><p>Cập nhật: 05/01/2025</p>{text}</div>",
            "",
            (date(2025, 1, 2), "title", date(2025, 1, 5)),
        ),
        (
            "<div>" + TITLE + "{text}</div>",
            '<meta property="article:published_time" content="2023-03-08T18:30:00Z">'
            '<meta property="article:modified_time" content="2024-01-01T00:00:00+07:00">',
            (at(2023, 3, 9, 1, 30), "meta", at(2024, 1, 1)),
        ),
        (
            "<div>" + TITLE + "<div>Thứ năm, 09/03/2023 16:02</div>{text}</div>",
            '<meta property="article:published_time" content="3/9/2023 4:02:00 PM">',
            (at(2023, 3, 9, 16, 2), "title", None),
        ),
        (
            "<div>" + TITLE + "{text}</div>",
            '<script type="application/ld+json">'
            '{"@graph":[{"@type":"NewsArticle","datePublished":"2023-03-09T16:02:00+07:00"}]}</script>',
            (at(2023, 3, 9, 16, 2), "json-ld", None),
        ),
        (
            "<div>" + TITLE + "{text}</div>",
            f'<meta property="article:published_time" content="{CAPTURED.isoformat()}">',
            (None, None, None),
        ),
        ("<div>" + TITLE + "<p>Ngày đăng: 24/11/2026</p>{text}</div>", "", (None, None, None)),
        ("<div>" + TITLE + "<time datetime='2023-03-09'>9/3</time>{text}</div>", "", (date(2023, 3, 9), "time", None)),
    ],
)
def test_where_a_date_counts(
    body: str, head: str, wanted: tuple[dates.Moment | None, str | None, dates.Moment | None]
) -> None:
    assert published(body, head) == wanted


@given(
    st.dates(date(1990, 1, 1), date(2026, 11, 22)),
    st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "ngày %d tháng %m năm %Y", "%Y-%m-%d"]),
)
def test_every_day_is_read_back(day: date, form: str) -> None:
    assert dates.on_line(day.strftime(form)) == day
