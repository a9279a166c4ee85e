"""The download handler against a server whose every byte is known."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from oracle import (
    BAD_HOST,
    CASES,
    GZIP,
    HOST,
    LIMIT,
    OK,
    PAGE,
    SIX_HOST,
    Oracle,
    has_ipv6,
    running,  # noqa: F401 - the fixture
)
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response
from scrapy.settings import Settings

from crawler.asking import RequestRefused
from crawler.connections import Connection
from crawler.wire import WireHandler
from storage.model import Exchange, Truncated

T = TypeVar("T")

FAILURES = {
    "length": DownloadCancelledError,
    "time": DownloadTimeoutError,
    "disconnect": ResponseDataLossError,
    None: DownloadFailedError,
}
LATE = ("slow", "slow-close", "silent")
HOUR = 3600.0  # seconds


class Recorder:
    """Stands for the spider: remembers what it is given, in order."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.turns: list[str] = []
        self.order: list[str] = []

    async def keep(self, exchange: Exchange, request: Request) -> None:
        self.exchanges.append(exchange)
        self.order.append("keep")

    async def turn(self, request: Request) -> None:
        self.turns.append(request.url)
        self.order.append("turn")


class Run:
    """What a handler stands on: settings and a spider; and the last exchange."""

    def __init__(self, connect_to: Sequence[str] = (), /, **settings: Any) -> None:
        self.settings = Settings({"CONNECT_TO": list(connect_to), "DOWNLOAD_MAXSIZE": LIMIT, **settings})
        self.spider = Recorder()
        self.handler: WireHandler

    @property
    def exchange(self) -> Exchange:
        return self.spider.exchanges[-1]

    async def get(self, url: str, **more: Any) -> Response:
        return await self.handler.download_request(Request(url, **more))


def crawl(run: Run, work: Callable[[Run], Awaitable[T]]) -> T:
    async def main() -> T:
        run.handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
        try:
            return await work(run)
        finally:
            await run.handler.close()

    return asyncio.run(main())


@asynccontextmanager
async def serving(talk: Callable[..., Awaitable[None]], host: str = "127.0.0.1", **more: Any) -> AsyncIterator[int]:
    """A server on this loop, its port; connections are ended with it."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, host, 0, **more)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def let_an_hour_pass() -> None:
    """From now on it is an hour later on the running loop."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + HOUR  # type: ignore[method-assign]


def notes_of(exchange: Exchange, name: str) -> list[bytes]:
    return [value for key, value in exchange.notes if key == name]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", CASES)
