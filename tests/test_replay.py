"""Pages of the demo's archive are shown whole by pywb, which knows nothing of ours but the WARC files.

pywb cannot live beside Scrapy, so it gets a virtual environment of its own, kept between runs; where that cannot be
made (no package index), these tests are skipped. A browser is used where Debian's `chromium` is installed.
"""

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import lxml.html
import pytest
from conftest import Demo

from luutru.demo import broadcaster, city
from luutru.demo.server import DemoSites

CHROMIUM = shutil.which("chromium")
PORTAL, MOBILE, STORAGE = (f"https://{host}" for host in (city.HOST, city.MOBILE_HOST, city.STORAGE_HOST))
STATION = f"https://{broadcaster.HOST}"
_CSS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")

CITY, BROADCASTER = city.CityPortal(), broadcaster.Broadcaster()


def article(number: int) -> str:
    return CITY.desktop_url(next(one for one in CITY.articles if city.article_id(one) == number))


PAGES = {  # and what each of them must have asked for
    article(384008): {
        *(f"{PORTAL}/portal/{name}" for name in ("main.css", "layout.css", "waves.svg", "lotus.svg", "portal.js")),
        f"{PORTAL}/portal/demo-icons.woff2",
        f"{STORAGE}/stg-ubnd/1273/Anh%20%289%29%20640.png",  # named by data-src only
    },
    f"{STATION}/t/thanh-pho-vam-sen-dich-den-do-thi-loai-i-khong-con-xa": {
        *(f"{STATION}/Content/{name}" for name in ("Site.css", "layout.css", "images/song.svg", "demo-icons.woff2")),
        f"{STATION}/Scripts/site.js",
        f"{STATION}/UserFiles/Image/2024/st-3-640.png",  # named by srcset
    },
    "https://soctrangtv.vn/": {f"https://soctrangtv.vn/Content/{name}" for name in ("Site.css", "images/song.svg")},
}


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=cwd)


@dataclass(frozen=True)
class Pywb:
    """A running pywb with the demo's archive."""

    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replayed(self, url: str, kind: str = "") -> str:
        """Where an archived address is shown; with `mp_` without the frame around it."""
        return f"{self.origin}/demo/{time.gmtime().tm_year}{kind}/{url}"

    def get(self, url: str) -> tuple[int, str, bytes]:
        """Status, media type and body of one of its own addresses, redirects followed."""
        for _ in range(5):
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
                parts = urlsplit(url)
                connection.request("GET", f"{parts.path}{'?' * bool(parts.query)}{parts.query}")
                answer = connection.getresponse()
                body = answer.read()
            if answer.status not in (301, 302, 307):
                return answer.status, answer.headers.get_content_type(), body
            url = urljoin(url, answer.headers["Location"])
        raise AssertionError(f"{url} leads in circles")


@pytest.fixture(scope="module")
def pywb(demo_archive: Demo, pywb_tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pywb]:
    directory = tmp_path_factory.mktemp("replay")
    files = [str(demo_archive.home / name) for name in demo_archive.told["files"]]
    _run(str(pywb_tools / "wb-manager"), "init", "demo", cwd=directory)
    _run(str(pywb_tools / "wb-manager"), "add", "demo", *files, cwd=directory)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(pywb_tools / "wayback"), "--bind", "127.0.0.1", "--port", str(port)]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        _await(port, process)
        yield Pywb(port)
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("pywb did not begin to listen")


@pytest.mark.parametrize("page", PAGES)
def test_no_resource_of_a_page_is_missing(pywb: Pywb, page: str) -> None:
    status, kind, body = pywb.get(pywb.replayed(page, "mp_"))
    assert (status, kind) == (200, "text/html")
    waiting, seen = _named(pywb, pywb.replayed(page, "mp_"), kind, body.decode()), set()
    while waiting - seen:
        for url in waiting - seen:
            seen.add(url)
            status, kind, body = pywb.get(url)
            assert status == 200, url
            assert body, url
            if kind == "text/css":
                waiting |= _named(pywb, url, kind, body.decode())
    assert PAGES[page] - {_original(url) for url in seen} == set()


def _named(pywb: Pywb, url: str, kind: str, text: str) -> set[str]:
    """What a replayed page or style sheet needs, where pywb says that it is."""
    if kind == "text/css":
        found = [one or other for one, other in _CSS.findall(text)]
    else:
        tree = lxml.html.document_fromstring(text)
        found = tree.xpath("//link/@href | //script/@src | //img/@src")
        found += [part.split()[0] for value in tree.xpath("//img/@srcset") for part in value.split(",")]
        found += tree.xpath("//@data-src | //@data-original")  # rewritten by a script of pywb's when they are used
    return {_absolute(pywb, url, one) for one in found if "/static/" not in one}


def _absolute(pywb: Pywb, url: str, reference: str) -> str:
    if reference.startswith("/demo/"):
        return pywb.origin + reference
    if reference.startswith(pywb.origin):
        return reference
    return pywb.replayed(urljoin(_original(url), reference), "mp_")


def _original(url: str) -> str:
    return url.partition("/demo/")[2].partition("/")[2]


@dataclass(frozen=True)
class Seen:
    """What a browser asked for while it showed a page: the network log that it wrote."""

    log: Path

    @cached_property
    def requests(self) -> dict[str, str | None]:
        """Status lines by address; None where there was no answer."""
        told = json.loads(self.log.read_text("utf-8"))
        names = {number: name for name, number in told["constants"]["logEventTypes"].items()}
        urls: dict[int, str] = {}
        answers: dict[int, str] = {}
        for event in told["events"]:
            source, parameters = event["source"]["id"], event.get("params", {})
            if names[event["type"]] == "URL_REQUEST_START_JOB" and "url" in parameters:
                urls[source] = parameters["url"]
            if names[event["type"]] == "HTTP_TRANSACTION_READ_RESPONSE_HEADERS":
                answers[source] = parameters["headers"][0]
        known = dict.fromkeys(urls.values())
        return known | {urls[source]: answer for source, answer in answers.items() if source in urls}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_a_browser_shows_a_page_with_nothing_missing(pywb: Pywb, tmp_path: Path, page: str) -> None:
    _run(
        str(CHROMIUM),
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
        *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"),
        *("--window-size=1100,2600", "--virtual-time-budget=10000"),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing leaves this machine
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--log-net-log={tmp_path / 'log.json'}",
        f"--screenshot={tmp_path / 'page.png'}",
        pywb.replayed(page),
    )
    requests = Seen(tmp_path / "log.json").requests
    assert {url for url in requests if urlsplit(url).hostname in DemoSites.hosts} == set()  # past the archive
    replayed = {url: answer for url, answer in requests.items() if url.startswith(f"{pywb.origin}/demo/")}
    assert {url: answer for url, answer in replayed.items() if answer != "HTTP/1.1 200 OK"} == {}
    assert (PAGES[page] | {page}) - {_original(url) for url in replayed} == set()
    assert (tmp_path / "page.png").stat().st_size > 0
