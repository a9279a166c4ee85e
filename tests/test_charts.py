"""Pictures of figures: what stands where, and the texts of questions that a chart or a facet leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luutru.comparison import compare
from luutru.pages import asked
from luutru.pages.charts import HEIGHT, Heat, course, sparkline
from luutru.pages.differences import gist, lines, refined
from storage.errors import UsageError
from storage.query import parse

MONTHS = st.integers(1900, 2099).flatmap(lambda year: st.integers(1, 12).map(lambda at: f"{year}-{at:02}"))
COUNTED = st.dictionaries(MONTHS, st.integers(0, 10_000), max_size=40)


@given(COUNTED)
def test_a_course_counts_everything_in_few_periods(months: dict[str, int]) -> None:
    chart = course(months.items())
    if chart is None:
        assert sum(months.values()) == 0
        return
    assert len(chart.periods) <= 12
    assert sum(one.count for one in chart.periods) == sum(months.values())
    assert [one.first for one in chart.periods] == sorted(one.first for one in chart.periods)
    bars = [bar for one in chart.periods for bar in one.bars]
    assert all(
        bar.height > 0 and bar.width > 0 and bar.y >= 0 and bar.y + bar.height == pytest.approx(HEIGHT) for bar in bars
    )
    assert all(one.x <= bar.x and bar.x + bar.width <= one.x + chart.slot for one in chart.periods for bar in one.bars)
    assert max(bar.height for bar in bars) == HEIGHT


def test_months_of_one_year_are_shown_when_there_is_one() -> None:
    chart = course([("2024-03", 2), ("2024-11", 4)])
    assert chart is not None
    assert (chart.year, len(chart.periods), chart.most.first) == ("2024", 12, "2024-11")


def test_years_without_anything_have_a_place() -> None:
    chart = course([("2018-01", 1), ("2021-01", 1)])
    assert chart is not None
    assert [(one.first[:4], one.count) for one in chart.periods] == [("2018", 1), ("2019", 0), ("2020", 0), ("2021", 1)]


def test_the_darkest_cell_is_the_one_with_the_most() -> None:
    heat = Heat.of([("2024-01", 1), ("2024-02", 9), ("2022-05", 3)])
    assert [year for year, _ in heat.years] == ["2024", "2023", "2022"]
    shades = {one.month: one.shade for _, cells in heat.years for one in cells if one.count}
    assert shades == {"2024-01": 2, "2024-02": 4, "2022-05": 3}
    assert Heat.of([]).years == ()


def test_a_sparkline_has_a_bar_for_each_quarter_that_has_something() -> None:
    bars = sparkline([("2024-01", 1), ("2024-12", 2)], "2023-11", "2024-12")
    assert [(bar.x, bar.height) for bar in bars] == [(7.0, 20.0), (25.0, 40.0)]


@given(st.one_of(st.text(max_size=80), st.text(st.sampled_from('section:" a”-*'), max_size=30).map("section:".__add__)))
def test_a_question_that_is_written_asks_the_same(text: str) -> None:
    try:
        query = parse(text)
    except UsageError:
        return
    assert parse(asked.written(query)) == query


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("kênh  'rạch' -sạt chỉnh*", "kênh rạch chỉnh* -sạt"),
        ('section:"Thông báo" site:thst', 'section:"Thông báo" site:thst'),
        ("after:2024-01-01 before:2024-12-31", "after:2024 before:2024"),
        ("after:2024-03 before:2024-02-29 -site:thst", "after:2024-03 before:2024-02 -site:thst"),
    ],
)
def test_a_question_is_written_as_a_person_would(text: str, written: str) -> None:
    assert asked.written(parse(text)) == written


def test_a_period_takes_the_place_of_another_time() -> None:
    query = parse("kênh after:2020 before:2021-06 site:thst")
    assert asked.within(query, "2024-02", "2024-02") == "kênh site:thst after:2024-02 before:2024-02"
    assert asked.year_of(parse("after:2024-03 before:2024-05")) == "2024"
    assert asked.year_of(query) is None


@given(st.text(alphabet="abc .,\n", max_size=60), st.text(alphabet="abc .,\n", max_size=60))
def test_what_changed_is_narrowed_and_nothing_is_lost(old: str, new: str) -> None:
    pieces = refined(compare(old, new))
    assert "".join(one.a for one in pieces) == old
    assert "".join(one.b for one in pieces) == new


def test_a_change_begins_where_the_words_differ() -> None:
    (same, changed) = gist("Đội ghe Ngo tập luyện", "Đội ghe Ngo tập luyện, chờ ngày hội")
    assert (same.b, changed.a, changed.b) == ("Đội ghe Ngo tập luyện", "", ", chờ ngày hội")
    assert gist("giống", "giống") == ()


def test_paragraphs_stand_beside_those_that_they_became() -> None:
    old = ("Tiêu đề", "Mở đầu.\n\nĐoạn kênh dài 1,8 km và sâu hơn.\n\nBỏ đi cả đoạn này.\n\nKết.")
    new = ("Tiêu đề mới", "Mở đầu.\n\nMột đoạn khác hẳn, thêm vào.\n\nĐoạn kênh dài 2,1 km và sâu hơn.\n\nKết.")
    told = [(one.op, one.number) for one in lines(old, new)]
    assert told == [("replace", 0), ("equal", 1), ("insert", 2), ("replace", 3), ("delete", 3), ("equal", 4)]


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("là 4,2 tỷ đồng", "là 4,8 tỷ đồng", ("4,2", "4,8")),
        ("trong quý II năm sau, sau khi", "trong tháng 3/2025, sau khi", ("quý II năm sau", "tháng 3/2025")),
        ("ngày 3/2025.", "ngày 4/2025.", ("3/2025", "4/2025")),
        ("chợ", "(chợ)", ("chợ", "(chợ)")),
    ],
)
def test_words_and_figures_are_changed_whole(old: str, new: str, changed: tuple[str, str]) -> None:
    pieces = [one for one in refined(compare(old, new)) if one.op != "equal"]
    assert (pieces[0].a, pieces[-1].b) == changed
