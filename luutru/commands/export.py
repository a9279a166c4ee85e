"""`luutru export`."""

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luutru.commands import Group, Invocation
from luutru.output import counted, size, write, write_json
from storage.errors import UnknownSite

if TYPE_CHECKING:
    from storage.collection import Collection


@click.group(cls=Group, invoke_without_command=False)
def command() -> None:
    """Write what the archive holds in a form that others read."""


_of_site = click.option("--site", metavar="SITE", help="Only what belongs to this site.")


@command.command()
@_of_site
@click.pass_obj
def cdxj(invocation: Invocation, site: str | None) -> None:
    """Write the captures as pywb's index: CDXJ, sorted.

    File names are paths below the home, so archive_paths of pywb is the home.
    """
    from storage.exports.cdxj import lines

    with invocation.collection() as collection:
        _know(collection, site)
        sys.stdout.writelines(lines(collection.index, site))


@command.command()
@_of_site
@click.option("--operations", is_flag=True, help="What people and clocks decided, instead of documents.")
@click.pass_obj
def jsonl(invocation: Invocation, site: str | None, operations: bool) -> None:
    """Write all documents with the texts of all versions, one a line.

    Two indexes of the same archive give the same lines: nothing tells the numbers of rows.
    """
    from storage.exports import jsonl

    with invocation.collection() as collection:
        _know(collection, site)
        for one in (jsonl.operations if operations else jsonl.documents)(collection.index, site):
            write_json(one)


@command.command()
@_of_site
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write it.  [default: exports/SITE.wacz or exports/archive.wacz in the home]",
)
@click.pass_obj
def wacz(invocation: Invocation, site: str | None, output: Path | None) -> None:
    """Write the sealed WARC files, their index and a list of articles as one WACZ file, as ReplayWeb.page opens it.

    The file that is there is replaced when the new one is whole. What is withheld is not in it.
    """
    from importlib.metadata import version

    from storage.exports import wacz

    with invocation.collection() as collection:
        _know(collection, site)
        file = output or collection.home / "exports" / f"{site or 'archive'}.wacz"
        told = wacz.write(collection, file, f"luutru {version('luutru')}", site)
    invocation.status = 1 if told.problems else 0
    if invocation.json:
        write_json(told)
        return
    for one in told.problems:
        write(f"{one.warc}: {one.detail}")
    left = f", {counted(told.withheld, 'record')} withheld" if told.withheld else ""
    write(
        f"{told.file}: {counted(told.captures, 'capture')} in {counted(told.warcs, 'WARC file')}, "
        f"{counted(told.pages, 'page')}{left} ({size(told.bytes)})"
    )


def _know(collection: "Collection", site: str | None) -> None:
    """Refuse a site of which the archive has never heard: nothing is not what is meant."""
    from storage.index import listings

    if site is None:
        return
    import spiders

    with collection.index.read() as connection:
        known = {*listings.sites(connection), *spiders.sites()}
    if site not in known:
        raise UnknownSite(site, get_close_matches(site, sorted(known), n=3))
