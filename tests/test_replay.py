"""Archived pages are shown whole by `luutru replay`, and get at nothing: by the real pywb, in a real browser.

pywb gets a virtual environment of its own, kept between runs; where that cannot be made (no package index), these
tests are skipped. A browser is used where Chromium is installed.
"""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import lxml.html
import pytest
from archives import at, crawled
from browsers import CHROMIUM, opened
from conftest import Demo
from playwright.sync_api import Browser, Frame, Page
from ports import kept_free
from replaying import URL, kept
from serving import Served, serving

from luutru.demo import broadcaster, city
from luutru.demo.server import DemoSites
from storage.collection import Collection
from storage.config import make
from storage.index import withholding

PORTAL, MOBILE, STORAGE = (f"https://{host}" for host in (city.HOST, city.MOBILE_HOST, city.STORAGE_HOST))
STATION = f"https://{broadcaster.HOST}"
HOSTILE = f"{URL}xau"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
_CSS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")
_OUR_OWN = re.compile(r'"GET /(cdx\?.*|replay/.*|static/luutru.css|static/favicon.svg|) HTTP')
_SHOWN = re.compile(r"/\d{4,14}[a-z_]*/(https?://.*)")

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

ATTACK = """<!doctype html><title>xấu</title><h1>Trang xấu</h1><script>
var ROOM = "ROOM_ORIGIN", STATS = ROOM + "/api/v1/stats", ROOT = document.documentElement;
window.got = {};
function attempt(name, what) {
  function keep(value) { got[name] = String(value); }
  function refused() { got[name] = "refused"; }
  try {
    var given = what();
    if (given && given.then) { got[name] = "…"; given.then(keep, refused); } else { keep(given); }
  } catch (error) { refused(); }
}
function element(name, values) {
  return new Promise(function (yes, no) {
    var made = Object.assign(document.createElement(name), values);
    made.onload = function () { yes("loaded"); };
    made.onerror = no;
    ROOT.appendChild(made);
  });
}
function sent() { return "sent"; }
attempt("cookie", () => document.cookie);
attempt("stored", () => localStorage.getItem("secret"));
attempt("parent document", () => window.parent.document.body.innerHTML);
attempt("parent stored", () => window.parent.localStorage.getItem("secret"));
attempt("parent address", () => window.parent.location.href);
attempt("top document", () => window.top.document.title);
attempt("frame element", () => window.frameElement.outerHTML);
attempt("fetch", () => fetch(STATS).then((one) => one.text()));
attempt("fetch opaque", () => fetch(STATS, {mode: "no-cors"}).then(sent));
attempt("post", () => fetch(STATS, {method: "POST", mode: "no-cors"}).then(sent));
attempt("beacon", () => navigator.sendBeacon(STATS, "x") && "queued");
attempt("xhr", () => {
  var one = new XMLHttpRequest();
  one.open("GET", STATS, false);
  one.send();
  return one.responseText;
});
attempt("script", () => element("script", {src: STATS}));
attempt("style", () => element("link", {rel: "stylesheet", href: STATS}));
attempt("import", () => import(STATS));
attempt("image", () => element("img", {src: STATS}));
attempt("frame", () => { element("iframe", {src: STATS}); return "appended"; });
attempt("form", () => {
  var made = Object.assign(document.createElement("form"), {action: STATS, method: "POST", target: "elsewhere"});
  ROOT.appendChild(made);
  made.submit();
  return "submitted";
});
attempt("socket", () => new Promise(function (yes, no) {
  var one = new WebSocket(ROOM.replace("http", "ws"));
  one.onopen = () => yes("open");
  one.onerror = no;
}));
attempt("popup", () => window.open(STATS) === null ? "refused" : "opened");
attempt("top navigation", () => { window.top.location = STATS; return "asked"; });
attempt("service worker", () => navigator.serviceWorker.register("/20260102000000id_/WORKER").then(sent));
</script>"""
ATTEMPTS = ATTACK.count('attempt("')


