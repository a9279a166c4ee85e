"""`luutru history`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import local, write_json, write_table


@click.command(cls=Command)
@click.argument("document", metavar="DOC|URL")
@click.pass_obj
def command(invocation: Invocation, document: str) -> None:
    """Tell when each text of a document stood.

    DOC and URL are as in `luutru show`. A text that came back has a line for each time, and so has each time in which
    the document was gone. A text was read again when other rules than before found it in captures that were there
    already: it is no news of the site.
    """
    import spiders
    from storage.index import questions

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            periods = questions.history(connection, document, spiders.documents(document))
        if invocation.json:
            for one in periods:
                write_json(one)
            return
        zone = collection.config.zone
        write_table(
            ("version", "first seen", "last seen", "captures", "read again", "title", "text digest"),
            (
                (
                    one.version or "gone",
                    local(one.first_seen, zone),
                    local(one.last_seen, zone),
                    len(one.captures),
                    local(one.reread, zone),
                    one.title or "",
                    (one.digest or "")[:16],
                )
                for one in periods
            ),
        )
