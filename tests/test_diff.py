"""Two versions, word by word."""

import itertools
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import DOCUMENT, filled

from luutru.cli import main
from luutru.comparison import Piece, compare

TEXTS = st.lists(st.sampled_from(["tin ", "mới", "\n\n", "xã ", "\u00a0", ". "])).map("".join).map(str.strip)


@given(TEXTS, TEXTS)
def test_nothing_is_lost_and_nothing_is_added(old: str, new: str) -> None:
    pieces = compare(old, new)
    assert ("".join(one.a for one in pieces), "".join(one.b for one in pieces)) == (old, new)
    assert all((one.a == one.b) == (one.op == "equal") for one in pieces)
    assert all(one.op != other.op for one, other in itertools.pairwise(pieces))


def test_words_that_changed_are_named() -> None:
    assert compare("Đô thị loại II\n\nMột hai ba.", "Đô thị loại I\n\nMột hai ba.") == [
        Piece("equal", "Đô thị loại ", "Đô thị loại "),
        Piece("replace", "II\n\n", "I\n\n"),
        Piece("equal", "Một hai ba.", "Một hai ba."),
    ]


@pytest.mark.parametrize("changed", [0.02, 1.0])
def test_long_texts_take_no_more_than_seconds(changed: float) -> None:
    words = [f"từ{number}" for number in range(800)]
    chance = random.Random(7)
    old = [chance.choice(words) for _ in range(10_000)]
    new = [chance.choice(words) if chance.random() < changed else word for word in old]
    begun = time.process_time()
    assert compare(" ".join(old), " ".join(new))
    assert time.process_time() - begun < 10


def test_the_command_compares_the_last_two_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(filled(tmp_path / "home"))]
    assert main([*home, "diff", DOCUMENT]) == 0
    shown = capsys.readouterr().out
    assert "Đô thị loại [-I-]\n\n{+I (sửa)+}\n\n" in shown
    assert main([*home, "diff", DOCUMENT, "2", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["document"], told["from"], told["to"]) == (DOCUMENT, 2, 1)
    assert "".join(one["b"] for one in told["changes"]).startswith("Đô thị loại I\n\nĐoạn một")


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["thst/t/tin-cu"], 1, "has one text only"),
        ([DOCUMENT, "1", "3"], 1, "has no version 3"),
        ([DOCUMENT, "1"], 2, "name two versions"),
        (["nothing/1"], 1, "no document"),
    ],
)
def test_what_cannot_be_compared_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, reason: str
) -> None:
    assert main(["--home", str(filled(tmp_path / "home")), "diff", *arguments]) == status
    assert reason in capsys.readouterr().err
