"""Attachments from the wire to the answer: each a document that finds its articles, whatever the file is."""

import json
from pathlib import Path
from typing import Any

import pytest
from files import PARAGRAPH, docx, encrypted, nested, pages, scan
from sites_for_tests import HOST, NewsSite, Reply, crawl, make_home, page, rows, run

from luutru.demo import pdf

AT = f"http://{HOST}"
PUMP = "Trạm bơm Kênh Xáng vận hành."
PLAN = "Ke%20hoach%20(1).pdf"
FIRST = (PLAN, "mau.docx", "quet.pdf", "khoa.pdf", "bom.pdf")  # that the first article offers
NAMES = {
    "/f/Ke%20hoach%20(1).pdf": "Kế hoạch ứng phó thiên tai",
    "/f/mau.docx": "tại đây",
    "/f/quet.pdf": "Bản quét có chữ ký",
    "/f/khoa.pdf": "Tệp khóa",
    "/f/bom.pdf": "Bom",
    "/f/cut.pdf": "Cụt",
    "/f/cu.doc": "Văn bản cũ",
    "/f/mat.pdf": "Đã mất",
    "/f/trang.doc": "Trang đăng nhập",
}


def linked(number: int, *paths: str) -> bytes:
    """An article that offers files."""
    anchors = "".join(f"<p>Tải về: <a href='{path}'>{NAMES[path]}</a></p>" for path in paths)
    return page(number).replace(b"</html>", f"{anchors}</html>".encode())


def typed(body: bytes, mime: str) -> Reply:
    return Reply(body=body, headers={"Content-Type": mime})


FILES = {
    "/f/Ke%20hoach%20(1).pdf": typed(pdf.write("x", [PARAGRAPH, PUMP]), "application/octet-stream"),
    "/a/42": typed(pdf.write("Phụ lục danh mục công trình", [PARAGRAPH * 2]), "application/octet-stream"),
    "/f/mau.docx": typed(docx(PARAGRAPH, "Mẫu đơn đề nghị hỗ trợ giống lúa."), "text/html"),
    "/f/quet.pdf": typed(scan(), "application/pdf"),
    "/f/khoa.pdf": typed(encrypted(), "application/pdf"),
    "/f/bom.pdf": typed(nested(9), "application/pdf"),
    "/f/cut.pdf": typed(pages(20)[:4000], "application/pdf"),
    "/f/cu.doc": typed(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/msword"),
    "/f/trang.doc": typed(page(9), "text/html"),
}
REASONS = {
    "quet.pdf": "no text layer",
    "khoa.pdf": "encrypted",
    "bom.pdf": "reading it takes more than 768 MB of memory",
    "cut.pdf": "damaged: ",
    "cu.doc": "no text is read from doc files",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a site with two articles and their files."""
    made = make_home(tmp_path_factory.mktemp("attachments") / "home", DERIVE="on")
    articles = {
        "/a/1": Reply(body=linked(1, *(path for path in NAMES if path[3:] in FIRST))),
        "/a/2": Reply(
            body=linked(2, "/f/mau.docx", *(path for path in NAMES if path[3:] not in FIRST)) + b"<a href=/a/42>42</a>"
        ),
    }
    with NewsSite(2, articles | FILES) as site:
        ended = crawl(made, site)
    assert (ended.err, ended.crawl["outcome"], ended.crawl["warnings"]) == ("", "completed", [])
    assert ended.crawl["documents_new"] == 2
    return made


def ask(home: Path, *words: str) -> Any:
    ended = run(home, *words, "--json")
    assert ended.err == ""
    return json.loads(ended.out)


def test_an_article_lists_its_files_and_says_which_can_be_searched(home: Path) -> None:
    told = {one["url"].rpartition("/")[2]: one for one in ask(home, "show", "news/1")["attachments"]}
    assert {name for name, one in told.items() if one["has_text"]} == {PLAN, "mau.docx"}
    assert told["quet.pdf"] | {"url": ""} == {
        "url": "",
        "name": "Bản quét có chữ ký",
        "document": f"web:{AT}/f/quet.pdf",
        "has_text": False,
    }
    told = {one["url"].rpartition("/")[2]: one["document"] for one in ask(home, "show", "news/2")["attachments"]}
    assert told | {"cu.doc": None, "cut.pdf": None, "mau.docx": None} == dict.fromkeys(told)


@pytest.mark.parametrize("name", REASONS)
def test_a_file_without_text_is_a_document_that_says_why(home: Path, name: str) -> None:
    shown = ask(home, "show", f"{AT}/f/{name}")
    assert (shown["kind"], shown["text"], shown["title"]) == ("attachment", None, NAMES[f"/f/{name}"])
    assert shown["reason"].startswith(REASONS[name])
    assert [one["document"] for one in shown["articles"]] == ["news/1" if name in FIRST else "news/2"]
    assert len(shown["captures"]) == 1


def test_a_file_with_text_is_called_as_its_article_calls_it(home: Path) -> None:
    shown = ask(home, "show", f"{AT}/f/{PLAN}")
    assert (shown["title"], shown["method"], shown["reason"]) == ("Kế hoạch ứng phó thiên tai", "pdf", None)
    assert PUMP in shown["text"]
    assert len(ask(home, "history", f"{AT}/f/{PLAN}")["captures"]) == 1


def test_a_name_that_only_says_that_there_is_a_file_is_none(home: Path) -> None:
    shown = ask(home, "show", f"{AT}/f/mau.docx")
    assert (shown["title"], shown["method"]) == ("mau.docx", "docx")
    assert [one["document"] for one in shown["articles"]] == ["news/1", "news/2"]


def test_a_hit_in_a_file_names_the_article(home: Path) -> None:
    (hit,) = ask(home, "search", "tram bom kenh xang")["results"]
    assert (hit["kind"], hit["title"]) == ("attachment", "Kế hoạch ứng phó thiên tai")
    assert "[Trạm] [bơm] [Kênh] [Xáng]" in hit["snippet"]
    assert hit["articles"] == [{"document": "news/1", "url": f"{AT}/a/1", "title": "Bài 1"}]
    assert "offered by news/1: Bài 1" in run(home, "search", "tram bom kenh xang").out


def test_a_pdf_at_the_address_of_an_article_is_a_file(home: Path) -> None:
    shown = ask(home, "show", f"{AT}/a/42")
    assert (shown["document"], shown["kind"]) == (f"web:{AT}/a/42", "attachment")
    assert shown["title"] == "Phụ lục danh mục công trình"


def test_has_pdf_finds_articles_with_pdfs_and_pdfs(home: Path) -> None:
    found = {one["document"] for one in ask(home, "search", "has:pdf")["results"]}
    assert {one for one in found if one.startswith("news/")} == {"news/1", "news/2"}
    assert f"web:{AT}/a/42" in found
    assert f"web:{AT}/f/mau.docx" not in found


def test_files_are_counted_apart(home: Path) -> None:
    told = ask(home, "stats")
    assert (told["documents"], told["versions"]) == (2, 2)
    assert rows(home, "SELECT count(*) FROM document WHERE kind = 'attachment'") == [(8,)]


def test_people_are_told_too(home: Path) -> None:
    text = run(home, "show", f"{AT}/f/khoa.pdf").out
    assert "No text:     encrypted" in text
    assert "Offered by:  news/1: Bài 1" in text
    assert f"web:{AT}/f/quet.pdf, without text)" in run(home, "show", "news/1").out
