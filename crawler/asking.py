"""What a request is on the wire: the way there, its lines, and the address under which it is kept. No I/O."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from scrapy import Request
from scrapy.exceptions import IgnoreRequest, UnsupportedURLSchemeError

from crawler.connections import Proxy, Route, bracketed
from crawler.guard import Guard

_PORTS = {"http": 80, "https": 443}
_OURS = frozenset((b"Host", b"Content-Length", b"Proxy-Authorization"))
_NOT_IN_A_TARGET = re.compile(r"[^\x21-\x7e]+")
_NOT_IN_A_LINE = bytes.maketrans(b"\r\n\0", b"   ")  # RFC 9110, section 5.5

Bind = str | tuple[str, int] | None


class RequestRefused(IgnoreRequest):
    """No connection is made for this request; the message says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An address taken apart: the way there, the Host line, the target of the request line, the address as kept."""

    route: Route
    host: bytes
    target: bytes
    url: str


def ask(request: Request, guard: Guard, bind: Bind) -> Asked:
    """Take the request's address apart; a host that the guard maps is reached past any proxy.

    Raises UnsupportedURLSchemeError, and RequestRefused for an address that cannot be read.
    """
    try:
        parts = urlsplit(request.url)
        port = parts.port
        host = (parts.hostname or "").encode("ascii" if parts.netloc.isascii() else "idna").decode()
    except ValueError as error:
        raise RequestRefused(f"{request.url} cannot be read: {error}") from error
    if parts.scheme not in _PORTS:
        raise UnsupportedURLSchemeError(f"{request.url}: only http and https are spoken")
    if not host:
        raise RequestRefused(f"{request.url} cannot be read: no host")
    number = port or _PORTS[parts.scheme]
    path = parts.path or "/"
    target = _ascii(f"{path}?{parts.query}" if parts.query else path)
    authority = bracketed(host) if port in (None, _PORTS[parts.scheme]) else f"{bracketed(host)}:{port}"
    url = f"{parts.scheme}://{authority}{target}"
    proxy = None
    if request.meta.get("proxy") and not guard.is_mapped(host, number):
        proxy = _proxy(request)
    route = Route(parts.scheme, host, number, proxy, _bind(request.meta.get("bindaddress") or bind))
    absolute = proxy is not None and parts.scheme == "http"
    return Asked(route, authority.encode(), (url if absolute else target).encode(), url)


def message(request: Request, asked: Asked) -> tuple[bytes, bytes]:
    """The bytes of the request as they are kept, and as they are sent: the latter may hold the proxy's password."""
    method = request.method.encode()
    lines = [b"%b %b HTTP/1.1" % (method, asked.target), b"Host: " + (request.headers.get(b"Host") or asked.host)]
    lines += [
        b"%b: %b" % (name, value.translate(_NOT_IN_A_LINE))
        for name, values in request.headers.items()
        if name not in _OURS
        for value in values
    ]
    if request.body:
        lines.append(b"Content-Length: %d" % len(request.body))
    head = b"\r\n".join(lines)
    kept = b"%b\r\n\r\n%b" % (head, request.body)
    proxy = asked.route.proxy
    if proxy is None or not proxy.authorization or asked.route.scheme == "https":
        return kept, kept
    return kept, b"%b\r\nProxy-Authorization: %b\r\n\r\n%b" % (head, proxy.authorization, request.body)


def _ascii(target: str) -> str:
    return _NOT_IN_A_TARGET.sub(lambda found: quote(found[0]), target)


def _proxy(request: Request) -> Proxy:
    address = request.meta["proxy"]
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme != "http" or not parts.hostname:
        raise UnsupportedURLSchemeError("a proxy is given as http://HOST:PORT")
    return Proxy(parts.hostname, parts.port or 80, request.headers.get(b"Proxy-Authorization"))


def _bind(address: Bind) -> tuple[str, int] | None:
    return (address, 0) if isinstance(address, str) else address
