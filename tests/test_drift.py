"""Alarm when a site has changed, silence while it varies as it always did."""

import random
from collections.abc import Callable
from dataclasses import replace
from math import exp

import pytest

from crawler.drift import WINDOW, judge
from storage.model import Fact

SEEDS = range(25)
Change = Callable[[Fact], Fact]


class Simulated:
    """A site of some sections; pages of one section come in runs, and have their own rates."""

    def __init__(self, seed: int, sections: int = 4, signed: tuple[float, ...] = (0.95, 0.9, 0.8)) -> None:
        self.random = random.Random(seed)
        self.sections = [(self.random.choice(signed), self.random.gauss(7.5, 0.2)) for _ in range(sections)]
        self.made = 0

    def page(self, signed: float, length: float) -> Fact:
        self.made += 1
        chance = self.random.random
        if chance() < 0.03:
            return Fact(reason=self.random.choice(["list", "no text", "error page"]))
        return Fact(
            method="layout:a" if chance() < 0.98 else "generic",
            characters=1 + int(exp(self.random.gauss(length, 0.6))),
            dated=chance() < 0.97,
            signed=chance() < signed,
            title=f"Bài {self.made}",
            document=self.made,
        )

    def pages(self, number: int) -> list[Fact]:
        made: list[Fact] = []
        while len(made) < number:
            section = self.random.choice(self.sections)
            made += [self.page(*section) for _ in range(self.random.choice([1, 2, 5, 15]))]
        return made[:number]

    def again(self, pages: list[Fact]) -> list[Fact]:
        """The same addresses captured once more; a few have changed in the meantime."""
        return [replace(self.page(0.9, 7.5) if self.random.random() < 0.03 else one, before=one) for one in pages]


def kinds(newest: list[Fact], known: list[Fact], lasting: tuple[Fact, ...] = (), *, layouts: bool = True) -> set[str]:
    return {one.kind for one in judge(newest, known, lasting, layouts=layouts)}


@pytest.mark.parametrize(("known", "newest"), [(0, 24), (0, 300), (40, 24), (60, 20), (150, 40), (500, 24), (500, 500)])
def test_what_varies_as_it_always_did_is_no_alarm(known: int, newest: int) -> None:
    for seed in SEEDS:
        site = Simulated(seed)
        before = site.pages(known)
        pages = site.pages(newest)
        assert kinds(pages, before) == set(), seed
        assert kinds(site.again(pages), before) == set(), seed
        mixed = site.again(before[: newest // 2]) + site.pages(newest - newest // 2)
        assert kinds(mixed, before) == set(), seed


def test_sections_that_differ_are_the_sites_own_range() -> None:
    for seed in SEEDS:
        site = Simulated(seed, sections=3, signed=(0.95, 0.5, 0.0))
        before = site.pages(500)
        assert kinds(site.pages(60), before) == set(), seed


@pytest.mark.parametrize("known", [0, 500])
def test_a_few_odd_pages_are_no_alarm(known: int) -> None:
    for seed in SEEDS:
        site = Simulated(seed)
        before = site.pages(known)
        odd = [Fact(reason="error page")] * 5
        assert kinds(odd, before) == set()
        assert kinds([replace(one, before=site.page(0.9, 7.5)) for one in odd], before) == set()
        assert "error page" not in kinds(odd + site.pages(40), before)


def lost_container(one: Fact) -> Fact:
    return replace(one, method="generic") if one.method else one


def lost_date(one: Fact) -> Fact:
    return replace(one, dated=False)


def lost_author(one: Fact) -> Fact:
    return replace(one, signed=False)


def lost_title(one: Fact) -> Fact:
    return replace(one, title="Trang chủ") if one.title else one


def shorter(one: Fact) -> Fact:
    return replace(one, characters=1 + one.characters // 8) if one.characters else one


def longer(one: Fact) -> Fact:
    return replace(one, characters=one.characters * 8) if one.characters else one


def gives(reason: str) -> Change:
    return lambda one: Fact(reason=reason, document=None)


def half_gives(reason: str) -> Change:
    return lambda one: Fact(reason=reason) if one.document is None or one.document % 2 else one


CHANGES: list[tuple[Change, str]] = [
    (lost_container, "container"),
    (lost_date, "date"),
    (lost_author, "author"),
    (lost_title, "title"),
    (shorter, "length"),
    (longer, "length"),
    (gives("list"), "list"),
    (gives("error page"), "error page"),
    (gives("no title"), "title"),
    (gives("no text"), "text"),
    (half_gives("error page"), "error page"),
]


@pytest.mark.parametrize(("change", "kind"), CHANGES)
def test_a_change_on_new_pages_is_told(change: Change, kind: str) -> None:
    for seed in SEEDS:
        site = Simulated(seed)
        before = site.pages(500)
        assert kinds([change(one) for one in site.pages(80)], before) == {kind}, seed


@pytest.mark.parametrize(("change", "kind"), CHANGES)
def test_a_change_on_known_pages_is_told_without_other_history(change: Change, kind: str) -> None:
    for seed in SEEDS:
        pages = [one for one in Simulated(seed).pages(60) if one.reason is None][:WINDOW]
        assert kinds([replace(change(one), before=one) for one in pages], []) == {kind}, seed


def test_a_site_on_which_nothing_is_found_is_told_after_twenty_pages() -> None:
    for seed in SEEDS:
        before = Simulated(seed).pages(40)
        assert kinds([Fact(reason="no text")] * 19, before) == set()
        assert kinds([Fact(reason="no text")] * 20, before) == {"text"}
        assert kinds([Fact(reason=("list", "no text")[n % 2]) for n in range(24)], before) <= {"list", "text"} != set()


def test_a_change_in_the_middle_of_a_long_crawl_is_told() -> None:
    for seed in SEEDS:
        site = Simulated(seed)
        before = site.pages(500)
        assert kinds(site.pages(440) + [lost_date(one) for one in site.pages(60)], before) == {"date"}, seed


def test_without_layouts_only_a_memory_loses_its_container() -> None:
    site = Simulated(1)
    before, after = site.pages(200), [lost_container(one) for one in site.pages(50)]
    assert kinds(after, before, layouts=True) == {"container"}
    assert kinds(after, before, layouts=False) == set()
    learned = [replace(one, method="memory") if one.method else one for one in before]
    assert kinds(after, learned, layouts=False) == {"container"}
    assert kinds([replace(one, method="memory") for one in after if one.method], learned, layouts=False) == set()


def test_dates_that_stay_away_are_the_new_range_and_texts_that_do_are_not() -> None:
    site = Simulated(2)
    before = site.pages(300)
    undated = [lost_date(one) for one in site.pages(500)]
    nothing = [Fact(reason="no text")] * 500
    newest = [replace(lost_date(one), before=one) for one in site.pages(50)]
    assert kinds(newest, before, tuple(undated[:499])) == {"date"}
    assert kinds(newest, before, tuple(undated)) == set()
    assert kinds(nothing[:50], before, tuple(nothing)) == {"text"}


def test_the_sentence_says_what_how_many_and_what_would_be_usual() -> None:
    known = [Fact(method="generic", characters=1000, dated=n % 10 > 0, title=f"{n}", document=n) for n in range(100)]
    newest = [Fact(method="generic", characters=1000, title=f"{n}", document=n) for n in range(100, 130)]
    (told,) = judge(newest, known, layouts=False)
    assert (told.kind, told.detail) == ("date", "30 of 30 pages name no date; 10% would be usual")
