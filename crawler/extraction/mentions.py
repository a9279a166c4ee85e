"""What a page says about other addresses: their titles as it prints them, and the date beside each."""

from collections.abc import Sequence
from datetime import date

from crawler.extraction import dates
from crawler.extraction.page import Line, Link, Page
from storage.model import Mention

_SHORTEST = 12  # characters of an anchor that may be a title
_BESIDE = 3  # lines around an anchor among which its date stands


def read(page: Page) -> tuple[Mention, ...]:
    """Links whose text may be a title, each target and text once, with the day beside them where there is one.

    Targets are canonical addresses. A day counts when no other link stands between it and the anchor.
    """
    lines = page.lines
    links = [link for link in page.links if len(link.text) >= _SHORTEST]
    days: dict[tuple[str, str], date | None] = {}
    for i, link in enumerate(links):
        until = links[i + 1].at if i + 1 < len(links) else len(lines)
        key = (link.element.get("href") or "", link.text)
        days[key] = days.get(key) or _day(lines, link, until)
    found: dict[tuple[str, str], Mention] = {}
    for (href, text), day in days.items():
        target = page.absolute(href)
        if target is not None and target != page.url and (day is not None or (target, text) not in found):
            found[target, text] = Mention(target, text, day)
    return tuple(found.values())


def _day(lines: Sequence[Line], link: Link, until: int) -> date | None:
    """The date on the anchor's own line, or on one of the next lines before another link."""
    own = lines[link.at] if link.at < len(lines) else None
    if own is not None and len(own.text) > len(link.text) and link.text in own.text:
        moment = dates.on_line(own.text.replace(link.text, " ", 1).strip())
        if moment is not None:
            return dates.as_day(moment)
    for line in lines[link.at + 1 : min(link.at + 1 + _BESIDE, max(until, link.at + 2))]:
        if line.is_link:
            break
        moment = dates.on_line(line.text)
        if moment is not None:
            return dates.as_day(moment)
    return None
