"""Citations: golden texts, and what archived titles could do to what is around them."""

import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import DOCUMENT, GONE, filled

from luutru.cite import Style, Work, cite
from luutru.cli import main

WORK = Work(
    document="thst/t/chinh-trang-hai-bo-kenh",
    title="Thành phố Sóc Trăng chỉnh trang hai bờ kênh",
    authors=("Minh Thư",),
    publisher="Đài Phát thanh và Truyền hình Sóc Trăng",
    published=date(2024, 11, 14),
    url="https://thst.vn/t/chinh-trang-hai-bo-kenh",
    archived=date(2025, 1, 2),
    archive_url="https://replay.example/20250102011244/https://thst.vn/t/chinh-trang-hai-bo-kenh",
)
ALONE = replace(WORK, authors=(), published=None, archive_url=None)
SEEN = WORK.archive_url

GOLDEN = {
    (Style.CHICAGO, "en"): f"Minh Thư. “{WORK.title}.” {WORK.publisher}, November 14, 2024. "
    f"Archived January 2, 2025. {SEEN}.",
    (Style.CHICAGO, "vi"): f"Minh Thư. “{WORK.title}.” {WORK.publisher}, ngày 14 tháng 11 năm 2024. "
    f"Bản chụp ngày 2 tháng 1 năm 2025. {SEEN}.",
    (Style.APA, "en"): f"Minh Thư. (2024, November 14). {WORK.title}. {WORK.publisher}. {SEEN}",
    (Style.APA, "vi"): f"Minh Thư. (2024, ngày 14 tháng 11). {WORK.title}. {WORK.publisher}. {SEEN}",
    (Style.BIBTEX, "en"): "\n".join(
        (
            "@online{thst-t-chinh-trang-hai-bo-kenh,",
            "  author = {{Minh Thư}},",
            f"  title = {{{{{WORK.title}}}}},",
            f"  organization = {{{WORK.publisher}}},",
            "  date = {2024-11-14},",
            f"  url = {{{SEEN}}},",
            "  urldate = {2025-01-02},",
            f"  note = {{\\url{{{WORK.url}}}}},",
            "  langid = {vietnamese},",
            "}",
        )
    ),
    (Style.RIS, "en"): "\r\n".join(
        (
            "TY  - ELEC",
            "AU  - Minh Thư",
            f"TI  - {WORK.title}",
            f"PB  - {WORK.publisher}",
            "PY  - 2024",
            "DA  - 2024/11/14",
            "Y2  - 2025/01/02",
            f"UR  - {SEEN}",
            f"L2  - {WORK.url}",
            "LA  - vi",
            "ID  - thst-t-chinh-trang-hai-bo-kenh",
            "ER  - ",
            "",
        )
    ),
    (Style.WIKIPEDIA, "vi"): f"{{{{cite web |title={WORK.title} |author=Minh Thư |date=2024-11-14 "
    f"|website={WORK.publisher} |url={WORK.url} |language=vi |archive-url={SEEN} |archive-date=2025-01-02 "
    "|url-status=live |access-date=2025-01-02}}",
    (
        Style.ROBUST,
        "en",
    ): f'<a href="{WORK.url}" data-versionurl="{SEEN}" data-versiondate="2025-01-02">{WORK.title}</a>',
}
WITHOUT = {
    Style.CHICAGO: f"{WORK.publisher}. “{WORK.title}.” Archived January 2, 2025. {WORK.url}.",
    Style.APA: f"{WORK.publisher}. (n.d.). {WORK.title}. Retrieved January 2, 2025, from {WORK.url}",
    Style.WIKIPEDIA: f"{{{{cite web |title={WORK.title} |website={WORK.publisher} |url={WORK.url} |language=vi "
    "|access-date=2025-01-02}}",
    Style.ROBUST: f'<a href="{WORK.url}" data-versiondate="2025-01-02">{WORK.title}</a>',
}


@pytest.mark.parametrize(("style", "language"), GOLDEN)
def test_each_style_writes_what_its_manual_says(style: Style, language: str) -> None:
    assert cite(WORK, style, language) == GOLDEN[style, language]


@pytest.mark.parametrize("style", WITHOUT)
def test_without_author_date_and_replay(style: Style) -> None:
    assert cite(ALONE, style) == WITHOUT[style]


@pytest.mark.parametrize("style", [Style.BIBTEX, Style.RIS])
def test_what_is_not_known_has_no_field(style: Style) -> None:
    text = cite(ALONE, style)
    assert not re.search(r"author|\bdate =|note|AU  -|PY  -|DA  -|L2  -", text)
    assert WORK.url in text


