"""JSON-LD: what a page says about its article to machines."""

import json
from collections.abc import Iterator
from typing import Any

from crawler.extraction.page import Page
from crawler.extraction.text import fold

_ARTICLES = ("Article", "NewsArticle", "BlogPosting", "ReportageNewsArticle", "AnalysisNewsArticle", "Report")


def article(page: Page) -> dict[str, Any]:
    """The first object of the page that is an article; empty when there is none."""
    for script in page.root.iter("script"):
        if "ld+json" in (script.get("type") or ""):
            for found in _objects(_load(script.text or "")):
                kinds = found.get("@type")
                if any(kind in _ARTICLES for kind in (kinds if isinstance(kinds, list) else [kinds])):
                    return found
    return {}


def text_of(value: Any) -> str | None:
    """A field as text: a string, or the name of an object."""
    if isinstance(value, dict):
        value = value.get("name")
    return fold(value) or None if isinstance(value, str) else None


def _load(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            yield one
            waiting += one.get("@graph", []) if isinstance(one.get("@graph"), list) else []
        elif isinstance(one, list):
            waiting += one
