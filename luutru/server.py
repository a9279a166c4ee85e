"""The reading room as one ASGI application: every subject and every page is a file of its own, found by its name."""

import gc
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
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
    for router in _routers(api):
        app.include_router(router)
    for router in _routers(pages):
        app.include_router(router, include_in_schema=False)
        app.include_router(router, prefix=ENGLISH, include_in_schema=False)
    if _STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=_STATIC))
    return app


@cache
def openapi() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    routes = [route for router in _routers(api) for route in router.routes]
    return describe(metadata.version("luutru"), routes)


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


def _routers(package: ModuleType) -> Iterator[APIRouter]:
    """The `router` of each file that has one."""
    for one in iter_modules(package.__path__):
        router = getattr(import_module(f"{package.__name__}.{one.name}"), "router", None)
        if router is not None:
            yield router
