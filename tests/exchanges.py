"""Exchanges as the wire gives them, and a writer whose clock and record identifiers are known."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from storage.model import Exchange
from storage.warc import CaptureWriter, WarcInfo

STARTED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
INFO = WarcInfo(
    software="luutru/0.1.0",
    operator="Thư viện tỉnh <thuvien@example.org>",
    user_agent="luutru/0.1.0 (+https://example.org/bot)",
    robots="RFC 9309",
    definition="ab" * 32,
)
REQUEST = b"GET /tin-tuc HTTP/1.1\r\nHost: soctrang.example\r\nAccept-Encoding: gzip, deflate\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nserver: nginx\r\nContent-Type: Text/HTML; charset=utf-8\r\nContent-Length: 10\r\n\r\n"
PAGE = Exchange(
    url="https://soctrang.example/tin-tuc",
    method="GET",
    started=STARTED,
    elapsed=0.1234,
    request=REQUEST,
    status=200,
    head=HEAD,
    body=b"<p>tin</p>",
    ip="203.0.113.7",
    protocols=("http/1.1", "tls/1.3"),
    cipher="TLS_AES_256_GCM_SHA384",
    via="https://soctrang.example/",
    hops=2,
)
SILENT = replace(PAGE, status=None, head=b"", body=b"", error="no answer within 30 s")
UNKNOWN_PROTOCOL = replace(PAGE, status=None, head=b"", body=b"SSH-2.0-OpenSSH_9.6\r\n", error="not HTTP")


def page(number: int, **changes: Any) -> Exchange:
    """A page that no other number has."""
    body = b"<p>%d</p>" % number
    return replace(PAGE, url=f"https://soctrang.example/{number}", body=body, **changes)


def identifiers() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012}"


def clock() -> Callable[[], datetime]:
    seconds = count()
    return lambda: STARTED + timedelta(seconds=next(seconds))


def writer(home: Path, crawl: str = "01hxcrawl", **options: Any) -> CaptureWriter:
    return CaptureWriter(home, "soctrang", crawl, INFO, clock=clock(), record_id=identifiers(), **options)
