"""What lists say of the addresses that they name: a sign that something has changed there."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from storage.index.tables import entry, frontier

_REMEMBERED = 16  # things said of one address on one list
_LONG = 10  # entries known before on a list of which most do not change at once
_CHUNK = 200  # values in one list of a statement


@dataclass(frozen=True, slots=True)
class Entry:
    """An address that a list names; `list` and each thing that is `said` are CRC-32s.

    `list` is the same for all pages of one list, so that an entry may move from one to the next.
    """

    url: str
    list: int
    said: frozenset[int]


_said = (
    update(entry)
    .where(entry.c.address == bindparam("of"), entry.c.list == bindparam("on"))
    .values(said=bindparam("new_said"))
)


def note(connection: Connection, site: str, entries: Iterable[Entry]) -> list[str]:
    """Remember what a list says; returns the addresses that it knew and of which it says what it did not say before.

    Where that is most of those on a long list, the list has changed and not what it names: that is no sign.
    """
    by_url = {one.url: one for one in entries}
    urls = list(by_url)
    known, changed = 0, list[str]()
    for some in (urls[at : at + _CHUNK] for at in range(0, len(urls), _CHUNK)):
        were_known, have_changed = _note(connection, site, {url: by_url[url] for url in some})
        known += were_known
        changed += have_changed
    return changed if known < _LONG or len(changed) * 2 <= known else []


def _note(connection: Connection, site: str, by_url: Mapping[str, Entry]) -> tuple[int, list[str]]:
    lists = {one.list for one in by_url.values()}
    rows = connection.execute(
        select(frontier.c.id, frontier.c.url, entry.c.list, entry.c.said)
        .outerjoin(entry, (entry.c.address == frontier.c.id) & entry.c.list.in_(lists))
        .where(frontier.c.site == site, frontier.c.url.in_(by_url))
    )
    known_ones, changed, added, grown = 0, list[str](), [], []
    for row in rows:
        one = by_url[row.url]
        known = array("I", row.said or b"")
        fresh = sorted(one.said.difference(known))
        said = array("I", [*known, *fresh][-_REMEMBERED:]).tobytes()
        if row.said is None:
            added.append({"address": row.id, "list": one.list, "said": said})
            continue
        known_ones += 1
        if fresh:
            changed.append(row.url)
            grown.append({"of": row.id, "on": one.list, "new_said": said})
    if added:
        connection.execute(entry.insert(), added)
    if grown:
        connection.execute(_said, grown)
    return known_ones, changed
