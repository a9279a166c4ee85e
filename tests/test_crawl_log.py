"""The log of a crawl says what an administrator looks for, in one file, and no secret."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from homes import Home, Page, Web

from crawler.logs import CRAWL, logged

HOST = "news.test"
SITE = """
SITE = Site(
    key="news",
    name="News",
    hosts=("news.test",),
    seeds=(Listing("http://news.test/"),),
    rules=(Rule(r"news\\.test/a/(?P<id>\\d+)", Kind.ARTICLE, identity="news/{id}"), Rule(r"news\\.test/", Kind.LIST)),
)
"""


def answer(_host: str, path: str) -> Page:
    if path == "/robots.txt":
        return Page(b"User-agent: *\nDisallow: /a/2", headers={"Content-Type": "text/plain"})
    if path == "/":
        return Page(
            b"<html><body>" + b"".join(b"<a href=/a/%d>a</a> " % number for number in (1, 2, 3)) + b"</body></html>"
        )
    return Page(b"busy", status=503) if path == "/a/3" else Page(b"<html><body><h1>One</h1></body></html>")


def logs(home: Home) -> list[Path]:
    return sorted((home.path / "logs" / "news").iterdir())


def test_a_crawl_writes_how_it_began_what_failed_and_how_it_ended(tmp_path: Path) -> None:
    home = Home.of(tmp_path / "home", news=SITE)
    with (home.path / "luutru.toml").open("a") as file:
        file.write(
            'token = "a-long-secret"\nlog_format = "json"\n[settings]\nUSER_AGENT = "http://me:hidden@a.test/"\n'
        )
    with Web(answer) as web:
        ended = home.crawl("news", web.at(HOST), DERIVE="off")
    (path,) = logs(home)
    assert path.name.endswith(f"-{ended['crawl']}.crawl.log")
    text = path.read_text("utf-8")
    assert "a-long-secret" not in text
    assert "hidden" not in text
    told: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert {(one["crawl"], one["site"], one["exception"]) for one in told} == {(ended["crawl"], "news", None)}
    said = [(one["level"], one["message"]) for one in told]
    assert said[0][1].startswith(f"crawl {ended['crawl']} of news begins, connecting {HOST}:80:127.0.0.1:")
    assert "token=********" in said[1][1]
    assert "RETRY_DELAY=0.01" in said[1][1]
    (refused,) = (message for _, message in said if "http://news.test/a/2" in message)
    assert refused.startswith("http://news.test/a/2 is not asked for: ")
    assert ("warning", "http://news.test/a/3 given up after 3 attempts: status 503") in said
    assert ("warning", ended["warnings"][0]) in said
    assert said[-1][1].startswith(f"crawl {ended['crawl']} ended, partial: captures {ended['captures']}, ")


def test_a_text_holds_nothing_that_steers_a_terminal(tmp_path: Path) -> None:
    with logged(tmp_path, "news", "5f3a9c01", "text") as path:
        CRAWL.warning("%s: %s", "http://u:p@x.test/", "busy\x1b[2J\nfaked")
        logging.getLogger("scrapy.core.engine").info("of no interest")
        try:
            raise ValueError("bad \x1b")
        except ValueError:
            logging.getLogger("crawler.spider").exception("it broke")
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].split(" ", 1)[1] == "WARNING crawl: http://********@x.test/: busy�[2J�faked"
    assert lines[1].endswith("ERROR   crawler.spider: it broke")
    assert lines[-1] == "ValueError: bad �"
    CRAWL.warning("after the end")
    assert path.read_text("utf-8").splitlines() == lines


def test_it_is_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.logs._SIZE", 2_000)
    with logged(tmp_path, "news", "5f3a9c01", "json"):
        for number in range(500):
            CRAWL.info("a line of which there are many: %s", number)
    files = list((tmp_path / "logs" / "news").iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 4_000


def test_a_crawl_that_may_not_begin_leaves_no_file(tmp_path: Path) -> None:
    with logged(tmp_path, "news", "5f3a9c01", "json") as path:
        pass
    assert not path.exists()
