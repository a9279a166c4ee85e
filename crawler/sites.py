"""A site is data: what a site file declares. No I/O, no code of a site's own.

Addresses are told apart by `Rule`s, read in order; the first that fits decides. A rule's `path` is a regular
expression that must match `host/path` of the canonical address as a whole; `query` names parameters that must be
there, each with an expression that must match its value as a whole. Named groups of all of them fill `identity`,
and so does `{path}`, the path of the address; `{name:lower}` is a value in lower case.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

from storage.model import Kind


@dataclass(frozen=True)
class Rule:
    """Which addresses, what they are to a crawl, and which document they are."""

    path: str
    kind: Kind
    query: tuple[tuple[str, str], ...] = ()
    identity: str | None = None  # such as "dangcongsan/{id}"; None: not a document

    @cached_property
    def _path(self) -> re.Pattern[str]:
        return re.compile(self.path)

    @cached_property
    def _query(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple((name, re.compile(value)) for name, value in self.query)

    def match(self, url: str) -> dict[str, str] | None:
        """The named groups when the address fits, else None."""
        parts = urlsplit(url)
        found = self._path.fullmatch((parts.hostname or "") + parts.path)
        if found is None:
            return None
        groups = {name: value for name, value in found.groupdict().items() if value is not None}
        groups["path"] = parts.path
        if self.query:
            given = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
            for name, pattern in self._query:
                value = pattern.fullmatch(given.get(name, ""))
                if name not in given or value is None:
                    return None
                groups |= value.groupdict()
        return groups

    def document(self, groups: dict[str, str]) -> str | None:
        """The identity that the template makes of what `match` returned."""
        if self.identity is None:
            return None
        return _FIELD.sub(lambda field: groups[field[1]].lower() if field[2] else groups[field[1]], self.identity)


_FIELD = re.compile(r"\{(\w+)(:lower)?\}")


@dataclass(frozen=True)
class Listing:
    """A list page to start from; `{page}` in the address counts from `first` for as long as pages name new articles."""

    url: str
    first: int = 1


@dataclass(frozen=True)
class Feed:
    """An RSS or Atom feed to start from."""

    url: str


@dataclass(frozen=True)
class Sitemap:
    """A sitemap or sitemap index to start from."""

    url: str


Seed = Listing | Feed | Sitemap


@dataclass(frozen=True)
class Layout:
    """Where the parts of an article stand on its page, until a day on which the site changed.

    Parts are CSS selectors, tried in order, each the evidence for one field. `starts` and `ends` are text anchors:
    regular expressions that match a whole line (searched with `re.fullmatch`, white space collapsed); the text is
    what stands after the last start and before the first end. Lines that match `drop` are taken out. What a group
    named `text` matches stays: it is text glued to the anchor's line.
    """

    name: str
    valid_until: date | None = None
    title: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """What the sites of one CMS share."""

    name: str
    rules: tuple[Rule, ...] = ()
    layouts: tuple[Layout, ...] = ()
    requisite_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """One archived site. `slot` names the server whose budget its hosts share; by default each host is its own.

    `every` is its cadence as `schedules.plan` reads it (`6h`, `1h 22:00-05:00`, `0 */3 * * *`). How often a site is
    crawled says nothing about how its pages are read: `every` is no part of the definition's digest.
    """

    key: str
    name: str
    hosts: tuple[str, ...]
    seeds: tuple[Seed, ...]
    rules: tuple[Rule, ...] = ()
    layouts: tuple[Layout, ...] = ()
    family: Family | None = None
    requisite_hosts: tuple[str, ...] = ()
    slot: str | None = None
    follow_all: bool = field(default=False)  # no rules: every page of the hosts is followed
    every: str | None = field(default=None, repr=False)  # None: only when a person says so

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """The site's own rules, then its family's."""
        return self.rules + (self.family.rules if self.family else ())

    @cached_property
    def all_layouts(self) -> tuple[Layout, ...]:
        """The site's own layouts, then its family's."""
        return self.layouts + (self.family.layouts if self.family else ())

    def rule_for(self, url: str) -> tuple[Rule, dict[str, str]] | None:
        """The first rule that a canonical address fits, with its groups."""
        for rule in self.all_rules:
            groups = rule.match(url)
            if groups is not None:
                return rule, groups
        return None

    def document(self, url: str) -> str | None:
        """Which document a canonical address is; None when it is none.

        What no rule speaks of is a document by its address where the site follows everything.
        """
        found = self.rule_for(url)
        if found is not None:
            return found[0].document(found[1])
        return f"web:{url}" if self.follow_all else None

    def layouts_at(self, day: date) -> tuple[Layout, ...]:
        """The layouts that were valid on a day, those that ended soonest first."""
        valid = [layout for layout in self.all_layouts if layout.valid_until is None or day <= layout.valid_until]
        return tuple(sorted(valid, key=lambda layout: layout.valid_until or date.max))
