"""`luutru diff`."""

import sys
from collections.abc import Sequence

import click

from luutru.commands import Command, Invocation
from luutru.output import printable, write, write_json
from storage.errors import NotFound


@click.command(cls=Command)
@click.argument("document", metavar="DOC|URL")
@click.argument("versions", metavar="[A B]", nargs=-1, type=click.IntRange(min=1))
@click.pass_obj
def command(invocation: Invocation, document: str, versions: tuple[int, ...]) -> None:
    """Compare two versions of a document word by word; without A and B, the last two.

    DOC and URL are as in `luutru show`, A and B numbers that `luutru history` tells. Off a terminal, [-words-] were
    taken out and {+words+} put in.
    """
    import spiders
    from luutru.comparison import compare
    from storage.index import questions

    if len(versions) not in (0, 2):
        raise click.UsageError("name two versions, or none for the last two")
    with invocation.collection() as collection, collection.index.read() as connection:
        held = questions.texts(connection, document, spiders.documents(document))
    one, other = _chosen(held.document, len(held.texts), versions)
    pieces = compare(*("\n\n".join(held.texts[number - 1]) for number in (one, other)))
    if invocation.json:
        write_json({"document": held.document, "from": one, "to": other, "changes": pieces})
        return
    write(f"{held.document}, version {one} → {other}\n")
    shown = (
        printable(piece.a) if piece.op == "equal" else _marked("-", piece.a) + _marked("+", piece.b) for piece in pieces
    )
    click.echo("".join(shown))


def _chosen(document: str, count: int, versions: Sequence[int]) -> tuple[int, int]:
    if count < 2 and not versions:
        raise NotFound(f"{document} has {'one text' if count else 'no text'} only: there is nothing to compare")
    if versions and max(versions) > count:
        raise NotFound(f"{document} has no version {max(versions)}: `luutru history {document}` lists them")
    return (versions[0], versions[1]) if versions else (count - 1, count)


def _marked(sign: str, text: str) -> str:
    """The words of a change; the white space behind them stays outside of the marks."""
    words = text.rstrip()
    if not words:
        return ""
    if sys.stdout.isatty():
        marked = click.style(printable(words), fg="red" if sign == "-" else "green", strikethrough=sign == "-")
    else:
        marked = f"[-{printable(words)}-]" if sign == "-" else f"{{+{printable(words)}+}}"
    return marked + text[len(words) :]
