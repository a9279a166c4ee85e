"""`luutru upkeep`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import counted, size, write, write_json


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Keep the index quick, prove it whole, and remove old logs; crawls may run meanwhile.

    `luutru schedule serve` does it every week.
    """
    from storage.upkeep import keep_up

    with invocation.collection() as collection:
        told = keep_up(collection)
    invocation.status = 1 if told.problems else 0
    if invocation.json:
        write_json(told)
        return
    for one in told.problems:
        write(one)
    write(
        f"full text joined in {counted(told.merged, 'step')}, {size(told.log)} of the write-ahead log left, "
        f"{counted(told.removed, 'old log')} removed ({size(told.freed)})"
    )
