"""What was observed of a crawl and is no exchange, as metadata records of its own: addresses, and at last its account.

A block is a JSON object that names its `crawl`, with either a list of `addresses` or, in the account, one value for
each column of the crawl's row (`storage.index.accounts`) and how many addresses were `told` before. What a record says
of a crawl later stands.
"""

import json
from collections.abc import Mapping
from typing import Any

from storage.index import accounts
from storage.index.engine import Index
from storage.records import Record
from storage.warc import CaptureWriter

_URI = "urn:luutru:crawl:"
_JSON = "application/json"


def tell(writer: CaptureWriter, told: Mapping[str, Any]) -> None:
    """Append what a crawl says; raises StorageError."""
    block = json.dumps(told, ensure_ascii=False, indent=1).encode()
    writer.append_metadata(f"{_URI}{told['crawl']}", block, _JSON)


def tell_addresses(writer: CaptureWriter, index: Index, site: str, crawl: str, since: str | None = None) -> int:
    """Append what became of the addresses of a crawl, and of those that it continues; how many these are.

    Raises StorageError.
    """
    told = 0
    for page in accounts.addresses(index, site, crawl, since):
        tell(writer, {"crawl": crawl, "addresses": page})
        told += len(page)
    return told


def told_in(record: Record) -> dict[str, Any] | None:
    """What a crawl says in a record; None where that is no such record."""
    if record.type != "metadata" or not (record.header("WARC-Target-URI") or "").startswith(_URI):
        return None
    try:
        told = json.loads(record.block)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("crawl"), str) else None
