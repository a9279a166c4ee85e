"""`luutru health`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import local, write, write_json, write_table

if TYPE_CHECKING:
    from storage.index.health import Problem


@dataclass(frozen=True, slots=True)
class Health:
    """Whether anything needs a person, and what."""

    ok: bool
    problems: "list[Problem]"


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Tell what needs a person; exit status 1 when something does."""
    from storage.health import problems

    with invocation.collection() as collection:
        found = problems(collection.home, collection.index)
        invocation.status = int(bool(found))
        if invocation.json:
            write_json(Health(not found, found))
        elif not found:
            write("nothing needs you")
        else:
            zone = collection.config.zone
            rows = ((one.site or "", one.kind, local(one.since, zone), one.detail) for one in found)
            write_table(("site", "kind", "since", "detail"), rows)
