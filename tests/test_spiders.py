import os
import pickle
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from crawler.definition import definition_digest
from crawler.sites import Rule
from spiders import adhoc, documents, load, site, sites
from storage.errors import BrokenSite, UnknownSite
from storage.model import Kind

GOOD = """from crawler.sites import Listing, Rule, Site
from storage.model import Kind

SITE = Site(
    key="bao-thu",
    name="Báo Thử",
    hosts=("bao-thu.vn",),
    seeds=(Listing("https://bao-thu.vn/"),),
    rules=(Rule(r"bao-thu\\.vn/t/(?P<slug>[^/]+)", Kind.ARTICLE, identity="bao-thu/{slug}"),),
)
"""


def home(folder: Path, text: str = GOOD, name: str = "bao_thu.py") -> Path:
    (folder / "spiders").mkdir(exist_ok=True)
    (folder / "spiders" / name).write_text(text, encoding="utf-8")
    return folder


def test_built_in_sites_load() -> None:
    for key, one in sites().items():
        assert one.key == key


def test_how_often_a_site_is_crawled_is_no_part_of_its_digest() -> None:
    for one in sites().values():
        assert one.every
        assert definition_digest(replace(one, every="1m")) == definition_digest(one)
        assert definition_digest(replace(one, name="")) != definition_digest(one)


def test_own_sites_only_where_the_caller_says_so(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    home(tmp_path, GOOD + f"open({str(marker)!r}, 'w').close()\n")
    assert "bao-thu" not in sites(tmp_path)
    assert not marker.exists()
    assert sites(tmp_path, own=True)["bao-thu"].name == "Báo Thử"
    assert marker.exists()


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://www.soctrangtv.vn/t/tin?x=1", ["thst/t/tin"]),
        ("thst.vn:443/t/A%C2%A0b", ["thst/t/A%C2%A0b"]),
        ("https://vpub.soctrang.gov.vn/Default.aspx?pageid=1&sname=x&ID=396962", ["vnpt:soctrang/396962"]),
        ("https://thst.vn/", []),
        ("https://example.org/t/tin", []),
        ("dangcongsan/592693", []),
        ("ftp://thst.vn/t/tin", []),
        ("396962", []),
        ("", []),
    ],
)
def test_an_address_names_its_document_captured_or_not(address: str, found: list[str]) -> None:
    assert list(documents(address)) == found


def test_unknown_sites_name_those_that_come_near(tmp_path: Path) -> None:
    with pytest.raises(UnknownSite) as caught:
        site("bao-thuu", home(tmp_path), own=True)
    assert caught.value.near == ["bao-thu"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\nSITE = Site(\n", 2, "SyntaxError"),
        ("x = 1\n\ny = x.nothing\n", 3, "AttributeError"),
        ("from crawler.sites import Sight\n", 1, "ImportError"),
        ("from crawler.sites import Site\nSITE = Site(key='x')\n", 2, "TypeError"),
        ("x = 1\n", None, "SITE"),
        ("SITE = 'bao-thu'\n", None, "SITE"),
        (GOOD.replace('"bao-thu"', '"../x"'), None, "key"),
        (GOOD.replace("(?P<slug>[^/]+)", "(?P<slug>[^/]+"), None, "unterminated"),
        (GOOD.replace("https://bao", "ftp://bao"), None, "not a web address"),
        (GOOD.replace('("bao-thu.vn",)', "()"), None, "host"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, line: int | None, reason: str) -> None:
    with pytest.raises(BrokenSite, match=reason) as caught:
        sites(home(tmp_path, text), own=True)
    assert caught.value.path == tmp_path / "spiders" / "bao_thu.py"
    assert caught.value.line == line


def test_one_key_is_one_site(tmp_path: Path) -> None:
    home(tmp_path)
    with pytest.raises(BrokenSite, match="belongs to"):
        sites(home(tmp_path, name="other.py"), own=True)


def test_a_site_for_an_address() -> None:
    one = adhoc("HTTP://www.Bao-Thu.vn:8080/tin?b=1&a=2#x")
    assert one.key == "bao-thu.vn-8080"
    assert one.hosts == ("bao-thu.vn", "www.bao-thu.vn")
    assert [seed.url for seed in one.seeds] == [
        "http://www.bao-thu.vn:8080/tin?a=2&b=1",
        "http://www.bao-thu.vn:8080/sitemap.xml",
    ]
    assert one.follow_all
    assert adhoc("http://127.0.0.1:8088/").hosts == ("127.0.0.1",)
    assert adhoc("http://127.0.0.1:8088/").key == "127.0.0.1-8088"


def test_loading_by_key_or_address(tmp_path: Path) -> None:
    assert load("bao-thu", home(tmp_path), own=True).key == "bao-thu"
    assert load("https://bao-thu.vn/").key == "bao-thu.vn"


def test_a_worker_process_loads_the_same_definition(tmp_path: Path) -> None:
    loader = partial(load, "bao-thu", home(tmp_path), True)
    program = (
        "import pickle, sys; from crawler.definition import definition_digest\n"
        "print(definition_digest(pickle.load(sys.stdin.buffer)()))"
    )
    made = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(loader),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )
    assert made.stdout.decode().strip() == definition_digest(loader())


def test_the_digest_tells_definitions_apart(tmp_path: Path) -> None:
    one = load("bao-thu", home(tmp_path), own=True)
    before = definition_digest(one)
    assert one.all_rules[0].match("https://bao-thu.vn/t/x") is not None  # compiles, which changes no value
    assert definition_digest(one) == before
    changed = type(one)(one.key, one.name, one.hosts, one.seeds, (*one.rules, Rule("x", Kind.LIST)))
    assert definition_digest(changed) != before
