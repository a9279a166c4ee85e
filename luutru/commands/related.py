"""`luutru related`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import local, write, write_json, write_table


@click.command(cls=Command)
@click.argument("document", metavar="DOC|URL")
@click.pass_obj
def command(invocation: Invocation, document: str) -> None:
    """List the documents that have the same text, or nearly, and who had it first.

    DOC and URL are as in `luutru show`. The dates of publication tell who was first, where both documents have one and
    they differ; else the first captures do, which only tell when this archive saw the text.
    """
    import spiders
    from storage.index import questions, related

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            owner = questions.find(connection, document, spiders.documents(document))
            found = related.republications(connection, owner.id)
            waiting = related.waiting(connection)
        if invocation.json:
            for one in found:
                write_json(one)
            return
        zone = collection.config.zone
        if found:
            write(f"{owner.identity} has its text in common with\n")
            write_table(
                ("document", "published", "first seen", "similarity", "first had it", "as", "title"),
                (
                    (
                        one.document,
                        local(one.published, zone),
                        local(one.first_seen, zone),
                        f"{one.similarity:.3f}",
                        one.first.document if one.first else "nobody knows",
                        one.first.by if one.first else "",
                        one.title,
                    )
                    for one in found
                ),
            )
        else:
            write(f"no other document has the text of {owner.identity}")
        if waiting:
            write("\nsome texts were not compared yet: the end of a crawl or `luutru rederive` does it")