def test_every_byte(oracle: Oracle, trusted: None, scheme: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    run = Run(oracle.connect_to)
    meta = {"download_timeout": HOUR} if name in LATE else {}
    come = bytearray()

    def data_received(connection: Connection, data: bytes, received: Any = Connection.data_received) -> None:
        come.extend(data)
        received(connection, data)

    monkeypatch.setattr(Connection, "data_received", data_received)
    request = Request(
        f"{scheme}://{HOST}/{name}?{scheme}", method=case.method, meta=meta, headers={"X-One": ["a", "b"]}
    )

    async def work(run: Run) -> Response:
        asking = asyncio.ensure_future(run.handler.download_request(request))
        if name in LATE:
            while not (asking.done() or (oracle.heard(f"/{name}?{scheme}") and len(come) == len(case.raw))):
                await asyncio.sleep(0.001)
            let_an_hour_pass()
        return await asking

    response = None
    if case.error:
        expected = DownloadTimeoutError if name in LATE else FAILURES[case.truncated if case.head else None]
        with pytest.raises(expected):
            crawl(run, work)
    else:
        response = crawl(run, work)
    (exchange,) = run.spider.exchanges
    (said,) = oracle.heard(f"/{name}?{scheme}")
    assert exchange.request == said.request
    assert (exchange.status, exchange.head, exchange.body) == (case.status, case.head, case.body)
    assert exchange.truncated == (Truncated(case.truncated) if case.truncated else None)
    assert (exchange.url, exchange.method, exchange.ip) == (request.url, case.method, "127.0.0.1")
    assert bool(exchange.error) is case.error
    framing = [note for note in exchange.notes if note[0] in {"interim", "chunk-extension", "trailer", "surplus"}]
    assert tuple(framing) == case.notes
    further = [name for name, _ in exchange.notes if name in {"framing", "content-length", "tls-problem", "proxy"}]
    assert tuple(further) == case.names
    if scheme == "https":
        assert exchange.protocols[-1] == "tls/1.3"
        assert exchange.cipher
        assert len(notes_of(exchange, "tls-certificate-sha256")[0]) == 64
    if response is not None:
        assert (response.status, response.body, response.url) == (case.status, case.body, request.url)
        assert (str(response.ip_address), response.flags) == ("127.0.0.1", [])
        assert (response.certificate is not None) is (scheme == "https")
        assert 0 < request.meta["download_latency"] <= exchange.elapsed


def test_whole_byte_for_byte_without_chunks(oracle: Oracle) -> None:
    """Head and body together are what the server said, for every case whose framing is kept."""
    kept = [
        name for name, case in CASES.items() if case.raw == case.head + case.body and case.status and not case.error
    ]
    assert len(kept) > 25
    run = Run(oracle.connect_to)

    async def work(run: Run) -> None:
        for name in kept:
            await run.get(f"http://{HOST}/{name}?whole", method=CASES[name].method)

    crawl(run, work)
    said = [oracle.heard(f"/{name}?whole")[0] for name in kept]
    assert [one.head + one.body for one in run.spider.exchanges] == [one.answer for one in said]
    assert [one.request for one in run.spider.exchanges] == [one.request for one in said]


def test_request_line_and_headers(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)

    async def work(run: Run) -> None:
        url = f"http://user:secret@{HOST}:80/tin-tức/ủ?q=%20á#part"
        headers = {"User-Agent": "luutru", "Cookie": b"a=b\r\nEvil: 1", "Proxy-Authorization": "Basic eA=="}
        await run.get(
            url, method="POST", body=b"x=1", headers=headers, meta={"verbatim_url": True, "via": "v", "hops": 3}
        )

    crawl(run, work)
    path = b"/tin-t%E1%BB%A9c/%E1%BB%A7?q=%20%C3%A1"
    assert run.exchange.request == (
        b"POST " + path + b" HTTP/1.1\r\nHost: oracle.test\r\nUser-Agent: luutru\r\n"
        b"Cookie: a=b  Evil: 1\r\nContent-Length: 3\r\n\r\nx=1"
    )
    assert oracle.heard(path.decode())[0].request == run.exchange.request
    assert run.exchange.url == f"http://{HOST}{path.decode()}"
    assert (run.exchange.via, run.exchange.hops) == ("v", 3)


def test_headers_reach_scrapy_with_every_value(oracle: Oracle) -> None:
    response = crawl(Run(oracle.connect_to), lambda run: run.get(f"http://{HOST}/cookies"))
    assert response.headers.getlist("set-cookie") == [b"a=1; Path=/", b"b=2"]
    assert response.protocol == "HTTP/1.1"


def test_second_answer_is_better(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)

    async def work(run: Run) -> list[int]:
        return [(await run.get(f"http://{HOST}/flaky?x")).status for _ in range(2)]

    assert crawl(run, work) == [500, 200]
    assert [one.status for one in run.spider.exchanges] == [500, 200]


def test_kept_before_returned_and_asked_before_written(oracle: Oracle) -> None:
    class Watching(Recorder):
        async def turn(self, request: Request) -> None:
            await super().turn(request)
            assert not oracle.heard("/page?order")

    run = Run(oracle.connect_to)
    run.spider = Watching()
    crawl(run, lambda run: run.get(f"http://{HOST}/page?order"))
    assert run.spider.order == ["turn", "keep"]


def test_what_keep_raises_fails_the_request_and_frees_its_place(oracle: Oracle) -> None:
    class Full(Recorder):
        async def keep(self, exchange: Exchange, request: Request) -> None:
            await super().keep(exchange, request)
            if len(self.exchanges) == 1:
                raise OSError("disk full")

    run = Run(oracle.connect_to, CONCURRENT_REQUESTS_PER_DOMAIN=1)
    run.spider = Full()

    async def work(run: Run) -> Response:
        with pytest.raises(OSError, match="disk full"):
            await run.get(f"http://{HOST}/page")
        return await run.get(f"http://{HOST}/page")

    assert crawl(run, work).body == PAGE


def test_connections_are_reused(oracle: Oracle) -> None:
    async def work(run: Run) -> None:
        for name in ("page", "gzip-chunked", "204", "head", "304", "empty", "page"):
            await run.get(f"http://{HOST}/{name}?reuse", method=CASES[name].method)

    crawl(Run(oracle.connect_to), work)
    assert len({one.connection for one in oracle.said if one.path.endswith("?reuse")}) == 1


def test_a_dead_connection_is_an_exchange_and_asked_again(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)

    async def work(run: Run) -> list[bytes]:
        return [(await run.get(f"http://{HOST}/stale")).body for _ in range(2)]

    assert crawl(run, work) == [b"alive", b"alive"]
    first, dead, fresh = run.spider.exchanges
    assert (first.status, dead.status, fresh.status) == (200, None, 200)
    assert (dead.head, dead.body, dead.truncated, dead.protocols) == (b"", b"", None, ("http/1.1",))
    assert dead.request == fresh.request
    assert "closed before an answer" in (dead.error or "")
    said = oracle.heard("/stale")
    assert said[0].connection == said[1].connection != said[2].connection
    assert len(run.spider.turns) == 3


def test_a_dead_connection_is_not_asked_again_to_post(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)

    async def work(run: Run) -> None:
        await run.get(f"http://{HOST}/stale?post")
        await run.get(f"http://{HOST}/stale?post", method="POST", body=b"x")

    with pytest.raises(DownloadFailedError):
        crawl(run, work)
    assert len(run.spider.exchanges) == 2


def test_limit_of_connections_first_come_first_served() -> None:
    release = asyncio.Event()
    full = asyncio.Event()
    order: list[bytes] = []
    busy = most = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        while True:
            order.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])
            busy += 1
            most = max(most, busy)
            if busy == 2:
                full.set()
            await release.wait()
            busy -= 1
            writer.write(OK + b"Content-Length: 0\r\n\r\n")

    async def work(run: Run) -> None:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"a.test:80:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            tasks = [asyncio.create_task(handler.download_request(Request(f"http://a.test/{n}"))) for n in range(6)]
            await full.wait()
            tasks[2].cancel()
            release.set()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(one) is asyncio.CancelledError for one in done] == [n == 2 for n in range(6)]
            await handler.close()

    crawl(Run(CONCURRENT_REQUESTS_PER_DOMAIN=2), work)
    assert most == 2
    assert sorted(order[:2]) == [b"/0", b"/1"]
    assert order[2:] == [b"/3", b"/4", b"/5"]