@dataclass(frozen=True)
class Replay:
    """A running `luutru replay`; `url` has no slash at its end."""

    url: str
    room: Served
    errors: Path

    def shown(self, url: str, when: str = "", kind: str = "") -> str:
        """Where an archived address is shown; with `id_` as it was stored."""
        return f"{self.url}/{when or time.gmtime().tm_year}{kind}/{url}"

    def framed(self, url: str, when: str = "") -> str:
        """The page of the reading room around it."""
        return f"{self.room.url}/replay/{when or time.gmtime().tm_year}/{url}"

    def get(self, url: str, **headers: str) -> httpx.Response:
        """What it answers, redirects followed."""
        return self.room.client.get(url, headers=headers, follow_redirects=True)


@contextmanager
def replaying(room: Served, log: Path) -> Iterator[Replay]:
    """The command as a person starts it, over a reading room."""
    with kept_free() as port:
        command = [sys.executable, "-m", "luutru", "replay", "--home", str(room.home), "--port", str(port)]
        with log.open("w") as errors:
            process = subprocess.Popen([*command, "--room", room.url], stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        try:
            told = process.stdout.readline()
            assert told == f"archived pages are shown at http://localhost:{port}/\n", log.read_text()
            yield Replay(f"http://localhost:{port}", room, log)
        finally:
            process.terminate()
            process.wait(60)
            process.stdout.close()


@pytest.fixture(scope="module")
def replay(demo_archive: Demo, pywb_tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The demo's archive, the captures of each kind, and a page that attacks."""
    assert pywb_tools.is_dir()
    home = Path(shutil.copytree(demo_archive.home, tmp_path_factory.mktemp("replay") / "home"))
    kept(home)
    with serving(home) as room:
        attack = ATTACK.replace("ROOM_ORIGIN", room.url).replace("WORKER", f"{URL}worker.js")
        worker = replace(
            at(1, "worker.js", b"self.x = 1;"), head=b"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n\r\n"
        )
        page = at(0, "xau", attack.encode(), lines=b"Set-Cookie: archived=1\r\n")
        crawled(home, "hostile0", [(page, None), (worker, None)])
        with replaying(room, home.parent / "log") as running:
            yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as one:
        yield one


# WHOLE PAGES


@pytest.mark.parametrize("page", PAGES)
def test_no_resource_of_a_page_is_missing(replay: Replay, page: str) -> None:
    answer = replay.get(replay.shown(page))
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/html")
    waiting, seen = _named(replay, answer), set[str]()
    while waiting - seen:
        for url in waiting - seen:
            seen.add(url)
            answer = replay.get(url)
            assert answer.status_code == 200, url
            assert answer.content, url
            if answer.headers["content-type"].startswith("text/css"):
                waiting |= _named(replay, answer)
    assert PAGES[page] - {_original(url) for url in seen} == set()


def _named(replay: Replay, answer: httpx.Response) -> set[str]:
    """What a replayed page or style sheet needs, where pywb says that it is."""
    if answer.headers["content-type"].startswith("text/css"):
        found = [one or other for one, other in _CSS.findall(answer.text)]
    else:
        tree = lxml.html.document_fromstring(answer.content)
        found = tree.xpath("//link/@href | //script/@src | //img/@src")
        found += [part.split()[0] for value in tree.xpath("//img/@srcset") for part in value.split(",")]
        found += tree.xpath("//@data-src | //@data-original")  # rewritten by a script of pywb's when they are used
    return {_absolute(replay, str(answer.url), one) for one in found if "/static/" not in one}


def _absolute(replay: Replay, url: str, reference: str) -> str:
    if _SHOWN.search(reference):
        return urljoin(replay.url, reference)
    return replay.shown(urljoin(_original(url), reference))


def _original(url: str) -> str:
    found = _SHOWN.search(url)
    return (found[1] if found else url).replace("//www.", "//")


@needs_browser
@pytest.mark.parametrize("page", PAGES)
def test_a_browser_shows_a_page_with_nothing_missing(replay: Replay, browser: Browser, page: str) -> None:
    with closing(browser.new_page()) as tab:
        answers: dict[str, int] = {}
        failed: dict[str, str | None] = {}
        tab.on("response", lambda one: answers.update({one.url: one.status}))
        tab.on("requestfailed", lambda one: failed.update({one.url: one.failure}))
        tab.set_viewport_size({"width": 1100, "height": 2600})
        tab.goto(replay.framed(page), wait_until="networkidle")
        needed = PAGES[page] | {page}  # where nothing comes, it may be that the machine stalls
        _until(tab, lambda: needed <= {_original(url) for url in (*answers, *failed)})
        frame = _frame(tab)
        assert frame.evaluate("[...document.images].filter(one => one.complete && !one.naturalWidth).length") == 0
    for url, why in failed.items():  # a picture that a script exchanges before it has come is given up by the browser
        answers[url] = replay.get(url).status_code if why == "net::ERR_ABORTED" else 0
    assert {url for url in answers if urlsplit(url).hostname in DemoSites.hosts} == set()  # past the archive
    replayed = {url: status for url, status in answers.items() if _SHOWN.search(url) and url.startswith(replay.url)}
    assert {url: status for url, status in replayed.items() if status != 200} == {}
    assert needed - {_original(url) for url in replayed} == set()


@needs_browser
def test_a_link_in_a_page_leads_to_the_archived_page(replay: Replay, browser: Browser) -> None:
    with closing(browser.new_page()) as tab:
        tab.goto(replay.framed(article(384008)), wait_until="networkidle")
        assert tab.locator("h1").inner_text() == "Trang lưu trữ, không phải trang đang hoạt động"
        frame = _frame(tab)
        frame.locator("img").first.wait_for()
        link = frame.locator("a[href*='catid=57701']:visible").first
        with tab.expect_event("framenavigated", lambda one: one == frame):
            link.click()
        frame.wait_for_load_state()
        assert _original(frame.url) != article(384008)
        assert _original(frame.url).startswith(PORTAL)
        assert frame.locator("body").inner_text().strip()
        assert tab.url == replay.framed(article(384008))


def _until(tab: Page, happened: Callable[[], bool]) -> None:
    """Return as soon as what the tab tells has come to something; at last, whether or not."""
    for _ in range(1_000):
        if happened():
            return
        tab.wait_for_timeout(50)


def _frame(tab: Page) -> Frame:
    (frame,) = (one for one in tab.frames if one.parent_frame == tab.main_frame)
    return frame


@needs_browser
def test_a_page_that_is_opened_by_itself_says_what_it_is(replay: Replay, browser: Browser) -> None:
    with closing(browser.new_page()) as tab:
        tab.goto(replay.shown(f"{URL}a", "20260102030405"))
        assert tab.locator("#luutru-banner").bounding_box()
        tab.goto(replay.framed(f"{URL}a", "20260102030405"))
        assert _frame(tab).locator("#luutru-banner").count() == 0


# EACH KIND OF CAPTURE


@pytest.mark.parametrize(
    ("name", "timestamp", "moment", "word"),
    [
        ("a", "20260102030405", "Fri, 02 Jan 2026 03:04:05 GMT", "một"),
        ("a", "20260102040405", "Fri, 02 Jan 2026 03:04:05 GMT", "một"),  # a 304: pywb tells when what it shows came
        ("b", "20260102030505", "Fri, 02 Jan 2026 03:05:05 GMT", "hai"),
        ("b", "20260102040505", "Fri, 02 Jan 2026 04:05:05 GMT", "hai"),  # the same payload again
        ("c", "20260102040605", "Fri, 02 Jan 2026 04:06:05 GMT", "một"),  # at another address
        ("a", "2099", "Thu, 05 Mar 2026 15:04:05 GMT", "bốn"),
    ],
)
def test_each_capture_is_shown_at_its_moment(replay: Replay, name: str, timestamp: str, moment: str, word: str) -> None:
    answer = replay.get(replay.shown(f"{URL}{name}", timestamp))
    assert (answer.status_code, answer.headers["memento-datetime"]) == (200, moment)
    assert f"Trang {word} đã lưu." in answer.text


def test_the_timegate_of_the_reading_room_leads_here(replay: Replay) -> None:
    answer = replay.get(f"{replay.room.url}/timegate/{URL}b", **{"Accept-Datetime": "Fri, 02 Jan 2026 04:05:00 GMT"})
    assert str(answer.url) == replay.shown(f"{URL}b", "20260102040505")
    assert answer.headers["memento-datetime"] == "Fri, 02 Jan 2026 04:05:05 GMT"
    assert "Trang hai đã lưu." in answer.text


def test_the_page_around_it_names_its_neighbours(replay: Replay) -> None:
    tree = lxml.html.document_fromstring(replay.get(replay.framed(f"{URL}a", "2026010204")).text)
    (frame,) = tree.xpath("//iframe")
    assert frame.get("src") == replay.shown(f"{URL}a", "20260102040405")
    assert frame.get("sandbox") == "allow-scripts allow-same-origin allow-forms"
    answer = replay.get(replay.framed(f"{URL}a", "20260102040405"))
    tree = lxml.html.document_fromstring(answer.text)
    assert tree.xpath("//a[@rel='prev']/@href") == [f"/replay/20260102030405/{URL}a"]
    assert tree.xpath("//a[@rel='next']/@href") == [f"/replay/20260102130405/{URL}a"]
    assert f"frame-src {replay.url}" in answer.headers["content-security-policy"]


def test_what_is_withheld_is_not_found_here_and_the_reading_room_says_why(replay: Replay) -> None:
    collection = Collection.open(replay.room.home)
    with collection.index.write() as connection:
        a = withholding.thing(connection, f"{URL}a")
        withholding.withhold(connection, a, "vì một lẽ", "an")
    try:
        assert replay.get(replay.shown(f"{URL}a", "20260102030405")).status_code == 404
        told = replay.get(replay.framed(f"{URL}a"))
        assert (told.status_code, "vì một lẽ" in told.text) == (451, True)
        assert "Trang một" in replay.get(replay.shown(f"{URL}c", "20260102040605")).text  # it repeats one of them
    finally:
        with collection.index.write() as connection:
            withholding.release(connection, a, "xong", "an")
        collection.close()
    assert replay.get(replay.shown(f"{URL}a", "20260102030405")).status_code == 200


def test_a_file_that_is_still_written_is_read(replay: Replay) -> None:
    (name,) = {one.parent / one.name for one in (replay.room.home / "warc").rglob("*hostile0*")}
    name.rename(f"{name}.open")
    try:
        assert "Trang xấu" in replay.get(replay.shown(HOSTILE)).text
    finally:
        Path(f"{name}.open").rename(name)


# AN ORIGIN OF ITS OWN


def test_what_browsers_are_told(replay: Replay) -> None:
    for url in replay.shown(HOSTILE), replay.shown(HOSTILE, kind="id_"), f"{replay.url}/static/wombat.js":
        headers = replay.get(url).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self' 'unsafe-inline' 'unsafe-eval' data: blob:"
        assert (policy["connect-src"], policy["form-action"]) == ("'self'", "'self'")
        assert policy["frame-ancestors"] == f"'self' {replay.room.url}"
        assert "set-cookie" not in headers


def test_it_answers_to_its_own_name_only(replay: Replay) -> None:
    port = urlsplit(replay.url).port
    for name in "127.0.0.1", "evil.example":
        answer = replay.get(f"http://127.0.0.1:{port}/2026/{URL}a", Host=f"{name}:{port}")
        assert answer.status_code == 421
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{_outside()}:{port}/", timeout=60)


def _outside() -> str:
    """An address of this machine that is not loopback, or one of loopback at which nothing listens."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return str(one.getsockname()[0])


def test_its_first_page_is_the_reading_room(replay: Replay) -> None:
    answer = replay.room.client.get(f"{replay.url}/")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{replay.room.url}/")


@needs_browser
@pytest.mark.parametrize("kind", ["", "id_"])  # rewritten by pywb, and as it was stored: with nothing between it and us
def test_an_archived_script_gets_nothing_of_the_reading_room(
    replay: Replay, browser: Browser, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(browser.new_context()) as context, caplog.at_level(logging.INFO, "uvicorn.access"):
        tab = context.new_page()
        tab.goto(f"{replay.room.url}/")
        tab.evaluate("localStorage.setItem('secret', 'của phòng đọc')")
        tab.goto(replay.framed(HOSTILE, "20260102030405"))
        if kind:
            frame = _frame(tab)  # not one of those that the page itself makes
            with tab.expect_event("framenavigated", lambda one: one == frame):
                frame.evaluate("url => { location.replace(url) }", replay.shown(HOSTILE, "20260102030405", kind))
        caplog.clear()
        _frame(tab).wait_for_function(
            f"window.got && Object.values(got).filter(one => one != '…').length == {ATTEMPTS}"
        )
        got = _frame(tab).evaluate("got")
        assert tab.url == replay.framed(HOSTILE, "20260102030405")
        assert context.cookies() == []
    asked = [one.getMessage() for one in caplog.records if one.name == "uvicorn.access"]
    assert [one for one in asked if not _OUR_OWN.search(one)] == []
    assert "của phòng đọc" not in str(got)
    assert '"documents"' not in str(got)
    if kind:
        assert set(got.values()) <= {"", "null", "refused", "queued", "appended", "submitted", "asked"}


# THE COMMAND


def run(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "luutru", "replay", "--home", str(home), *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=os.environ | environment
    )


def test_one_at_a_time(replay: Replay) -> None:
    done = run(replay.room.home, "--port", "9", "--room", replay.room.url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"luutru: the replay of this archive runs at {replay.url}/: stop it there\n"


def test_the_reading_room_must_have_another_name(tmp_path: Path) -> None:
    make(tmp_path / "home")
    done = run(tmp_path / "home", "--room", "http://localhost:8000")
    assert (done.returncode, "have one host name" in done.stderr) == (2, True)
    assert "write scheme, host and port" in run(tmp_path / "home", "--room", "localhost:8000").stderr


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    make(tmp_path / "home")
    done = run(tmp_path / "home", XDG_CACHE_HOME=str(tmp_path / "cache"), PIP_NO_INDEX="1")
    assert (done.returncode, done.stdout) == (1, "")
    begun, told = done.stderr.splitlines()
    assert begun.startswith(f"luutru: installing pywb into {tmp_path / 'cache' / 'luutru'}")
    assert told.startswith("luutru: pywb cannot be installed into ")
    assert told.endswith("start again with a network, or with PIP_FIND_LINKS naming a folder of its packages")


def test_a_port_that_is_taken(tmp_path: Path, pywb_tools: Path) -> None:
    assert pywb_tools.is_dir()
    make(tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(tmp_path / "home", "--port", str(taken.getsockname()[1]), "--room", "http://127.0.0.1:9")
    assert done.returncode == 2
    absent, told = done.stderr.splitlines()
    assert (
        absent == "luutru: no reading room answers at http://127.0.0.1:9: start `luutru serve`, or name it with --room"
    )
    assert told.endswith(": Address already in use; choose another with --port or --host")


def test_where_it_runs_is_known_while_it_runs(replay: Replay) -> None:
    from luutru import replay as package

    assert package.running(replay.room.home) == f"{replay.url}/"
    assert package.running(replay.room.home / "elsewhere") is None
    told = replay.room.json(f"/timemap/json/{URL}b")
    assert told["mementos"]["first"]["uri"] == replay.shown(f"{URL}b", "20260102030505")
