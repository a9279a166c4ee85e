"""What crawls and checks say in English is told in Vietnamese, in every form in which the code says it."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crawler
from crawler import drift, expectations
from crawler.expectations import _Bound
from crawler.outcome import Account, warnings
from luutru.pages.told import told
from luutru.pages.words import Words, texts
from storage.model import Outcome

VI = Words("vi", ZoneInfo("Asia/Ho_Chi_Minh"))


def vietnamese(sentence: str) -> str:
    found = told(sentence, VI)
    assert found is not None, sentence
    return str(found)


@pytest.mark.parametrize("number", [1, 7, 12_345])
def test_every_warning_of_a_crawl_has_a_form(number: int) -> None:
    names = tuple(f"https://thst.vn/{at} (timed out)" for at in range(min(number, 9)))
    shifts = [drift._Shift(number, 0.9, 0.1, 0.01)]
    watches = [*drift._nothing([]), *drift._parts(True)]
    changed = [drift._sentence(watch, shift) for watch in watches for shift in shifts]
    changed += [
        f"texts are 2.5 times {how} than before, in the middle of {number} pages" for how in ("longer", "shorter")
    ]
    at_most = {"errors", "duration"}
    bounds = {kind: _Bound(most=1.0) if kind in at_most else _Bound(least=9.0) for kind in expectations._KINDS}
    judged = [expectations._told(kind, 5.0, bound).detail for kind, bound in bounds.items()]
    account = Account(
        unasked=names,
        failed=names,
        lost=names,
        unread=names,
        drift=tuple(changed),
        unexpected=tuple(filter(None, judged)),
        failed_requisites=number,
        silent=number,
        paused=float(number),
        left=number,
    )
    said = [*warnings(account), *warnings(Account()), *warnings(Account(forbidden=number))]
    assert len(said) > 20
    for sentence in said:
        told_so = vietnamese(sentence)
        assert told_so[0] == told_so[0].upper()
        assert " expected" not in told_so
        assert "pages" not in told_so
        last = vietnamese(f"the last crawl was {Outcome.PARTIAL}: {sentence}, and 3 more")
        assert last.startswith("Kết quả đợt thu gần nhất: một phần; ")
        assert last.endswith(", và 3 điều nữa")


def test_what_is_told() -> None:
    assert vietnamese("1,204 captures not read yet, and no crawl runs: the next crawl reads them").startswith(
        "1.204 bản chụp chưa được đọc"
    )
    assert vietnamese("the site has changed: 40 of 50 pages name no date; 4% would be usual") == (
        "Trang nguồn đã thay đổi: 40 trên 50 trang không ghi ngày; thường lệ là 4\u00a0%"
    )
    assert vietnamese("2 pages without an answer: https://a.vn/<b> (timed out)") == (
        '2 trang không trả lời: <span lang="en">https://a.vn/&lt;b&gt; (timed out)</span>'
    )
    assert "<code>luutru verify</code>" in vietnamese(
        "1 file was not verified for more than 45 days: run `luutru verify`"
    )


@pytest.mark.parametrize(
    "sentence", ["paused since " + "a by b: " * 9_000, "no page was captured" + ", and 3 more" * 100, "x" * 100_000]
)
def test_what_is_long_or_deep_stays_as_it_is(sentence: str) -> None:
    assert told(sentence, VI) is None


@given(st.text())
def test_what_has_no_known_form_stays_as_it_is(sentence: str) -> None:
    assert told(f"\x00{sentence}", VI) is None


def test_each_form_is_told_by_itself() -> None:
    for key, text in texts("en").items():
        if key.startswith("told."):
            for form in [text] if isinstance(text, str) else text.values():
                filled = form.format_map(_Values())
                assert vietnamese(filled)


class _Values(dict[str, str]):
    def __missing__(self, name: str) -> str:
        numbers = {"n", "bad", "least", "most", "cut", "days", "free", "need", "times"}
        given = {"said": "no page was captured", "outcome": "failed", "usual": "4%", "share": "50%"}
        return given.get(name, "7" if name in numbers else f"<{name}>")


def test_each_form_is_one_that_the_code_writes() -> None:
    """The end of a part of it that is no value stands in the code."""
    root = Path(crawler.__file__).parent.parent
    files = [path for folder in ("crawler", "schedules", "storage") for path in (root / folder).rglob("*.py")]
    code = "".join(path.read_text("utf-8") for path in files)
    for key, text in texts("en").items():
        if key.startswith("told."):
            for form in [text] if isinstance(text, str) else text.values():
                parts = [part.strip(" ;:`,") for part in re.split(r"\{\w+\}", form)]
                assert any(part[-12:] in code for part in parts if len(part) > 3), key
