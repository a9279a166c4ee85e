"""Answers for machines: the same JSON as that of the commands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.responses import Response

from luutru.output import plain

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong: the HTTP status, a word that does not change, and a sentence for people."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The one shape of every answer that is none."""

    error: Trouble


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A part of a list; `next` is the cursor of the following part."""

    results: tuple[T, ...]
    next: str | None


class JsonResponse(Response):
    """A value as `--json` writes it: dataclasses as objects with their fields in order, text not escaped."""

    media_type = "application/json"

    def __init__(self, value: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(value, status_code, headers)

    def render(self, value: Any) -> bytes:
        """The bytes of the body."""
        return json.dumps(plain(value), ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
