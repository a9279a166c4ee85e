"""Texts of a megabyte that have nothing in common: no answer holds a core for long, and usual ones are as they were."""

import random
from collections.abc import Iterator
from contextlib import closing
from difflib import SequenceMatcher
from itertools import accumulate
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import DOCUMENT, filled
from serving import Served, serving
from sqlalchemy import Connection

from luutru.cli import main
from luutru.comparison import Effort, changes, compare
from luutru.pages.differences import gist, lines
from storage.collection import Collection
from storage.index import tables

MEGABYTE, SECONDS = 1_000_000, 8  # four times of what they take, or more
WORDS = st.lists(st.sampled_from("abcd"), max_size=40)


def text(seed: int, letters: int, *, paragraph: int = 80, vocabulary: int = 3_000, prefix: str = "từ") -> str:
    """Words as they come in texts: a few of them often, most of them hardly ever."""
    chance = random.Random(seed)
    known = [f"{prefix}{number}" for number in range(vocabulary)]
    common = list(accumulate(1 / (number + 3) for number in range(vocabulary)))
    paragraphs = []
    while letters > 0:
        paragraphs.append(" ".join(chance.choices(known, cum_weights=common, k=paragraph)))
        letters -= len(paragraphs[-1])
    return "\n\n".join(paragraphs)


PAIRS = {
    "no word in common": lambda: (text(1, MEGABYTE), text(2, MEGABYTE, prefix="chữ")),
    "the same words": lambda: (text(1, MEGABYTE), text(2, MEGABYTE)),
    "one paragraph": lambda: (text(1, MEGABYTE, paragraph=200_000), text(2, MEGABYTE, paragraph=200_000)),
    "short paragraphs": lambda: (text(1, MEGABYTE, paragraph=3), text(2, MEGABYTE, paragraph=3)),
    "two words": lambda: tuple(text(seed, MEGABYTE, paragraph=4, vocabulary=2) for seed in (1, 2)),
    "letters": lambda: ("a\n\n" * 330_000, "b\n\na\n\n" * 160_000),
    "one word": lambda: (f"x {'1' * MEGABYTE}2", f"y {'1' * MEGABYTE}3"),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_a_megabyte_against_another_takes_a_few_seconds(kind: str) -> None:
    old, new = PAIRS[kind]()
    begun = process_time()
    pieces = compare(old, new)
    assert ("".join(one.a for one in pieces), "".join(one.b for one in pieces)) == (old, new)
    assert lines(("a", old), ("b", new))
    assert gist(old, new)
    assert process_time() - begun < SECONDS


@given(WORDS, WORDS)
def test_a_usual_comparison_is_that_of_difflib(old: list[str], new: list[str]) -> None:
    effort = Effort()
    assert list(changes(old, new, effort)) == SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    assert not effort.was_short


@given(WORDS, WORDS, st.integers(0, 400))
def test_what_is_too_much_is_one_change_and_nothing_is_lost(old: list[str], new: list[str], steps: int) -> None:
    effort = Effort(steps)
    one, other = " ".join(old), " ".join(new)
    pieces = compare(one, other, effort)
    assert ("".join(each.a for each in pieces), "".join(each.b for each in pieces)) == (one, other)
    assert 0 <= effort.steps <= steps
    assert effort.was_short or pieces == compare(one, other)


def test_lines_that_are_too_many_are_told_together() -> None:
    old, new = ("\n\n".join(f"{sign}{number}" for number in range(30)) for sign in "ab")
    effort = Effort(2_000)
    told = lines(("", old), ("", new), effort)
    assert [(one.op, one.pieces[0].a or one.pieces[0].b) for one in told] == [("delete", old), ("insert", new)]
    assert effort.was_short


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A document with twelve versions of 200 kB, only the last three of them alike, and two of a megabyte before."""
    home = filled(tmp_path_factory.mktemp("long") / "home")
    with closing(Collection.open(home)) as collection, collection.index.write() as connection:
        _make_long(connection)
    with serving(home) as served:
        yield served


def _make_long(connection: Connection) -> None:
    row = dict(connection.execute(tables.version.select().where(tables.version.c.id == 1)).mappings().one())
    for number in range(2):
        update = tables.version.update().where(tables.version.c.id == number + 1)
        connection.execute(update.values(text=text(number, MEGABYTE, paragraph=1_000)))
    for number in range(12):
        moment = f"2025-02-{number + 1:02}T00:00:00.000000+00:00"
        values = {"id": 100 + number, "digest": f"{number:064x}", "first_seen": moment, "last_seen": moment}
        words = f"{text(min(number, 9), MEGABYTE // 5)} {number}"
        connection.execute(tables.version.insert(), row | values | {"text": words})


def test_a_page_says_that_it_is_coarse(room: Served) -> None:
    begun = process_time()
    for root, sentence in (("", "không so sánh được hết từng từ."), ("/en", "to compare every word.")):
        assert sentence in room.get(f"{root}/compare/{DOCUMENT}?a=1&b=2").text
        assert sentence not in room.get(f"{root}/compare/{DOCUMENT}?a=13&b=14").text
    assert room.json(f"/compare/{DOCUMENT}.json?a=1&b=2")["coarse"]
    assert room.json(f"/api/v1/diff/{DOCUMENT}?a=1&b=2")["changes"]
    assert process_time() - begun < 3 * SECONDS


def test_the_words_of_the_newest_versions_are_counted(room: Served) -> None:
    begun = process_time()
    counted = [one["added"] is not None for one in room.json(f"/d/{DOCUMENT}.json")["versions"]]
    assert counted == [False] * 12 + [True] * 2
    assert process_time() - begun < SECONDS


def test_the_command_says_so_on_standard_error(room: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(room.home), "diff", DOCUMENT, "1", "2"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith("luutru: too long and too different to compare every word")
    assert main(["--home", str(room.home), "diff", DOCUMENT, "1", "1"]) == 0
    assert capsys.readouterr().err == ""
