"""How well a site was read is told week by week, and drawn with the figures behind it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import html
from serving import serving

from luutru.pages import charts
from storage.collection import Collection
from storage.index import legibility, tables
from storage.moments import written
from storage.surt import surt

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Pages:
    """An archive of pages that were read, one way or another."""

    def __init__(self, home: Path) -> None:
        self.collection = Collection.open(home)
        self.number = 0
        with self.collection.index.write() as connection:
            crawl = {"id": "c1", "site": "thst", "outcome": "completed", "started": written(NOW), "definition": "d"}
            connection.execute(tables.crawl.insert(), crawl)
            connection.execute(tables.file.insert(), {"id": 1, "name": "a.warc.gz", "crawl": "c1"})

    def read(
        self,
        weeks_ago: int,
        count: int,
        method: str | None,
        reason: str | None = None,
        *,
        kind: str = "article",
        later: timedelta = timedelta(),
    ) -> None:
        captures, readings = [], []
        for at in range(count):
            self.number += 1
            url, date = (
                f"https://thst.vn/t/{self.number}",
                written(NOW - (7 * weeks_ago + 1) * DAY - timedelta(seconds=at) + later),
            )
            captures.append(
                {"id": self.number, "crawl": "c1", "site": "thst", "url": url, "urlkey": surt(url), "date": date}
                | {"kind": kind, "type": "response", "status": 200, "file": 1, "offset": self.number, "length": 1}
                | {"record_id": f"r{self.number}", "payload_length": 1, "derived": 1}
            )
            readings.append({"capture": self.number, "rules": "3/a/b", "method": method, "reason": reason})
        with self.collection.index.write() as connection:
            connection.execute(tables.capture.insert(), captures)
            connection.execute(tables.reading.insert(), readings)

    def shares(self) -> list[float | None]:
        with self.collection.index.read() as connection:
            return [one.share for one in legibility.weeks(connection, "thst", NOW)]


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    archive = Pages(tmp_path / "archive")
    yield archive
    archive.collection.close()


def test_the_share_of_a_week_is_that_of_its_pages_of_articles(pages: Pages) -> None:
    pages.read(0, 6, "layout:thst")
    pages.read(0, 2, "anchors:thst")
    pages.read(0, 1, "memory")
    pages.read(0, 2, "trafilatura")
    pages.read(0, 1, None, "list")
    pages.read(0, 5, None, "failed: of our own fault")
    pages.read(0, 5, None, "list", kind="page")  # no page of an article
    pages.read(0, 5, None)  # read before it was noted how
    assert pages.shares() == [None] * 25 + [0.75]


def test_a_week_of_few_pages_is_not_told_and_no_week_that_is_too_long_ago(pages: Pages) -> None:
    pages.read(3, 9, "memory")
    pages.read(26, 20, "memory")
    assert pages.shares() == []
    pages.read(25, 10, "memory")
    assert pages.shares() == [1.0] + [None] * 25


def test_of_many_pages_the_newest_hundred_are_looked_at(pages: Pages) -> None:
    pages.read(2, 100, "memory")
    pages.read(2, 20, "trafilatura", later=timedelta(hours=1))  # than all of them
    pages.read(2, 20, "trafilatura", later=-timedelta(hours=1))
    assert pages.shares()[23] == 0.8


def test_a_trend_has_a_line_for_each_stretch_and_a_quarter_below_the_usual_is_dashed() -> None:
    found = charts.trend([1.0, 0.5, None, 0.75, None])
    assert found.lines == ("6,0 18,30", "39,15 45,15")
    assert (found.cut, found.cut_at, found.width) == (0.5, 30, 60)
    assert charts.trend([0.1]).cut == 0


@pytest.mark.parametrize(
    ("path", "name", "least"), [("/site/thst", "Lệch bố cục", "50 %"), ("/en/site/thst", "Drift", "50%")]
)
def test_the_page_of_a_site_draws_it_with_a_table_behind(pages: Pages, path: str, name: str, least: str) -> None:
    pages.read(4, 20, "layout:thst")
    pages.read(2, 10, "layout:thst")
    pages.read(2, 10, "trafilatura")
    pages.read(1, 20, "layout:thst")
    with serving(pages.collection.home) as room:
        (section,) = html.fromstring(room.get(path).text).xpath("//section[@aria-labelledby='legible']")
        told = room.json("/site/thst.json")["weeks"]
    assert section.xpath("string(h2)") == name
    assert least in section.xpath("string(.//svg/@aria-label)").replace("\xa0", " ")
    assert len(section.xpath(".//polyline[@class='trend']")) == 2
    assert section.xpath("count(.//tbody/tr)") == legibility.WEEKS
    assert [one["share"] for one in told[-5:]] == [1.0, None, 0.5, 1.0, None]


def test_a_site_of_which_nothing_can_be_told_has_no_chart(pages: Pages) -> None:
    with serving(pages.collection.home) as room:
        assert not html.fromstring(room.get("/site/thst").text).xpath("//section[@aria-labelledby='legible']")
        assert room.json("/site/thst.json")["weeks"] == []
