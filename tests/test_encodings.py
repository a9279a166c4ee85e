"""Vietnamese in old encodings comes back as it was; French, German, Portuguese and Unicode stay what they are."""

import gzip
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree
from lxml.html import document_fromstring

from crawler.extraction.encodings import TCVN3, VNI, is_syllable, restore
from crawler.extraction.page import parse, to_utf8

GOLD = Path(__file__).parents[1] / ".." / "shared" / "data" / "extraction"
LINES = [
    line
    for path in sorted((Path(__file__).parent / "pages").glob("seed_*.json"))
    for line in json.loads(path.read_text("utf-8"))["body"]
]
WORDS = sorted({word for line in LINES for word in unicodedata.normalize("NFC", line).split() if is_syllable(word)})
LATER = max(LINES, key=len)
STRANGERS = {
    "French": """Où est passé l'été ? Le théâtre de Besançon a rouvert dès la rentrée ; les élèves, plutôt âgés, ont
        fêté Noël à l'hôtel. « Là où tu vas, tôt ou tard, c'est sûr », a-t-il dû répéter, naïf, une pâte de goût amer
        à la bouche. Bientôt le maïs mûr couvrira la côte, et l'août sera dû au même maître, près du canoë.""",
    "German": """Über den Dächern von Köln hören die Mädchen schöne Töne; die Größe der Bögen und Gärten überraschte
        selbst müde Spaziergänger. »Na, so schön«, sagte Jörg, »tät ich's öfter mögen.« Für fünf Euro gäbe es Öl,
        Käse, Brötchen und süße Äpfel, während draußen früh der Föhn weht, heißt es in Güstrow.""",
    "Portuguese": """A situação não é fácil: as três irmãs põem pão, maçãs e limões à mesa, e lá fora há avós e órgãos
        públicos a pedir ações. Têm razão, só que o país, saúde incluída, já não dá conta: aí está o pôr do sol, o céu,
        a chã, o chá, a fé, «a mão» e o português de São João, também útil aos cães, às nações e às emoções.""",
    "English": "10 µm, 5 µg and 3 µm; © 2024 Acme®, ±2 °C at £5 or ¥6: café, naïve, fiancée, «so» and §4 of the ¶.",
    "Italian": "Perché così? È già più là che qua: l'università, la città, ciò che sarà può essere però metà bontà.",
    "Spanish": "El año pasado, según él, el niño comió piña; qué más da: ¿dónde está el jamón? ¡Aquí, señor! Sí, allí.",
}


def _inverse(table: dict[str, str]) -> dict[str, str]:
    return {letter: written for written, letter in reversed(table.items())}


_BY_ABC, _BY_VNI = _inverse(TCVN3), _inverse(VNI)


def to_tcvn3(text: str) -> str:
    """Toned capitals become small letters: only the font showed them large."""
    return "".join(_BY_ABC.get(letter, _BY_ABC.get(letter.lower(), letter)) for letter in text)


def to_vni(text: str) -> str:
    return "".join(_BY_VNI.get(letter, letter) for letter in text)


def to_1258(text: str) -> str:
    """Letters with their hat whole, the tone behind them."""
    out = []
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tones = "".join(mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323")
        out.append(unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in tones)) + tones)
    return "".join(out)


WRITTEN: dict[str, Callable[[str], str]] = {"tcvn3": to_tcvn3, "vni": to_vni}
SERVED = {
    "windows-1252": (lambda html: html.encode("cp1252", "xmlcharrefreplace"), "text/html; charset=windows-1252"),
    "iso-8859-1": (lambda html: html.encode("cp1252", "xmlcharrefreplace"), "text/html; charset=iso-8859-1"),
    "utf-8": (str.encode, "text/html; charset=utf-8"),
    "utf-8 said, windows-1252 sent": (
        lambda html: html.encode("cp1252", "xmlcharrefreplace"),
        "text/html; charset=utf-8",
    ),
    "windows-1258": (lambda html: html.encode("latin-1", "xmlcharrefreplace"), "text/html; charset=windows-1258"),
    "nothing": (lambda html: html.encode("cp1252", "xmlcharrefreplace"), None),
    "user-defined": (lambda html: html.encode("cp1252", "xmlcharrefreplace"), "text/html; charset=x-user-defined"),
    "entities": (lambda html: html.encode("ascii", "xmlcharrefreplace"), "text/html"),
}


