"""The contract of search, for every kind of database."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from index_fixtures import add_document
from sqlalchemy import Connection, delete, select, update
from test_query import PIECES

from storage.errors import UsageError
from storage.index import search as searching
from storage.index.dialects import dialect_of
from storage.index.dialects.sqlite import SQLite
from storage.index.engine import Index
from storage.index.hits import Hit
from storage.index.search import Results, search
from storage.index.tables import address, version
from storage.query import parse, quoted


@pytest.fixture(scope="module", params=["sqlite"])
def shared_index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index.open(tmp_path_factory.mktemp(request.param) / "index.db")
    yield opened
    opened.close()


@pytest.fixture
def connection(shared_index: Index) -> Iterator[Connection]:
    """A connection to an empty index; what is written is taken back."""
    with shared_index.write() as opened:
        yield opened
        opened.rollback()


def ask(connection: Connection, text: str) -> Results:
    return search(connection, parse(text))


def found(connection: Connection, text: str) -> list[int]:
    """Numbers of the documents, in the order of the hits."""
    return [int(hit.document.removeprefix("test:")) for hit in ask(connection, text).hits]


def pages(connection: Connection, text: str, limit: int, by_day: bool = False) -> list[Hit]:
    hits: list[Hit] = []
    cursor = None
    while True:
        results = search(connection, parse(text), limit=limit, cursor=cursor, by_day=by_day)
        hits += results.hits
        cursor = results.next
        if cursor is None:
            return hits
        assert len(results.hits) == limit


@pytest.mark.parametrize(
    "text",
    [
        "do thi loai i",
        "đô thị loại I",
        '"ĐÔ THỊ"',
        "thi do",
        '"do thi loai i"',
        "trưng loại*",
        "soctrang",
        "dat -huyen",
        '-"thị đô"',
        "-dát",  # other diacritics are another word
        "2025",
        "uỷ",
        "ủy",
        "uy",
        "Uy-Ban",
    ],
)
def test_a_document_is_found(connection: Connection, text: str) -> None:
    add_document(connection, "Trưng tâm Sóc\u200bTrăng đạt đô thị loại I năm 2025; Uỷ ban", title="Thành phố")
    assert found(connection, text) == [1]


@pytest.mark.parametrize(
    "text", ["do thi loai ii", '"thi do"', "do -thi", "do -thị", '-"do thi"', "th* -ph*", "thanh*pho2"]
)
def test_a_document_is_not_found(connection: Connection, text: str) -> None:
    add_document(connection, "đạt đô thị loại I", title="Thành phố")
    assert found(connection, text) == []


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ('"bến đò chợ nổi"', [1, 3]),
        ('"ben do cho noi"', [1, 3]),
        ('"bến đò chợ n"*', [1, 3]),
        ('"ben do" "cho noi"', [1, 2, 3]),
        ('"ben do" "cho noi" "cho noi ben"', [2]),
        ('"ben do" noi', [1, 2, 3]),  # a phrase beside a word
        ('"ben do" -"do cho"', [2]),
        ('"bến đò" -"đò chợ"', [2, 3]),  # excluded as it is spelled
        ("ben-do/cho", [1, 3]),
        ('"sáng nay bến"', []),  # a title goes before the text, not into it
        ('"do ben"', []),
    ],
)
def test_a_phrase_is_words_in_their_order(connection: Connection, text: str, documents: list[int]) -> None:
    add_document(connection, "Từ bến đò, chợ nổi… là xa.", title="Sáng nay")
    add_document(connection, "Chợ nổi, bến đò!", title="Sáng nay")
    add_document(connection, "ben\u00a0do cho no\u0302\u0309i", title="Sáng nay")
    assert sorted(found(connection, text)) == documents


SENTENCES = st.lists(st.sampled_from(["bến", "bên", "đò", "do", "chợ,", "Bến."]), min_size=2, max_size=12).map(" ".join)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(SENTENCES, max_size=12),
    asked=st.sampled_from(['"bến đò"', '"ben do"', '"bến đò chợ"', '"đò chợ" "bến bến"', '"bên do cho"', '"đò ch"*']),
    ranked=st.sampled_from([3, 1000]),
)
def test_pairs_find_what_words_in_their_order_find(
    connection: Connection, texts: list[str], asked: str, ranked: int
) -> None:
    def answer() -> list[tuple[str, str]]:
        return sorted(
            (hit.document, hit.snippet.replace("[", "").replace("]", "")) for hit in ask(connection, asked).hits
        )

    with pytest.MonkeyPatch.context() as patch, connection.begin_nested() as savepoint:
        patch.setattr(searching, "RANKED", ranked)
        for text in texts:
            add_document(connection, text)
        by_pairs, spelled = answer(), found(connection, asked)
        patch.setattr(SQLite, "finds_phrases", lambda _dialect, _terms: False)
        assert answer() == by_pairs
        if ranked > len(texts) and asked in ('"bến đò"', '"bến đò chợ"'):
            exact = {
                number for number, text in enumerate(texts, 1) if asked.strip('"') in re.sub(r"[,.]", "", text.lower())
            }
            assert set(spelled[: len(exact)]) == exact
        savepoint.rollback()


def test_the_typed_spelling_comes_first(connection: Connection) -> None:
    add_document(connection, "đô thị " + "lời " * 50)
    add_document(connection, "đo thì, đo thì", title="đo thì")
    add_document(connection, "đô thì")
    assert found(connection, "đô thị") == [1, 2, 3]
    assert found(connection, "do thi")[0] == 2
    assert found(connection, "do thị")[0] == 1
    assert found(connection, "đô thị -thì") == [1]


def test_both_placements_of_a_tone_are_typed_alike(connection: Connection) -> None:
    add_document(connection, "hoa, hoa, hoa", title="hoa")
    add_document(connection, "văn hoá")
    add_document(connection, "văn hóa")
    assert set(found(connection, "hóa")[:2]) == set(found(connection, "hoá")[:2]) == {2, 3}


def test_words_must_meet_in_one_version(connection: Connection) -> None:
    add_document(connection, "bản cũ", "bản mới")
    assert found(connection, "cũ") == [1]
    assert found(connection, "cũ mới") == []
    assert found(connection, "cũ in:latest") == []
    assert found(connection, "mới in:latest") == [1]
    assert found(connection, "cũ -in:latest") == [1]


def test_the_best_version_is_named_and_the_newest_wins_ties(connection: Connection) -> None:
    add_document(connection, "cầu", "cầu và đường", "cầu và đường")
    hits = [ask(connection, text).hits[0] for text in ("đường", "cau", "duong -in:latest", "site:thst")]
    assert [hit.version for hit in hits] == [3, 1, 2, 3]
    assert {hit.versions for hit in hits} == {3}
    assert [hit.captured[:10] for hit in hits] == ["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-03"]


def test_a_hit_says_what_a_list_of_results_shows(connection: Connection) -> None:
    add_document(
        connection,
        "Thành phố đạt đô thị loại I.\n\nĐảng bộ quyết tâm.",
        title="Tin đô thị",
        lead="Sapo",
        published="2024-05-06T07:00:00+07:00",
        section=["Tin tức", "Tin địa phương"],
    )
    (hit,) = search(connection, parse("do thi dang"), marks=("<b>", "</b>")).hits
    assert hit.score is not None
    assert hit.score > 0
    assert replace(hit, score=None) == Hit(
        document="test:1",
        url="https://thst.vn/t/1",
        site="thst",
        title="Tin đô thị",
        marked="Tin <b>đô</b> <b>thị</b>",
        lead="Sapo",
        published="2024-05-06T07:00:00+07:00",
        section=("Tin tức", "Tin địa phương"),
        snippet="Thành phố đạt <b>đô</b> <b>thị</b> loại I. <b>Đảng</b> bộ quyết tâm.",
        score=None,
        version=1,
        versions=1,
        captured="2024-01-01T00:00:00.000000+00:00",
        kind="article",
        articles=(),
    )


def test_a_snippet_shows_the_typed_spelling_where_there_is_one(connection: Connection) -> None:
    add_document(connection, "đo thì. " + "lời " * 100 + "một đô thị mới")
    (exact,) = ask(connection, "đô thị").hits
    assert "[đô] [thị]" in exact.snippet
    (folded,) = ask(connection, "đố thị").hits
    assert "[đo] [thì]" in folded.snippet


def test_a_snippet_without_words_is_how_the_text_begins(connection: Connection) -> None:
    add_document(connection, "Một\n\nhai " * 100)
    (hit,) = ask(connection, "site:thst").hits
    assert hit.snippet.startswith("Một hai Một")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) < 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("site:thst", [3, 1]),
        ("site:thst site:dangcongsan", [3, 2, 1]),
        ("-site:thst", [2]),
        ("tin site:dangcongsan", [2]),
        ('section:"tin dia phuong"', [1]),
        ('section:"Tin tức"', [2, 1]),
        ("section:Tin", []),
        ("author:nguyen", [2, 1]),
        ('author:"Văn An"', [1]),
        ("-author:nguyen", [3]),
        ("after:2024", [3, 2]),
        ("before:2023", [1]),
        ("after:2024-05-06 before:2024-05-06", [2]),
        ("after:2020 after:2024-06", [3]),
        ("-after:2024-06", [2, 1]),
        ("tin before:2024-05", [2, 1]),
        ("has:pdf", [2]),
        ("tin -has:pdf", [3, 1]),
        ("gone:no", [3, 2, 1]),
        ("gone:yes", []),
        ("gone:yes gone:no", []),
        ("", [3, 2, 1]),
        ("-tin", []),
        ("-bán", [3, 2, 1]),
        ("-ban", []),  # "Bản tin"
    ],
)
def test_filters(connection: Connection, text: str, expected: list[int]) -> None:
    pdf = [{"url": "https://x/Quyet-dinh.PDF", "name": "Quyết định"}]
    add_document(
        connection, "tin", section=["Tin tức", "Tin địa phương"], authors=["Nguyễn Văn An"], published="2023-12-31"
    )
    add_document(
        connection,
        "tin",
        site="dangcongsan",
        section=["Tin tức"],
        authors=["X", "NGUYỄN B"],
        attachments=pdf,
        published="2024-05-06",
    )
    add_document(connection, "tin", published="2024-06-01T23:00:00+07:00")
    assert sorted(found(connection, text), reverse=True) == expected
    assert ask(connection, text).total == len(expected)


def test_facets_and_total_count_documents(connection: Connection) -> None:
    for day in ("2024-05-01", "2024-05-02", "2023-01-01"):
        add_document(connection, "tin một", "tin hai", published=day, section=["Tin tức"])
    add_document(connection, "tin", site="dangcongsan", published="2023-01-05")
    for text in ("tin", "before:2030"):
        results = ask(connection, text)
        assert (results.total, results.total_capped) == (4, False)
        assert results.facets.site == (("thst", 3), ("dangcongsan", 1))
        assert results.facets.section == (("Tin tức", 3),)
        assert results.facets.month == (("2024-05", 2), ("2023-01", 2))
        assert results.facets.year == (("2024", 2), ("2023", 2))
        assert results.facets.has == (("changes", 3),)
        assert not results.facets.capped


def test_each_facet_counts_what_its_words_would_leave(connection: Connection) -> None:
    file = [{"url": "https://thst.vn/ke-hoach.docx", "name": "Kế hoạch"}]
    add_document(connection, "tin", "tin mới", section=["Tin", "Xã hội"], published="2024-05-01", attachments=file)
    add_document(connection, "tin", section=["Xã hội"], published="2024-06-01", attachments=file)
    add_document(connection, "tin cũ", "tin khác", site="dangcongsan", published="2023-01-05")
    add_document(connection, "không có gì")
    add_document(connection, "tin trong ngày", section=['Chuyên mục “Sống” & "Khỏe"'], published="2024-07-01")
    for text in ("tin", "tin before:2030", "-khong"):
        counted = ask(connection, text).facets
        words = [(f"site:{value}", count) for value, count in counted.site]
        words += [(f"section:{quoted(value)}", count) for value, count in counted.section]
        words += [(f"after:{value} before:{value}", count) for value, count in (*counted.month, *counted.year)]
        words += [(f"has:{value}", count) for value, count in counted.has]
        assert counted.has == (("attachment", 2), ("changes", 2))
        for narrower, count in words:
            assert ask(connection, f"{text} {narrower}").total == count, narrower
    assert found(connection, "tin has:changes has:attachment") == [1]
    assert sorted(found(connection, "tin -has:changes")) == [2, 4, 5]
    assert found(connection, "-has:changes -has:attachment") == [5, 4]


@pytest.mark.parametrize("text", ["tin", "site:thst"])
def test_a_count_that_was_cut_off_says_so(connection: Connection, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(searching, "COUNTED", 3)
    for _ in range(3):
        add_document(connection, "tin")
    assert (ask(connection, text).total, ask(connection, text).total_capped) == (3, False)
    add_document(connection, "tin")
    results = ask(connection, text)
    assert (results.total, results.total_capped, results.facets.capped) == (3, True, True)
    assert results.facets.site == (("thst", 3),)


TEXTS = st.sampled_from(["tin", "tín", "tin tin", "tin khác", "khác"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.lists(st.sampled_from(["tin", "tín", "tin tin", "tin khác", "khác"]), min_size=1, max_size=3), max_size=15
    ),
    days=st.lists(st.sampled_from(["2024-05-01", "2024-05-02", None]), min_size=15, max_size=15),
    ranked=st.integers(1, 8),
    limit=st.integers(1, 6),
    asked=st.sampled_from(
        ["tin", "tín", "tin -khác", "site:thst", "", "tin after:2024-05-02", '"tin tin"', '"tin khác"', '"tín tin" tin']
    ),
)
def test_paging_visits_each_document_once(
    connection: Connection,
    texts: list[list[str]],
    days: list[str | None],
    ranked: int,
    limit: int,
    asked: str,
) -> None:
    with pytest.MonkeyPatch.context() as patch, connection.begin_nested() as savepoint:
        patch.setattr(searching, "RANKED", ranked)
        for one, day in zip(texts, days, strict=False):
            add_document(connection, *one, published=day)
        hits = pages(connection, asked, limit)
        whole = search(connection, parse(asked), limit=1000)
        assert tuple(hits) == whole.hits
        assert len({hit.document for hit in hits}) == len(hits) == whole.total
        newest = [
            (hit.published or "2024-01-01", int(hit.document[5:])) for hit in pages(connection, asked, limit, True)
        ]
        assert newest == sorted(newest, reverse=True)
        assert {number for _, number in newest} == {int(hit.document[5:]) for hit in hits}
        by_day = [hit.score is None for hit in hits]
        assert by_day == sorted(by_day)
        savepoint.rollback()


def test_beyond_the_ranked_documents_the_newest_come_first(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "RANKED", 2)
    days = ["2024-03-01", "2024-05-01", "2024-04-01", "2024-01-01", "2024-02-01"]
    for day in days:
        add_document(connection, "tin", published=day)
    assert found(connection, "tin") == [5, 4, 2, 3, 1]


def test_old_documents_in_the_typed_spelling_are_ranked_too(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "RANKED", 2)
    for text in ("bẫy", "bay", "bay", "bay", "bay"):
        add_document(connection, text)
    assert found(connection, "bẫy") == [1, 5, 4, 3, 2]


def test_what_is_added_between_pages_is_on_none_of_them(connection: Connection) -> None:
    for _ in range(4):
        add_document(connection, "tin")
    for text in ("tin", "site:thst"):
        first = search(connection, parse(text), limit=2)
        add_document(connection, "tin")
        rest = search(connection, parse(text), limit=9, cursor=first.next)
        assert len(first.hits + rest.hits) == len({hit.document for hit in first.hits + rest.hits})
        assert rest.next is None


@pytest.mark.parametrize(
    "cursor", ["x", "đ", "e30=", urlsafe_b64encode(b'["a", 1, []]').decode(), urlsafe_b64encode(b"\xff").decode()]
)
def test_a_cursor_of_something_else_is_refused(connection: Connection, cursor: str) -> None:
    with pytest.raises(UsageError, match="cursor"):
        search(connection, parse("tin"), cursor=cursor)


def test_a_cursor_belongs_to_its_query(connection: Connection) -> None:
    for _ in range(3):
        add_document(connection, "tin mới")
    cursor = search(connection, parse("tin"), limit=1).next
    with pytest.raises(UsageError, match="cursor"):
        search(connection, parse("mới"), cursor=cursor)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3))).map("".join)))
@example(" ".join(f"t{number}" for number in range(2_000)))
@example(" ".join(f"-t{number}" for number in range(2_000)))
@example(" ".join(f"site:t{number} -author:t{number}" for number in range(1_500)))
@example("a " * 5_000)
@example('"' + "a " * 5_000)
@example("\U0001e900 tin")  # a letter that the database may not know
def test_any_question_has_an_answer(connection: Connection, text: str) -> None:
    try:
        query = parse(text)
    except UsageError:
        return
    with connection.begin_nested() as savepoint:
        add_document(connection, "tin 0 a", authors=["b"])
        results = search(connection, query)
        assert len(results.hits) == results.total <= 1
        savepoint.rollback()


def test_a_version_can_be_forgotten_and_written_anew(connection: Connection) -> None:
    add_document(connection, "Uỷ ban Ðảng Sóc\u200bTrăng")
    add_document(connection, "khác")
    dialect = dialect_of(connection)
    rows = select(version.c.id, version.c.title, version.c.lead, version.c.text).where(version.c.document == 1)
    dialect.remove_from_fulltext(connection, connection.execute(rows))
    connection.execute(update(version).where(version.c.document == 1).values(title="Mới", text="toàn văn"))
    dialect.add_to_fulltext(connection, connection.execute(rows))
    assert [found(connection, text) for text in ("uy ban", "dang", "sóctrăng", "toan van", "mới", "khac")] == [
        [],
        [],
        [],
        [1],
        [1],
        [2],
    ]
    dialect.remove_from_fulltext(connection, connection.execute(rows))
    connection.execute(delete(version).where(version.c.document == 1))
    assert found(connection, "toan") == []


def test_insert_ignore_counts_what_is_new(connection: Connection) -> None:
    owner = add_document(connection, "tin")
    rows = [{"url": f"https://thst.vn/{name}", "document": owner, "first_seen": "2024"} for name in "abc"]
    dialect = dialect_of(connection)
    assert dialect.insert_ignore(connection, address, []) == 0
    assert dialect.insert_ignore(connection, address, rows[:1]) == 1
    assert dialect.insert_ignore(connection, address, [row | {"first_seen": "2025"} for row in rows]) == 2
    assert connection.scalars(select(address.c.first_seen).order_by(address.c.url)).all() == ["2024", "2025", "2025"]
