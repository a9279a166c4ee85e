"""`luutru diff`."""

import sys

import click

from luutru.commands import Command, Invocation
from luutru.output import printable, write, write_json


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
    from luutru import answers
    from luutru.comparison import Effort

    if len(versions) not in (0, 2):
        raise click.UsageError("name two versions, or none for the last two")
    chosen = (versions[0], versions[1]) if versions else None
    effort = Effort()
    with invocation.collection() as collection, collection.index.read() as connection:
        compared = answers.comparison(connection, document, chosen, spiders.documents(document), effort)
    if effort.was_short:
        sentence = "too long and too different to compare every word: whole passages are shown as changed"
        click.echo(f"luutru: {sentence}", err=True)
    if invocation.json:
        write_json(compared)
        return
    write(f"{compared['document']}, version {compared['from']} → {compared['to']}\n")
    shown = (
        printable(piece.a) if piece.op == "equal" else _marked("-", piece.a) + _marked("+", piece.b)
        for piece in compared["changes"]
    )
    click.echo("".join(shown))


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
