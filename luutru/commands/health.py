"""`luutru health`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import local, write, write_json, write_table


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Tell what needs a person; exit status 1 when something does."""
    from luutru import answers

    with invocation.collection() as collection:
        health = answers.health(collection)
        invocation.status = int(not health.ok)
        if invocation.json:
            write_json(health)
        elif health.ok:
            write("nothing needs you")
        else:
            zone = collection.config.zone
            rows = ((one.site or "", one.kind, local(one.since, zone), one.detail) for one in health.problems)
            write_table(("site", "kind", "since", "detail"), rows)
