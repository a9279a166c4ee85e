"""What stands before every address: which hosts are answered for, how much is taken, and what a browser is told."""

from collections.abc import Collection, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luutru.failures import failed


class Hosts:
    """Answers only requests that name one of these hosts: a name that was bent to this address gets nothing."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or host_name(Headers(scope=scope).get("host", "")) in self.hosts:
            await self.app(scope, receive, send)
            return
        sentence = "this host name is not one of the reading room's: `hosts` in luutru.toml names them"
        await failed(Request(scope), 421, "wrong-host", sentence)(scope, receive, send)


class Told:
    """Adds to every answer what a browser must know of it, where the answer does not say it itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, tell if scope["type"] == "http" else send)


def told(replay_origin: str | None) -> dict[str, str]:
    """The headers for `Told`: nothing is loaded from elsewhere, nothing runs, and only the replay may be framed."""
    replay = f" {replay_origin}" if replay_origin else ""
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": f"'self' data:{replay}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "frame-src": replay.strip() or "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",  # `no-referrer` would take the Origin from our own forms
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


def host_name(host: str) -> str:
    """A Host header without its port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
