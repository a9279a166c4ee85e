"""Pages that are made once for all who ask for them in the same minute, as long as the index stays the same."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import time

from fastapi import Request, Response
from starlette.responses import HTMLResponse

TAG = "luutru.tag"  # in the scope of a request: what names its answer, where that follows from the index


@dataclass(slots=True)
class Kept:
    """The pages that were asked for last, up to so many bytes; it may be asked by several threads."""

    most: int = 8_000_000  # bytes
    clock: Callable[[], float] = time
    _pages: OrderedDict[tuple[object, ...], bytes] = field(default_factory=OrderedDict)
    _held: int = 0
    _lock: Lock = field(default_factory=Lock)

    def page(self, request: Request, make: Callable[[], Response]) -> Response:
        """The page that was made for such a request in this minute, else a new one, which is kept if it is whole."""
        tag = request.scope.get(TAG)
        key = (tag, request.url.scheme, request.headers.get("host"), int(self.clock() // 60))
        with self._lock:
            page = self._pages.get(key) if tag else None
            if page is not None:
                self._pages.move_to_end(key)
                return HTMLResponse(page)
        made = make()
        if tag and made.status_code == 200:
            self._keep(key, bytes(made.body))
        return made

    def _keep(self, key: tuple[object, ...], page: bytes) -> None:
        if len(page) > self.most:
            return
        with self._lock:
            self._held += len(page) - len(self._pages.pop(key, b""))
            self._pages[key] = page
            while self._held > self.most:
                _, gone = self._pages.popitem(last=False)
                self._held -= len(gone)
