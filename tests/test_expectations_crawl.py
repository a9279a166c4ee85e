"""Crawls that look like success and are none are partial and say why, as does `luutru health`; good ones are not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homes import Home, Page, Web

HOST = "news.test"
NEW = 30  # articles that each crawl finds
SITE = """
SITE = Site(
    key="news",
    name="News",
    hosts=("news.test",),
    seeds=(Listing("http://news.test/"),),
    rules=(Rule(r"news\\.test/a/(?P<id>\\d+)", Kind.ARTICLE, identity="news/{id}"), Rule(r"news\\.test/", Kind.LIST)),
    layouts=(Layout("plain", title=("h1",), container=("div.body",), published=("p.day",)),),
)
"""


def dated(number: int) -> str:
    sentence = f"Hội đồng nhân dân phường {number} họp kỳ thứ {number * 7} và thông qua nghị quyết số {number * 13}."
    text = "".join(f"<p>{sentence} Đây là đoạn thứ {n} của bài.</p>" for n in range(1, 5))
    day = f'<p class="day">0{number % 9 + 1}/01/2025 07:30</p>'
    return f'<h1>Bài số {number} của hội đồng</h1>{day}<div class="body">{text}</div>'


def undated(number: int) -> str:
    return dated(number).replace("day", "x").replace("/01/2025 07:30", "")


def error_page(_number: int) -> str:
    return "<h1>404 not found</h1><p>The page you asked for is not here.</p>"


class News:
    """A home page that names other articles each time that it is turned."""

    def __init__(self, design: Callable[[int], str] = dated) -> None:
        self.design = design
        self.first, self.named = 1, NEW

    def turn(self, named: int = NEW) -> None:
        self.first, self.named = self.first + self.named, named

    def answer(self, _host: str, path: str) -> Page:
        if path == "/robots.txt":
            return Page(status=404)
        if path == "/":
            numbers = range(self.first, self.first + self.named)
            body = "".join(f'<p><a href="/a/{n}">Bài số {n} của hội đồng nhân dân</a></p>' for n in numbers)
        else:
            body = self.design(int(path.rpartition("/")[2]))
        page = f"<html><head><meta charset=utf-8><title>Tin</title></head><body>{body}</body></html>"
        return Page(page.encode())


def luutru(home: Home, *words: str) -> tuple[int, list[Any]]:
    command = [sys.executable, "-m", "luutru", "--home", str(home.path), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def expected(home: Home, crawl: str) -> dict[str, Any]:
    """What the row of a crawl says, by kind."""
    ((row),) = home.rows("SELECT expected FROM crawls WHERE crawl = ?", crawl)
    return {one["kind"]: one for one in json.loads(row["expected"] or "[]")}


@pytest.mark.parametrize(
    ("design", "kind", "said"),
    [
        (error_page, "documents", "no article of the site is known, though its definition tells which addresses are"),
        (undated, "date", "0% of the articles name a date; at least 25% expected"),
    ],
)
def test_a_first_crawl_that_gives_nothing_is_partial(
    tmp_path: Path, design: Callable[[int], str], kind: str, said: str
) -> None:
    home = Home.of(tmp_path / "home", news=SITE)
    with Web(News(design).answer) as web:
        told = home.crawl("news", web.at(HOST))  # which asserts exit status 1 for what is not completed
    assert told["outcome"] == "partial"
    assert [one for one in told["warnings"] if one.startswith(f"not as expected: {said}")]
    assert expected(home, told["crawl"])[kind]["origin"] == "definition"
    status, (health,) = luutru(home, "health")
    assert status == 1
    assert "expectations" in [one["kind"] for one in health["problems"]]


def test_a_site_that_shrinks_is_told_and_one_that_does_not_is_left_alone(tmp_path: Path) -> None:
    home, site = Home.of(tmp_path / "home", news=SITE), News()
    with Web(site.answer) as web:
        for _ in range(5):
            told = home.crawl("news", web.at(HOST))
            assert (told["outcome"], told["warnings"]) == ("completed", [])
            site.turn()
            home.put_back_crawls(1)  # a small crawl that follows another sooner than usual is no wonder
        untaught = home.crawl("news", web.at(HOST), DERIVE="off")
        assert expected(home, untaught["crawl"]) == {}
        home.put_back_crawls(1)
        site.turn(NEW // 10)
        shrunk = home.crawl("news", web.at(HOST))
        assert shrunk["outcome"] == "partial"
        (warning,) = shrunk["warnings"]
        least = expected(home, shrunk["crawl"])["captures"]["least"]
        assert warning == f"not as expected: {shrunk['captures']} captures; at least {least:.0f} expected"
        status, (health,) = luutru(home, "health")
        problems = [(one["kind"], one["detail"]) for one in health["problems"]]
        assert (status, problems) == (1, [("expectations", warning)])
        before = home.rows("SELECT id, expected, outcome FROM crawl ORDER BY id")
        anew = Home(tmp_path / "anew")
        shutil.copytree(home.path, anew.path)
        assert luutru(anew, "reindex")[0] == 0
        assert anew.rows("SELECT id, expected, outcome FROM crawl ORDER BY id") == before
        with (home.path / "luutru.toml").open("a") as file:
            file.write("\n[expect.news]\ncaptures = 3\n")
        home.put_back_crawls(1)
        site.turn(NEW // 10)
        assert home.crawl("news", web.at(HOST))["outcome"] == "completed"
        status, (health,) = luutru(home, "health")
        assert (status, health["problems"]) == (0, [])
        _, (shown,) = luutru(home, "sites", "show", "news", "--expectations")
        captures = next(one for one in shown["expectations"] if one["kind"] == "captures")
        assert (shown["crawls"], captures["least"], captures["origin"]) == (7, 3.0, "set")