def test_a_cancelled_exchange_gives_its_place_back() -> None:
    heard = asyncio.Event()
    left = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        if path == b"/0":
            heard.set()
            await reader.read()
            left.set()
        writer.write(OK + b"Content-Length: 0\r\n\r\n")
        await writer.drain()

    async def work(run: Run) -> int:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"a.test:80:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            task = asyncio.create_task(handler.download_request(Request("http://a.test/0")))
            await heard.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await left.wait()
            response = await handler.download_request(Request("http://a.test/1"))
            await handler.close()
            return response.status

    assert crawl(Run(CONCURRENT_REQUESTS_PER_DOMAIN=1), work) == 200


def test_bytes_between_exchanges_end_the_connection() -> None:
    idle = asyncio.Event()
    ended = asyncio.Event()
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 2\r\n\r\nok")
        await idle.wait()
        writer.write(OK + b"Content-Length: 4\r\n\r\nfake")
        await reader.read()
        ended.set()

    async def work(run: Run) -> bytes:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"a.test:80:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            await handler.download_request(Request("http://a.test/"))
            idle.set()
            await ended.wait()
            body = (await handler.download_request(Request("http://a.test/"))).body
            await handler.close()
            return body

    assert crawl(Run(), work) == b"ok"
    assert connections == 2


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)
    response = crawl(run, lambda run: run.get(f"http://{SIX_HOST}/page"))
    assert (response.body, str(response.ip_address), run.exchange.ip) == (PAGE, "::1", "::1")


