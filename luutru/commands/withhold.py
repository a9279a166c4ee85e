"""`luutru withhold`."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Day, Invocation
from luutru.output import counted, local, write, write_json
from storage.config import Config

if TYPE_CHECKING:
    from storage.index.withholding import Reach


@click.command(cls=Command)
@click.argument("what", metavar="ADDRESS|DOC")
@click.option("--reason", required=True, metavar="TEXT", help="Why; whoever asks for it is told so.")
@click.option("--until", type=Day(["%Y-%m-%d"]), metavar="DATE", help="The last day; from the next on it is shown.")
@click.pass_obj
def command(invocation: Invocation, what: str, reason: str, until: datetime | None) -> None:
    """Keep an address or a document, and show it no longer.

    It is taken out of search, show, exports, the reading room, its API and feeds, CDX and replay. Its captures stay in
    their WARC files, and `luutru verify`, `reindex` and `sql` see them. DOC is a document's identity or number, with
    all its addresses; ADDRESS is one address, with either scheme.
    """
    from luutru import deciding
    from luutru.account import user

    with invocation.collection() as collection:
        reach = deciding.withhold(collection, what, reason, user(), until.date() if until else None)
        if invocation.json:
            write_json(reach)
        else:
            _tell(reach, collection.config)


def _tell(reach: "Reach", config: Config) -> None:
    ends = f" until {local(reach.until, config.zone)}" if reach.until else ""
    documents = f", {counted(len(reach.documents), 'document')}" if reach.documents else ""
    write(f"withheld{ends}: {reach.what} ({counted(reach.captures, 'capture')}{documents})")
    for one in reach.beside:
        write(f"  still shown: {one}")
