"""What people see: one file a page, each with a `router` whose addresses are those of the Vietnamese page.

The same router stands once more below `/en`, in English.
"""

from fastapi import Request, Response


def render_error(request: Request, status: int, code: str, message: str) -> Response:
    """The page that says what is the matter."""
    from luutru.pages.errors import error_page

    return error_page(request, status, code, message)