def test_partial_body_when_scrapy_wants_it(oracle: Oracle) -> None:
    run = Run(oracle.connect_to, DOWNLOAD_FAIL_ON_DATALOSS=False)
    response = crawl(run, lambda run: run.get(f"http://{HOST}/cut"))
    assert (response.body, response.flags) == (b"c" * 1234, ["dataloss"])
    assert run.exchange.truncated is Truncated.DISCONNECT


def test_limit_of_one_request(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)
    with pytest.raises(DownloadCancelledError, match="limit of 100 bytes"):
        crawl(run, lambda run: run.get(f"http://{HOST}/page", meta={"download_maxsize": 100}))
    assert (run.exchange.body, run.exchange.truncated) == (PAGE[:100], Truncated.LENGTH)
    whole = crawl(run, lambda run: run.get(f"http://{HOST}/page", meta={"download_maxsize": len(PAGE)}))
    assert whole.body == PAGE


def test_first_byte_timeout(oracle: Oracle) -> None:
    run = Run(oracle.connect_to, FIRST_BYTE_TIMEOUT=0.1)
    with pytest.raises(DownloadTimeoutError, match="no answer in time"):
        crawl(run, lambda run: run.get(f"http://{HOST}/silent?first"))
    assert run.exchange.request
    assert (run.exchange.truncated, run.exchange.head, run.exchange.body) == (None, b"", b"")
    assert 0.1 <= run.exchange.elapsed < 60


def test_waiting_for_a_turn_is_not_counted(oracle: Oracle) -> None:
    class Slow(Recorder):
        async def turn(self, request: Request) -> None:
            let_an_hour_pass()
            await asyncio.sleep(0)

    run = Run(oracle.connect_to)
    run.spider = Slow()
    assert crawl(run, lambda run: run.get(f"http://{HOST}/page", meta={"download_timeout": HOUR / 2})).status == 200
    assert run.exchange.elapsed < HOUR / 2


@pytest.mark.parametrize(("setting", "meta"), [(0.05, {}), (0, {"download_timeout": 0.05})])
def test_connect_timeout(setting: float, meta: dict[str, float]) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    async def work(run: Run) -> None:
        asyncio.get_running_loop().create_connection = never  # type: ignore[assignment, method-assign]
        await run.get("http://8.8.8.8/", meta=dict(meta))

    run = Run(CONNECT_TIMEOUT=setting)
    with pytest.raises(DownloadTimeoutError):
        crawl(run, work)
    assert (run.exchange.request, run.exchange.ip, run.exchange.protocols) == (b"", None, ())
    assert run.exchange.error


def test_no_timeouts(oracle: Oracle) -> None:
    run = Run(oracle.connect_to, DOWNLOAD_TIMEOUT=0, FIRST_BYTE_TIMEOUT=0, CONNECT_TIMEOUT=0)
    assert crawl(run, lambda run: run.get(f"http://{HOST}/page")).body == PAGE


