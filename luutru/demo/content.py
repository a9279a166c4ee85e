"""The articles of the demo, read from `content/*.txt`; the format is what `read` reads.

== Title
2024-03-12 | section | Author, Author | tag; tag
the lead, then one paragraph a line
[ảnh] caption of a photo
[pdf] file name.pdf | title of the attachment
[theo] title of the city's article whose text is republished, instead of a text
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

CONTENT = Path(__file__).parent / "content"
FICTION = "Trang minh họa của phần mềm luutru: địa danh, nhân vật và số liệu đều hư cấu."


@dataclass(frozen=True)
class Photo:
    """A photo by its caption."""

    caption: str


@dataclass(frozen=True)
class Pdf:
    """An attached document."""

    name: str
    title: str


Block = str | Photo | Pdf


@dataclass(frozen=True)
class Article:
    """A published text. `blocks` are paragraphs, photos and attachments in their order, without the lead."""

    title: str
    published: date
    section: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    lead: str
    blocks: tuple[Block, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The lead and the paragraphs."""
        return (self.lead, *(block for block in self.blocks if isinstance(block, str)))

    @property
    def pdfs(self) -> tuple[Pdf, ...]:
        """The attachments."""
        return tuple(block for block in self.blocks if isinstance(block, Pdf))


def read(name: str, sources: Sequence[Article] = ()) -> tuple[Article, ...]:
    """The articles of a content file, newest first; `sources` are those that may be republished."""
    texts = (CONTENT / f"{name}.txt").read_text("utf-8").split("== ")[1:]
    titles = {source.title: source for source in sources}
    return tuple(sorted((_article(text, titles) for text in texts), key=lambda one: one.published, reverse=True))


def ascii_name(text: str) -> str:
    """The text without diacritics, every other character than a letter or digit a hyphen, as vnPortal writes it."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return re.sub(r"[^A-Za-z0-9]", "-", "".join(c for c in bare if not unicodedata.combining(c)))


def slug(text: str) -> str:
    """Lower-case words joined by single hyphens."""
    return re.sub("-+", "-", ascii_name(text)).strip("-").lower()


def _article(text: str, titles: dict[str, Article]) -> Article:
    title, facts, lead, *lines = text.strip().splitlines()
    day, section, authors, tags = (fact.strip() for fact in facts.split("|"))
    article = Article(
        title,
        date.fromisoformat(day),
        section,
        tuple(authors.split(", ")),
        tuple(tags.split("; ")),
        lead,
        tuple(_block(line) for line in lines),
    )
    if not lead.startswith("[theo] "):
        return article
    source = titles[lead.removeprefix("[theo] ")]
    return replace(article, lead=source.lead, blocks=source.blocks)


def _block(line: str) -> Block:
    if line.startswith("[ảnh] "):
        return Photo(line.removeprefix("[ảnh] "))
    if line.startswith("[pdf] "):
        name, title = line.removeprefix("[pdf] ").split(" | ")
        return Pdf(name, title)
    return line
