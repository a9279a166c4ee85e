"""Every address that the reading room answers to GET, about the documents of `rows` where it can be."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import quote

from rows import DOCUMENT, URL

from luutru import api, pages

ASKED = "q=%C4%91%C3%B4+th%E1%BB%8B&url={url}&limit=5&offset=100&site=dangcongsan&a=1&b=2&from=1&to=2&week=2025-W01"
_IN = {  # what stands in an address
    "identity": DOCUMENT,
    "document": DOCUMENT,
    "key": "dangcongsan",
    "site": "dangcongsan",
    "crawl": "c1",
    "moment": "20250101",
    "url": URL,
    "warc": "warc/dangcongsan/2025/a.warc.gz",
}


def paths() -> Iterator[str]:
    """The addresses, without what is asked."""
    for package, prefixes in (api, ("",)), (pages, ("", "/en")):
        for name in (one.name for one in iter_modules(package.__path__)):
            router = getattr(import_module(f"{package.__name__}.{name}"), "router", None)
            for route in router.routes if router else ():
                if "GET" in route.methods:
                    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda one: quote(_IN[one[1]], safe="/:"), route.path)
                    yield from (prefix + path for prefix in prefixes)
