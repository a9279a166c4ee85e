"""Pages that nobody meant well with: a reason or an article, soon, in little memory."""

import resource
import time
from datetime import UTC, datetime

import pytest

from crawler.extraction import article

CAPTURED = datetime(2026, 11, 22, tzinfo=UTC)
MANY = 20_000_000  # bytes
SOON = 30.0  # seconds of CPU, on a slow machine
PAGES = {
    "nothing": (b"", "empty"),
    "zeros": (b"\0" * 1_000_000, "empty"),
    "bytes": (bytes(range(256)) * 1000, "no title"),
    "one line": ("<p>" + "lượt xem bài " * (MANY // 16)).encode(),
    "one word": b"<p>" + b"a" * MANY,
    "digits": b"<p>" + b"1 " * (MANY // 2),
    "dots": b"<p>" + b". " * 1_000_000,
    "crumbs": b"<p>" + b">> a " * 400_000,
    "counter": "<p>Lượt xem".encode() + b" " * 9_000_000 + b"x",
    "paragraphs": (b"<p>Mot doan du chu de la mot doan van." * 150_000, "too long"),
    "links": (b"<li><a href=/a>Mot tieu de kha la dai</a>" * 80_000, "too long"),
    "nested": b"<div>" * 100_000 + b"chu " * 100 + b"</div>" * 100_000,
    "nested tables": b"<table><tr><td>" * 100_000 + b"chu " * 100,
    "unclosed": b"<p><b><i><a href=x>" * 100_000,
    "broken tables": b"<table><tr><td><table><td><tr></td><tr><p>abc<table></tr>" * 30_000,
    "brackets": b"<" * 2_000_000,
    "attribute": b'<p class="' + b"x " * (MANY // 2) + b'">chu',
    "invalid UTF-8": (b"<p>\xff\xfe\xc3" + b"\xe1\xbb" * 100) * 2000,
    "nested JSON": b'<script type="application/ld+json">' + b"[" * 1_000_000 + b"</script><p>x",
    "title": b"<title>" + b"tin " * 300_000 + b"</title><p>" + b"chu " * 300,
}


@pytest.mark.parametrize("name", PAGES)
def test_a_bad_page_is_read_soon(name: str) -> None:
    given = PAGES[name]
    payload, reason = given if isinstance(given, tuple) else (given, None)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = article.read(payload, content_type=None, url="https://a.example/x", layouts=(), captured=CAPTURED)
    assert time.process_time() - started < SOON
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB
    assert (found.article is None) != (found.reason is None)
    assert reason is None or found.reason == reason


@pytest.mark.parametrize("text", ["Lượt xem " * 100_000, "1 " * 200_000, "Ngày 1/2/2024 " * 50_000, "A, " * 200_000])
def test_a_line_without_end_beside_an_article_costs_little(text: str) -> None:
    words = "Ban Chấp hành Đảng bộ thành phố tổ chức hội nghị sơ kết công tác giữa nhiệm kỳ. " * 5
    page = f"<title>Hội nghị sơ kết công tác</title><h1>Hội nghị sơ kết công tác</h1><p>{words}</p><p>{words}<p>{text}"
    started = time.process_time()
    found = article.read(
        page.encode(), content_type="text/html", url="https://a.example/x", layouts=(), captured=CAPTURED
    ).article
    assert time.process_time() - started < SOON
    assert found is not None
    assert found.text.startswith(words.strip())
