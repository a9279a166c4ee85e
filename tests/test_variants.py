"""Articles on pages of makes that no rule was written for: the same text, title, date and names, or none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import samples
import variants
from samples import Page
from scoring import are_authors, is_title, match
from test_extraction import CAPTURED, SEEDS, seed, site_of
from variants import Layout, Story

from crawler.extraction import article
from crawler.extraction.text import fold
from storage.model import Article

OPEN = variants.layouts()
ALL = [*OPEN, *variants.layouts(variants.HELD)]
UNNAMED = ("dnn", "frontpage", "tables", "vnportal")  # their heads do not name the article
CARDS = [
    {
        "title": f"Đoàn công tác số {n} khảo sát tuyến đường liên xã của huyện",
        "text": f"Sáng nay, đoàn công tác số {n} đã khảo sát hiện trạng tuyến đường và nghe ý kiến của người dân.",
        "hidden_date": f"2024-03-{n + 1:02}",
    }
    for n in range(20)
]


def read(page: Page) -> article.Result:
    return article.read(page.payload, content_type="text/html", url=page.url, layouts=(), captured=CAPTURED)


def article_of(page: Page) -> Article:
    found = read(page)
    assert found.article is not None, found.reason
    return found.article


@pytest.mark.parametrize("layout", ALL, ids=lambda layout: layout.name)
@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("known", [False, True])
def test_seeds_come_back_from_every_layout(name: str, layout: Layout, known: bool) -> None:
    """The lines of a real article, without one line of what is around them, with its site's definition and without."""
    wanted = seed(name)
    if known and (layout not in OPEN or layout.name == "vnportal"):
        pytest.skip("a site's anchors are for its own pages: here they stand apart from the text")
    if wanted.title.endswith(".") and layout.name in UNNAMED:
        pytest.skip("a title that ends as a sentence does, on a page whose head does not name it, is no title to see")
    lines = tuple(("caption" if line in wanted.captions else "paragraph", line) for line in wanted.body)
    written = Story(f"x_{layout.name}_{name}", wanted.title, lines, ", ".join(wanted.authors), None, 12)
    payload = variants.laid_out(layout, written, CARDS).encode()
    layouts = site_of(wanted.site).layouts_at(CAPTURED.date()) if known else ()
    found = article.read(payload, content_type="text/html", url=wanted.url, layouts=layouts, captured=CAPTURED).article
    assert found is not None
    assert found.text.split("\n\n") == [fold(line) for line in wanted.body]
    assert is_title(wanted.title, found.title)
    assert list(found.authors) == wanted.authors
    assert found.published is None


@pytest.mark.parametrize("layout", OPEN, ids=lambda layout: layout.name)
def test_a_list_of_leads_is_no_article(layout: Layout) -> None:
    for page in variants.lists([layout], CARDS):
        assert (read(page).article, read(page).reason) == (None, "list")


@pytest.mark.parametrize("layout", OPEN, ids=lambda layout: layout.name)
def test_the_date_is_that_of_the_article(layout: Layout) -> None:
    lines = (("paragraph", "Sáng 12/3/2021, hội nghị khai mạc tại trung tâm huyện. " * 4), ("paragraph", "Hết. " * 30))
    shown = datetime(2022, 5, 4, 1, 30, tzinfo=UTC)
    for when, day in ((shown, "2022-05-04"), (None, None)):
        written = Story("x_a_1", "Hội nghị sơ kết công tác quý một của huyện", lines, None, when, 7)
        page = Page("x", f"https://{layout.name}.example/1", variants.laid_out(layout, written, CARDS).encode(), "")
        found = article_of(page).published
        assert (found.isoformat()[:10] if found else None) == day


def test_the_same_name_makes_the_same_page() -> None:
    story = Story("x_soup_00", "Một tiêu đề", (("paragraph", "Một đoạn."),), None, None, 3)
    assert variants.laid_out(OPEN[0], story, CARDS) == variants.laid_out(OPEN[0], story, CARDS)


def test_names_are_taken_off_and_changed_everywhere_alike() -> None:
    page = Page("p", "http://a.example/", b"<p class=\"a b\" lang=vi id=x><i id='y'>class=no</i><b class=a>", "")
    assert variants.stripped(page).html == "<p lang=vi><i>class=no</i><b>"
    words = variants.renamed(page).html.split('"')
    assert words[1].split()[0] == words[7]
    assert "class=no" in words[6]


@pytest.mark.parametrize(("name", "least"), [("sim-stripped", 0.99), ("relaid", 0.985), ("held", 0.955)])
def test_generic_reading_of_other_layouts(name: str, least: float) -> None:
    if not Path(samples.ROOT).is_dir():
        pytest.skip("the sample pages are not here")
    pages = variants.SETS[name]()[::3]
    found = [(page, article_of(page)) for page in pages]
    assert sum(match(page.text, one.text).f1 for page, one in found) / len(found) >= least
    assert sum(is_title(page.title or "", one.title) for page, one in found) >= 0.98 * len(found)
    signed = [are_authors(page.author, one.authors) for page, one in found if page.author]
    assert sum(signed) >= 0.9 * len(signed)
    assert not [page.name for page, one in found if page.date is None and one.published]
