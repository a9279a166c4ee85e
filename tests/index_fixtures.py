"""Documents with their versions, written straight into an index."""

import json
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from storage.index.dialects import dialect_of
from storage.index.tables import document, version


def add_document(connection: Connection, *texts: str, **values: Any) -> int:
    """A document with a version for each text, the last one standing; `values` go where their column is."""
    id_ = (connection.scalar(select(func.max(document.c.id))) or 0) + 1
    row = {
        "id": id_,
        "identity": f"test:{id_}",
        "kind": "article",
        "site": "thst",
        "url": f"https://thst.vn/t/{id_}",
        "first_seen": "2024-01-01T00:00:00.000000+00:00",
        "last_seen": f"2024-01-0{len(texts)}T00:00:00.000000+00:00",
        "published": None,
        "day": (values.get("published") or "2024-01-01")[:10],
    }
    connection.execute(insert(document), row | {name: values[name] for name in values.keys() & row.keys()})
    standing = [add_version(connection, id_, number, text, **values) for number, text in enumerate(texts, 1)]
    path = values.get("section", [])
    stands = {"version": standing[-1], "section": path[-1] if path else None}
    connection.execute(update(document).where(document.c.id == id_).values(**stands))
    return id_


def add_version(connection: Connection, owner: int, number: int, text: str, **values: Any) -> int:
    lists = {
        name: json.dumps(values.get(name, []), ensure_ascii=False) for name in ("authors", "section", "attachments")
    }
    row = {
        "document": owner,
        "digest": values.get("digest", f"{owner}-{number}"),
        "digest_rule": 1,
        "first_seen": values.get("seen", f"2024-01-0{number}T00:00:00.000000+00:00"),
        "last_seen": f"2024-01-0{number}T00:00:00.000000+00:00",
        "title": values.get("title", "Bản tin"),
        "lead": values.get("lead"),
        "text": text,
        "published": values.get("published"),
        "tags": "[]",
        "images": "[]",
        "method": "test",
        "confidence": 1000,
        "rules": "test",
    }
    id_ = connection.execute(insert(version).returning(version.c.id), row | lists).scalar_one()
    dialect_of(connection).add_to_fulltext(connection, [(id_, row["title"], row["lead"], text)])
    return id_
