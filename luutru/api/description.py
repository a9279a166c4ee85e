"""The OpenAPI document: what FastAPI gathers, made to say what is really answered."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from importlib.resources import files
from typing import Any, get_args, get_type_hints

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

_TEXT = """\
What an archive of web sites holds, for programs. Every answer has the shape of the command's `--json`; moments are
ISO 8601 in UTC, what is not known is `null`. Whatever fails answers `{"error": {"status", "code", "message"}}`.

Answers carry an `ETag`: send it as `If-None-Match`, and 304 says that nothing has changed. Lists are read on with
`cursor`, the `next` of the part before.
"""


def describe(version: str, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document of what is offered to machines at these addresses."""
    document = get_openapi(title="luutru", version=version, description=_TEXT, routes=routes)
    examples = json.loads(files(__package__).joinpath("examples.json").read_text("utf-8"))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)  # what is wrong with a parameter is told with 400
            example = examples.get(path if method == "get" else f"{method} {path}")
            if example is not None:
                operation["responses"]["200"]["content"]["application/json"]["example"] = example
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for kind in {kind for route in routes for kind in _within(getattr(route, "response_model", None))}:
        if kind.__name__ in schemas:
            _as_written(schemas[kind.__name__], kind)
    return document


def _as_written(schema: dict[str, Any], kind: type) -> None:
    """Leave out the fields that are for people only; all others are always there."""
    for one in fields(kind):
        if not one.metadata.get("json", True):
            del schema["properties"][one.name]
    schema["required"] = list(schema["properties"])


def _within(kind: Any) -> Iterator[type]:
    """The dataclasses that a type is made of."""
    if isinstance(kind, type) and is_dataclass(kind):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from _within(hint)
    for part in get_args(kind):
        yield from _within(part)
