"""Killed again and again, at random instants: nothing is lost, nothing is done twice. `benchmarks/kill.py` goes on."""

import random
from pathlib import Path

from kill import Killing, NewsSite, check, make_home

KILLS = 12


def test_a_crawl_that_is_killed_a_dozen_times(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", deriving=1)
    with NewsSite(120) as site:  # more than are answered before the last kill
        killing = Killing(home, site, random.Random(20261127))
        killing.run(KILLS)
        assert killing.kills.total() == KILLS
        assert [*killing.problems, *check(home, site)] == []
