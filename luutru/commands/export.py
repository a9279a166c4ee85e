"""`luutru export`."""

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from luutru.commands import Group, Invocation
from luutru.output import write_json
from storage.errors import UnknownSite

if TYPE_CHECKING:
    from storage.collection import Collection


@click.group(cls=Group, invoke_without_command=False)
def command() -> None:
    """Write what the archive holds to standard output, in a form that others read."""


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
