"""Today's rules: all that the reading of a site's pages depends on."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from crawler.extraction.article import CODE
from crawler.extraction.memory import Memory
from crawler.sites import Site


@dataclass(frozen=True)
class Rules:
    """The rules by which a process reads the pages of one site."""

    site: Site
    memory: Memory | None

    @cached_property
    def name(self) -> str:
        """`CODE/DEFINITION/MEMORY`: readings with equal names would be read alike; no two sites have the same.

        DEFINITION is a digest of what a definition says about reading: which document an address is, and where its
        text stands. Where a site is crawled from is no part of it.
        """
        told = (self.site.key, self.site.all_rules, self.site.all_layouts, self.site.follow_all)
        digest = hashlib.sha256(repr(told).encode()).hexdigest()[:12]
        return f"{CODE}/{digest}/{self.memory.version if self.memory else '-'}"
