import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.errors import UsageError
from storage.query import Filter, Query, Term, parse, quoted, straight

SYNTAX = ["-", "*", ":", '"', "(", ")", "^", "AND ", "OR ", "NOT ", "NEAR(", "'", "%", "\\", "_", "+", "{", "}", "“"]
FIELDS = [
    "site:",
    "section:",
    "author:",
    "has:pdf",
    "has:changes",
    "has:attachment",
    "in:latest",
    "gone:",
    "after:",
    "2024",
    "-02",
]
PIECES = [*SYNTAX, *FIELDS, "đô ", "thị* ", "\x00", "\n", "\u202e", "\ud800"]


def words(*terms: str) -> Query:
    return Query(terms=tuple(Term(tuple(term.split())) for term in terms))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("đô thị loại I", ["đô", "thị", "loại", "I"]),
        ('"đô thị" loại', ["đô thị", "loại"]),
        ('"đô thị', ["đô thị"]),
        ("“đô thị” loại", ["đô thị", "loại"]),
        ('"đô ""thị"" loại" I', ["đô thị loại", "I"]),
        ("PT&TH 02/01/2025", ["PT TH", "02 01 2025"]),
        ("covid-19", ["covid 19"]),
        ("đô đô", ["đô"]),
        ("a AND b OR NOT (NEAR ^c) + {d}", ["a", "AND", "b", "OR", "NOT", "NEAR", "c", "d"]),
        ("http://thst.vn/t/x", ["http thst vn t x"]),
        ("vai trò: mới", ["vai", "trò", "mới"]),
        ("site: after: has:docx gone:maybe in:old", ["site", "after", "has docx", "gone maybe", "in old"]),
        ('after:"" "site:thst"', ["after", "site thst"]),
        ("Sóc\u200bTrăng", ["SócTrăng"]),
        (unicodedata.normalize("NFD", "Sóc Trăng"), ["Sóc", "Trăng"]),
        ("a\x00b\x1bc \u202ed", ["a", "b", "c", "d"]),
        ('- * : " -- ** "" "*" -* _ \x00', []),
        ("", []),
    ],
)
def test_words_and_phrases(text: str, terms: list[str]) -> None:
    assert parse(text) == words(*terms)


@pytest.mark.parametrize("text", ["th*", "-th*", '"đô th"*', '-"đô th"*', '"đô th'])
def test_a_star_at_the_end_is_a_prefix(text: str) -> None:
    query = parse(text)
    (term,) = query.excluded if text.startswith("-") else query.terms
    assert term.prefix == text.endswith("*")


def test_a_star_inside_or_before_a_word_is_none() -> None:
    assert parse("t*h *th") == words("t h", "th")


def test_exclusions() -> None:
    expected = Query((Term(("a",)),), (Term(("b",)), Term(("c", "d"))), (Filter("site", "thst", excluded=True),))
    assert parse('a -b -"c d" -site:THST') == expected


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("site:thst", "site", "thst"),
        ("SITE:Thst", "site", "thst"),
        ('section:"Tin địa phương"', "section", "Tin địa phương"),
        ('section:"Tin địa phương', "section", "Tin địa phương"),
        ('section:"Chuyên mục ""Sống"""', "section", 'Chuyên mục "Sống"'),
        ("section:“Chuyên mục ““Sống”””", "section", 'Chuyên mục "Sống"'),
        ('section:"""Sống"" hôm nay"', "section", '"Sống" hôm nay'),
        ("author:Nguyễn", "author", "Nguyễn"),
        ("after:2024", "after", "2024-01-01"),
        ("after:2024-05", "after", "2024-05-01"),
        ("after:2024-05-17", "after", "2024-05-17"),
        ("before:2024", "before", "2024-12-31"),
        ("before:2024-02", "before", "2024-02-29"),
        ("before:2024-02-03", "before", "2024-02-03"),
        ('before:"2024"', "before", "2024-12-31"),
        ("has:PDF", "has", "pdf"),
        ("has:attachment", "has", "attachment"),
        ("has:changes", "has", "changes"),
        ("in:latest", "in", "latest"),
        ("gone:yes", "gone", "yes"),
    ],
)
def test_fields(text: str, field: str, value: str) -> None:
    assert parse(text) == Query(filters=(Filter(field, value),))


@pytest.mark.parametrize(
    "day", ["2024-13", "2024-02-30", "0000", "24", "tomorrow", "2024-5", "٢٠٢٤", '"2024\n01"', "*", "9" * 9000]
)
def test_a_date_that_is_none_is_refused_in_one_short_line(day: str) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD") as refused:
        parse(f"đô thị after:{day}")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 120


@given(st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3))).map("".join)))
@example('"' * 10_000)
@example("-" * 10_000)
@example("a:" * 5_000)
@example('a:"' * 3_000)
def test_any_text_is_a_question(text: str) -> None:
    try:
        query = parse(text)
    except UsageError:
        return
    terms = query.terms + query.excluded
    assert all(term.words for term in terms)
    assert not any(character in SYNTAX for term in terms for character in str(term))


@given(st.text(st.sampled_from('ab "“”„-*: \u200b&<')).filter(lambda name: any(map(str.isalpha, name))))
@example('Chuyên mục "Sống khỏe" & <b>')
def test_any_name_of_a_section_can_be_written(name: str) -> None:
    (named,) = parse(f"section:{quoted(name)}").filters
    assert named == Filter("section", straight(name).strip())
    assert parse(f"a -section:{quoted(name)} b").filters == (Filter("section", named.value, excluded=True),)
