"""Every site file: one site, complete, and its own seeds are lists to it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from crawler.extraction import body
from crawler.sites import Listing, Site
from storage.model import Kind
from storage.urls import canonicalize

FILES = ("soctrang_city", "thst", "dangcongsan", "soctrang_party")


@pytest.fixture(params=FILES)
def site(request: pytest.FixtureRequest) -> Site:
    found = [value for value in vars(import_module(f"spiders.{request.param}")).values() if isinstance(value, Site)]
    assert len(found) == 1
    assert found[0].key == request.param.replace("_", "-")
    return found[0]


def test_seeds_are_lists_on_the_sites_hosts(site: Site) -> None:
    addresses = [canonicalize(seed.url.replace("{page}", "1")) for seed in site.seeds if isinstance(seed, Listing)]
    assert addresses[0].count("/") == 3, "the first seed is the home page"
    for address in addresses:
        found = site.rule_for(address)
        assert found is not None
        assert found[0].kind is Kind.LIST
        assert address.split("/")[2] in site.hosts


def test_hosts_share_one_slot(site: Site) -> None:
    assert site.slot


def test_every_selector_and_anchor_is_readable(site: Site) -> None:
    for layout in site.all_layouts:
        parts = (layout.title, layout.container, layout.lead, layout.authors, layout.published, layout.section)
        for selector in (css for part in (*parts, layout.tags, layout.views, layout.remove) for css in part):
            assert body._selector(selector)
        for anchor in (*layout.starts, *layout.ends, *layout.drop):
            assert re.compile(anchor)
        assert layout.ends, "selectors alone are never the only way to a text"


def test_a_site_is_data() -> None:
    folder = Path(import_module("spiders").__file__ or "").parent
    for name in FILES:
        assert not re.search(
            r"^(?:def|class|async|if|for|while) ", (folder / f"{name}.py").read_text("utf-8"), re.MULTILINE
        )
