"""Ports for servers of other processes, which must be told where to listen."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_free() -> Iterator[int]:
    """A port of loopback that nobody else is given while the context is open, and at which one server may listen."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # shared with who asks for the same, and listens
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
