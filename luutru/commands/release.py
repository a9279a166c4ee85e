"""`luutru release`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import write, write_json


@click.command(cls=Command)
@click.argument("what", metavar="ADDRESS|DOC")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is shown again.")
@click.pass_obj
def command(invocation: Invocation, what: str, reason: str) -> None:
    """Show again what was withheld.

    ADDRESS|DOC is as `luutru withheld` lists it.
    """
    from luutru import deciding
    from luutru.account import user

    with invocation.collection() as collection:
        released = deciding.release(collection, what, reason, user())
    if invocation.json:
        write_json(released)
    else:
        write(f"shown again: {released.what}")
