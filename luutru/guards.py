"""What stands before every address: which hosts are answered for, how much is taken, what need not be sent again."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from hashlib import blake2s
from secrets import token_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luutru.failures import failed
from luutru.kept import TAG
from luutru.limits import Limits
from luutru.room import Room


class Told:
    """Adds to every answer what a browser must know of it then, where the answer does not say it itself."""

    def __init__(self, app: ASGIApp, headers: Callable[[], Mapping[str, str]]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers().items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, tell if scope["type"] == "http" else send)


class Hosts:
    """Answers only requests that name one of these hosts: a name that was bent to this address gets nothing."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and host_name(Headers(scope=scope).get("host", "")) not in self.hosts:
            sentence = "this host name is not one of the reading room's: `hosts` in luutru.toml names them"
            await failed(Request(scope), 421, "wrong-host", sentence)(scope, receive, send)
            return
        await self.app(scope, receive, send)


class Sizes:
    """Takes addresses and bodies up to a length."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope["raw_path"]) + len(scope["query_string"]) > self.limits.target_bytes:
            sentence = f"the address is longer than {self.limits.target_bytes:,} bytes: ask for less at once"
            await failed(Request(scope), 414, "too-long", sentence)(scope, receive, send)
            return
        taken = 0

        async def measured() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limits.body_bytes:
                raise HTTPException(413, f"the body is longer than {self.limits.body_bytes:,} bytes")
            return message

        await self.app(scope, measured, send)


class Unchanged:
    """Tells by an ETag whether an answer can have changed: it cannot while the index is the same in the same hour.

    What follows from more than the index says so by a Cache-Control of its own, and gets no tag.
    """

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self.app = app
        self.room = room
        self._key = token_bytes(16)  # another program, another answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say that nothing has changed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tag = self._tag(scope) if scope["method"] in ("GET", "HEAD") else None
        scope = {**scope, TAG: tag}
        asked = Headers(scope=scope).get("if-none-match", "")
        if tag and tag in [one.strip() for one in asked.split(",")]:
            await Response(None, 304, {"ETag": tag, "Cache-Control": "no-cache"})(scope, receive, send)
            return

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "cache-control" not in headers:
                    is_kept = tag is not None and message["status"] == 200
                    headers["Cache-Control"] = "no-cache" if is_kept else "no-store"
                    if is_kept and tag:
                        headers["ETag"] = tag
            await send(message)

        await self.app(scope, receive, tagged)

    def _tag(self, scope: Scope) -> str | None:
        stamp = self.room.changes.stamp()
        if stamp is None:
            return None
        hour = f"{datetime.now(UTC):%Y%m%d%H}"  # charts and weeks end by the clock
        where = self.room.replay_url or ""  # pages link to it while it runs
        asked = scope["raw_path"] + b"?" + scope["query_string"]
        return f'W/"{blake2s(f"{stamp} {hour} {where} ".encode() + asked, key=self._key, digest_size=12).hexdigest()}"'


class Heads:
    """Answers HEAD as GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


def host_name(host: str) -> str:
    """A Host header without its port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
