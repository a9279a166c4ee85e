"""Opening connections: resolve once, check, connect to what was checked; TLS as good as the server can."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import cast

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)

from crawler.connections import Connection, End, Peer, Proxy, Route, bracketed
from crawler.framing import ResponseReader
from crawler.guard import Guard

_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, named since Python 3.12


class HandshakeError(DownloadFailedError):
    """TLS could not be agreed on; `lasting` when another attempt would fail as well."""

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(f"TLS handshake failed: {reason}")
        self.reason = reason
        self.lasting = lasting


class Connector:
    """Opens connections that the guard allows; each step may take `patience` seconds.

    Raises AddressRefused, CannotResolveHostError, DownloadConnectionRefusedError, DownloadTimeoutError,
    DownloadFailedError.
    """

    def __init__(self, guard: Guard, patience: float) -> None:
        self._guard = guard
        self._patience = patience
        self._problems: dict[tuple[str, int], str] = {}  # hosts whose TLS is not as it should be

    async def connect(self, route: Route) -> Connection:
        """A new connection that is ready for a request."""
        addresses, port = await self._addresses(route)
        if route.scheme == "http":
            return await self._first(addresses, port, route)
        problem = self._problems.get((route.host, route.port))
        if problem is None:
            try:
                return await self._secured(await self._first(addresses, port, route), route, self._strict)
            except HandshakeError as failure:
                problem = failure.reason
                lasting = failure.lasting
        else:
            lasting = True
        connection = await self._secured(await self._first(addresses, port, route), route, self._lenient)
        connection.peer.problem = problem
        if lasting:
            self._problems[route.host, route.port] = problem
        return connection

    async def _addresses(self, route: Route) -> tuple[list[str], int]:
        """The checked addresses and the port to connect to."""
        if route.proxy is not None:
            self._guard.check_name(route.host)
            return await self._resolve(route.proxy.host, route.proxy.port), route.proxy.port
        target = self._guard.target(route.host, route.port)
        addresses = await self._resolve(target.host, target.port)
        if not target.permitted:
            self._guard.check(target.host, addresses)
        return addresses, target.port

    async def _resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with self._timeout(f"resolving {host}"):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise CannotResolveHostError(f"{host}: {error}") from error
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

    async def _first(self, addresses: list[str], port: int, route: Route) -> Connection:
        """A connection to the first address that takes one, through the proxy's tunnel where one is needed."""
        failure: Exception = CannotResolveHostError(f"{route.host}: no address")
        for address in addresses:
            try:
                connection = await self._open(address, port, route)
            except (DownloadConnectionRefusedError, DownloadTimeoutError, DownloadFailedError) as error:
                failure = error
            else:
                if route.proxy is None:
                    connection.peer.ip = address
                elif route.scheme == "https":
                    await self._tunnel(connection, route, route.proxy)
                return connection
        raise failure

    async def _open(self, address: str, port: int, route: Route) -> Connection:
        loop = asyncio.get_running_loop()
        where = f"{bracketed(address)}:{port}"
        try:
            async with self._timeout(f"connecting to {where}"):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop), address, port, local_addr=route.bind
                )
        except ConnectionRefusedError as error:
            raise DownloadConnectionRefusedError(f"{where} refused the connection") from error
        except OSError as error:
            raise DownloadFailedError(f"cannot connect to {where}: {error.strerror or error}") from error
        return connection

    async def _tunnel(self, connection: Connection, route: Route, proxy: Proxy) -> None:
        host = f"{bracketed(route.host)}:{route.port}".encode()
        lines = [b"CONNECT %b HTTP/1.1" % host, b"Host: %b" % host]
        if proxy.authorization:
            lines.append(b"Proxy-Authorization: %b" % proxy.authorization)
        reader = ResponseReader("CONNECT")
        deadline = asyncio.get_running_loop().time() + self._patience
        end = await connection.exchange(b"\r\n".join(lines) + b"\r\n\r\n", reader, self._patience, deadline)
        connection.used = False
        if reader.head is not None and 200 <= reader.head.status < 300 and not reader.surplus:
            return
        connection.abort()
        if end is End.LATE:
            raise DownloadTimeoutError(f"{proxy} opened no tunnel within {self._patience:g} s")
        answer = reader.head.raw.split(b"\n")[0].strip().decode("latin-1") if reader.head else "no answer"
        raise DownloadFailedError(f"{proxy} opened no tunnel: {answer}")

    async def _secured(self, connection: Connection, route: Route, context: ssl.SSLContext) -> Connection:
        """The same connection with TLS on it."""
        loop = asyncio.get_running_loop()
        name = route.host.rstrip(".")
        try:
            async with self._timeout(f"TLS handshake with {name}"):
                transport = await loop.start_tls(connection.transport, connection, context, server_hostname=name)
        except ssl.SSLError as error:
            raise HandshakeError(_reason(error), lasting=True) from error
        except (OSError, ValueError) as error:
            raise HandshakeError(str(error) or "the server closed the connection", lasting=False) from error
        connection.transport = cast("asyncio.Transport", transport)
        _note_tls(connection.peer, connection.transport.get_extra_info("ssl_object"))
        return connection

    @asynccontextmanager
    async def _timeout(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError as error:
            raise DownloadTimeoutError(f"{what} took longer than {self._patience:g} s") from error

    @cached_property
    def _strict(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    @cached_property
    def _lenient(self) -> ssl.SSLContext:
        """Anything that encrypts, for servers whose pages vanish before their TLS is put right."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
        context.options |= _LEGACY_SERVER_CONNECT
        context.set_alpn_protocols(["http/1.1"])
        return context


def _note_tls(peer: Peer, tls: ssl.SSLObject) -> None:
    cipher = tls.cipher()
    peer.cipher = cipher[0] if cipher else None
    peer.certificate = tls.getpeercert(binary_form=True)
    if peer.certificate:
        peer.fingerprint = hashlib.sha256(peer.certificate).hexdigest()
    version = (tls.version() or "").replace("TLSv", "tls/").replace("SSLv", "ssl/")
    peer.tls = "tls/1.0" if version == "tls/1" else version


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return (error.reason or str(error)).replace("_", " ").lower()
