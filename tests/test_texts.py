"""The texts of the interface: the same in both languages, all of them used, and none that is used missing."""

import re
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

import luutru
from luutru.pages.words import LANGUAGES, Text, Words, texts

HERE = Path(luutru.__file__).parent
SOURCES = [*HERE.glob("templates/*.html"), *HERE.glob("pages/*.py")]
CALL = re.compile(r"""words(?:\.known)?\(\s*["'](?P<key>[a-z_]+\.[\w-]*)["']\s*(?P<more>~)?""")
LITERAL = re.compile(r"""["'](?P<key>[a-z_]+\.[\w-]+)["']""")

vi, en = (Words(language, ZoneInfo("Asia/Ho_Chi_Minh")) for language in LANGUAGES)


def test_both_files_have_the_same_keys_in_the_same_order() -> None:
    assert list(texts("vi")) == list(texts("en"))


def test_placeholders_are_the_same() -> None:
    different = [key for key in texts("vi") if _placeholders(texts("vi")[key]) != _placeholders(texts("en")[key])]
    assert different == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_and_forms_are_whole(language: str) -> None:
    for key, text in texts(language).items():
        forms = [text] if isinstance(text, str) else list(text.values())
        assert all(one.strip() == one and one for one in forms), key
        assert isinstance(text, str) or set(text) == {"one", "other"}, key


def test_what_is_used_is_there_and_what_is_there_is_used() -> None:
    source = "\n".join(path.read_text("utf-8") for path in SOURCES)
    calls = list(CALL.finditer(source))
    begun = {one["key"] for one in calls if one["more"]} | {"told."}  # which are looked through
    named = {one["key"] for one in calls if not one["more"]}
    known = set(texts("vi"))
    assert named - known == set()
    assert {one for one in begun if not any(key.startswith(one) for key in known)} == set()
    named |= {one["key"] for one in LITERAL.finditer(source)}
    assert {key for key in known - named if not key.startswith(tuple(begun))} == set()


def test_vietnamese_is_written_as_officials_write() -> None:
    told = " ".join(
        one for text in texts("vi").values() for one in ([text] if isinstance(text, str) else text.values())
    )
    assert "!" not in told
    assert "vui lòng" not in told.lower()
    assert "xin lỗi" not in told.lower()


def test_dates_and_figures_are_those_of_the_language() -> None:
    moment = "2025-01-02T01:12:44.318000+00:00"
    assert [one.day("2024-11-14") for one in (vi, en)] == ["14/11/2024", "14 Nov 2024"]
    assert [one.moment(moment) for one in (vi, en)] == ["08:12, 02/01/2025", "2 Jan 2025, 08:12"]
    assert [one.second(moment) for one in (vi, en)] == ["08:12:44, 02/01/2025", "2 Jan 2025, 08:12:44"]
    assert [one.number(48216) for one in (vi, en)] == ["48.216", "48,216"]
    assert [one.decimal(0.97) for one in (vi, en)] == ["0,97", "0.97"]
    assert [one.percent(0.96) for one in (vi, en)] == ["96\u00a0%", "96%"]
    assert [one.percent(0.9999) for one in (vi, en)] == ["99\u00a0%", "99%"]
    assert [one.month("2024-03") for one in (vi, en)] == ["03/2024", "Mar 2024"]
    assert [one.size(41_800_000_000) for one in (vi, en)] == ["41,8\u00a0GB", "41.8\u00a0GB"]


def test_a_moment_is_one_here_and_a_date_stays_as_it_is() -> None:
    assert vi.day("2024-12-31T18:00:00+00:00") == "01/01/2025"
    assert vi.day("2024-12-31") == "31/12/2024"
    assert vi.day("no date") == "no date"


def test_one_is_not_several() -> None:
    assert [en("count.documents", n=number) for number in (0, 1, 2)] == ["0 documents", "1 document", "2 documents"]


def test_what_is_put_into_a_text_is_escaped() -> None:
    assert vi("search.take_away", filter="<b>") == "&lt;b&gt;, bỏ lọc"


def _placeholders(text: Text) -> set[str]:
    forms = [text] if isinstance(text, str) else list(text.values())
    return {name for one in forms for _, name, _, _ in Formatter().parse(one) if name}
