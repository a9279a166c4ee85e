"""`luutru sites`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import click

from luutru.commands import Group, Invocation
from luutru.output import local, write, write_json, write_table

if TYPE_CHECKING:
    from storage.collection import Collection
    from storage.index.holdings import SiteState


@dataclass(frozen=True, slots=True)
class SiteShown:
    """A site with what its definition says; nothing of it is known for an address that was archived without one."""

    site: str
    name: str
    hosts: tuple[str, ...]
    captures: int
    documents: int
    versions: int
    first: str | None
    last: str | None
    last_outcome: str | None
    next: str | None
    family: str | None
    seeds: tuple[str, ...]
    requisite_hosts: tuple[str, ...]


@click.group(cls=Group)
def command() -> None:
    """List sites, or show one.

    Files in the home's spiders/ are listed by their names only: they are executed when they are crawled.
    """


@command.command("list")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List all sites and what the archive holds of them."""
    with invocation.collection() as collection:
        states = _states(collection)
        if invocation.json:
            for one in states:
                write_json(one)
            return
        zone = collection.config.zone
        write_table(
            ("site", "name", "captures", "documents", "last capture", "last outcome"),
            (
                (
                    one.site,
                    one.name,
                    one.captures,
                    one.documents,
                    local(one.last, zone),
                    one.last_outcome or "",
                )
                for one in states
            ),
        )


@command.command()
@click.argument("site")
@click.pass_obj
def show(invocation: Invocation, site: str) -> None:
    """Show where a site is crawled from, and what the archive holds of it."""
    import spiders
    from crawler.scope import seeds

    with invocation.collection() as collection:
        states = {one.site: one for one in _states(collection)}
        defined = spiders.sites().get(site)
        if site not in states:
            spiders.site(site)  # says which come near
        state = states[site]
        shown = SiteShown(
            **{one.name: getattr(state, one.name) for one in fields(state)},
            family=defined.family.name if defined and defined.family else None,
            seeds=tuple(one.url for one in seeds(defined)) if defined else (),
            requisite_hosts=defined.requisite_hosts if defined else (),
        )
        if invocation.json:
            write_json(shown)
            return
        for one in fields(shown):
            value = getattr(shown, one.name)
            for line in value if isinstance(value, tuple) else [value]:
                write(f"{one.name:<16}{'' if line is None else line}")


def _states(collection: "Collection") -> "list[SiteState]":
    import spiders
    from storage.index import holdings

    own = collection.home / "spiders" if collection.config.own_sites else None
    defined: dict[str, tuple[str, Sequence[str]]] = {
        path.stem.replace("_", "-"): (f"spiders/{path.name} of this archive", ())
        for path in (sorted(own.glob("[!_]*.py")) if own else ())
    }
    defined |= {key: (one.name, one.hosts) for key, one in spiders.sites().items()}
    with collection.index.read() as connection:
        return holdings.sites(connection, defined)
