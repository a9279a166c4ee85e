"""`luutru cite`."""

import click

from luutru.cite import Style
from luutru.commands import Command, Invocation
from luutru.output import write, write_json


@click.command(cls=Command)
@click.argument("document", metavar="DOC|URL")
@click.option(
    "--format",
    "style",
    type=click.Choice([str(one) for one in Style]),
    default=str(Style.CHICAGO),
    show_default=True,
    help="The style; `robust` is a link in HTML that names the archived version beside the original.",
)
@click.pass_obj
def command(invocation: Invocation, document: str, style: str) -> None:
    """Cite a document, in the version that stands.

    DOC and URL are as in `luutru show`. With a `replay_url` the citation leads to the archived page.
    """
    import spiders
    from luutru import answers
    from luutru.cite import cite
    from storage.index import questions

    with invocation.collection() as collection:
        config = collection.config
        with collection.index.read() as connection:
            shown = questions.show(connection, document, spiders.documents(document))
        names = {key: one.name for key, one in spiders.sites().items()}
        work = answers.work(shown, names.get(shown.site, shown.site), config.zone, config.replay_url)
    text = cite(work, Style(style))
    if invocation.json:
        write_json(answers.Citation(shown.document, shown.version, style, text))
    else:
        write("\n".join(text.splitlines()))
