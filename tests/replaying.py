"""An archive whose captures pywb and the CDX endpoint are asked about: each kind of capture that replay must know."""

import gzip
import socket
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from archives import Written, at, crawled, original
from exchanges import UNKNOWN_PROTOCOL

from storage.model import Kind, Truncated

PAGE = "<!doctype html><html><head><title>Trang</title></head><body><p>Trang %s đã lưu.</p>%s</body></html>"
URL = "https://soctrang.example/"


@dataclass(frozen=True)
class Kept:
    """A home, and what its crawls wrote."""

    home: Path
    first: Written
    second: Written


def kept(home: Path) -> Kept:
    """Make it: `a` with a 304, `b` packed and repeated, `c` with the payload of `a`, and some that are odd."""
    page, packed = (PAGE % ("một", "")).encode(), gzip.compress((PAGE % ("hai", "")).encode(), mtime=0)
    sized, coded = (b"%bContent-Length: %d\r\n" % (coding, len(body)) for coding, body in _bodies(page, packed))
    first = crawled(
        home,
        "first000",
        [
            (at(0, "a", page, lines=sized), None),
            (at(1, "b", packed, lines=coded), None),
            (replace(at(2, "a-cut", b"<p>"), truncated=Truncated.TIME), None),
            (at(3, "A?z=1&b=2", b"", status=b"404 Not Found"), None),
            (at(4, "a/b/c", b"<p>ba</p>"), None),
            (replace(at(5, "x", b"<p>khac</p>"), url="http://con.soctrang.example:8080/x"), None),
            (replace(at(6, "x", b"<p>con</p>"), url="http://con.soctrang.example/x"), None),
            (UNKNOWN_PROTOCOL, None),
        ],
    )
    a, b = first.captures[:2]
    second = crawled(
        home,
        "second00",
        [
            (at(60, "a", b"", status=b"304 Not Modified", lines=b'ETag: "1"\r\n'), original(a)),
            (at(61, "b", packed, lines=coded), original(b)),
            (at(62, "c", page, lines=sized), original(a)),  # the same payload at another address
            (at(600, "a", (PAGE % ("ba", "")).encode()), None),
            (at(90_000, "a", (PAGE % ("bốn", "")).encode()), None),
        ],
    )
    crawled(home, "third000", [(at(0, "x"), None)], site="khac", kind=Kind.REQUISITE)
    return Kept(home, first, second)


def _bodies(page: bytes, packed: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (b"", page), (b"Content-Encoding: gzip\r\n", packed)


def listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server of others answers, which does not say when."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nobody began to listen")
