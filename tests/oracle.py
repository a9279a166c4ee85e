"""A server that sends exact bytes and remembers every byte: what a capture of it must be is known beforehand.

Import `running` to have the fixture `oracle`. Every path is the name of a `Case`; any other answers 404. `/flaky` fails
the first time, `/stale` answers once on a connection, `/list` links to all that a GET can ask for. A crawl reaches it
by the mappings `oracle.connect_to`.
"""

import asyncio
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "oracle.test"  # its certificate is good when `oracle.authority` is trusted
SIX_HOST = "six.test"
BAD_HOST = "bad.test"  # its certificate is expired, self-signed and for another name
PAGE = (
    "<html><head><meta charset=utf-8><title>Đô thị loại I</title></head><body>"
    + "".join(f"<p>Thành phố Sóc Trăng phấn đấu đạt đô thị loại I. {n}</p>" for n in range(40))
    + "".join(f'<a href="/p/{n}">bài {n}</a>' for n in range(30))
    + "</body></html>"
).encode()
GZIP = gzip.compress(PAGE, mtime=0)
BOMB = gzip.compress(bytes(8_000_000), mtime=0)
LIMIT = 1_000_000  # `large` and `large-chunked` are longer, all others shorter


class Then(Enum):
    """What the server does after its last byte."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    WAIT = "wait"  # until the client leaves


@dataclass(frozen=True)
class Case:
    """Bytes that are sent, and the exchange as it must be kept: `head` and `body` stand for what is stored."""

    blocks: tuple[bytes, ...]  # sent one after the other
    head: bytes = b""
    body: bytes = b""
    status: int | None = 200
    then: Then = Then.KEEP
    method: str = "GET"
    truncated: str | None = None
    error: bool = False
    notes: tuple[tuple[str, bytes], ...] = ()  # those of the framing, in order
    names: tuple[str, ...] = field(default=())  # further notes, whose values are words for people

    @property
    def raw(self) -> bytes:
        return b"".join(self.blocks)


def plain(head: bytes, body: bytes = b"", **more: Any) -> Case:
    """A case whose stored head and body are what is sent."""
    return Case((head + body,), head, body, **more)


def chunked(head: bytes, frames: bytes, body: bytes, **more: Any) -> Case:
    """A case whose chunks are taken out; `%TE%` is the name that is renamed."""
    sent = head.replace(b"%TE%", b"Transfer-Encoding")
    return Case((sent + frames,), head.replace(b"%TE%", b"X-Crawler-Transfer-Encoding"), body, **more)


def frames(body: bytes, *sizes: int) -> bytes:
    """The body in chunks of these sizes, over and over, without the last chunk."""
    out, at, turn = b"", 0, 0
    while at < len(body):
        piece = body[at : at + sizes[turn % len(sizes)]]
        out += b"%x\r\n%b\r\n" % (len(piece), piece)
        at, turn = at + len(piece), turn + 1
    return out


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"%TE%: chunked\r\n\r\n"
NONSENSE = b"SSH-2.0-OpenSSH_9.6\r\nProtocol mismatch.\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
CASES = {
    "page": plain(OK + b"Content-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(PAGE), PAGE),
    "reason": plain(b"HTTP/1.1 200 R\xe1\xba\xa5t T\xe1\xbb\x91t \r\nContent-Length: 2\r\n\r\n", b"ok"),
    "no-reason": plain(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n", b"ok"),
    "lower-case": plain(b"http/1.1 200 ok\r\ncontent-length: 2\r\n\r\n", b"ok"),
    "header-case": plain(OK + b"sErVeR:  odd/1.0  \r\nCONTENT-length:2\r\nx-Dup:one\r\nX-DUP: two\r\n\r\n", b"ok"),
    "cookies": plain(OK + b"Set-Cookie: a=1; Path=/\r\nX: y\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\n", b"ok"),
    "fold": plain(OK + b"X-Fold: a\r\n b\r\n\t  c\r\nContent-Length: 2\r\n\r\n", b"ok"),
    "no-colon": plain(OK + b"this line has none\r\nContent-Length: 2\r\n\r\n", b"ok"),
    "name-with-space": plain(OK + b"Bad Name: x\r\nContent-Length : 2\r\n\r\n", b"ok"),
    "utf8": plain(OK + "X-Tên: Thành phố Sóc Trăng\r\nContent-Length: 2\r\n\r\n".encode(), b"ok"),
    "nul": plain(OK + b"X-Nul: a\0b\rc\r\nContent-Length: 2\r\n\r\n", b"ok"),
    "bare-lf": plain(b"HTTP/1.1 200 OK\nContent-Length: 2\nX: y\n\n", b"ok"),
    "gzip": plain(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP), GZIP),
    "bomb": plain(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB),
    "gzip-chunked": chunked(
        OK + b"Content-Encoding: gzip\r\n%TE%: chunked\r\n\r\n", frames(GZIP, 700) + b"0\r\n\r\n", GZIP
    ),
    "odd-sizes": chunked(CHUNKED, frames(PAGE, 1, 4093, 2, 17) + b"0\r\n\r\n", PAGE),
    "chunk-case": Case(
        (OK + b"tRANSFER-eNCODING :\r\n  Chunked\r\n\r\n", b"00000A \r\n0123456789\r\n0\r\n\r\n"),
        OK + b"X-Crawler-Transfer-Encoding :\r\n  Chunked\r\n\r\n",
        b"0123456789",
    ),
    "extensions": chunked(
        CHUNKED,
        b'2;a=b\r\nok\r\n1 ; q="x y"\r\n!\r\n0;last\r\nX-Trailer: yes\r\nDigest:  z \r\n\r\n',
        b"ok!",
        notes=(
            ("chunk-extension", b"0 ;a=b"),
            ("chunk-extension", b'1  ; q="x y"'),
            ("chunk-extension", b"2 ;last"),
            ("trailer", b"X-Trailer: yes\r\nDigest:  z \r\n"),
        ),
    ),
    "chunk-lf": chunked(CHUNKED, b"2\nok\n0\n\n", b"ok"),
    "chunked-1.0": chunked(
        b"HTTP/1.0 200 OK\r\n%TE%: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n", b"ok", then=Then.CLOSE
    ),
    "no-last-line": chunked(CHUNKED, b"2\r\nok\r\n0\r\n", b"ok", then=Then.CLOSE),
    "codings": chunked(
        OK + b"Transfer-Encoding: gzip\r\n%TE%: chunked\r\n\r\n", frames(GZIP, 999) + b"0\r\n\r\n", GZIP
    ),
    "until-close": plain(OK + b"Content-Type: text/html\r\n\r\n", PAGE, then=Then.CLOSE),
    "http-1.0": plain(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", b"until close", then=Then.CLOSE),
    "head": plain(OK + b"Content-Length: 999\r\nX-A: 1\r\n\r\n", method="HEAD"),
    "204": plain(b"HTTP/1.1 204 No Content\r\n\r\n", status=204),
    "206": plain(
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\n", b"ok", status=206
    ),
    "redirect": plain(
        b"HTTP/1.1 301 Moved\r\nLocation: /redirect-2\r\nContent-Length: 5\r\n\r\n", b"moved", status=301
    ),
    "redirect-2": plain(b"HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\n\r\n", status=302),
    "304": plain(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n', status=304),
    "404": plain(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n", b"nope", status=404),
    "500": plain(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\n", b"ouf", status=500),
    "flaky-2": plain(OK + b"Content-Length: 6\r\n\r\n", b"better"),
    "early-hints": Case(
        (EARLY, b"HTTP/1.1 102 Processing\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"),
        OK + b"Content-Length: 2\r\n\r\n",
        b"ok",
        notes=(("interim", EARLY), ("interim", b"HTTP/1.1 102 Processing\r\n\r\n")),
    ),
    "switching": plain(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", status=101, then=Then.WAIT),
    "empty": plain(OK + b"Content-Length: 0\r\n\r\n"),
    "same-lengths": plain(OK + b"Content-Length: 2\r\ncontent-length: 2, 02\r\n\r\n", b"ok"),
    "two-lengths": plain(
        OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n", b"okay!!!", then=Then.CLOSE, names=("content-length",)
    ),
    "bad-length": plain(OK + b"Content-Length: -2\r\n\r\n", b"ok", then=Then.CLOSE, names=("content-length",)),
    "both": chunked(
        OK + b"Content-Length: 99\r\n%TE%: chunked\r\n\r\n",
        b"2\r\nok\r\n0\r\n\r\n",
        b"ok",
        names=("content-length",),
        then=Then.CLOSE,
    ),
    "surplus": Case(
        (OK + b"Content-Length: 2\r\n\r\nokGARBAGE\r\n\r\n",),
        OK + b"Content-Length: 2\r\n\r\n",
        b"ok",
        notes=(("surplus", b"GARBAGE\r\n\r\n"),),
        then=Then.WAIT,
    ),
    "bad-chunk": plain(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"2;x\r\nok\r\nzz\r\nmore", then=Then.CLOSE, names=("framing",)
    ),
    "not-chunked": plain(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"<p>no chunk at all</p>\n", then=Then.CLOSE, names=("framing",)
    ),
    "chunked-first": plain(OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n", GZIP, then=Then.CLOSE, names=("framing",)),
    "cut": plain(
        OK + b"Content-Length: 5000\r\n\r\n", b"c" * 1234, truncated="disconnect", error=True, then=Then.CLOSE
    ),
    "reset": Case(
        (OK + b"\r\n", b"r" * 99), OK + b"\r\n", b"r" * 99, truncated="disconnect", error=True, then=Then.RESET
    ),
    "cut-chunk": chunked(
        CHUNKED,
        b"3\r\nabc\r\n400\r\n" + b"c" * 100,
        b"abc" + b"c" * 100,
        truncated="disconnect",
        error=True,
        then=Then.CLOSE,
    ),
    "cut-head": Case(
        (OK + b"Content-Type: text",),
        body=OK + b"Content-Type: text",
        status=None,
        truncated="disconnect",
        error=True,
        then=Then.CLOSE,
    ),
    "large": Case(
        (OK + b"Content-Length: 3000000\r\n\r\n", b"L" * 3_000_000),
        OK + b"Content-Length: 3000000\r\n\r\n",
        b"L" * LIMIT,
        truncated="length",
        error=True,
    ),
    "large-chunked": chunked(
        CHUNKED, frames(b"L" * 3_000_000, 65536), b"L" * LIMIT, truncated="length", error=True, then=Then.WAIT
    ),
    "slow": plain(OK + b"Content-Length: 100\r\n\r\n", b"partial", truncated="time", error=True, then=Then.WAIT),
    "slow-close": plain(OK + b"\r\n", b"endless", truncated="time", error=True, then=Then.WAIT),
    "silent": Case((), status=None, error=True, then=Then.WAIT),
    "no-answer": Case((), status=None, error=True, then=Then.CLOSE),
    "not-http": Case((NONSENSE,), body=NONSENSE, status=None, error=True, then=Then.CLOSE),
    "no-status": Case(
        (b"HTTP/1.1 OK\r\n\r\nx",), body=b"HTTP/1.1 OK\r\n\r\nx", status=None, error=True, then=Then.CLOSE
    ),
    "stale": plain(OK + b"Content-Length: 5\r\n\r\n", b"alive"),
}
LISTED = [name for name in CASES if name not in ("head", "redirect-2", "flaky-2")] + ["flaky"]  # by GET, each reachable
LIST = "".join(f'<a href="/{name}">{name}</a>\n' for name in LISTED).encode()
CASES["list"] = plain(OK + b"Content-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(LIST), LIST)
TURNS = {"flaky": ("500", "flaky-2")}  # answers of a path, one after the other, the last for ever


@dataclass(frozen=True)
class Said:
    """One exchange as the server saw it; `answer` is what it sent, or began to send where the client left."""

    scheme: str
    connection: int
    path: str
    request: bytes
    answer: bytes


class Oracle:
    """The running server; `said` is its log, complete once the client has its answer."""

    def __init__(self, directory: Path) -> None:
        self.said: list[Said] = []
        self.connections = 0
        self.authority = directory / "authority.pem"
        self.ports: dict[str, int] = {}
        self._directory = directory
        self._turns: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="oracle")
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connect_to(self) -> list[str]:
        """Mappings for a crawl: HOST over both schemes, BAD_HOST over https, SIX_HOST over IPv6 where there is one."""
        mappings = [
            f"{HOST}:80:127.0.0.1:{self.ports['http']}",
            f"{HOST}:443:127.0.0.1:{self.ports['https']}",
            f"{BAD_HOST}:443:127.0.0.1:{self.ports['bad']}",
        ]
        return mappings + ([f"{SIX_HOST}:80:[::1]:{self.ports['six']}"] if "six" in self.ports else [])

    def heard(self, path: str) -> list[Said]:
        """What was said about a path, in order."""
        return [one for one in self.said if one.path == path]

    def __enter__(self) -> "Oracle":
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        good, bad = certificates(self._directory)
        await self._listen("http", "127.0.0.1", None)
        await self._listen("https", "127.0.0.1", good)
        await self._listen("bad", "127.0.0.1", bad)
        if has_ipv6():
            await self._listen("six", "::1", None)

    async def _listen(self, name: str, host: str, context: ssl.SSLContext | None) -> None:
        scheme = "https" if context else "http"
        server = await asyncio.start_server(lambda r, w: self._serve(scheme, r, w), host, 0, ssl=context)
        self._servers.append(server)
        self.ports[name] = server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._talk(scheme, self.connections, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _talk(self, scheme: str, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = 0
        while True:
            request = await _read_request(reader)
            path = request.split(b" ")[1].decode()
            asked += 1
            case = self._case(path, asked)
            self.said.append(Said(scheme, number, path, request, case.raw))
            for block in case.blocks:
                writer.write(block)
                await writer.drain()
            if case.then is Then.WAIT:
                await reader.read()
            if case.then is Then.RESET:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if case.then is Then.CLOSE:
                writer.close()
                await writer.wait_closed()
            if case.then is not Then.KEEP:
                return

    def _case(self, path: str, asked: int) -> Case:
        name = path.partition("?")[0].strip("/")
        if name == "stale" and asked > 1:
            return CASES["no-answer"]
        if name in TURNS:
            turn = self._turns.get(path, 0)
            self._turns[path] = turn + 1
            name = TURNS[name][min(turn, len(TURNS[name]) - 1)]
        return CASES.get(name, CASES["404"])


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


def has_ipv6() -> bool:
    """Whether this machine has a loopback of IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def certificates(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts with a good certificate, whose authority is written to `authority.pem`, and with a bad one."""
    now = datetime.now(UTC)
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("oracle authority", root_key, None, now + timedelta(days=1), authority=True)
    (directory / "authority.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    key = ec.generate_private_key(ec.SECP256R1())
    good = _certificate(HOST, key, (root, root_key), now + timedelta(days=1))
    bad = _certificate("elsewhere.test", key, None, now - timedelta(days=1))
    return _context(directory / "good.pem", good, key), _context(directory / "bad.pem", bad, key)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    until: datetime,
    *,
    authority: bool = False,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signed_by, signer = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=9))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(authority), critical=True)
    )
    if not authority:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _context(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture(scope="session", name="oracle")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """One server for the whole run."""
    with Oracle(tmp_path_factory.mktemp("oracle")) as running:
        yield running
