"""Addresses of the web that stand, as they are, within addresses of the reading room."""

from fastapi import Request

from storage.urls import canonicalize


def address_behind(request: Request, names: int) -> str:
    """The canonical address that stands in the path behind so many names, with the query; raises UsageError."""
    path: str = request.scope["raw_path"].decode("ascii", "replace")
    given = path.split("/", names + 1)[names + 1]
    scheme, colon, rest = given.partition(":/")
    given = f"{scheme}://{rest.lstrip('/')}" if colon else f"http://{given}"  # servers before us may fold slashes
    query = request.scope["query_string"].decode("ascii", "replace")
    return canonicalize(f"{given}?{query}" if query else given)
