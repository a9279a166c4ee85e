"""How a page is made: its facts, a template, and the words of the language in which it is asked for."""

import re
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from luutru.output import printable
from luutru.pages import charts
from luutru.pages.links import Links
from luutru.pages.naming import defined
from luutru.pages.told import told
from luutru.pages.words import LANGUAGES, Words
from luutru.room import Room
from storage.query import quoted

MARKS = ("\x02", "\x03")  # around what was searched for: characters that no text has
_VIETNAMESE = Markup(' lang="vi"')  # of what is archived, on pages that are not
_MARKED = re.compile("{0}([^{0}{1}]*){1}".format(*MARKS))
STATES = {  # outcomes as the style sheet names them
    "completed": "ok",
    "partial": "partial",
    "failed": "failed",
    "interrupted": "cut",
    "refused": "refused",
    "missed": "missed",
    "skipped": "skipped",
    "running": "running",
    "waiting": "none",
    "none": "none",
}


class Here:
    """Where the page that is made stands itself: in the other language, and as JSON."""

    def __init__(self, request: Request, to: Links, has_twin: bool) -> None:
        path, query = request.url.path, request.url.query
        self.other = to.other(path, query)
        self.twin = to.twin(path, query) if has_twin else None


def page(
    request: Request, room: Room, template: str, facts: Any, *, status: int = 200, has_twin: bool = True, **more: Any
) -> Response:
    """The page of a template; `facts` are `page` in it, and the same as JSON where it has a twin."""
    language = language_of(request.url.path)
    words, to = Words(language, room.collection.config.zone), Links(language)
    context = {
        "page": facts,
        "words": words,
        "vi": _VIETNAMESE if language != "vi" else "",
        "to": to,
        "here": Here(request, to, has_twin),
        "other": next(one for one in LANGUAGES if one != language),
        "names": {key: name for key, (name, _) in defined(room.collection).items()},
        "zone": room.collection.config.time_zone,
        "replays": room.replay_origin is not None,
        "current": "",
        "query": "",
    } | more
    environment = _environment()
    parts = environment.get_template("parts.html").make_module(context)
    html = environment.get_template(template).render(context, parts=parts)
    return HTMLResponse(printable(html).encode(), status)  # what steers a text, or turns its direction, is shown so


def words_of(request: Request, room: Room) -> Words:
    """The words of the language in which a page is asked for."""
    return Words(language_of(request.url.path), room.collection.config.zone)


def language_of(path: str) -> str:
    """The language of a page: English below `/en`, else Vietnamese."""
    return "en" if path == "/en" or path.startswith("/en/") else "vi"


def lit(text: str) -> Markup:
    """The text, in which what was searched for is marked."""
    return Markup(_MARKED.sub(r"<mark>\1</mark>", str(escape(text))))  # noqa: S704  # the text is escaped


class _Context(Context):
    """Calls what a template calls without asking first whether that wants the context: nothing of ours does.

    Pages call hundreds of times, and the question takes longer than most of the answers.
    """

    def call(
        self, called: Callable[..., Any], /, *given: Any, _block_vars: Any = None, _loop_vars: Any = None, **named: Any
    ) -> Any:
        """What it answers."""
        return called(*given, **named)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("luutru"), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )
    environment.context_class = _Context
    environment.filters |= {"lit": lit, "outline": charts.outline}
    environment.globals |= {
        "course": charts.course,
        "heat": charts.Heat.of,
        "sparkline": charts.sparkline,
        "trend": charts.trend,
        "quarters": charts.quarters,
        "quoted": quoted,
        "told": told,
        "states": STATES,
        "version": metadata.version("luutru"),
    }
    return environment