def test_the_next_address_is_tried(oracle: Oracle) -> None:
    run = Run([f"a.test:80:two.test:{oracle.ports['http']}"])

    async def work(run: Run) -> Response:
        connect = asyncio.get_running_loop().create_connection
        resolving(["two.test"], ["127.0.0.9", "127.0.0.1"])
        asyncio.get_running_loop().create_connection = connect  # type: ignore[method-assign]
        return await run.get("http://a.test/page")

    assert crawl(run, work).body == PAGE
    assert run.exchange.ip == "127.0.0.1"


def test_refused_connection() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        run = Run([f"a.test:80:127.0.0.1:{closed.getsockname()[1]}"])
        with pytest.raises(DownloadConnectionRefusedError):
            crawl(run, lambda run: run.get("http://a.test/"))
    assert (run.exchange.request, run.exchange.status) == (b"", None)
    assert "refused" in (run.exchange.error or "")


def test_unknown_host() -> None:
    run = Run()

    async def work(run: Run) -> None:
        resolving(["unknown.test"], [])
        await run.get("http://unknown.test/")

    with pytest.raises(CannotResolveHostError, match=r"unknown\.test"):
        crawl(run, work)
    assert run.exchange.error


@pytest.mark.parametrize("url", ["http://a.test:99999/", "http://[::1/", "http:///path"])
def test_addresses_that_cannot_be_read(url: str) -> None:
    run = Run()
    with pytest.raises(RequestRefused, match="cannot be read"):
        crawl(run, lambda run: run.get(url, meta={"verbatim_url": True}))


def test_other_schemes() -> None:
    with pytest.raises(UnsupportedURLSchemeError):
        crawl(Run(), lambda run: run.get("ftp://a.test/"))


def resolving(hosts: Sequence[str], addresses: Sequence[str]) -> list[tuple[Any, ...]]:
    """Names have these addresses on the running loop, and connections are noted instead of made."""
    loop = asyncio.get_running_loop()
    made: list[tuple[Any, ...]] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        if host not in hosts or not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    async def create_connection(_: Any, host: str, port: int, **__: Any) -> None:
        made.append((host, port))
        raise OSError("the test connects to nothing")

    loop.getaddrinfo = getaddrinfo  # type: ignore[assignment, method-assign]
    loop.create_connection = create_connection  # type: ignore[assignment, method-assign]
    return made


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "224.0.0.1", "fe80::1", "64:ff9b::a00:1", "::ffff:10.1.1.1"]
)
@pytest.mark.parametrize("others", [[], ["8.8.8.8"]])
def test_guard_refuses_before_connecting(address: str, others: list[str]) -> None:
    run = Run(["other.test:80:127.0.0.1:1"])
    made: list[tuple[Any, ...]] = []

    async def work(run: Run) -> None:
        nonlocal made
        made = resolving(["a.test"], [*others, address])
        await run.get("http://a.test/")

    with pytest.raises(IgnoreRequest, match=r"refused to connect to a\.test: its address"):
        crawl(run, work)
    assert made == []
    assert (run.exchange.request, run.exchange.ip) == (b"", None)
    assert "not globally routable" in (run.exchange.error or "")


