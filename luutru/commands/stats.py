"""`luutru stats`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import local, size, write, write_json


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Tell how much the archive holds."""
    from storage.index import holdings

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            stats = holdings.stats(connection)
        if invocation.json:
            write_json(stats)
            return
        zone = collection.config.zone
        span = f"{local(stats.first, zone)} to {local(stats.last, zone)}" if stats.first else "nothing yet"
        for name, value in (
            ("sites", f"{stats.sites:,}"),
            ("captures", f"{stats.captures:,}, of these {stats.revisits:,} revisits"),
            ("documents", f"{stats.documents:,} in {stats.versions:,} versions"),
            ("WARC files", f"{stats.files:,}, {size(stats.bytes)}"),
            ("captured", span),
        ):
            write(f"{name:<12}{value}")
