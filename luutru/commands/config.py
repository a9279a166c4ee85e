"""`luutru config`."""

from pathlib import Path

import click

from luutru.commands import Command, Invocation
from luutru.output import write, write_json, write_table
from storage.config import Config
from storage.keys import Kept


@click.command(cls=Command)
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Show it as it would be with this value.")
@click.pass_obj
def command(invocation: Invocation, given: tuple[str, ...]) -> None:
    """Show each value of the configuration and where it was read; secrets are masked."""
    write_config(invocation, invocation.config(given))


def write_config(invocation: Invocation, config: Config) -> None:
    """The configuration as it is in force."""
    home = Path.cwd() / invocation.home
    if invocation.json:
        write_json({"home": home, "values": config.values()})
        return
    write(f"home: {home}\n")
    write_table(("name", "value", "origin"), ((one.name, _shown(one.value), one.origin) for one in config.values()))


def _shown(value: Kept | float | None) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value or "")