def lines(payload: bytes, content_type: str | None = "text/html; charset=utf-8") -> list[str]:
    page = parse(payload, content_type, "https://a.example/x")
    assert page is not None
    return [line.text for line in page.lines]


def paragraphs(*texts: str) -> str:
    return "<html><body>" + "".join(f"<p>{text}</p>" for text in texts) + "</body></html>"


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)


@pytest.mark.parametrize("served", SERVED)
@pytest.mark.parametrize("encoding", WRITTEN)
def test_an_article_comes_back(encoding: str, served: str) -> None:
    serve, content_type = SERVED[served]
    wanted = [nfc(line) for line in LINES]
    if encoding == "tcvn3":  # a toned capital is small without its font
        wanted = [line for line in wanted if all(letter in _BY_ABC or letter < "\u00c0" for letter in line)]
    sent = [WRITTEN[encoding](line) for line in wanted]
    assert len(wanted) > 20
    assert lines(serve(paragraphs(*sent)), content_type) == wanted


@given(words)
def test_vni_round_trip(some: list[str]) -> None:
    text = " ".join(some)
    assert lines(paragraphs(to_vni(LATER), to_vni(text)).encode()) == [nfc(LATER), text]
    assert lines(paragraphs(to_vni(LATER), to_vni(text.upper())).encode()) == [nfc(LATER), text.upper()]


@given(words)
def test_tcvn3_round_trip(some: list[str]) -> None:
    text = " ".join(some).lower()
    before = nfc(LATER).lower()
    assert lines(paragraphs(to_tcvn3(before), to_tcvn3(text)).encode()) == [before, text]
    shown = f'<font face=".VnTimeH">{to_tcvn3(text)}</font>'
    assert lines(paragraphs(to_tcvn3(before), shown).encode()) == [before, text.upper()]


@given(words)
@pytest.mark.parametrize("said", ["windows-1258", "windows-1252", "iso-8859-1", None])
def test_windows_1258_round_trip(said: str | None, some: list[str]) -> None:
    text = " ".join(some)
    payload = paragraphs(to_1258(nfc(LATER)), to_1258(text)).encode("cp1258", "xmlcharrefreplace")
    assert lines(payload, f"text/html; charset={said}" if said else None) == [nfc(LATER), text]


@given(st.sampled_from(sorted(WRITTEN)), words)
def test_two_words_are_enough_under_their_font(encoding: str, some: list[str]) -> None:
    font = {"tcvn3": ".VnTime", "vni": "VNI-Times"}[encoding]
    text = " ".join(some).lower()
    sent = WRITTEN[encoding](text)
    assume(sum(not is_syllable(word) for word in set(sent.split())) >= 2)
    for html in (
        f'<font face="{font}">{sent}</font>',
        f"<span style='font-family:\"{font}\", Arial'>{sent}</span>",
        f'<b style="font: 12pt {font}">{sent}</b>',
        f"<style>p {{font-family: {font}}}</style>{sent}",
    ):
        assert lines(html.encode()) == [text]


@pytest.mark.parametrize("encoding", WRITTEN)
def test_only_the_texts_in_it_are_converted(encoding: str) -> None:
    menu = ["Trang chủ", "Giới thiệu", "Cá", "Đá bóng", "Hôm nay, các bộ, hội và nhà"]
    body = [nfc(line).lower() for line in LINES[:6]]
    html = paragraphs(*menu, *map(WRITTEN[encoding], body), STRANGERS["French"], *menu[:2])
    assert lines(html.encode()) == [*menu, *body, nfc(STRANGERS["French"]), *menu[:2]]


