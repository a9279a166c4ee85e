"""The benchmark's own arithmetic, against cases worked out by hand."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import extraction
import pytest
import samples
from competitors import REFERENCE, Answer, Extractor, Read
from samples import Page
from scoring import Difference, Match, are_authors, difference, is_title, match, score, surviving

TEXT = "một hai ba bốn năm sáu"  # three runs of four words


def page(name: str = "A_div_00", html: str = "<p>.", **said: str | None) -> Page:
    return Page(name, "http://bao.example/1", html.encode(), TEXT, described=True, **said)  # type: ignore[arg-type]


def saying(answer: Answer) -> Read:
    return lambda page: answer


@pytest.mark.parametrize(
    ("truth", "text", "expected"),
    [
        (TEXT, TEXT, Match(3, 0, 0)),
        (TEXT, "một hai ba bốn", Match(1, 0, 2)),
        (TEXT, f"tin mới {TEXT}", Match(3, 2, 0)),
        (TEXT, "Một, hai: ba - bốn", Match(0, 1, 3)),  # case counts, what stands between words does not
        (TEXT, f"{TEXT} {TEXT}", Match(3, 6, 0)),  # nine runs, of which the truth has three, once each
        ("hai từ", "hai từ", Match(1, 0, 0)),  # shorter than a run
        (TEXT, "", Match(0, 0, 3)),
        ("", TEXT, Match(0, 3, 0)),
        ("", "", Match(0, 0, 0)),
        ("một hai ba bo\u0302\u0301n", "một hai ba bốn", Match(1, 0, 0)),
    ],
)
def test_runs_of_four_words_are_counted(truth: str, text: str, expected: Match) -> None:
    assert match(truth, text) == expected


def test_a_page_has_its_own_f1() -> None:
    assert Match(3, 1, 3).precision == 0.75
    assert Match(3, 1, 3).recall == 0.5
    assert Match(3, 1, 3).f1 == pytest.approx(0.6)
    assert Match(0, 0, 3).f1 == 0.0
    assert Match(0, 0, 0).f1 == 1.0


def test_f1_is_that_of_the_means_and_an_empty_answer_has_no_precision() -> None:
    of_all = score([Match(3, 1, 0), Match(1, 1, 3), Match(0, 0, 4)])
    assert of_all.precision == pytest.approx((0.75 + 0.5) / 2)
    assert of_all.recall == pytest.approx((1 + 0.25 + 0) / 3)
    assert of_all.f1 == pytest.approx(2 * 0.625 * (1.25 / 3) / (0.625 + 1.25 / 3))
    assert score([]) == (0.0, 0.0, 0.0)


def test_the_bootstrap_draws_the_same_pages_for_both() -> None:
    better, worse = [Match(1, 0, 0)] * 20, [Match(1, 1, 1)] * 20
    assert difference(better, worse) == Difference(0.5, 0.5, 0.5)  # no page differs, so no sample does
    mixed = [Match(1, 0, 0)] * 10 + [Match(1, 1, 1)] * 10
    assert difference(mixed, mixed) == Difference(0.0, 0.0, 0.0)  # drawn apart, the samples would differ


def test_the_bootstrap_has_bounds_that_come_again() -> None:
    mixed, worse = [Match(1, 0, 0)] * 10 + [Match(1, 1, 1)] * 10, [Match(1, 1, 1)] * 20
    found = difference(mixed, worse)
    assert found.f1 == pytest.approx(0.25)
    assert 0.1 <= found.low < 0.2 < 0.3 < found.high <= 0.4  # half of the pages, ± 1.96 · √(¼/20), each worth .5
    assert found == difference(mixed, worse)


def test_a_title_is_its_words() -> None:
    assert is_title("Hội nghị: quý 6/2024", "HỘI NGHỊ quý 6/2024 ")
    assert not is_title("Hội nghị", "Hội nghị - Cổng thông tin")
    assert not is_title("Hội nghị", None)


def test_authors_are_names_in_any_order() -> None:
    assert are_authors("Thùy Trang - Minh Trí", ("Minh Trí", "Thùy Trang"))
    assert are_authors("Hồng Duyên, Công Toàn", ("Hồng Duyên và Công Toàn",))
    assert not are_authors("Hồng Duyên, Công Toàn", ("Hồng Duyên",))
    assert not are_authors("CTV", ())


def test_a_phrase_survives_only_where_the_truth_has_it_not() -> None:
    phrases = ["Lượt xem", "TIN LIÊN QUAN"]
    assert surviving(phrases, TEXT, "LƯỢT\u00a0XEM: 5") == ["Lượt xem"]
    assert surviving(phrases, "số lượt xem tăng", "số lượt xem tăng\n\nTin liên quan") == ["TIN LIÊN QUAN"]


def test_the_phrases_are_whole_lines_of_the_list() -> None:
    assert len(extraction.PHRASES) == len(set(extraction.PHRASES)) > 40
    assert all(phrase.strip() == phrase != "" for phrase in extraction.PHRASES)


def test_a_second_fetch_changes_counters_clock_and_state_only() -> None:
    first = (
        '<input id="__VIEWSTATE" value="abcdefghIJ"><i>Thứ bảy, 21/11/2026</i><b>Thứ năm, 09/03/2023 16:02</b>'
        "<p>Lượt xem: <b>99</b></p><p>Tất cả: 12,418,789</p><p>đạt 124,26%</p>"
    )
    assert samples.refetched(page(html=first)).html == (
        '<input id="__VIEWSTATE" value="NewStateIJ"><i>Thứ hai, 23/11/2026</i><b>Thứ năm, 09/03/2023 16:02</b>'
        "<p>Lượt xem: <b>205</b></p><p>Tất cả: 24,837,585</p><p>đạt 124,26%</p>"
    )


def test_pages_are_loaded_with_what_they_say(tmp_path: Path) -> None:
    for folder in ("gold", "pages"):
        (tmp_path / "sim" / folder).mkdir(parents=True)
    said = {"url": "http://a.example/", "title": "T", "text": TEXT, "author": "CTV", "date": None, "lang_vi": True}
    (tmp_path / "sim" / "gold" / "A_table_01.json").write_text(json.dumps(said), "utf-8")
    (tmp_path / "sim" / "pages" / "A_table_01.html.gz").write_bytes(gzip.compress(b"<p>x"))
    (one,) = samples.load("sim", tmp_path)
    assert (one.name, one.layout, one.html, one.author, one.date) == ("A_table_01", "table", "<p>x", "CTV", None)
    assert one.described
    assert one.vietnamese


def broken(_: Sequence[Page]) -> Read:
    raise AttributeError("made for another lxml")


def failing(_: Sequence[Page]) -> Read:
    def read(page: Page) -> Answer:
        raise ValueError("cannot read it")

    return read


def test_who_cannot_be_had_is_absent_and_who_raises_has_no_text() -> None:
    those = [
        Extractor(REFERENCE, lambda _: saying(Answer("một hai ba bốn", "Khác")), "title author date"),
        Extractor("good", lambda _: saying(Answer(TEXT, "Tin", ("CTV",), "2024-01-02")), "title author date"),
        Extractor("broken", broken),
        Extractor("failing", failing, "title"),
    ]
    shown = [
        page("A_div_00", title="Tin", author="CTV", date="2024-01-02"),
        page("A_table_01", title="Tin", author="TTXVN", date=None),
    ]
    results, absent = extraction.measure(those, shown)
    reference, good, bad = extraction.table(results, shown)
    assert absent == {"broken": "AttributeError: made for another lxml"}
    assert reference.against is None
    assert reference.none == 1.0
    assert (good.score.f1, good.title, good.author, good.date, good.none, good.same) == (1.0, 1.0, 0.5, 1.0, 0.0, 1.0)
    assert good.layouts == {"div": 1.0, "table": 1.0}
    assert good.against == Difference(0.5, 0.5, 0.5)  # the reference finds one run of three on both
    assert (bad.score, bad.empty, bad.title, bad.date, bad.same) == ((0.0, 0.0, 0.0), 2, 0.0, None, 0.0)
    assert bad.failures == dict.fromkeys(["A_div_00", "A_table_01"], "ValueError: cannot read it")
    json.dumps(extraction.as_json([reference, good, bad], absent))
    assert "absent: broken (AttributeError" in extraction.printed("sim", shown, [reference, good, bad], absent)
    lines = extraction.worst(bad, reference, 1).splitlines()
    assert lines == [
        "failing: 2 pages more than 0.1 below trafilatura",
        "  -0.500  0.000  0.500  A_div_00",
    ]


def test_a_text_that_changes_with_a_counter_is_not_the_same() -> None:
    raw = Extractor("raw", lambda _: lambda page: Answer(page.html))
    shown = [page(html="<p>Lượt xem: 5"), page("A_div_01", html="<p>không đổi")]
    results, _ = extraction.measure([raw], shown)
    (row,) = extraction.table(results, shown)
    assert row.same == 0.5
    assert list(row.phrases or {}) == ["A_div_00"]


def test_without_the_sample_pages_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(samples, "ROOT", tmp_path / "absent")
    assert extraction.main([]) == 0
    assert "Nothing is measured" in capsys.readouterr().out
