import sqlite3
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.folding import INVISIBLE, JOINED, accented, fold, pairs, spell, strokeless

LETTERS = "aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ"
vietnamese = st.text(alphabet=LETTERS + LETTERS.upper() + " .,\n\u00a0" + INVISIBLE)
anything = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from(LETTERS + INVISIBLE + "\u0301\u0323\u0305\u3099 ")
    )
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Đô thị loại I", "Do thi loai I"),
        ("ưỡn ẹo, ẶC", "uon eo, AC"),
        ("Ðảng bộ", "Dang bo"),  # eth, as legacy fonts leave it
        ("Sóc\u200bTrăng\ufeff", "SocTrang"),
        ("thành\u00a0phố", "thanh pho"),
        ("東京 Москва", "東京 Москва"),
    ],
)
def test_folding_leaves_the_letters(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hóa", "hoá"),
        ("ủy", "uỷ"),
        ("thúy", "thuý"),
        ("HÒE", "HOÈ"),
        ("Hòa", "Hoà"),
        ("hòan", "hoàn"),
        ("khủyu", "khuỷu"),
    ],
)
def test_both_placements_of_a_tone_are_one_spelling(old: str, new: str) -> None:
    assert spell(old) == spell(new) == new
    assert spell(unicodedata.normalize("NFD", old)) == new
    assert fold(old) == fold(new)


@pytest.mark.parametrize(
    ("one", "other"), [("của", "cua"), ("đô", "đo"), ("hóa", "hòa"), ("quý", "quỳ"), ("mía", "mìa")]
)
def test_spelling_keeps_words_apart(one: str, other: str) -> None:
    assert spell(one) != spell(other)


def test_accented_is_what_has_diacritics() -> None:
    assert [accented(word) for word in ("đô", "thị", "nam", "2025", "Москва")] == [True, True, False, False, False]


@given(vietnamese)
def test_composed_and_decomposed_are_equal(text: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert fold(composed) == fold(decomposed)
    assert spell(spell(composed)) == spell(composed)


@given(st.text(alphabet=LETTERS + " "))
def test_spelling_of_decomposed_text_is_that_of_composed_text(text: str) -> None:
    assert spell(unicodedata.normalize("NFD", text)) == spell(text)


@given(anything)
def test_words_keep_their_number_and_order(text: str) -> None:
    for remove, respell in ((2, strokeless), (2, fold), (0, spell)):
        original, fed = words(text, remove), words(respell(text), remove)
        assert len(fed) == len(original)
        assert [fold(word) for word in fed] == [fold(word) for word in words(text, remove)]


@given(vietnamese)
def test_pairs_are_of_the_words_that_follow_each_other(text: str) -> None:
    read = [word for word in words(strokeless(text), 2) if word.strip(INVISIBLE)]
    assert words(pairs(strokeless(text)), 2, JOINED) == [f"{one}{JOINED}{two}" for one, two in pairwise(read)]


@given(anything)
def test_no_two_words_are_without_their_pair(text: str) -> None:
    read = words(strokeless(text), 2)
    expected = {f"{one}{JOINED}{two}" for one, two in pairwise(read) if one.isalnum() and two.isalnum()}
    assert expected <= set(words(pairs(strokeless(text)), 2, JOINED))


def words(text: str, remove: int, joined: str = "") -> list[str]:
    """What the tokenizer of the full text reads."""
    database = sqlite3.connect(":memory:")
    tokenize = f"unicode61 remove_diacritics {remove} tokenchars '{INVISIBLE}{joined}'"
    database.execute(f'CREATE VIRTUAL TABLE t USING fts5(body, tokenize="{tokenize}")')
    database.execute("CREATE VIRTUAL TABLE w USING fts5vocab(t, instance)")
    database.execute("INSERT INTO t(body) VALUES (?)", (text,))
    found = [term for (term,) in database.execute('SELECT term FROM w ORDER BY "offset"')]
    database.close()
    return found