def test_unicode_in_a_span_of_an_old_font_stays() -> None:
    shown = "".join(f"<p><span style='font-family:\".VnTime\"'>{line}</span></p>" for line in LINES)
    assert lines(f"<body>{shown}".encode()) == [nfc(line) for line in LINES]


def test_signs_stay_signs() -> None:
    signs = "© 2004 – § 5, 1 ½ » 20 × 30 ®"
    before = nfc(LATER).lower()
    assert lines(paragraphs(to_tcvn3(before), signs, to_tcvn3("ô tô ạ ") + signs).encode()) == [
        before,
        signs,
        "ô tô ạ " + signs,
    ]


def test_a_line_of_capitals_is_read_as_one_without_its_font() -> None:
    shown = "HÀ NỘI, NGÀY ẤY: ĐẠI HỘI"
    assert lines(paragraphs(to_tcvn3(nfc(LATER).lower()), to_tcvn3(shown)).encode())[1] == shown


def test_what_a_tag_tears_apart_and_what_the_head_says() -> None:
    body = to_tcvn3(nfc(LATER).lower())
    html = f'<title>{body}</title><meta name=description content="{body}"><p>{body}'
    html += "<p>th<b>\u00ad\u00ea</b>ng tr<i>\u00f9</i>c"
    page = parse(html.encode(), "text/html", "https://a.example/x")
    assert page is not None
    assert page.title == page.meta["description"][0] == nfc(LATER).lower()
    assert page.lines[1].text == "thường trực"


@pytest.mark.parametrize("language", STRANGERS)
@pytest.mark.parametrize("served", ["windows-1252", "utf-8", "nothing", "entities"])
@pytest.mark.parametrize("font", ["Arial", ".VnTime", "VNI-Times"])
def test_other_languages_stay(language: str, served: str, font: str) -> None:
    serve, content_type = SERVED[served]
    text = STRANGERS[language]
    html = f"<body style='font-family: {font}'>" + "".join(f"<p>{part}</p>" for part in (text, *text.split(". ")))
    assert lines(serve(html), content_type) == [nfc(part) for part in (text, *text.split(". "))]


@given(st.lists(st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x17F), max_size=30), max_size=6))
def test_anything_is_restored_without_error(some: list[str]) -> None:
    sent = to_tcvn3(nfc(LATER).lower())
    assert lines(paragraphs(sent, *some, sent + "\x01\x0b").encode())[0] == nfc(LATER).lower()


def test_a_page_without_an_old_encoding_is_untouched() -> None:
    html = paragraphs(*LINES).encode()
    root = document_fromstring(html.decode())
    before = etree.tostring(root)
    restore(root, html)
    assert etree.tostring(root) == before


def test_no_gold_page_is_touched() -> None:
    payloads = [gzip.decompress(path.read_bytes()) for path in sorted(GOLD.glob("*/pages/*.gz"))]
    if not payloads:
        pytest.skip("the gold pages are not here")
    for payload in payloads:
        root = document_fromstring(to_utf8(payload, None).decode())
        before = etree.tostring(root)
        restore(root, payload)
        assert etree.tostring(root) == before


def test_a_few_broken_bytes_are_just_broken() -> None:
    text = nfc(LATER)
    assert to_utf8(text.encode() + b"\xe1\xbb", "text/html").decode() == text + "\ufffd"
    assert to_utf8("déjà vu".encode("latin-1"), "text/html; charset=utf-8").decode() == "déjà vu"
    assert to_utf8("vă n".encode("cp1258"), "text/html; charset=hex").decode() == "vã n"
    assert to_utf8("“a”".encode("cp1252"), "text/html; charset=iso-8859-1").decode() == "“a”"


@pytest.mark.parametrize("word", ["nghiêng", "Quỳnh", "giết", "gì", "khuya", "ƯỚC", "oẹ", "tuýp", "xoèn"])
def test_syllables(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["tôt", "màc", "été", "für", "ßa", "strong", "bbà", "ngoêng", "", "«ông»"])
def test_no_syllables(word: str) -> None:
    assert not is_syllable(word)
