"""The demo sites: whole, shaped like the real ones, different at every fetch where those are, and quick."""

import gzip
import http.client
import re
import socket
import ssl
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import lxml.html
import pytest

from luutru.demo import broadcaster, city, content, pdf
from luutru.demo.server import DemoSites
from spiders import sites as known_sites

_CSS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return self.headers["content-type"].partition(";")[0]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def html(self) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(self.body, parser=lxml.html.HTMLParser(encoding="utf-8"))


class Reader:
    """A client that goes where `--connect-to` says."""

    def __init__(self, sites: DemoSites) -> None:
        self._to = {}
        for mapping in sites.connect_to:
            host, port, address, here = mapping.split(":")
            self._to[host, int(port)] = (address, int(here))
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._connections: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def get(self, url: str, **headers: str) -> Reply:
        parts = urlsplit(url)
        connection = self._connection(parts.scheme, parts.hostname or "")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}"
        connection.request("GET", path, headers={"Host": parts.netloc, "User-Agent": "test"} | named)
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def _connection(self, scheme: str, host: str) -> http.client.HTTPConnection:
        if (scheme, host) not in self._connections:
            address, port = self._to[host, 443 if scheme == "https" else 80]
            self._connections[scheme, host] = (
                http.client.HTTPSConnection(address, port, context=self._context, timeout=60)
                if scheme == "https"
                else http.client.HTTPConnection(address, port, timeout=60)
            )
        return self._connections[scheme, host]

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoSites]:
    with DemoSites() as sites:
        yield sites


@pytest.fixture(scope="module")
def reader(demo: DemoSites) -> Iterator[Reader]:
    client = Reader(demo)
    yield client
    client.close()


def named_by(url: str, reply: Reply) -> set[str]:
    """Every address that a page or style sheet names."""
    if reply.type == "text/css":
        found = [one or other for one, other in _CSS.findall(reply.text)]
    elif reply.type == "text/html":
        tree = reply.html
        found = tree.xpath("//@href | //@src | //@data-src | //@data-original")
        found += [part.split()[0] for value in tree.xpath("//@srcset") for part in value.split(",")]
    else:
        return set()
    return {urljoin(url, one) for one in found if not one.startswith("javascript:")}


def spelling(url: str) -> tuple[object, ...]:
    """The address with its parameters in order."""
    parts = urlsplit(url)
    return (*parts[:3], *sorted(parse_qsl(parts.query)))


@pytest.fixture(scope="module")
def crawled(reader: Reader) -> dict[str, Reply]:
    """Everything reachable from the seeds of the real definitions."""
    waiting = [
        seed.url.replace("{page}", "1") for key in DemoSites.sites for seed in known_sites(Path("nowhere"))[key].seeds
    ]
    seen = {spelling(url) for url in waiting}
    replies: dict[str, Reply] = {}
    while waiting:
        url = waiting.pop()
        replies[url] = reader.get(url)
        for one in named_by(url, replies[url]):
            if spelling(one) not in seen:
                seen.add(spelling(one))
                waiting.append(one)
    return replies


