"""`luutru demo`: what a person gets who types it, and the archive that it leaves."""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zlib import decompress

import lxml.html
import pytest
from conftest import Demo, run_demo
from homes import Home, Member

from luutru.cli import main
from luutru.demo import broadcaster, city
from luutru.demo.content import Article, Photo
from luutru.demo.server import DemoSites
from storage.urls import canonicalize

CITY, BROADCASTER = city.CityPortal(), broadcaster.Broadcaster()
NEWEST = BROADCASTER.articles[:6]  # on the home page, which every host of the broadcaster shows
_CSS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")

Ask = Callable[..., list[Any]]


@dataclass(frozen=True)
class Expected:
    """An article as it must stand in the archive."""

    document: str
    article: Article
    addresses: frozenset[str]
    section: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published_from: str | None = None


def expected() -> Iterator[Expected]:
    for one in CITY.articles:
        number = city.article_id(one)
        both = frozenset(map(canonicalize, (CITY.desktop_url(one), CITY.mobile_url(one))))
        source = ("title", "layout", "list page")[number % 3]
        yield Expected(f"vnpt:soctrang/{number}", one, both, published_from=source)
    for one in BROADCASTER.articles:
        path = broadcaster.article_path(one)
        hosts = broadcaster.HOSTS if one in NEWEST else broadcaster.HOSTS[:1]
        yield Expected(
            f"thst{path}",
            one,
            frozenset(f"https://{host}{path}" for host in hosts),
            ("TIN TỨC", broadcaster.CATEGORIES[int(one.section)]),
            one.tags if len(one.title) % 2 else (),
            "title",
        )


EXPECTED = tuple(expected())


