"""The reading room over a real socket: uvicorn in a thread of the test, on a free port of loopback."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from storage.collection import Collection


@dataclass(frozen=True)
class Served:
    """A reading room that answers at `url`, which has no slash at its end."""

    home: Path
    url: str
    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        """What it answers; redirects are not followed."""
        return self.client.get(self.url + path, headers=headers)

    def json(self, path: str) -> Any:
        """What it answers with 200, as JSON."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def serving(home: Path, before: Callable[[Path], object] = lambda _: None, **options: Any) -> Iterator[Served]:
    """The reading room of an archive, to which `before` its first answer something happens.

    `options` are those of `application`.
    """
    import uvicorn

    from luutru.server import application

    with closing(Collection.open(home)) as collection, socket.create_server(("127.0.0.1", 0)) as listening:
        collection.index.close()
        before(home)
        config = uvicorn.Config(application(collection, **options), log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            with httpx.Client(timeout=60) as client:
                yield Served(home, f"http://127.0.0.1:{listening.getsockname()[1]}", client)
        finally:
            server.should_exit = True
            thread.join()
