"""`luutru search`."""

import sys
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import counted, local, printable, write, write_json
from storage.config import Config

if TYPE_CHECKING:
    from luutru.answers import Page

_MARKS = ("\ue000", "\ue001")  # of private use: they may stand in no text
_BOLD = ("\x1b[1m", "\x1b[0m")
_BRACKETS = ("[", "]")


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="QUERY", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many documents.")
@click.option("--cursor", help="Go on where an earlier answer ended.")
@click.option("--distinct", is_flag=True, help="Count republications once: name them with the first that answers.")
@click.option("--sort", type=click.Choice(["rank", "new"]), default="rank", show_default=True, help="What comes first.")
@click.pass_obj
def command(
    invocation: Invocation, words: tuple[str, ...], limit: int, cursor: str | None, distinct: bool, sort: str
) -> None:
    """Search the texts, with or without diacritics.

    All words must occur. "…" is a phrase, -word excludes, word* is a beginning; site: section: author: after: before:
    has:pdf has:changes in:latest gone:yes narrow. Quote the whole query when it holds quotes.
    """
    from luutru import answers
    from storage.index.search import search
    from storage.query import parse

    for word in words:
        if word.startswith("--"):
            raise click.NoSuchOption(word, ctx=click.get_current_context())
    query = parse(" ".join(words))
    people = not invocation.json
    with invocation.collection() as collection:
        with collection.index.read() as connection:
            marks = _MARKS if people else _BRACKETS
            by_day = sort == "new"
            found = search(connection, query, limit=limit, cursor=cursor, distinct=distinct, by_day=by_day, marks=marks)
        page = answers.page(found)
        if people:
            _write(page, found.total_capped, collection.config)
        else:
            write_json(page)


def _write(page: "Page", capped: bool, config: Config) -> None:
    write(f"{'more than ' if capped else ''}{counted(page.total, 'document')}")
    for hit in page.results:
        day = local(hit.published or hit.captured, config.zone)[:10]
        versions = f"version {hit.version} of {hit.versions}" if hit.versions > 1 else ""
        about = (hit.document, hit.site, day, " › ".join(hit.section), versions)
        write(f"\n{hit.title}\n  {' · '.join(one for one in about if one)}")
        for one in hit.articles:
            write(f"  offered by {one.document}: {one.title}")
        print(f"  {_marked(printable(hit.snippet))}")  # noqa: T201  # our own marks steer the terminal
        if hit.also:
            write(f"  also as {', '.join(hit.also)}")
    if page.next:
        write(f"\nmore: --cursor {page.next}")


def _marked(snippet: str) -> str:
    for mark, shown in zip(_MARKS, _BOLD if sys.stdout.isatty() else _BRACKETS, strict=True):
        snippet = snippet.replace(mark, shown)
    return snippet
