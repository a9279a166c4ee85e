"""What a demo site is asked and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".pdf": "application/pdf",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Ask:
    """A request: `path` decoded, `query` by lower-case name, `number` counts the requests of the server."""

    scheme: str
    host: str
    path: str
    query: Mapping[str, str]
    number: int


@dataclass(frozen=True)
class Answer:
    """A response; one with an `etag` is a file and may be answered 304."""

    type: str
    body: bytes
    status: int = 200
    etag: str | None = None


def page(text: str, status: int = 200) -> Answer:
    """An HTML page."""
    return Answer("text/html; charset=utf-8", text.encode(), status)


def file(name: str, body: bytes) -> Answer:
    """A file, its type by its name."""
    return Answer(_TYPES[Path(name).suffix], body, etag=f'"{sha256(body).hexdigest()[:16]}"')


@cache
def static(name: str) -> Answer | None:
    """A file of the folder `static`; None when there is none."""
    folder = HERE / "static"
    path = (folder / name).resolve()
    return file(name, path.read_bytes()) if path.is_relative_to(folder) and path.is_file() else None


@cache
def template(name: str) -> Template:
    """A page of the folder `templates`."""
    return Template((HERE / "templates" / name).read_text("utf-8"))


def link(url: str, text: str) -> str:
    """An anchor."""
    return f'<a href="{escape(url)}">{escape(text)}</a>'
