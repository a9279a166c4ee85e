"""`luutru sites`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from luutru import expecting, revisiting
from luutru.commands import Group, Invocation
from luutru.output import counted, local, write, write_json, write_table
from storage.errors import NotFound

if TYPE_CHECKING:
    from crawler.check import SiteCheck
    from crawler.sites import Site
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


@dataclass(frozen=True, slots=True)
class MemoryShown:
    """What was learned of a site's pages, by template as `crawler.extraction.memory.Template` has it."""

    site: str
    version: str
    learned: str
    captures: int
    templates: tuple[dict[str, Any], ...]


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
            ("site", "name", "captures", "documents", "last capture", "last outcome", "next crawl"),
            (
                (
                    one.site,
                    one.name,
                    one.captures,
                    one.documents,
                    local(one.last, zone),
                    one.last_outcome or "",
                    local(one.next, zone),
                )
                for one in states
            ),
        )


@command.command()
@click.argument("site")
@click.option("--memory", is_flag=True, help="Show what was learned of its pages instead.")
@click.option("--revisit", is_flag=True, help="Show when its known addresses are fetched again, and how many are due.")
@click.option("--expectations", is_flag=True, help="Show what its next crawl is expected to give instead.")
@click.pass_obj
def show(invocation: Invocation, site: str, memory: bool, revisit: bool, expectations: bool) -> None:
    """Show where a site is crawled from, and what the archive holds of it."""
    import spiders
    from crawler.scope import seeds

    with invocation.collection() as collection:
        if memory:
            _show_memory(invocation, _memory(collection, site))
            return
        if expectations:
            defined = spiders.load(site, collection.home, collection.config.own_sites)
            expecting.write_expectations(expecting.expectations(collection, defined), as_json=invocation.json)
            return
        if revisit:
            if site not in {one.site for one in _states(collection)}:
                spiders.site(site)  # says which come near
            revisiting.write_revisit(revisiting.revisit(collection, site), as_json=invocation.json)
            return
        states = {one.site: one for one in _states(collection)}
        known = spiders.sites().get(site)
        if site not in states:
            spiders.site(site)  # says which come near
        state = states[site]
        shown = SiteShown(
            **{one.name: getattr(state, one.name) for one in fields(state)},
            family=known.family.name if known and known.family else None,
            seeds=tuple(one.url for one in seeds(known)) if known else (),
            requisite_hosts=known.requisite_hosts if known else (),
        )
        if invocation.json:
            write_json(shown)
            return
        for one in fields(shown):
            value = getattr(shown, one.name)
            for line in value if isinstance(value, tuple) else [value]:
                write(f"{one.name:<16}{'' if line is None else line}")


def _memory(collection: "Collection", site: str) -> MemoryShown:
    from storage.index import memory

    with collection.index.read() as connection:
        known = memory.current(connection, site)
    if known is None:
        raise NotFound(f"nothing is learned of {site!r}: a crawl with at least ten pages of articles learns")
    templates = tuple(json.loads(known.content))
    return MemoryShown(site, known.version, known.learned, known.captures, templates)


def _show_memory(invocation: Invocation, shown: MemoryShown) -> None:
    if invocation.json:
        write_json(shown)
        return
    write(f"{shown.site}: memory {shown.version}, learned {shown.learned[:16]} from {shown.captures} captures")
    for number, template in enumerate(shown.templates, 1):
        write(f"\nTemplate {number}, from {template['pages']} distinct pages")
        for name in ("container", "title", "published", "clock", "views"):
            write(f"  {name:<12}{template[name] or 'not learned'}")
        write("  lines that repeat, with digits as 0, no part of any article:")
        for place, lines in template["repeated"].items():
            for line in lines:
                write(f"    {line}  ({place.rpartition('/')[2]})")


@command.command()
@click.argument("site", required=False)
@click.pass_obj
def check(invocation: Invocation, site: str | None) -> None:
    """Read the newest captures of SITE, or of all sites, by today's rules, and tell what is not found on them.

    SITE may be an address that was archived without a definition. Exit status 1 when something is wrong.
    """
    from crawler.check import check

    with invocation.collection() as collection:
        for defined in _defined(collection, site):
            checked = check(collection.index, collection.home, defined)
            if checked is None:
                if site:
                    raise NotFound(f"nothing to check: no article of {site} was captured; run `luutru crawl {site}`")
                continue
            invocation.status = max(invocation.status, int(bool(checked.problems)))
            if invocation.json:
                write_json(checked)
            else:
                _write_check(checked)


def _defined(collection: "Collection", named: str | None) -> "Iterator[Site]":
    """The site that is named, else all that were captured; raises NotFound when there is none."""
    import spiders

    own = collection.config.own_sites
    if named:
        yield spiders.load(named, collection.home, own)
        return
    known = spiders.sites(collection.home, own)
    captured = [one.site for one in _states(collection) if one.captures]
    if not captured:
        raise NotFound("nothing to check: no site was captured yet; run `luutru crawl SITE`, `luutru sites` lists them")
    for key in captured:
        if key in known:
            yield known[key]
        else:
            click.echo(f"luutru: {key} is not checked, its definition is not here: name its address", err=True)


def _write_check(checked: "SiteCheck") -> None:
    """The shares, then what was not found, for people."""
    write(f"{checked.site}: {counted(checked.captures, 'capture')} read")
    for name in ("title", "date", "author", "text"):
        write(f"  {name:<12}{getattr(checked, name):.0%}")
    for reason in checked.reasons:
        write(f"  {'no article':<12}{reason.captures:,}: {reason.reason}")
    for layout in checked.layouts:
        write(f"  {'layout':<12}{layout.layout}, valid for {counted(layout.captures, 'capture')}")
        for one in layout.matched:
            pages = "nothing" if layout.captures and not one.pages else f"{one.pages:,}"
            write(f"    {pages:>7}  {one.part}: {one.expression}")
    for problem in checked.problems:
        write(f"  {'wrong':<12}{problem}")


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
