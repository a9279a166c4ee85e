"""A site is redesigned between two crawls: the crawl says so, `luutru health` too, and the texts stay as they were."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from homes import SITE_FILE, Home, Page, Web

HOST = "news.test"
NUMBER = 25
SITE = """
SITE = Site(
    key="news",
    name="News",
    hosts=("news.test",),
    seeds=(Listing("http://news.test/"),),
    rules=(Rule(r"news\\.test/a/(?P<id>\\d+)", Kind.ARTICLE, identity="news/{id}"), Rule(r"news\\.test/", Kind.LIST)),
    layouts=(%s),
)
"""
OLD = 'Layout("old", title=("h1.name",), container=("div.body",), published=("p.day",), authors=("p.by",)),'
NEW = 'Layout("new", title=("h1",), container=("section.story",), published=("p.day",), authors=("p.by",)),'


def text(number: int) -> str:
    sentence = f"Hội đồng nhân dân phường {number} họp kỳ thứ {number * 7} và thông qua nghị quyết số {number * 13}."
    return "".join(f"<p>{sentence} Đây là đoạn thứ {n} của bài.</p>" for n in range(1, 5))


def old(number: int) -> str:
    return (
        f'<h1 class="name">Bài số {number} của hội đồng</h1><p class="day">02/01/2025 07:3{number % 10}</p>'
        f'<div class="body">{text(number)}</div><p class="by">Nguyễn Văn An</p>'
    )


def new(number: int) -> str:
    return (
        f'<h1>Bài số {number} của hội đồng</h1><p class="day">02/01/2025 07:3{number % 10}</p>'
        f'<section class="story">{text(number)}</section><p class="by">Nguyễn Văn An</p>'
    )


def listed(number: int) -> str:
    return "".join(f'<p><a href="/a/{n}">Bài số {n} của hội đồng nhân dân</a></p>' for n in range(1, NUMBER + 1))


class Site:
    """What the server shows; the same text in whichever design."""

    def __init__(self) -> None:
        self.design = old

    def answer(self, _host: str, path: str) -> Page:
        if path == "/robots.txt":
            return Page(status=404)
        body = listed(0) if path == "/" else self.design(int(path.rpartition("/")[2]))
        page = f"<html><head><meta charset=utf-8><title>Tin</title></head><body>{body}</body></html>"
        return Page(page.encode())


def luutru(home: Home, *words: str) -> tuple[int, list[Any]]:
    command = [sys.executable, "-m", "luutru", "--home", str(home.path), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def health(home: Home) -> tuple[int, list[tuple[str, str]]]:
    status, (answer,) = luutru(home, "health")
    assert answer["ok"] is (status == 0) is (not answer["problems"])
    return status, [(one["kind"], one["detail"]) for one in answer["problems"]]


def define(home: Home, layouts: str) -> None:
    (home.path / "spiders" / "news.py").write_text(SITE_FILE + SITE % layouts)


def test_a_redesign_is_told_until_the_site_is_defined_anew(tmp_path: Path) -> None:
    home, site = Home.of(tmp_path / "home", news=SITE % OLD), Site()
    with Web(site.answer) as web:
        first = home.crawl("news", web.at(HOST))
        assert (first["outcome"], first["documents_new"], first["warnings"]) == ("completed", NUMBER, [])
        assert health(home) == (0, [])
        site.design = new
        second = home.crawl("news", web.at(HOST), full=True)
        third = home.crawl("news", web.at(HOST), full=True)
        alarm = health(home)
        define(home, NEW)
        fourth = home.crawl("news", web.at(HOST), full=True)
        assert (fourth["outcome"], fourth["warnings"]) == ("completed", [])
        assert health(home) == (0, [])
    for again in (second, third):
        assert again["outcome"] == "partial"
        assert again["documents_unchanged"] == NUMBER, again
        warning = again["warnings"][0]
        assert warning.startswith(
            f"the site has changed: {NUMBER} of {NUMBER} pages are read without the site's layout"
        )
    assert alarm == (1, [("drift", warning) for warning in sorted(third["warnings"])])
    assert home.rows("SELECT count(*) AS n FROM version") == [{"n": NUMBER}]
    _, (told,) = luutru(home, "sites", "check", "news")
    assert told["layouts"][0]["layout"] == "new"


@pytest.mark.parametrize(
    ("design", "said"), [(listed, "look like lists"), (lambda _: "<h1>404 not found</h1>", "error")]
)
def test_pages_that_give_nothing_are_told(tmp_path: Path, design: Any, said: str) -> None:
    home, site = Home.of(tmp_path / "home", news=SITE % ""), Site()
    with Web(site.answer) as web:
        home.crawl("news", web.at(HOST))
        site.design = design
        told = home.crawl("news", web.at(HOST), full=True)
    assert told["outcome"] == "partial"
    assert [warning for warning in told["warnings"] if said in warning] == told["warnings"] != []
    status, problems = health(home)
    assert status == 1
    assert [kind for kind, _ in problems] == ["drift"]
