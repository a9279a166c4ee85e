"""Which selectors and anchors of a layout match on a page, and what `luutru sites check` says of a site."""

import json
from pathlib import Path
from typing import Any

import pytest
from homes import Home, Page, Web
from test_drift_crawl import HOST, SITE, Site, luutru

from crawler.extraction.matching import Expression, expressions, matching
from crawler.sites import Layout
from luutru.cli import main
from storage.config import make

LAYOUT = Layout(
    "a",
    title=("h1.a", "h1"),
    container=("div.text", "div.none"),
    remove=("ul.never",),
    starts=(r"Ngày .*",),
    ends=(r"TIN LIÊN QUAN", r"Tags\s*:.*"),
    drop=(r"Lượt xem: \d+",),
)
PAGE = "<body><h1>Bài</h1><p>Ngày 1</p><div class=text><p>Đoạn</p><p>Lượt xem: 3</p></div><p>TIN  LIÊN QUAN</p></body>"


def test_each_selector_and_anchor_is_looked_for_by_itself() -> None:
    found = matching(PAGE.encode(), "text/html; charset=utf-8", "http://a.test/", LAYOUT)
    assert found == {
        Expression("title", "h1"),
        Expression("container", "div.text"),
        Expression("starts", r"Ngày .*"),
        Expression("ends", r"TIN LIÊN QUAN"),
        Expression("drop", r"Lượt xem: \d+"),
    }
    assert found < set(expressions(LAYOUT))
    assert len(expressions(LAYOUT)) == 9


@pytest.mark.parametrize("payload", [b"", b"\x00\x01", b"<html></html>"])
def test_nothing_matches_on_what_is_no_page(payload: bytes) -> None:
    assert matching(payload, "text/html", "http://a.test/", LAYOUT) == frozenset()


def test_the_shares_and_what_matched_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = (
        'Layout("old", title=("h1.name", "h2"), container=("div.body",), authors=("p.nobody",), tags=("a.tag",), '
        'remove=("ul.never",), published=("p.day",)),'
        'Layout("gone", valid_until=__import__("datetime").date(2020, 1, 1), container=("div.ancient",)),'
    )
    home = Home.of(tmp_path / "home", news=SITE % layout)
    with Web(Site().answer) as web:
        home.crawl("news", web.at(HOST))
    for words in (["sites", "check"], ["sites", "check", "news"]):
        status, (told,) = luutru(home, *words)
        assert status == 1
        assert (told["site"], told["captures"], told["title"], told["text"]) == ("news", 25, 1.0, 1.0)
        assert (told["date"], told["reasons"]) == (1.0, [])
        old, gone = told["layouts"]
        pages = {(one["part"], one["expression"]): one["pages"] for one in old["matched"]}
        assert pages["title", "h1.name"] == pages["container", "div.body"] == 25
        assert pages["title", "h2"] == pages["remove", "ul.never"] == pages["authors", "p.nobody"] == 0
        assert (gone["layout"], gone["captures"]) == ("gone", 0)
        assert told["problems"] == [
            "layout old: nothing of its authors matched on any of 25 pages",
            "layout old: nothing of its tags matched on any of 25 pages",
        ]
    assert main(["sites", "check", "--home", str(home.path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "news: 25 captures read"
    assert "    nothing  authors: p.nobody" in lines
    assert lines[-1] == "  wrong       layout old: nothing of its tags matched on any of 25 pages"


def test_an_address_without_a_definition(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home")
    with Web(Site().answer) as web:
        home.crawl("http://news.test/", web.at(HOST))
    status, (told,) = luutru(home, "sites", "check", "http://news.test/")
    assert (status, told["site"], told["captures"], told["layouts"]) == (0, "news.test", 25, [])


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 1, "nothing to check: no site was captured yet; run `luutru crawl SITE`"),
        (["thst"], 1, "nothing to check: no article of thst was captured; run `luutru crawl thst`"),
        (["thts"], 2, "unknown site 'thts': did you mean thst?"),
    ],
)
def test_without_captures_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    make(tmp_path / "home")
    assert main(["sites", "check", *words, "--home", str(tmp_path / "home")]) == status
    assert said in capsys.readouterr().err


def test_runs_show_lists_what_was_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site()

    def answer(host: str, path: str) -> Page:
        return Page(status=500) if path in ("/a/3", "/a/7") else site.answer(host, path)

    home = Home.of(tmp_path / "home", news=SITE % "")
    with Web(answer) as web:
        told: Any = home.crawl("news", web.at(HOST), RETRY_TIMES=1)
    assert told["outcome"] == "partial"
    assert main(["runs", "show", told["crawl"], "--home", str(home.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines if line.startswith("  given up")] == [
        "http://news.test/a/3",
        "http://news.test/a/7",
    ]
    assert main(["runs", "show", told["crawl"], "--json", "--home", str(home.path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: shown[name] for name in told} == told
    _, (answered,) = luutru(home, "health")
    assert [one["kind"] for one in answered["problems"]] == ["crawl", "given up"]
