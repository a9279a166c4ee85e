"""What people see: one file a page, each with a `router` whose addresses are those of the Vietnamese page.

The same router stands once more below `/en`, in English.
"""

from html import escape

from fastapi import Request, Response
from starlette.responses import HTMLResponse


def render_error(_request: Request, status: int, code: str, message: str) -> Response:
    """The page that says what is the matter."""
    page = f"<!doctype html><title>{status}</title><h1>{escape(code)}</h1><p>{escape(message)}</p>"
    return HTMLResponse(page, status)
