"""The reading room as one ASGI application: every subject and every page is a file of its own, found by its name."""

import gc
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from luutru import api, failures, pages, policy
from luutru.api.description import describe
from luutru.guards import Heads, Hosts, Sizes, Told, Unchanged
from luutru.limits import Limits
from luutru.room import LOOPBACK, Room
from storage.collection import Collection

ENGLISH = "/en"  # Vietnamese stands at the root
_TURN = 0.0001  # seconds: a thread asks for its turn after each statement, and of a page there are a dozen
_STATIC = Path(__file__).parent / "static"


def application(collection: Collection, *, hosts: Iterable[str] = LOOPBACK, limits: Limits | None = None) -> FastAPI:
    """The reading room over an opened archive, which answers only those who call it by one of the host names."""
    room = Room(collection, frozenset(one.lower() for one in hosts), limits or Limits())
    app = _Application(
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_open,
        middleware=[
            Middleware(Told, headers=lambda: policy.headers(room.replay_origin)),
            Middleware(Hosts, hosts=room.hosts),
            Middleware(Sizes, limits=room.limits),
            Middleware(Unchanged, room=room),
            Middleware(Heads),
        ],
    )
    app.state.room = room
    failures.add_handlers(app)
    read, asked = _router(pages), _router(api)
    app.include_router(read, include_in_schema=False)
    app.include_router(read, prefix=ENGLISH, include_in_schema=False)
    app.include_router(asked)
    if _STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=_STATIC))
    return app


@cache
def openapi() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    return describe(metadata.version("luutru"), _router(api).routes)


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi()


@asynccontextmanager
async def _open(app: FastAPI) -> AsyncIterator[None]:
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through all of it again takes longer than most answers
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    yield
    sys.setswitchinterval(before)
    gc.unfreeze()
    app.state.room.close()


def _router(package: ModuleType) -> APIRouter:
    """All that the `router` of each file leads to, as one: looking through one is quicker than through many."""
    files = (import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__))
    return APIRouter(routes=[route for one in files if hasattr(one, "router") for route in one.router.routes])
