"""Shingles, similarity and bands: pure, and the same for ever."""

import random
from hashlib import sha256

import pytest

from storage.shingles import BANDS, NEAR, ROWS, RULE, SHORTEST, may_be_near, shingles, similarity, sketch, words

TEXT = "Ủy ban nhân dân tỉnh Sóc Trăng họp ngày 22/11/2026 bàn về đô thị loại I. " + " ".join(
    f"Xã thứ {number} xây {number * 3} cây cầu." for number in range(8)
)


def test_case_diacritics_tone_placement_and_punctuation_do_not_count_and_digits_do() -> None:
    assert words("Hòa Bình: ĐÔ THỊ loại 1.500!") == ["hoa", "binh", "do", "thi", "loai", "1", "500"]
    assert words("hoà bình") == words("HÒA BÌNH") == words("ho\u0300a bi\u0300nh") == words("hòa\u00a0bìn\u200bh")
    assert words("ngày 1") != words("ngày 2")


def test_shingles_are_each_three_words_that_follow_each_other() -> None:
    assert shingles(["a", "b", "c", "d", "b", "c", "d"]) == {"a b c", "b c d", "c d b", "d b c"}
    assert shingles(["a", "b"]) == frozenset()


def test_similarity_is_rounded_down() -> None:
    assert similarity(frozenset("abc"), frozenset("abc")) == 1000
    assert similarity(frozenset("abc"), frozenset("ab")) == 666
    assert similarity(frozenset(map(str, range(10_000))), frozenset(map(str, range(9_999)))) == 999
    assert similarity(frozenset(), frozenset()) == 0


def test_the_numbers_of_bands_never_change_under_one_rule() -> None:
    """Rows of the index are compared with rows that are years younger: what changes these needs another RULE."""
    found = sketch(shingles(words(TEXT))).bands
    assert RULE == "1/24x3"
    assert found[:3] == (74731617824324, 223602019025381, 265343224564748)
    assert (
        sha256(repr(found).encode()).hexdigest() == "1adab463e3fe7fc688ebd9d415bbde85571d5ae72a6d881944e79efb62915dd8"
    )


def test_short_texts_have_no_bands() -> None:
    made = [str(number) for number in range(SHORTEST)]
    assert sketch(frozenset(made[1:])).bands == ()
    assert len(set(sketch(frozenset(made)).bands)) == BANDS


def test_the_parameters_miss_a_pair_at_the_threshold_less_than_once_in_a_thousand() -> None:
    assert (1 - (NEAR / 1000) ** ROWS) ** BANDS < 1 / 1000


@pytest.mark.parametrize("common", [39, 130, 325])
def test_bands_are_equal_as_often_as_was_computed(common: int) -> None:
    """Of pairs at exactly .65, as many bands are equal as there should be, and hardly a pair shares none."""
    chance = random.Random(common)
    pairs, equal, missed, denied = 400, 0, 0, 0
    for _ in range(pairs):
        made = [f"{chance.getrandbits(64)}" for _ in range(common * 100 // 65)]
        one = frozenset(made[:common] + made[common::2])
        other = frozenset(made[:common] + made[common + 1 :: 2])
        assert similarity(one, other) == NEAR
        ours, theirs = sketch(one), sketch(other)
        shared = len(set(ours.bands) & set(theirs.bands))
        denied += not may_be_near(ours.marks, theirs.marks)
        equal += shared
        missed += not shared
    assert equal / pairs / BANDS == pytest.approx((NEAR / 1000) ** ROWS, abs=0.02)
    assert missed <= 3
    assert denied == 0


def test_marks_tell_that_texts_are_strange() -> None:
    chance = random.Random(1)
    few = [sketch(frozenset(f"{chance.getrandbits(64)}" for _ in range(300))).marks for _ in range(40)]
    assert not any(may_be_near(one, other) for one in few for other in few if one is not other)
    assert all(may_be_near(one, one) for one in few)
