"""What is learned of a site's own pages, and that its pages are then read better than by one who knows nothing."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from homes import NOT_THERE, Home, Web
from homes import Page as Answer
from sites_for_tests import run
from templates import FOOTER, NOTICE, Story, index, page, story

from crawler.extraction import article
from crawler.extraction.learning import learn
from crawler.extraction.memory import Memory
from crawler.extraction.page import parse
from crawler.extraction.sample import Sample
from crawler.extraction.text import squeeze
from storage.model import Article

GOLD = Path(__file__).parents[1] / ".." / "shared" / "data" / "extraction" / "sim"
CAPTURED = datetime(2026, 11, 22, 7, 50, tzinfo=UTC)
URL = "https://vamsen.example/bai/1"
STORIES = [story(number) for number in range(24)]
LEARNED, READ = STORIES[:12], STORIES[12:]


def sample(payload: bytes, *anchors: str, days: Iterable[date] = ()) -> Sample:
    parsed = parse(payload, "text/html; charset=utf-8", URL)
    assert parsed is not None
    return Sample(parsed, CAPTURED.date(), frozenset(map(squeeze, anchors)), frozenset(days))


def around(one: Story) -> list[Story]:
    dice = random.Random(one.number)
    return dice.sample([other for other in STORIES if other != one], 6)


def samples(stories: Sequence[Story] = LEARNED, **given: bool) -> list[Sample]:
    return [sample(page(one, around(one), **given), one.title, days=[one.published]) for one in stories]


def read(payload: bytes, memory: Memory | None) -> Article:
    found = article.read(
        payload, content_type="text/html; charset=utf-8", url=URL, layouts=(), captured=CAPTURED, memory=memory
    )
    assert found.article is not None, found.reason
    return found.article


@pytest.fixture(scope="module")
def memory() -> Memory:
    return learn(samples())


@pytest.mark.parametrize("one", READ, ids=lambda one: str(one.number))
def test_pages_that_were_not_learned_from_are_read_whole_and_clean(memory: Memory, one: Story) -> None:
    found = read(page(one, around(one)), memory)
    assert found.title == one.title
    assert found.text == one.text
    assert found.authors == (one.author,)
    assert found.published == one.published
    assert found.published_from == "memory"
    assert found.views == 100
    assert found.method == "memory"
    assert found.confidence > 0.7
    assert found.rules == f"{article.CODE}/-/{memory.version}"


def test_what_was_learned_is_told_by_place(memory: Memory) -> None:
    (template,) = memory.templates
    assert template.pages == 12
    assert template.container == "/html/body/table[0]/tr[1]/td[1]/div[3]"
    assert {text for texts in template.repeated.values() for text in texts} > {"lượt xem: 0", "đọc thêm nhiều hơn"}
    assert template.clock is not None


def test_the_order_of_the_pages_does_not_matter(memory: Memory) -> None:
    shuffled = samples()
    random.Random(1).shuffle(shuffled)
    assert learn(shuffled) == memory
    assert learn(shuffled).version == memory.version


def test_what_is_stored_is_what_was_learned(memory: Memory) -> None:
    assert Memory.from_json(memory.to_json()) == memory


def test_counters_and_clock_do_not_change_what_is_learned_or_read(memory: Memory) -> None:
    later = [sample(page(one, around(one), views=7_654), one.title, days=[one.published]) for one in LEARNED]
    assert learn(later).version == memory.version
    one = READ[0]
    found, again = read(page(one, around(one)), memory), read(page(one, around(one), views=8_000), memory)
    assert (found.text, found.title) == (again.text, again.title)
    assert again.views == 8_000


def test_the_same_article_again_and_again_is_not_learned_as_boilerplate() -> None:
    one = READ[0]
    again = [sample(page(one, around(one), views=n)) for n in range(100, 140)]
    memory = learn([*samples(), *again])
    assert [template.pages for template in memory.templates] == [13]
    assert read(page(one, around(one)), memory).text == one.text


def test_four_pages_are_too_few() -> None:
    assert learn(samples(LEARNED[:4])) == Memory()
    assert learn([]) == Memory()


def test_copies_do_not_make_enough_pages() -> None:
    assert learn(samples(LEARNED[:4]) * 3) == Memory()


def test_a_redesign_is_a_template_of_its_own_and_the_old_pages_are_read_as_before(memory: Memory) -> None:
    both = learn([*samples(), *samples(redesigned=True)])
    assert len(both.templates) == 2
    assert memory.templates[0] in both.templates
    for redesigned in (False, True):
        for one in READ:
            found = read(page(one, around(one), redesigned=redesigned), both)
            assert (found.text, found.title, found.published) == (one.text, one.title, one.published)
            assert found.method == "memory"


def test_without_the_container_the_page_is_read_without_memory(memory: Memory) -> None:
    one = READ[0]
    moved = page(one, around(one)).decode().replace("<div>Lượt xem", "<div></div><blockquote><div>Lượt xem", 1).encode()
    found = read(moved, memory)
    assert found.method == "generic"
    assert all(line in found.text for line in one.paragraphs)


def test_a_page_of_another_kind_is_not_read_by_memory(memory: Memory) -> None:
    one = READ[0]
    found = read(page(one, around(one), redesigned=True), memory)
    assert found.method == "generic"


def test_a_long_paragraph_that_many_articles_share_stays(memory: Memory) -> None:
    shared = (
        "Đề nghị các cơ quan, đơn vị, địa phương nghiêm túc triển khai thực hiện các nội dung nêu trên theo quy định."
    )
    said = [Story(one.number, one.title, (*one.paragraphs, shared), one.author, one.published) for one in STORIES]
    memory = learn(samples(said[:12]))
    for one in said[12:]:
        assert read(page(one, around(one)), memory).text == one.text


@pytest.mark.parametrize("name", ["CTV", "TTXVN"])
def test_a_name_that_signs_many_articles_is_an_author(name: str) -> None:
    signed = [story(number, name if number % 2 else None) for number in range(24)]
    memory = learn(samples(signed[:12]))
    one = signed[13]
    assert read(page(one, around(one)), memory).authors == (name,)


def test_links_and_list_pages_tell_which_line_is_the_title() -> None:
    def above(one: Story) -> bytes:
        before, counter, after = page(one, around(one)).decode().partition("<div>Lượt xem")
        return f"{before}<div>Chuyên mục số {one.number} của cổng thông tin</div>{counter}{after}".encode()

    memory = learn([sample(above(one), one.title, days=[one.published]) for one in LEARNED])
    for one in READ:
        assert read(above(one), memory).title == one.title


def test_no_date_is_invented_where_the_learned_place_shows_none(memory: Memory) -> None:
    one = READ[0]
    without = page(one, around(one)).replace(f"<div>{one.published:%d/%m/%Y}</div>".encode(), b"", 1)
    assert read(without, memory).published is None


@pytest.mark.parametrize("noise", [NOTICE, FOOTER, "Đọc thêm", "Lượt xem"])
def test_nothing_of_the_clutter_survives(memory: Memory, noise: str) -> None:
    for one in READ:
        assert noise not in read(page(one, around(one)), memory).text


@pytest.mark.skipif(not GOLD.is_dir(), reason="the sample pages, ../shared/data, are not there")
@pytest.mark.parametrize("half", [0, 1])
def test_half_of_the_sample_pages_teaches_how_to_read_the_other_half(half: int) -> None:
    templates: dict[str, list[tuple[bytes, dict[str, str]]]] = defaultdict(list)
    for path in sorted((GOLD / "gold").glob("*.json")):
        payload = gzip.decompress((GOLD / "pages" / f"{path.stem}.html.gz").read_bytes())
        templates[path.stem.rpartition("_")[0]].append((payload, json.loads(path.read_text("utf-8"))))
    wrong = []
    for name, pages in templates.items():
        memory = learn(sample(payload) for payload, _ in pages[half::2])
        for payload, said in pages[1 - half :: 2]:
            found = read(payload, memory)
            day = found.published.isoformat()[:10] if found.published else None
            if (found.title, day, found.method) != (said["title"], said["date"], "memory"):
                wrong.append((name, found.title, day, found.method))
    assert wrong == []


SITE = """
SITE = Site(
    key="vamsen", name="Vàm Sen", hosts=("vamsen.example",), seeds=(Listing("http://vamsen.example/"),),
    rules=(
        Rule(r"vamsen\\.example/bai/(?P<id>\\d+)", Kind.ARTICLE, (), "vamsen/{id}"),
        Rule(r"vamsen\\.example/", Kind.LIST),
    ),
)
"""


class Portal:
    """A site whose counters grow at every visit."""

    def __init__(self, stories: Sequence[Story]) -> None:
        self.stories = {one.number: one for one in stories}
        self.views = 0

    def __call__(self, _host: str, path: str) -> Answer:
        if path == "/":
            return Answer(index(list(self.stories.values())))
        one = self.stories.get(int(path.rpartition("/")[2])) if path.startswith("/bai/") else None
        self.views += 13
        return Answer(page(one, around(one), views=self.views)) if one else NOT_THERE


def test_a_crawl_learns_and_the_next_one_reads_by_it(tmp_path: Path) -> None:
    home = Home.of(tmp_path, vamsen=SITE)
    with Web(Portal(STORIES)) as web:
        told = home.crawl("vamsen", web.at("vamsen.example"))
        assert told["outcome"] == "completed", told["warnings"]
        (known,) = home.rows("SELECT site, version, captures, content FROM memory")
        assert (known["site"], known["captures"]) == ("vamsen", 24)
        assert len(json.loads(known["content"])) == 1
        shown = json.loads(run(home.path, "sites", "show", "vamsen", "--memory", "--json").out)
        assert (shown["version"], len(shown["templates"])) == (known["version"], 1)
        again = home.crawl("vamsen", web.at("vamsen.example"), full=True)
        assert (again["documents_new"], again["documents_changed"]) == (0, 0)
    told = json.loads(run(home.path, "rederive", "--json").out)
    assert (told["failed"], told["lost"], told["problems"]) == (0, 0, [])
    read = home.rows("SELECT title, text, method FROM version ORDER BY title")
    wanted = sorted((one.title, one.text) for one in STORIES)
    assert [(row["title"], row["text"]) for row in read] == wanted
    assert {row["method"] for row in read} == {"memory"}
    assert json.loads(run(home.path, "rederive", "--json").out)["captures"] == 0