def lines(reply: Reply) -> list[str]:
    tree = reply.html
    for block in tree.iter("p", "div", "li", "h1", "h2", "td", "br"):
        block.tail = f"\n{block.tail or ''}"
        block.text = f"\n{block.text or ''}"
    text = tree.body.text_content().replace("\xa0", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_everything_named_anywhere_answers_200(crawled: dict[str, Reply]) -> None:
    assert {url: reply.status for url, reply in crawled.items() if reply.status != 200} == {}
    assert {reply.type for reply in crawled.values()} == {
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg+xml",
        "image/png",
        "font/woff2",
        "application/pdf",
    }


def test_bodies_are_what_their_type_says(crawled: dict[str, Reply]) -> None:
    starts = {"image/png": b"\x89PNG\r\n\x1a\n", "font/woff2": b"wOF2", "application/pdf": b"%PDF-", "text/html": b"<!"}
    for url, reply in crawled.items():
        assert reply.body.startswith(starts.get(reply.type, b"")), url
        assert reply.type != "text/html" or reply.html.xpath("//title")[0].text.strip(), url


def test_every_article_is_reached_at_both_addresses(demo: DemoSites, crawled: dict[str, Reply]) -> None:
    found = {spelling(url) for url in crawled}
    for article in demo.city.articles:
        assert spelling(demo.city.desktop_url(article)) in found
        assert spelling(demo.city.mobile_url(article)) in found
    for article in demo.broadcaster.articles:
        assert spelling(f"https://thst.vn{broadcaster.article_path(article)}") in found


def test_the_definitions_take_these_pages_for_the_articles(demo: DemoSites, crawled: dict[str, Reply]) -> None:
    known = known_sites(Path("nowhere"))
    documents = {key: {known[key].document(url) for url in crawled} - {None} for key in DemoSites.sites}
    assert len({one for one in documents["soctrang-city"] if one.startswith("vnpt:soctrang/steering/")}) == 3
    assert {one for one in documents["soctrang-city"] if re.fullmatch(r"vnpt:soctrang/\d+", one)} == {
        f"vnpt:soctrang/{city.article_id(article)}" for article in demo.city.articles
    }
    assert documents["thst"] == {f"thst{broadcaster.article_path(article)}" for article in demo.broadcaster.articles}


def test_articles_are_many_and_different(demo: DemoSites) -> None:
    articles = demo.city.articles + demo.broadcaster.articles
    assert len(demo.city.articles) >= 40
    assert len(demo.broadcaster.articles) >= 40
    texts = {article.paragraphs for article in articles}
    assert len(articles) - len(texts) == 3  # republished
    assert len(texts) >= 80
    paragraphs = [paragraph for text in texts for paragraph in text]
    assert len(paragraphs) == len(set(paragraphs))
    assert all(len(article.paragraphs) >= 4 and article.authors for article in articles)
    assert len({article.published.year for article in articles}) >= 7
    assert date(2018, 1, 1) < min(article.published for article in articles)


def test_text_is_composed_and_has_its_diacritics(demo: DemoSites) -> None:
    for article in demo.city.articles + demo.broadcaster.articles:
        text = " ".join((article.title, *article.paragraphs))
        assert unicodedata.is_normalized("NFC", text)
        assert sum(not letter.isascii() for letter in text) > len(text) / 6, article.title
    assert any("đô thị loại I" in article.lead for article in demo.city.articles)


def test_numbers_of_articles_rise_with_time(demo: DemoSites) -> None:
    numbers = [city.article_id(article) for article in reversed(demo.city.articles)]
    assert all(earlier < later for earlier, later in pairwise(numbers))


def test_both_addresses_show_the_same_text(demo: DemoSites, reader: Reader) -> None:
    for article in demo.city.articles:
        desktop = lines(reader.get(demo.city.desktop_url(article)))
        mobile = lines(reader.get(demo.city.mobile_url(article, 3)))
        ends = (desktop.index("Văn bản chỉ đạo"), mobile.index("SỐ LƯỢNG TRUY CẬP"))
        texts = [
            page[next(at for at, line in enumerate(page) if line.startswith("Lượt xem:")) + 1 : end]
            for page, end in zip((desktop, mobile), ends, strict=True)
        ]
        assert texts[0] == texts[1]
        assert texts[0][0] == article.title
        assert set(article.paragraphs) <= set(texts[0])
        assert texts[0][-1] == ", ".join(article.authors)


def test_hosts_of_the_broadcaster_show_the_same_article(demo: DemoSites, reader: Reader) -> None:
    path = broadcaster.article_path(demo.broadcaster.articles[0])
    texts = {
        tuple(line for line in lines(reader.get(f"{scheme}://{host}{path}")) if "Lượt xem" not in line)
        for host in broadcaster.HOSTS
        for scheme in ("http", "https")
    }
    assert len(texts) == 1


def test_page_of_the_broadcaster_reads_as_the_real_one(demo: DemoSites, reader: Reader) -> None:
    article = demo.broadcaster.articles[5]
    found = lines(reader.get(f"https://thst.vn{broadcaster.article_path(article)}"))
    at = next(n for n, line in enumerate(found) if re.fullmatch(r".+ \(Lượt xem: \d+\)", line))
    assert found[at + 1] == f">> TIN TỨC >> {broadcaster.CATEGORIES[int(article.section)]}"
    assert found[at + 2] == f"Cập nhật: {article.published:%d/%m/%Y}{article.lead}"
    related = found.index("TIN LIÊN QUAN")
    assert found[related - 1].startswith("Tag: ")
    assert found[related - 2] == ", ".join(article.authors)
    assert len([line for line in found[related:] if line.startswith("- ")]) == 20 + len(broadcaster.CATEGORIES)


def test_one_slug_has_a_no_break_space(demo: DemoSites, reader: Reader) -> None:
    (path,) = (path for path in map(broadcaster.article_path, demo.broadcaster.articles) if "%C2%A0" in path)
    assert reader.get(f"https://thst.vn{path}").status == 200
    assert reader.get(f"https://thst.vn{path.replace('%C2%A0', '-')}").status == 404


def test_lists_are_newest_first_and_end(demo: DemoSites, reader: Reader) -> None:
    days: list[str] = []
    for at in range(1, 10):
        html = reader.get(f"https://thst.vn/Home/ReloadSubject/{at}?MACD=7").html
        days += [item.xpath("./div")[1].text for item in html.xpath("//ul[@class='tin']/li")]
    shown = [article.published for article in demo.broadcaster.articles if article.section == "7"]
    assert days == [f"{day:%d/%m/%Y}" for day in shown]


def test_counters_and_query_order_change_at_every_fetch(demo: DemoSites, reader: Reader) -> None:
    url = demo.city.desktop_url(demo.city.articles[0])
    first, second = reader.get(url), reader.get(url)
    for pattern in (r"Lượt xem: (\d+)", r"Tất cả: (\d+)"):
        assert re.findall(pattern, first.text) != re.findall(pattern, second.text)
    before, after = named_by(url, first), named_by(url, second)
    assert before != after
    assert set(map(spelling, before)) == set(map(spelling, after))


def test_pages_name_every_kind_of_requisite(crawled: dict[str, Reply]) -> None:
    for host, lazy in (("thanhpho.soctrang.gov.vn", "data-src"), ("thst.vn", "data-original")):
        mine = {url: reply for url, reply in crawled.items() if urlsplit(url).hostname == host}
        pages = [reply for reply in mine.values() if reply.type == "text/html"]
        sheets = "".join(reply.text for reply in mine.values() if reply.type == "text/css")
        assert all(page.html.xpath("//link[@rel='stylesheet']/@href") for page in pages)
        assert all(page.html.xpath("//script/@src") for page in pages)
        assert any(page.html.xpath("//img/@srcset") for page in pages)
        assert any(page.html.xpath(f"//img/@{lazy}") for page in pages)
        assert "@import" in sheets
        assert "background: " in sheets
        assert "@font-face" in sheets


def test_pdfs_can_be_read(crawled: dict[str, Reply]) -> None:
    files = {url: reply.body for url, reply in crawled.items() if reply.type == "application/pdf"}
    assert {urlsplit(url).hostname for url in files} == {"thanhpho.soctrang.gov.vn", "storage-vnportal.vnpt.vn"}
    for url, body in files.items():
        start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", body)[1])
        assert body[start:].startswith(b"xref\n"), url
        offsets = [int(offset) for offset in re.findall(rb"(\d{10}) 00000 n ", body)]
        assert [body[at:].split()[0] for at in offsets] == [b"%d" % n for n in range(1, len(offsets) + 1)]
        assert "ỦY BAN NHÂN DÂN THÀNH PHỐ VÀM SEN" in pdf_text(body), url


def pdf_text(body: bytes) -> str:
    letters = {int(code, 16): chr(int(to, 16)) for code, to in re.findall(rb"<(\w\w)> <(\w{4})>", body)}
    shown = re.findall(rb"<([0-9a-f]*)> Tj", body)
    return "\n".join("".join(letters[code] for code in bytes.fromhex(line.decode())) for line in shown)


def test_pdf_holds_any_vietnamese_text() -> None:
    text = "Ắ ằ Ẳ ẵ ặ Ấ ầ Ẩ ẫ ậ Đ đ Ế ề Ể ễ ệ Ố ồ Ổ ỗ ộ Ớ ờ Ở ỡ ợ Ứ ừ Ử ữ ự Ỳ ý ỷ ỹ ỵ ă Â ê Ô ơ Ư"
    assert text in pdf_text(pdf.write("Tiêu đề", (text,))).replace("\n", " ")


@pytest.mark.parametrize("url", ["https://thst.vn/Content/Site.css", "https://soctrang.gov.vn/portal/lotus.svg"])
def test_files_are_not_sent_again_unchanged(reader: Reader, url: str) -> None:
    first = reader.get(url)
    again = reader.get(url, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert reader.get(url, If_Modified_Since=first.headers["last-modified"]).status == 304
    assert reader.get(url, If_None_Match='"other"').body == first.body


def test_html_is_compressed_for_those_who_ask(reader: Reader) -> None:
    reply = reader.get("https://thst.vn/", Accept_Encoding="gzip, deflate")
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == reader.get("https://thst.vn/").body
    assert "content-encoding" not in reader.get("https://thst.vn/Content/Site.css", Accept_Encoding="gzip").headers


@pytest.mark.parametrize(
    "url",
    [
        "https://thst.vn/t/khong-co",
        "https://thst.vn/Home/ReloadSubject/1?MACD=999",
        "https://thst.vn/Content/../../demo-certificate.pem",
        "https://soctrang.gov.vn/mDefault.aspx?id=1&catid=57701",
        "https://soctrang.gov.vn/sitemap.xml",
        "https://storage-vnportal.vnpt.vn/stg-ubnd/1273/khong-co.pdf",
    ],
)
def test_what_is_not_there_answers_404(reader: Reader, url: str) -> None:
    assert reader.get(url).status == 404


def test_robots_close_the_login_only(reader: Reader) -> None:
    for host in ("thst.vn", "thanhpho.soctrang.gov.vn"):
        assert reader.get(f"https://{host}/robots.txt").text == "User-agent: *\nDisallow: /login\n"


def test_mappings_cover_every_seed_of_the_definitions(demo: DemoSites) -> None:
    mapped = {tuple(mapping.split(":")[:2]) for mapping in demo.connect_to}
    for key in demo.sites:
        for seed in known_sites(Path("nowhere"))[key].seeds:
            parts = urlsplit(seed.url)
            assert (parts.hostname, "443" if parts.scheme == "https" else "80") in mapped


def test_requests_are_logged(demo: DemoSites, reader: Reader) -> None:
    reader.get(
        "http://www.thst.vn/Home/ReloadSubject/2?MACD=60", User_Agent="luutru/0 (thử)".encode().decode("latin-1")
    )
    visit = demo.visits[-1]
    assert (visit.scheme, visit.host, visit.path, visit.status) == (
        "http",
        "www.thst.vn",
        "/Home/ReloadSubject/2?MACD=60",
        200,
    )
    assert visit.user_agent.startswith("luutru/0")


def test_stops_with_connections_open() -> None:
    before = set(threading.enumerate())
    with DemoSites() as sites:
        client = Reader(sites)
        ports = [int(mapping.rpartition(":")[2]) for mapping in sites.connect_to[:2]]
        assert client.get("https://thst.vn/").status == client.get("http://thst.vn/").status == 200
        silent = socket.create_connection(("127.0.0.1", ports[1]))  # a handshake that never comes
    assert set(threading.enumerate()) <= before
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    silent.close()
    client.close()


def test_names_in_addresses_are_those_of_the_platforms() -> None:
    assert content.ascii_name("Tin Văn hóa - Thể thao - Du lịch") == "Tin-Van-hoa---The-thao---Du-lich"
    assert content.slug("Đô thị loại I: đích đến!") == "do-thi-loai-i-dich-den"


def test_package_data_is_small() -> None:
    folder = Path(content.__file__).parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc") < 600_000


def test_serves_quickly(demo: DemoSites, reader: Reader) -> None:
    urls = [f"https://thst.vn{broadcaster.article_path(one)}" for one in demo.broadcaster.articles]
    urls += [demo.city.desktop_url(one) for one in demo.city.articles]
    started = time.process_time()  # of server and client together, whoever else is busy
    for url in urls:
        reader.get(url, Accept_Encoding="gzip")
    assert len(urls) / (time.process_time() - started) > 300
