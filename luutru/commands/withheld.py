"""`luutru withheld`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import local, write, write_json, write_table


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """List what is withheld, the oldest first.

    Earlier steps, also those that were undone, are rows of the view `withholdings`, for `luutru sql`.
    """
    from storage.index import withheld

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            listed = withheld.listed(connection)
        if invocation.json:
            for one in listed:
                write_json(one)
            return
        if not listed:
            write("nothing is withheld")
            return
        zone = collection.config.zone
        write_table(
            ("since", "until", "by", "what", "reason"),
            ((local(one.since, zone), local(one.until, zone), one.by, one.what, one.reason) for one in listed),
        )
