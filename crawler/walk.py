"""How lists go on from page to page, and where a walk over them began."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crawler.scope import next_page
from crawler.sites import Site
from storage.model import Found, Kind

_DIGITS = re.compile(r"(\d+)")
_LONGEST_NUMBER = 6
_LONGEST_PART = 20  # characters by which the address of a second page is longer than that of the first


@dataclass(slots=True)
class Walk:
    """The walks over the lists of one crawl. A list that brings news leads on to its next page, one page at a time.

    While `overlap` is true, a list near a seed leads on without news, too: pages shift while articles are added.
    """

    site: Site
    overlap: bool = True
    _fronts: dict[str, str] = field(default_factory=dict)

    def onward(self, url: str, found: Sequence[Found]) -> tuple[str, ...]:
        """The lists to which a list leads on: its next page, else all that it names, if there is no telling."""
        start = self._fronts.get(url, url)
        declared = next_page(self.site, url)
        if declared is not None:
            self._fronts.setdefault(declared, start)
            return (declared,)
        lists = [one.url for one in found if one.kind is Kind.LIST]
        later = _later(url, lists)
        for page in later.values():
            self._fronts.setdefault(page, start)
        return (later[min(later)],) if later else tuple(lists)

    def front(self, url: str) -> str | None:
        """The list whose walk led to this page; None for one that is no page of a walk."""
        return self._fronts.get(url)


def _later(url: str, lists: Iterable[str]) -> dict[int, str]:
    """The later pages of the list to which an address belongs, by their numbers."""
    later: dict[int, str] = {}
    for one in lists:
        number = _counted_on(url, one) or _first_counted(url, one)
        if number is not None:
            later.setdefault(number, one)
    if 1 in later and 2 in later:  # the first page, under the address that has a number
        del later[1]
    return later


def _counted_on(url: str, other: str) -> int | None:
    """The number in which alone the other address differs, where it is the larger one."""
    ours, theirs = _DIGITS.split(url), _DIGITS.split(other)
    if len(ours) != len(theirs):
        return None
    differing = [(one, another) for one, another in zip(ours, theirs, strict=True) if one != another]
    if len(differing) != 1 or not all(one.isdecimal() and len(one) <= _LONGEST_NUMBER for one in differing[0]):
        return None
    here, there = map(int, differing[0])
    return there if there > here else None


def _first_counted(url: str, other: str) -> int | None:
    """1 or 2 where the other address is this one with a little more that holds this number, such as `/trang-2`."""
    theirs = _DIGITS.split(other)
    for at in range(1, len(theirs), 2):
        before, after = "".join(theirs[:at]), "".join(theirs[at + 1 :])
        same = next(
            (n for n, (a, b) in enumerate(zip(url, before, strict=False)) if a != b), min(len(url), len(before))
        )
        more = len(other) - len(url)
        if theirs[at] in ("1", "2") and after.endswith(url[same:]) and 0 < more <= _LONGEST_PART:
            return int(theirs[at])
    return None
