"""What went wrong, as the web says it: a status and a sentence, in one shape for machines and as a page for people."""

import re
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from luutru import policy
from luutru.responses import JsonResponse
from storage.errors import (
    AlreadyRunning,
    ArchiveError,
    NotFound,
    StorageError,
    TooSlow,
    UnknownSite,
    UsageError,
    Withheld,
)

STATUSES: dict[type[ArchiveError], int] = {
    UsageError: 400,
    UnknownSite: 404,
    NotFound: 404,
    Withheld: 451,
    AlreadyRunning: 409,
    TooSlow: 503,
    StorageError: 503,
    ArchiveError: 500,
}
_FOR_MACHINES = re.compile(r"/api/|/cdx$|/timemap/|/timegate/|/records/|/metrics$|.*\.(json|jsonl|csv|atom)$")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def add_handlers(app: FastAPI) -> None:
    """Let every failure be answered with its status and a sentence."""
    app.add_exception_handler(ArchiveError, _archive)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(Exception, _unexpected)


def failed(request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """The answer that says so: `{"error": {"status", "code", "message"}}`, or a page."""
    is_form = request.method == "POST" and "text/html" in request.headers.get("accept", "")
    if _FOR_MACHINES.match(request.url.path) and not is_form:
        shape = {"error": {"status": status, "code": code, "message": message}}
        return JsonResponse(shape, status, headers)
    from luutru import pages

    response = pages.render_error(request, status, code, message)
    response.headers.update(headers or {})
    return response


def status_of(error: ArchiveError) -> int:
    """The status of the nearest leaf that has one."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


async def _archive(request: Request, error: Exception) -> Response:
    assert isinstance(error, ArchiveError)  # noqa: S101  # as it was registered
    home = f"{request.app.state.room.collection.home}/"  # is nobody's business
    code = _WORD.sub("-", type(error).__name__.removesuffix("Error")).lower()
    return failed(request, status_of(error), code, str(error).replace(home, ""))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    phrase = HTTPStatus(error.status_code).phrase
    sentence = (
        error.detail if error.detail != phrase else f"{request.method} {request.url.path[:200]}: {phrase.lower()}"
    )
    code = phrase.lower().replace(" ", "-")
    return failed(request, error.status_code, code, sentence, dict(error.headers or {}))


async def _wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    sentence = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
    return failed(request, 400, "usage", sentence)


async def _unexpected(request: Request, _error: Exception) -> Response:
    sentence = "something unforeseen went wrong here; the server's log says what"
    headers = dict(policy.headers(None)) | {"Cache-Control": "no-store"}  # no guard stands around this answer
    return failed(request, 500, "unexpected", sentence, headers)
