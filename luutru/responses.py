"""Answers for machines: the same JSON as that of the commands."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from luutru.output import plain


class JsonResponse(Response):
    """A value as `--json` writes it: dataclasses as objects with their fields in order, text not escaped."""

    media_type = "application/json"

    def __init__(self, value: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(value, status_code, headers)

    def render(self, value: Any) -> bytes:
        """The bytes of the body."""
        return json.dumps(plain(value), ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
