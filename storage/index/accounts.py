"""What a crawl's own records say of its row and of its addresses, and the rows made of that again.

An account is a JSON object with a value for each column of the crawl's row, lists as lists; an address is one with
those of its row that are not null. Neither says anything of the numbers of rows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select

from storage.index.dialects import dialect_of
from storage.index.engine import Index
from storage.index.frontier import State
from storage.index.tables import crawl, entry, frontier

_PAGE = 1000
_LISTS = ("warnings", "drift", "expected")
_ROW = tuple(one for one in crawl.c if one.name != "id")
_ADDRESS = tuple(one for one in frontier.c if one.name not in ("id", "site", "capture"))  # captures have no names
_MUST = frozenset({"url", *(one.name for one in _ADDRESS if not one.nullable and one.server_default is None)})


def account(connection: Connection, id_: str) -> dict[str, Any]:
    """What a crawl says of itself."""
    row = connection.execute(select(*_ROW).where(crawl.c.id == id_)).mappings().one()
    lists = {name: json.loads(row[name]) for name in _LISTS if row[name] is not None}
    return {"crawl": id_, **row, **lists}


def addresses(index: Index, site: str, id_: str, since: str | None = None) -> Iterator[list[dict[str, Any]]]:
    """The addresses of a site that a crawl found or visited, and all that wait, as many at once as suit one record.

    With `since`, also what was found or visited since then.
    """
    with index.read() as connection:
        began = since or connection.scalar(select(crawl.c.started).where(crawl.c.id == id_))
    after = 0
    while True:
        with index.read() as connection:
            lately = (frontier.c.found >= began, *([frontier.c.visited >= since] if since else []))
            told = or_(frontier.c.crawl == id_, *lately, frontier.c.state == State.WAITING)
            mine = func.coalesce(frontier.c.site, "") == site  # paged by id
            query = select(frontier.c.id, *_ADDRESS).where(mine, frontier.c.id > after, told)
            page = connection.execute(query.order_by(frontier.c.id).limit(_PAGE)).mappings().all()
        if not page:
            return
        after = page[-1]["id"]
        yield [{name: value for name, value in row.items() if name != "id" and value is not None} for row in page]


def restore(connection: Connection, told: Mapping[str, Any]) -> bool:
    """Make a crawl's row what its account says; False, and nothing is changed, where this is no account."""
    row = {one.name: told[one.name] for one in _ROW if one.name in told}
    if not {"site", "outcome", "started", "definition"} <= row.keys():
        return False
    row |= {name: json.dumps(row[name], ensure_ascii=False) for name in _LISTS if row.get(name) is not None}
    rows = [{"id": told["crawl"], **row}]
    dialect_of(connection).insert_replacing(connection, crawl, rows, keys=("id",), columns=list(row))
    return True


def restore_addresses(connection: Connection, site: str, told: Sequence[Mapping[str, Any]]) -> None:
    """Let the rows of addresses say what a crawl says of them."""
    empty = {one.name: None if one.server_default is None else 0 for one in _ADDRESS}
    rows = [
        {"site": site} | empty | {name: value for name, value in one.items() if name in empty}
        for one in told
        if one.keys() >= _MUST
    ]
    names = [one.name for one in _ADDRESS if one.name != "url"]
    dialect_of(connection).insert_replacing(connection, frontier, rows, keys=("site", "url"), columns=names)


def last_address(connection: Connection) -> int:
    """The number of the newest row of an address; 0 without any."""
    return connection.scalar(select(func.max(frontier.c.id))) or 0


def forget_others(connection: Connection, site: str, after: int, told: Sequence[str]) -> None:
    """Remove newer rows of a site than that number, but for addresses that were told."""
    newer = (frontier.c.site == site, frontier.c.id > after)
    others = select(frontier.c.id).where(*newer, frontier.c.url.not_in(dialect_of(connection).among(told)))
    connection.execute(delete(entry).where(entry.c.address.in_(others)))
    connection.execute(delete(frontier).where(frontier.c.id.in_(others)))