def test_the_checked_addresses_are_connected_to_in_order() -> None:
    run = Run()
    made: list[tuple[Any, ...]] = []

    async def work(run: Run) -> None:
        nonlocal made
        made = resolving(["a.test"], ["8.8.8.8", "2001:4860:4860::8888", "8.8.8.8"])
        await run.get("http://a.test:8080/")

    with pytest.raises(DownloadFailedError):
        crawl(run, work)
    assert made == [("8.8.8.8", 8080), ("2001:4860:4860::8888", 8080)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_canaries_on_loopback_hear_nothing(host: str) -> None:
    """The mapping permits what it names; a page that links to the mapped-to address itself is refused."""
    heard = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async def work(run: Run) -> None:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"a.test:80:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            with pytest.raises(RequestRefused):
                await handler.download_request(Request(f"http://{host}:{port}/", meta={"verbatim_url": True}))
            assert heard == 0
            await handler.download_request(Request("http://a.test/"))
            await handler.close()

    crawl(Run(), work)
    assert heard == 1


def test_good_certificate(oracle: Oracle, trusted: None) -> None:
    run = Run(oracle.connect_to)
    response = crawl(run, lambda run: run.get(f"https://{HOST}/page"))
    assert response.body == PAGE
    assert run.exchange.protocols == ("http/1.1", "tls/1.3")
    assert notes_of(run.exchange, "tls-problem") == []


def test_bad_certificate_is_noted_and_remembered(oracle: Oracle, trusted: None) -> None:
    run = Run(oracle.connect_to)
    before = oracle.connections

    async def work(run: Run) -> None:
        for name in ("page", "cut", "page"):
            await run.get(f"https://{BAD_HOST}/{name}", meta={"download_fail_on_dataloss": False})

    crawl(run, work)
    assert [one.body for one in run.spider.exchanges] == [PAGE, b"c" * 1234, PAGE]
    for exchange in run.spider.exchanges:
        assert notes_of(exchange, "tls-problem")[0].startswith(b"certificate: ")
        assert exchange.protocols == ("http/1.1", "tls/1.3")
    assert oracle.connections - before == 2  # the third, refused by us, never reached the server's application


def test_old_server(oracle: Oracle, trusted: None) -> None:
    """TLS 1.1 is spoken with who speaks nothing better, and noted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(oracle.authority.with_name("good.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 3\r\n\r\nold")
        await reader.read()

    async def work(run: Run) -> bytes:
        async with serving(talk, ssl=context) as port:
            run.settings.set("CONNECT_TO", [f"{HOST}:443:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            body = (await handler.download_request(Request(f"https://{HOST}/"))).body
            await handler.close()
            return body

    run = Run()
    assert crawl(run, work) == b"old"
    assert run.exchange.protocols == ("http/1.1", "tls/1.1")
    assert notes_of(run.exchange, "tls-problem")


def test_no_tls_at_all() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async def work(run: Run) -> None:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"{HOST}:443:127.0.0.1:{port}"])
            await WireHandler.from_crawler(run).download_request(Request(f"https://{HOST}/"))  # type: ignore[arg-type]

    run = Run()
    with pytest.raises(DownloadFailedError, match="TLS handshake failed: wrong version number"):
        crawl(run, work)
    assert (run.exchange.request, run.exchange.ip) == (b"", None)


@asynccontextmanager
async def proxying(ports: dict[str, int], heard: list[bytes]) -> AsyncIterator[int]:
    """A small proxy: absolute-form requests and tunnels, to these ports whatever the host."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head)
        tunnel = head.startswith(b"CONNECT")
        if b"Basic b3BlbjpzZXNhbWU=" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        there, out = await asyncio.open_connection("127.0.0.1", ports["https" if tunnel else "http"])
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            target = head.split(b" ")[1].decode()
            out.write(head.replace(target.encode(), ("/" + target.split("/", 3)[3]).encode(), 1))
        try:
            await asyncio.gather(pump(reader, out), pump(there, writer))
        finally:
            out.transport.abort()

    async with serving(talk) as port:
        yield port


OPEN = {"Proxy-Authorization": "Basic b3BlbjpzZXNhbWU="}


def through_proxy(oracle: Oracle, run: Run, *urls: str, headers: dict[str, str]) -> tuple[list[bytes], int]:
    """Fetch through a proxy, on one connection; what the proxy heard, and its port."""
    heard: list[bytes] = []

    async def work(run: Run) -> int:
        async with proxying(oracle.ports, heard) as port:
            meta = {"proxy": f"http://127.0.0.1:{port}"}
            try:
                for url in urls:
                    await run.get(url, headers=headers, meta=dict(meta))
            finally:
                await run.handler.close()
            return port

    return heard, crawl(run, work)


def test_http_proxy(oracle: Oracle) -> None:
    run = Run()
    heard, port = through_proxy(oracle, run, "http://a.test/gzip?proxy", headers=OPEN)
    exchange = run.exchange
    assert (exchange.body, exchange.ip, exchange.url) == (GZIP, None, "http://a.test/gzip?proxy")
    assert exchange.request == b"GET http://a.test/gzip?proxy HTTP/1.1\r\nHost: a.test\r\n\r\n"
    assert heard == [exchange.request[:-2] + b"Proxy-Authorization: Basic b3BlbjpzZXNhbWU=\r\n\r\n"]
    assert notes_of(exchange, "proxy") == [b"http://127.0.0.1:%d" % port]


def test_tunnel(oracle: Oracle, trusted: None) -> None:
    run = Run()
    url = f"https://{HOST}/gzip?tunnel"
    heard, _ = through_proxy(oracle, run, url, url, headers=OPEN)
    assert [one.split(b"\r\n")[0] for one in heard] == [b"CONNECT oracle.test:443 HTTP/1.1"]
    for exchange in run.spider.exchanges:
        assert (exchange.body, exchange.ip, exchange.url) == (GZIP, None, url)
        assert exchange.request == b"GET /gzip?tunnel HTTP/1.1\r\nHost: oracle.test\r\n\r\n"
        assert exchange.protocols == ("http/1.1", "tls/1.3")
        assert notes_of(exchange, "proxy")
        assert notes_of(exchange, "tls-problem") == []
    assert b"Proxy-Authorization" not in oracle.heard("/gzip?tunnel")[0].request


def test_proxy_without_authorization(oracle: Oracle) -> None:
    run = Run()
    with pytest.raises(DownloadFailedError, match=r"opened no tunnel: .* 407"):
        through_proxy(oracle, run, f"https://{HOST}/page", headers={})
    assert (run.exchange.request, run.exchange.ip) == (b"", None)
    through_proxy(oracle, run, "http://a.test/page", headers={})
    assert run.exchange.status == 407


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "[::1]", "0x7f.1", "a.localhost"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_not_asked_for_private_hosts(oracle: Oracle, scheme: str, host: str) -> None:
    run = Run()
    heard: list[bytes] = []
    with pytest.raises(RequestRefused):
        heard, _ = through_proxy(oracle, run, f"{scheme}://{host}/", headers=OPEN)
    assert heard == []
    assert run.exchange.error


def test_mapped_hosts_are_reached_past_the_proxy(oracle: Oracle) -> None:
    run = Run(oracle.connect_to)
    heard, _ = through_proxy(oracle, run, f"http://{HOST}/page", headers=OPEN)
    assert (heard, run.exchange.ip, notes_of(run.exchange, "proxy")) == ([], "127.0.0.1", [])


def test_bind_address() -> None:
    peers: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async def work(run: Run) -> None:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"a.test:80:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            await handler.download_request(Request("http://a.test/"))
            await handler.download_request(Request("http://a.test/", meta={"bindaddress": ("127.0.0.3", 0)}))
            await handler.close()

    crawl(Run(DOWNLOAD_BIND_ADDRESS="127.0.0.2"), work)
    assert peers == ["127.0.0.2", "127.0.0.3"]


def test_idle_connections_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.wire.IDLE_TIMEOUT", 0.05)
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 0\r\n\r\n")
        await reader.read()
        ended.set()

    async def work(run: Run) -> None:
        async with serving(talk) as port:
            run.settings.set("CONNECT_TO", [f"a.test:80:127.0.0.1:{port}"])
            handler = WireHandler.from_crawler(run)  # type: ignore[arg-type]
            await handler.download_request(Request("http://a.test/"))
            await asyncio.wait_for(ended.wait(), 60)
            await handler.close()

    crawl(Run(), work)


@pytest.fixture
def trusted(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(oracle.authority))
