"""What is measured: each a function from a page to an answer, made when it is asked for, since not all need be there.

Others are given the decoded page, and its language where they take one and it is known: more than a crawler knows.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from samples import Page

from crawler.extraction import article
from crawler.extraction.learning import learn
from crawler.extraction.memory import Memory
from crawler.extraction.page import parse
from crawler.extraction.sample import Sample
from crawler.sites import Layout
from spiders import sites

REFERENCE = "trafilatura"
_CAPTURED = datetime(2026, 11, 22, 12, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Answer:
    """What one of them says about a page."""

    text: str = ""
    title: str | None = None
    authors: tuple[str, ...] = ()
    date: str | None = None  # YYYY-MM-DD


Read = Callable[[Page], Answer]
Make = Callable[[Sequence[Page]], Read]  # is given the pages that will be read: only one that learns looks at them


@dataclass(frozen=True)
class Extractor:
    """A name, what makes the function that reads a page, which of title, author and date it looks for at all."""

    name: str
    make: Make
    fields: str = ""
    only: str | None = None  # the one set of pages on which it can be told from the others


def _luutru(layouts: Callable[[Page], tuple[Layout, ...]], memory: Callable[[Page], Memory | None]) -> Read:
    def read(page: Page) -> Answer:
        found = article.read(
            page.payload,
            content_type="text/html; charset=utf-8",
            url=page.url,
            layouts=layouts(page),
            captured=_CAPTURED,
            memory=memory(page),
        ).article
        if found is None:
            return Answer()
        return Answer(found.text, found.title, found.authors, _day(found.published))

    return read


def _luutru_generic(_: Sequence[Page]) -> Read:
    return _luutru(lambda page: (), lambda page: None)


def _luutru_learned(pages: Sequence[Page]) -> Read:
    """Memory of each template from every other page of it, for reading those between; no definition."""
    templates: dict[str, list[Page]] = {}
    for page in pages:
        templates.setdefault(page.name.rpartition("_")[0], []).append(page)
    known: dict[str, Memory] = {}
    for same in templates.values():
        for half in (0, 1):
            learned = learn(filter(None, map(_sample, same[half::2])))
            known.update({page.name: learned for page in same[1 - half :: 2]})
    return _luutru(lambda page: (), lambda page: known.get(page.name))


def _sample(page: Page) -> Sample | None:
    parsed = parse(page.payload, "text/html; charset=utf-8", page.url)
    return Sample(parsed, _CAPTURED.date()) if parsed else None


def _luutru_cold(_: Sequence[Page]) -> Read:
    known = {host: site for site in sites().values() for host in site.hosts}

    def layouts(page: Page) -> tuple[Layout, ...]:
        site = known.get(urlsplit(page.url).hostname or "")
        return site.layouts_at(_CAPTURED.date()) if site else ()

    return _luutru(layouts, lambda page: None)


def _trafilatura(**options: Any) -> Make:
    def make(_: Sequence[Page]) -> Read:
        from trafilatura import bare_extraction

        def read(page: Page) -> Answer:
            found: Any = bare_extraction(page.html, url=page.url, **options)
            if found is None:
                return Answer()
            return Answer(found.text or "", found.title, (found.author,) if found.author else (), _day(found.date))

        return read

    return make


def _readability(_: Sequence[Page]) -> Read:
    from readability import Document

    def read(page: Page) -> Answer:
        document = Document(page.html, url=page.url)
        kept = parse(document.summary().encode(), "text/html; charset=utf-8", page.url)
        return Answer("\n".join(line.text for line in kept.lines) if kept else "", document.short_title())

    return read


def _boilerpy3(_: Sequence[Page]) -> Read:
    from boilerpy3.extractors import ArticleExtractor

    extractor = ArticleExtractor()

    def read(page: Page) -> Answer:
        found = extractor.get_doc(page.html)
        return Answer(found.content, found.title)

    return read


def _resiliparse(_: Sequence[Page]) -> Read:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    def read(page: Page) -> Answer:
        tree = HTMLTree.parse(page.html)
        text = extract_plain_text(tree, main_content=True, list_bullets=False, alt_texts=False)
        return Answer(text, tree.title)

    return read


def _newspaper4k(_: Sequence[Page]) -> Read:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses nltk, which only its summaries need
        from newspaper import Article

    def read(page: Page) -> Answer:
        options = {"language": "vi"} if page.vietnamese else {}
        found = Article(page.url, fetch_images=False, **options)
        found.download(input_html=page.html)
        found.parse()
        return Answer(found.text, found.title, tuple(found.authors), _day(found.publish_date))

    return read


def _goose3(_: Sequence[Page]) -> Read:
    from goose3 import Goose

    @cache
    def goose(vietnamese: bool) -> Any:
        return Goose({"target_language": "vi", "use_meta_language": False} if vietnamese else {})

    def read(page: Page) -> Answer:
        found = goose(page.vietnamese).extract(raw_html=page.html)
        when = _day(found.publish_date) or _day(found.publish_datetime_utc)
        return Answer(found.cleaned_text, found.title, tuple(found.authors), when)

    return read


def _justext(_: Sequence[Page]) -> Read:
    from justext import get_stoplist, justext

    stoplists = {True: get_stoplist("Vietnamese"), False: get_stoplist("English")}

    def read(page: Page) -> Answer:
        found = justext(page.html, stoplists[page.vietnamese])
        return Answer("\n".join(one.text for one in found if not one.is_boilerplate))

    return read


def _day(when: object) -> str | None:
    found = _DAY.match(when.isoformat() if isinstance(when, date) else str(when or ""))
    return found[0] if found else None


ALL = (
    Extractor("luutru", _luutru_generic, "title author date"),
    Extractor("luutru learned", _luutru_learned, "title author date"),
    Extractor("luutru cold", _luutru_cold, "title author date", "sim"),
    Extractor(REFERENCE, _trafilatura(with_metadata=True), "title author date"),
    Extractor("trafilatura precision", _trafilatura(with_metadata=True, favor_precision=True), "title author date"),
    Extractor("trafilatura recall", _trafilatura(with_metadata=True, favor_recall=True), "title author date"),
    Extractor("trafilatura fast", _trafilatura(with_metadata=True, fast=True), "title author date"),
    Extractor("trafilatura text only", _trafilatura()),
    Extractor("readability-lxml", _readability, "title"),
    Extractor("boilerpy3", _boilerpy3, "title"),
    Extractor("resiliparse", _resiliparse, "title"),
    Extractor("newspaper4k", _newspaper4k, "title author date"),
    Extractor("goose3", _goose3, "title author date"),
    Extractor("justext", _justext),
)