@pytest.fixture
def ask(demo_archive: Demo, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The objects that a command answers about the demo's archive."""

    def answer(*words: str) -> list[Any]:
        capsys.readouterr()
        assert main([*words, "--json", "--home", str(demo_archive.home)]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return answer


def test_it_takes_less_than_a_minute_and_tells_what_it_changed(demo_archive: Demo) -> None:
    assert demo_archive.seconds <= 60  # of CPU: on a clock it is what else the machine has to do
    assert demo_archive.errors == ""
    assert demo_archive.told["settings"] == {"DOWNLOAD_DELAY": "0"}
    assert [one.name for one in demo_archive.directory.iterdir()] == [demo_archive.told["home"]] == ["luutru-demo"]


def test_both_crawls_are_completed(demo_archive: Demo, ask: Ask) -> None:
    runs = demo_archive.told["runs"]
    assert [(one["site"], one["outcome"], one["errors"], one["warnings"]) for one in runs] == [
        (site, "completed", 0, []) for site in DemoSites.sites
    ]
    assert [(one["documents_new"], one["documents_changed"], one["documents_unchanged"]) for one in runs] == [
        (len(CITY.articles) + 3, 0, 0),
        (len(BROADCASTER.articles), 0, 0),
    ]
    assert all(one["attempts"] == one["captures"] + one["requisites"] for one in runs)
    assert ask("runs")[::-1] == runs


def test_the_counts_are_those_of_the_files(demo_archive: Demo, ask: Ask) -> None:
    (stats,) = ask("stats")
    runs, home = demo_archive.told["runs"], Home(demo_archive.home)
    kinds = Counter(one.type for one in home.members())
    assert stats == demo_archive.told["stats"]
    assert (stats["sites"], stats["documents"], stats["versions"], stats["files"]) == (2, 91, 91, 2)
    assert stats["captures"] == sum(one["captures"] for one in runs)
    assert kinds["response"] + kinds["revisit"] == kinds["request"] == sum(one["attempts"] for one in runs)
    assert stats["bytes"] == sum(path.stat().st_size for path in home.warcs())


@pytest.mark.parametrize("one", EXPECTED, ids=lambda one: one.document)
def test_an_article_is_one_document_with_all_that_it_says(ask: Ask, one: Expected) -> None:
    article = one.article
    (shown,) = ask("show", one.document)
    photos = [block.caption for block in article.blocks if isinstance(block, Photo)]
    texts = [block.caption if isinstance(block, Photo) else block for block in article.blocks]
    assert (shown["title"], shown["lead"]) == (article.title, article.lead)
    assert shown["text"].split("\n\n") == [article.lead, *(text for text in texts if isinstance(text, str))]
    assert shown["authors"] == [name.removeprefix("Theo ") for name in article.authors]
    assert (shown["published"], shown["published_from"]) == (article.published.isoformat(), one.published_from)
    assert (shown["section"], shown["tags"]) == (list(one.section), list(one.tags))
    assert [image["caption"] for image in shown["images"]] == photos
    assert [image["credit"] for image in shown["images"]] == [_credit(caption) for caption in photos]
    assert [file["name"] for file in shown["attachments"]] == [
        pdf.title for pdf in article.pdfs if one.document.startswith("vnpt")
    ]
    assert frozenset(shown["addresses"]) == one.addresses
    assert {capture["url"] for capture in shown["captures"]} == one.addresses
    assert (len(shown["versions"]), shown["language"], shown["gone"]) == (1, "vi", False)


def _credit(caption: str) -> str | None:
    return caption.partition("Ảnh: ")[2] or None


def test_there_is_no_other_document(ask: Ask) -> None:
    (found,) = ask("sql", "SELECT document, title FROM documents WHERE kind = 'article'")
    titles = {row["document"]: row["title"] for row in found["rows"]}
    steering = {name for name in titles if "/steering/" in name}
    assert titles.keys() - steering == {one.document for one in EXPECTED}
    assert steering == {f"vnpt:soctrang/steering/{number}" for number in (28114, 27873, 26490)}


def test_a_directive_is_what_stands_on_its_page(ask: Ask) -> None:
    (shown,) = ask("show", "vnpt:soctrang/steering/27873")
    assert shown["title"] == "Kế hoạch tổ chức Lễ hội Oóc-om-bóc - đua ghe Ngo thành phố năm 2024"
    (paragraph,) = shown["text"].split("\n\n")
    assert paragraph.startswith("Phân công nhiệm vụ bảo đảm an toàn")
    assert (shown["published"], shown["authors"]) == ("2024-10-01", ["Văn phòng"])


def test_what_is_shown_is_what_the_commands_answer(demo_archive: Demo, ask: Ask) -> None:
    told = demo_archive.told
    assert ask("search", "do thi loai i") == [told["search"]]
    assert {one["site"] for one in told["search"]["results"]} == set(DemoSites.sites)
    assert all("[đô] [thị] [loại] [I]" in one["snippet"] for one in told["search"]["results"])
    file, first = told["search"]["results"][:2]
    assert told["show"]["document"] == first["document"]
    assert [one["document"] for one in file["articles"]] == [first["document"]]
    assert ask("show", told["show"]["document"]) == [told["show"]]


def test_the_text_of_a_pdf_is_found_and_names_its_article(ask: Ask) -> None:
    (answer,) = ask("search", '"bảng xếp hạng chỉ số" "Vàm Sen, ngày 20 tháng 01 năm 2025"')
    (hit,) = answer["results"]
    assert (hit["kind"], hit["document"].startswith(f"web:https://{city.STORAGE_HOST}/")) == ("attachment", True)
    assert hit["title"] == "Bảng xếp hạng chỉ số cải cách hành chính các phường năm 2024"
    assert [one["document"] for one in hit["articles"]] == ["vnpt:soctrang/402534"]
    (article,) = ask("show", "vnpt:soctrang/402534")
    assert [(one["document"], one["has_text"]) for one in article["attachments"]] == [(hit["document"], True)]


def test_robots_are_obeyed_and_streams_are_left(demo_archive: Demo) -> None:
    home = Home(demo_archive.home)
    left = home.rows("SELECT url, state FROM frontier WHERE state <> 'done' ORDER BY url")
    assert [(row["url"], row["state"]) for row in left] == [
        ("https://pa.thst.vn/hls-live/demo/livestream.m3u8", "skipped"),
        ("https://thanhpho.soctrang.gov.vn/login", "refused"),
        ("https://thst.vn/login", "refused"),
    ]
    assert not {row["url"] for row in left} & {one.uri for one in home.members()}


def test_the_files_are_proven_by_other_tools(demo_archive: Demo) -> None:
    lines = (demo_archive.home / "manifest-sha256.txt").read_text("utf-8").splitlines()
    named = dict(reversed(line.split("  ", 1)) for line in lines)
    assert list(named) == demo_archive.told["files"]
    for name, digest in named.items():
        assert hashlib.sha256((demo_archive.home / name).read_bytes()).hexdigest() == digest
    files = [str(demo_archive.home / name) for name in named]
    checked = subprocess.run([sys.executable, "-m", "warcio.cli", "check", *files], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout


class Archived:
    """The last answers of the archive by address, and what they need to be shown."""

    def __init__(self, members: list[Member]) -> None:
        answers = [one for one in members if one.type in ("response", "revisit")]
        self.by_url = {url: [one for one in answers if one.uri == url] for url in {one.uri for one in answers}}
        self.payloads = {one["WARC-Payload-Digest"]: _payload(one) for one in answers if one.type == "response"}

    def text(self, url: str) -> str:
        return self.payloads[self.by_url[url][0]["WARC-Payload-Digest"]].decode()

    def mime(self, url: str) -> str:
        head = self.by_url[url][0].block.partition(b"\r\n\r\n")[0].decode().lower()
        found = re.search(r"content-type: ([^;\r\n]+)", head)
        return found[1] if found else ""

    def requisites(self) -> set[str]:
        """Every address that a page or a style sheet needs, read by nothing of ours."""
        needed: set[str] = set()
        for url in self.by_url:
            if self.mime(url) == "text/html":
                tree = lxml.html.document_fromstring(self.text(url))
                found = tree.xpath("//link/@href | //script/@src | //img/@src | //@data-src | //@data-original")
                found += [part.split()[0] for value in tree.xpath("//@srcset") for part in value.split(",")]
            elif self.mime(url) == "text/css":
                found = [one or other for one, other in _CSS.findall(self.text(url))]
            else:
                continue
            needed |= {canonicalize(urljoin(url, one)) for one in found}
        return needed


def _payload(response: Member) -> bytes:
    head, _, body = response.block.partition(b"\r\n\r\n")
    return decompress(body, wbits=31) if b"content-encoding: gzip" in head.lower() else body


def test_every_requisite_is_held_once(demo_archive: Demo) -> None:
    held = Archived(Home(demo_archive.home).members())
    needed = held.requisites()
    assert {url for url in needed if len(held.by_url.get(url, ())) != 1} == set()
    records = [held.by_url[url][0] for url in needed]
    originals = Counter(one["WARC-Payload-Digest"] for one in records if one.type == "response")
    assert {one["WARC-Payload-Digest"] for one in records} == set(originals)
    assert set(originals.values()) == {1}
    assert {canonicalize(f"https://{path}") for path in _KINDS} - needed == set()


_KINDS = (
    f"{city.HOST}/portal/main.css",
    f"{city.HOST}/portal/layout.css",  # imported by it
    f"{city.HOST}/portal/waves.svg",  # its background
    f"{city.HOST}/portal/demo-icons.woff2",
    f"{city.HOST}/portal/portal.js",
    f"{city.MOBILE_HOST}/upload/1273/Anh%20%281%29%20320.png",
    f"{city.MOBILE_HOST}/upload/1273/Anh%20%281%29%20640.png",  # in a srcset
    f"{city.STORAGE_HOST}/stg-ubnd/1273/Anh%20%289%29%20640.png",  # lazy, on another host
    f"{broadcaster.HOST}/Content/Site.css",
    f"{broadcaster.HOST}/Content/layout.css",
    f"{broadcaster.HOST}/Scripts/site.js",
)


@pytest.fixture(scope="module")
def again(demo_archive: Demo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo run once more over its archive, for people, with an archive of one's own in the environment."""
    directory = tmp_path_factory.mktemp("again")
    shutil.copytree(demo_archive.home, directory / "luutru-demo")
    done = run_demo(directory, LUUTRU_HOME=str(directory / "own"))
    assert (done.returncode, done.stderr) == (0, "")
    return directory, done.stdout


def test_crawled_again_it_asks_for_lists_and_what_is_due_and_has_no_new_version(again: tuple[Path, str]) -> None:
    home = Home(again[0] / "luutru-demo")
    newest = home.rows("SELECT * FROM crawls ORDER BY started DESC LIMIT 2")
    assert [(row["outcome"], row["errors"]) for row in newest] == [("completed", 0)] * 2
    assert all(row["revisits"] > 0 for row in newest)
    assert all(row["documents_new"] == row["documents_changed"] == 0 for row in newest)
    assert sum(row["documents_unchanged"] for row in newest) < 10
    kinds = home.rows("SELECT kind, sum(versions) AS n FROM documents GROUP BY kind ORDER BY kind")
    assert kinds == [{"kind": "article", "n": 91}, {"kind": "attachment", "n": 5}]
    assert [one.name for one in again[0].iterdir()] == ["luutru-demo"]


def test_people_read_what_was_done_where_the_proof_lies_and_what_to_type_next(again: tuple[Path, str]) -> None:
    directory, text = again
    assert "DOWNLOAD_DELAY=0" in text
    assert text.count(": completed in ") == 2
    assert "[đô] [thị] [loại] [I]" in text
    assert all(
        f"  luutru-demo/{path.relative_to(directory / 'luutru-demo')}\n" in text
        for path in Home(directory / "luutru-demo").warcs()
    )
    checks, _, rest = text.partition("Check them with tools that are not ours:\n")[2].partition("Go on with:\n")
    typed = [line.strip() for line in [*checks.splitlines(), *rest.partition("\n\n")[0].splitlines()]]
    assert len(typed) == 7
    for line in typed:
        done = subprocess.run(line, shell=True, cwd=directory, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), line
        assert done.stdout or "warcio check" in line  # which is silent when all is well


def test_what_is_made_up_is_never_mixed_with_what_is_not(tmp_path: Path) -> None:
    assert main(["init", "--home", str(tmp_path), "--operator", "Thư viện", "--contact", "a@example.org"]) == 0
    done = run_demo(tmp_path, "--home", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"luutru: {shlex.quote(str(tmp_path))} is an archive of other sites")