@pytest.mark.parametrize(
    ("count", "chicago", "apa"),
    [
        (2, "A0 and A1.", "A0, & A1. ("),
        (3, "A0, A1, and A2.", "A0, A1, & A2. ("),
        (11, "A0, A1, A2, A3, A4, A5, A6, et al. “", "A8, A9, & A10. ("),
        (21, "A5, A6, et al. “", "A17, A18, . . . A20. ("),
    ],
)
def test_several_authors(count: int, chicago: str, apa: str) -> None:
    work = replace(WORK, authors=tuple(f"A{number}" for number in range(count)))
    assert chicago in cite(work, Style.CHICAGO)
    assert apa in cite(work, Style.APA)
    assert f"|author{count}=A{count - 1} " in cite(work, Style.WIKIPEDIA)
    assert cite(work, Style.RIS).count("\r\nAU  - ") == count
    assert cite(work, Style.BIBTEX).count("} and {") == count - 1


@pytest.mark.parametrize(
    ("title", "chicago", "apa"),
    [
        ("Vì sao?", "“Vì sao?” Đài", "Vì sao? Đài"),
        ('Lễ hội "Ghe Ngo" mở', "“Lễ hội ‘Ghe Ngo’ mở.”", 'Lễ hội "Ghe Ngo" mở.'),
        ("Lễ hội “Ghe Ngo”", "“Lễ hội ‘Ghe Ngo’.”", "Lễ hội “Ghe Ngo”."),
        ("Hai\n dòng\t", "“Hai dòng.”", "Hai dòng."),
    ],
)
def test_titles_end_and_quote_as_they_should(title: str, chicago: str, apa: str) -> None:
    work = replace(WORK, title=title)
    assert chicago in cite(work, Style.CHICAGO)
    assert apa in cite(work, Style.APA)


def test_a_page_that_is_gone_is_dead_for_wikipedia() -> None:
    assert "|url-status=dead " in cite(replace(WORK, gone=True), Style.WIKIPEDIA)


SIGNS = st.sampled_from("a Đ|{}[]<>&\"'\\%#$_~^=\r\n\u2028\u202e”“.")
STRANGE = st.text(SIGNS, min_size=1, max_size=20).filter(lambda text: text.replace("\u202e", "").strip() != "")


class _Reader(HTMLParser):
    """The only link of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(STRANGE, STRANGE, STRANGE)
def test_no_title_name_or_address_breaks_out(title: str, name: str, path: str) -> None:
    work = replace(WORK, title=title, authors=(name, "An"), publisher=name, url=f"https://thst.vn/{path}")
    html = _Reader(cite(work, Style.ROBUST))
    assert [tag for tag, _ in html.tags] == ["a"]
    assert set(html.tags[0][1]) == {"href", "data-versionurl", "data-versiondate"}
    assert html.text == " ".join(re.sub("[\u2028\u202e]", " ", title).split())

    ris = cite(work, Style.RIS)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9]  - .*", line) for line in ris.split("\r\n")[:-1])
    assert "\n" not in ris.replace("\r\n", "")

    wiki = cite(work, Style.WIKIPEDIA).removeprefix("{{cite web ").removesuffix("}}").replace("{{!}}", "")
    assert not re.search(r"[{}\[\]<>']", wiki)
    assert [part.partition("=")[0] for part in wiki.split("|")[1:]][:4] == ["title", "author1", "author2", "date"]

    bib = re.sub(
        r"\\textbackslash\{\}|\\textasciitilde\{\}|\\textasciicircum\{\}|\\[#$%&_{}]", "", cite(work, Style.BIBTEX)
    )
    depth = 0
    for sign in bib:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    prose = "".join(line for line in bib.splitlines() if not line.startswith(("  url", "  note")))
    assert not re.search(r"[#$%&_~^\\]", prose)


@pytest.mark.parametrize("style", list(Style))
def test_the_command_cites_what_show_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str], style: Style) -> None:
    home = filled(tmp_path)
    assert main(["--home", str(home), "cite", DOCUMENT, "--format", str(style), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["document"], answer["version"], answer["style"]) == (DOCUMENT, 1, style)
    assert "Đô thị loại I" in answer["text"]
    assert main(["--home", str(home), "cite", DOCUMENT, "--format", str(style)]) == 0
    assert capsys.readouterr().out.rstrip() == answer["text"].replace("\r\n", "\n").rstrip()


def test_the_command_leads_to_the_replay_where_there_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = filled(tmp_path)
    settings = home / "luutru.toml"
    settings.write_text(
        'replay_url = "https://replay.example/"\n' + (settings.read_text() if settings.exists() else "")
    )
    assert main(["--home", str(home), "cite", DOCUMENT, "--format", "robust"]) == 0
    url = "https://dangcongsan.vn/thoi-su/do-thi-loai-i-592693.html"
    out = capsys.readouterr().out
    assert f'data-versionurl="https://replay.example/20250101075040/{url}" data-versiondate="2025-01-01"' in out


def test_what_is_not_there_is_not_cited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = filled(tmp_path)
    assert main(["--home", str(home), "cite", "none"]) == 1
    assert "no document 'none'" in capsys.readouterr().err
    assert main(["--home", str(home), "cite", DOCUMENT, "--format", "mla"]) == 2
    assert main(["--home", str(home), "cite", GONE]) == 0
    assert "ngày" not in capsys.readouterr().out
