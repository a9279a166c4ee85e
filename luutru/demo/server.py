"""Serves the demo sites on loopback, in threads, in plain HTTP and in TLS, and logs what it is asked."""

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from luutru.demo import broadcaster, city
from luutru.demo.answers import HERE, Answer, Ask, page

_ROBOTS = Answer("text/plain; charset=utf-8", b"User-agent: *\nDisallow: /login\n")
_GONE = page("<!DOCTYPE html><html lang='vi'><title>404</title><p>Không tìm thấy trang.</p></html>", 404)
_MODIFIED = "Mon, 30 Jun 2025 08:00:00 GMT"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request as the server saw it; `path` with query, as sent."""

    at: datetime
    scheme: str
    host: str
    path: str
    status: int
    user_agent: str


class DemoSites:
    """The two sites on free ports of 127.0.0.1 for as long as the context lasts."""

    sites = ("soctrang-city", "thst")
    hosts = city.HOSTS + broadcaster.HOSTS

    def __init__(self) -> None:
        self.city = city.CityPortal()
        self.broadcaster = broadcaster.Broadcaster()
        self.visits: list[Visit] = []
        self.numbers = count(1)
        self._servers: tuple[_Server, ...] = ()

    def __enter__(self) -> Self:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(HERE / "demo-certificate.pem")
        self._servers = (_Server(self), _Server(self, context))
        for server in self._servers:
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.stop()

    @property
    def connect_to(self) -> list[str]:
        """`HOST:PORT:127.0.0.1:NNNN` for every host, for ports 80 and 443."""
        ports = tuple(zip((80, 443), (server.server_port for server in self._servers), strict=False))
        return [f"{host}:{port}:127.0.0.1:{here}" for host in self.hosts for port, here in ports]

    def answer(self, ask: Ask) -> Answer:
        """What the site of the asked host answers."""
        if ask.path == "/robots.txt":
            return _ROBOTS
        if ask.host in broadcaster.HOSTS:
            return self.broadcaster.answer(ask) or _GONE
        return (self.city.answer(ask) if ask.host in city.HOSTS else None) or _GONE


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # stop() joins them
    request_queue_size = 128

    def __init__(self, sites: DemoSites, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sites = sites
        self.context = context
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._loop = threading.Thread(target=self.serve_forever, args=(0.05,), name="demo")

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """No new connection, no open one, no thread left."""
        self.shutdown()
        self._loop.join()
        with self._lock:
            self._stopping = True
            for connection in self._open:
                _hang_up(connection)
        self.server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer until either side hangs up. The handshake is here, off the thread that accepts."""
        try:
            with self._secured(request) as connection, self._kept(connection):
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                super().finish_request(connection, client_address)
        except OSError:
            return  # the other side left

    def _secured(self, request: socket.socket) -> socket.socket:
        if self.context is None:
            return request
        return self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)

    @contextmanager
    def _kept(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
            if self._stopping:
                _hang_up(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        answer = self.server.sites.answer(self._ask())
        status = 304 if answer.etag and self._has(answer.etag) else answer.status
        body = b"" if status == 304 else answer.body
        self.send_response(status)
        if answer.etag:
            self.send_header("ETag", answer.etag)
            self.send_header("Last-Modified", _MODIFIED)
        if status != 304:
            body = self._coded(answer)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "luutru-demo"

    def do_HEAD(self) -> None:
        self.do_GET()

    def _ask(self) -> Ask:
        parts = urlsplit(self.path)
        query = {name.lower(): value for name, value in parse_qsl(parts.query)}
        scheme = "https" if self.server.context else "http"
        return Ask(scheme, self._host(), unquote(parts.path), query, next(self.server.sites.numbers))

    def _host(self) -> str:
        return self.headers.get("Host", "").lower().partition(":")[0]

    def _has(self, etag: str) -> bool:
        given = self.headers.get("If-None-Match")
        return given == etag if given else self.headers.get("If-Modified-Since") == _MODIFIED

    def _coded(self, answer: Answer) -> bytes:
        if not answer.type.startswith("text/html") or "gzip" not in self.headers.get("Accept-Encoding", ""):
            return answer.body
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Vary", "Accept-Encoding")
        return gzip.compress(answer.body, 4, mtime=0)

    def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
        """Keep the request for whoever asks, instead of printing it."""
        scheme = "https" if self.server.context else "http"
        agent = self.headers.get("User-Agent", "")
        visit = Visit(datetime.now(UTC), scheme, self._host(), self.path, int(code), agent)
        self.server.sites.visits.append(visit)

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal belongs to the crawl."""


def _hang_up(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # the plain one: another thread may be reading
    except OSError:
        return  # it has left by itself
