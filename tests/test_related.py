"""Republications: all are found, nothing else is, in whatever order texts come and go."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from index_fixtures import add_document
from sqlalchemy import func, select

from storage.index import related, rereading
from storage.index.engine import Index
from storage.index.hits import Hit
from storage.index.related import CROWD, First
from storage.index.search import search
from storage.index.tables import band, body, document, near, version
from storage.query import parse
from storage.shingles import NEAR, shingles, similarity, words

PHRASES = [
    "Ủy ban nhân dân tỉnh Sóc Trăng vừa ban hành kế hoạch",
    "theo đó các sở ban ngành và ủy ban nhân dân các huyện thị xã thành phố",
    "phát biểu tại hội nghị đồng chí chủ tịch tỉnh nhấn mạnh",
    "trong thời gian tới cần tiếp tục đẩy mạnh công tác tuyên truyền",
    "nâng cao đời sống vật chất và tinh thần cho nhân dân",
    "thực hiện có hiệu quả các chương trình mục tiêu quốc gia",
    "góp phần hoàn thành các chỉ tiêu kinh tế xã hội năm",
    "đề nghị các cấp các ngành phối hợp chặt chẽ",
]
SYLLABLES = [f"{onset}{rime}" for onset in "bcdđghklmnprstvx" for rime in ("a", "ăn", "ế", "ôi", "ú", "ơm")]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index.db")
    yield opened
    opened.close()


def article(chance: random.Random, length: int = 12) -> list[str]:
    """Sentences of their own, half of each a phrase that all articles use."""
    return [f"{chance.choice(PHRASES)} {' '.join(chance.choices(SYLLABLES, k=10))}." for _ in range(length)]


def edited(chance: random.Random, sentences: Sequence[str]) -> list[str]:
    """As an editor takes an article over: one sentence goes, one comes, one gets another word."""
    kept = [one for one in sentences if one != sentences[5]]
    kept[2] = kept[2].replace(" tỉnh ", " ", 1) + " Theo bản tin."
    return [*kept, *article(chance, 1)]


def compare(index: Index) -> None:
    while related.keep_up(index):
        pass


def add(index: Index, texts: Iterable[str], **values: Any) -> list[int]:
    with index.write() as connection:
        return [add_document(connection, text, **values) for text in texts]


def drop(index: Index, owners: Iterable[int]) -> None:
    """What reading again does with documents that no capture gives any more."""
    with index.write() as connection:
        rereading._forget(connection, list(owners), [])
        rereading._sweep(connection, list(owners))


def stored(index: Index) -> set[tuple[str, str, int]]:
    """Which texts are near each other, and how near: what must not depend on any order."""
    with index.read() as connection:
        assert not related.waiting(connection)
        text = {row.body: row.text for row in connection.execute(select(version.c.body, version.c.text))}
        return {(text[one], text[other], measure) for one, other, measure in connection.execute(select(near))}


def pairs(index: Index) -> set[tuple[int, int]]:
    with index.read() as connection:
        owners = set(connection.scalars(select(document.c.id)))
        return {(one, other) for one, others in related.beside(connection, owners).items() for other in others}


def test_all_copies_and_near_copies_of_two_sites_are_found_and_nothing_else(index: Index) -> None:
    chance = random.Random(5)
    articles = [article(chance) for _ in range(1_000)]
    texts = ["\n\n".join(one) for one in articles]
    ours = add(index, texts, site="thst")
    exact = add(index, texts[:250], site="dangcongsan", title="Tiêu đề khác")
    nearly = add(index, ["\n\n".join(edited(chance, one)) for one in articles[250:313]], site="dangcongsan")
    compare(index)
    wanted = set(zip(ours, [*exact, *nearly], strict=False))
    assert pairs(index) == wanted | {(other, one) for one, other in wanted}
    with index.read() as connection:
        (copy,) = related.republications(connection, ours[0])
        (close,) = related.republications(connection, ours[300])
    assert (copy.similarity, copy.site, copy.title) == (1.0, "dangcongsan", "Tiêu đề khác")
    measured = similarity(*(shingles(words(" ".join(one))) for one in (articles[300], edited(chance, articles[300]))))
    assert close.similarity == pytest.approx(measured / 1000, abs=0.05)


def test_pairs_at_the_threshold_are_near_and_those_below_are_not(index: Index) -> None:
    def pair(number: int, own: int) -> list[str]:
        common = [f"x{number}c{n}" for n in range(132)]  # 130 shingles
        return [" ".join(common + [f"x{number}{side}{n}" for n in range(own)]) for side in "ab"]

    at, below = [pair(n, 35) for n in range(60)], [pair(n, 43) for n in range(60, 120)]
    assert {similarity(*(shingles(words(text)) for text in one)) for one in at} == {NEAR}
    assert {similarity(*(shingles(words(text)) for text in one)) for one in below} == {601}
    ids = add(index, [text for one in at for text in one])
    add(index, [text for one in below for text in one])
    compare(index)
    wanted = set(zip(ids[::2], ids[1::2], strict=True))
    assert pairs(index) == wanted | {(other, one) for one, other in wanted}


def form(number: int) -> str:
    """A text of which there are many that differ in one word."""
    return f"Lịch tiếp dân của ủy ban xã {' '.join(SYLLABLES[:40])} tuần {number}"


def some_texts(chance: random.Random) -> list[str]:
    """Copies, near copies, texts alone, short ones, and more than CROWD that are alike."""
    articles = [article(chance, 8) for _ in range(12)]
    copies = ["\n\n".join(one) for one in articles[:3] * 3]
    nearly = ["\n\n".join(edited(chance, one)) for one in articles[:6] * 2]
    return (
        ["\n\n".join(one) for one in articles] + copies + nearly + ["Tin ảnh."] * 2 + list(map(form, range(CROWD + 30)))
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_is_stored_does_not_depend_on_who_came_when_and_who_went(index: Index, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    texts = some_texts(chance)
    kept = texts[seed * 4 : len(texts) - seed * 12]  # of the bands of the forms, some are crowds, or all, or none
    coming = [(text, text in kept) for text in [*texts, *texts[:20]]]
    chance.shuffle(coming)
    going: list[int] = []
    while coming:
        batch, coming = coming[:25], coming[25:]
        for text, stays in batch:
            (id_,) = add(index, [text])
            going += [] if stays else [id_]
        for _ in range(chance.randrange(3)):
            related.keep_up(index)
        if chance.random() < 0.5:
            drop(index, going)
            going = []
    drop(index, going)
    compare(index)
    other = Index.open(tmp_path / "other.db")
    add(other, [*kept, *(text for text in texts[:20] if text in kept)])
    compare(other)
    try:
        assert stored(index) == stored(other)
    finally:
        other.close()


def test_a_band_that_very_many_share_is_not_followed_and_is_again_when_some_go(index: Index) -> None:
    ids = add(index, map(form, range(CROWD)))
    compare(index)
    assert len(pairs(index)) == CROWD * (CROWD - 1)
    more = add(index, map(form, range(CROWD, CROWD + 60)))
    compare(index)
    assert pairs(index) == set()
    copies = add(index, [form(0)] * 3)  # the same words are found all the same
    compare(index)
    assert pairs(index) == {(one, other) for one in [ids[0], *copies] for other in [ids[0], *copies] if one != other}
    drop(index, more)
    compare(index)
    assert len(pairs(index)) == (CROWD + 3) * (CROWD + 2)


def test_several_at_once_come_to_the_same(index: Index, tmp_path: Path) -> None:
    texts = some_texts(random.Random(1))
    add(index, texts)
    threads = [Thread(target=compare, args=[index]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Index.open(tmp_path / "alone.db")
    add(alone, texts)
    compare(alone)
    try:
        assert stored(index) == stored(alone)
    finally:
        alone.close()


def test_nothing_is_left_of_texts_that_are_gone(index: Index) -> None:
    ids = add(index, some_texts(random.Random(2)))
    compare(index)
    drop(index, ids)
    compare(index)
    with index.read() as connection:
        assert [connection.scalar(select(func.count()).select_from(one)) for one in (body, band, near)] == [0, 0, 0]


def test_versions_of_one_document_are_no_republications_of_it(index: Index) -> None:
    with index.write() as connection:
        add_document(connection, form(1), form(2))
    compare(index)
    assert pairs(index) == set()


def test_short_texts_are_the_same_only_with_equal_digests(index: Index) -> None:
    one, other = add(index, ["Xem trong ảnh.", "Xem trong ảnh!"], digest="a" * 64)
    add(index, ["Xem trong ảnh."])
    compare(index)
    assert pairs(index) == {(one, other), (other, one)}


@pytest.mark.parametrize(
    ("mine", "theirs", "first"),
    [
        ({"published": "2024-01-01"}, {"published": "2024-01-02T08:00:00+07:00"}, First("test:1", "published")),
        ({"published": "2024-01-03"}, {"published": "2024-01-02T08:00:00+07:00"}, First("test:2", "published")),
        (
            {"published": "2024-01-02T08:00:00+07:00"},
            {"published": "2024-01-02T00:30:00+00:00"},
            First("test:2", "published"),
        ),
        (
            {"published": "2024-01-02"},
            {"published": "2024-01-02T23:00:00+07:00", "seen": "2023"},
            First("test:2", "captured"),
        ),
        ({"published": "2024-01-02"}, {"seen": "2025"}, First("test:1", "captured")),
        ({"seen": "2025"}, {"published": "2024-01-02"}, First("test:2", "captured")),
        ({}, {}, None),
    ],
)
def test_who_had_it_first(index: Index, mine: dict[str, str], theirs: dict[str, str], first: First | None) -> None:
    for one in (mine, theirs):
        if "seen" in one:
            one["seen"] += "-01-01T00:00:00.000000+00:00"
    (id_,), (other,) = add(index, [form(1)], **mine), add(index, [form(2)], **theirs)
    compare(index)
    with index.read() as connection:
        (found,), (back,) = related.republications(connection, id_), related.republications(connection, other)
    assert found.first == back.first == first
    assert (found.document, back.document) == ("test:2", "test:1")
    assert found.published == theirs.get("published")


def all_hits(index: Index, query: str, limit: int) -> list[Hit]:
    hits, cursor = [], None
    with index.read() as connection:
        while True:
            page = search(connection, parse(query), limit=limit, cursor=cursor, distinct=True)
            hits += page.hits
            cursor = page.next
            if cursor is None:
                return hits


@pytest.mark.parametrize("query", ["tỉnh", "site:thst", "lịch tiếp dân", "không đâu có"])
def test_each_text_is_one_hit_however_the_pages_are_cut(index: Index, query: str) -> None:
    chance = random.Random(3)
    texts = some_texts(chance)[:-60]  # the forms are no crowd
    chance.shuffle(texts)
    for number, text in enumerate(texts):
        add(index, [text], published=f"2024-01-{number % 28 + 1:02}")
    compare(index)
    whole = all_hits(index, query, 1_000)
    assert all_hits(index, query, 3) == whole
    with index.read() as connection:
        every = search(connection, parse(query), limit=1_000).hits
        owners = {row.identity: row.id for row in connection.execute(select(document.c.identity, document.c.id))}
    order = [hit.document for hit in every]
    beside = pairs(index)
    shown = [hit.document for hit in whole]
    assert shown == [one for one in order if one in shown]
    assert not any((owners[one], owners[other]) in beside for one in shown for other in shown)
    assert set(order) == set(shown).union(*(hit.also for hit in whole))
    for hit in whole:
        assert all((owners[hit.document], owners[other]) in beside for other in hit.also)
        assert [one for one in order if one in hit.also] == list(hit.also)
