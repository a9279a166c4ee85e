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
    from luutru.account import user
    from storage.index import withholding

    if not reason.strip():
        raise click.UsageError("a reason is needed: the step is kept with it")
    with invocation.collection() as collection, collection.index.write() as connection:
        released = withholding.release(connection, withholding.thing(connection, what), reason.strip(), user())
    if invocation.json:
        write_json(released)
    else:
        write(f"shown again: {released.what}")
