"""Where an answer of HTTP/1.x begins and ends: pure, lenient, the same for every split of its bytes (RFC 9112)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

HEAD_LIMIT = 256 * 1024  # bytes of a head, and of chunk lines and trailers beyond what the body's size explains
_CHUNK_OVERHEAD = 8  # bytes of framing for each byte of a body cut into the smallest chunks

_STATUS_LINE = re.compile(rb"HTTP/(\d{1,4})(?:\.(\d{1,4}))?[ \t]+([1-9]\d\d)(?!\d)", re.I)
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_CHUNK_LINE = re.compile(rb"[ \t]*(0*[0-9a-f]{1,15})([ \t]*(?:;.*)?)", re.I | re.S)
_LENGTH = re.compile(rb"0*\d{1,18}")
_CODING_LINE = re.compile(rb"^transfer-encoding(?=[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*))", re.I | re.M)
_WITHOUT_BODY = frozenset((204, 304))


@dataclass(frozen=True, slots=True)
class Head:
    """A status line and header lines, raw, and as a lenient reader understands them."""

    raw: bytes
    version: tuple[int, int]
    status: int
    headers: tuple[tuple[bytes, bytes], ...]  # folds joined; lines without a colon left out

    @property
    def protocol(self) -> str:
        return "HTTP/{}.{}".format(*self.version)

    def values(self, name: bytes) -> list[bytes]:
        """The comma-separated values of a header, lower case, over all of its lines."""
        lines = [value for key, value in self.headers if key.lower() == name]
        return [value.strip().lower() for line in lines for value in line.split(b",")]

    def without_chunking(self) -> bytes:
        """The raw head with the name renamed in each line that announces chunking."""
        return _CODING_LINE.sub(_renamed, self.raw)


def parse_head(raw: bytes) -> Head | None:
    """The head that these bytes are, None when the status line cannot be read."""
    first, *lines = raw.split(b"\n")
    status = _STATUS_LINE.match(first)
    if status is None:
        return None
    version = (int(status[1]), int(status[2] or 0))
    return Head(raw, version, int(status[3]), tuple(_header_lines(lines)))


def _header_lines(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    folds = False  # a line that begins with white space continues the header above it
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if folds:
                name, value = headers[-1]
                headers[-1] = (name, (value + b" " + line.strip()).strip())
            continue
        name, colon, value = line.partition(b":")
        name = name.strip()
        folds = bool(colon and name)
        if folds:
            headers.append((name, value.strip()))
    return headers


def _renamed(line: re.Match[bytes]) -> bytes:
    return b"X-Crawler-Transfer-Encoding" if b"chunked" in line[1].lower() else line[0]


class ResponseReader:
    """Reads one final answer to a request of this method; `limit` is the largest body that is kept, 0 for any.

    Feed what arrives until `done`, then say how the connection ended if it did: `eof()` when the server closed it,
    `cut()` when it ended in any other way. `complete` tells whether the answer is whole, `over` that the body was cut
    at the limit. `reason` says why the head (then `status` is None and `body` has all bytes) or the chunks (then
    `body` has all bytes after the head) could not be read. Body lengths follow RFC 9112, section 6.3.
    """

    def __init__(self, method: str, limit: int = 0) -> None:
        self.head: Head | None = None
        self.interim: list[bytes] = []  # heads of 1xx answers
        self.extensions: list[tuple[int, bytes]] = []  # chunk number from 0, bytes after the size
        self.trailer = b""  # lines, without the empty one
        self.surplus = b""  # after the end of the answer
        self.reason: str | None = None
        self.started = False
        self.complete = False
        self.over = False
        self.size = 0  # bytes of the body so far
        self._method = method
        self._limit = limit
        self._phase: Callable[[bytes, int], int] = self._read_head
        self._pending = b""  # of a head or line that is not finished
        self._from = 0  # where in it the current head begins
        self._left = 0
        self._parts: list[bytes | memoryview] = []
        self._dechunked: bytearray | None = None
        self._raw: list[bytes | memoryview] = []  # the chunked body as it came, in case it cannot be read
        self._overhead = 0
        self._chunks = 0

    @property
    def done(self) -> bool:
        """Nothing more is needed to know the answer."""
        return self.complete or self.over

    @property
    def status(self) -> int | None:
        return self.head.status if self.head else None

    @property
    def stored_head(self) -> bytes:
        """The head, the line that announced chunking renamed when the chunks were taken out of the body."""
        if self.head is None:
            return b""
        return self.head.raw if self._dechunked is None else self.head.without_chunking()

    @property
    def body(self) -> bytes:
        return b"".join(self._parts) if self._dechunked is None else bytes(self._dechunked)

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may carry another exchange (RFC 9112, section 9.3)."""
        head = self.head
        if head is None or not self.complete or self.surplus or head.status == 101 or self._until_close:
            return False
        options = head.values(b"connection")
        persistent = b"keep-alive" in options or head.version >= (1, 1)
        return persistent and b"close" not in options and not self._contradicts(head)

    @property
    def length_problem(self) -> str | None:
        """How Content-Length contradicts the body of a complete answer, None where it does not."""
        if self.head is None or not self.complete or self._bodyless(self.head):
            return None
        values = self.head.values(b"content-length")
        announced = _length(values)
        if announced == self.size or not values:
            return None
        return f"announced {b', '.join(values).decode('latin-1')}, stored {self.size}"

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        if not data:
            return
        self.started = True
        if self._dechunked is not None and not self.done:
            self._raw.append(data)
        at = 0
        while at < len(data):
            at = self._phase(data, at)

    def eof(self) -> None:
        """The server closed the connection."""
        if self._until_close and not self.over:
            self._finish()
        self.cut()

    def cut(self) -> None:
        """The connection ended before the answer did, unless it is complete."""
        if self._phase == self._read_trailer:  # whole with its last chunk (RFC 9112, section 8)
            self.trailer += self._pending
            self._finish()
        elif self._phase == self._read_head and self._pending:
            self._not_http(self._pending, "the connection ended within the head")
        self._phase = self._ignore

    @property
    def _until_close(self) -> bool:
        return self._phase == self._read_rest

    # One method a phase: takes bytes from `at`, returns how far it came.

    def _read_head(self, data: bytes, at: int) -> int:
        known = len(self._pending)
        text = self._pending + data[at:] if known or at else data
        if not b"http/".startswith(text[self._from : min(self._from + 5, HEAD_LIMIT)].lower()):
            return self._not_http(text, "the answer does not begin with HTTP/", len(data))
        end = _EMPTY_LINE.search(text, max(self._from, known - 2))
        if end is None or end.end() > HEAD_LIMIT:
            if len(text) > HEAD_LIMIT:
                return self._not_http(text, f"the head is longer than {HEAD_LIMIT} bytes", len(data))
            self._pending = text
            return len(data)
        head = parse_head(text[self._from : end.end()])
        if head is None:
            return self._not_http(text, "the status line cannot be read", len(data))
        if head.status < 200 and head.status != 101:
            self.interim.append(head.raw)
            self._pending = text[: end.end()]
            self._from = end.end()
        else:
            self._pending = b""
            self.head = head
            self._begin_body(head, data, at + end.end() - known)
        return at + end.end() - known

    def _read_sized(self, data: bytes, at: int) -> int:
        taken = self._take(data, at, self._left)
        self._left -= taken
        if not self._left and not self.over:
            self._finish()
        return at + taken

    def _read_rest(self, data: bytes, at: int) -> int:
        return at + self._take(data, at, len(data))

    def _read_chunk_line(self, data: bytes, at: int) -> int:
        line, at = self._line(data, at)
        if line is None:
            return at
        found = _CHUNK_LINE.fullmatch(line.rstrip(b"\r\n"))
        if found is None:
            return self._not_chunked(f"chunk {self._chunks}: no size in {line[:40]!r}", data)
        if found[2].strip():
            self.extensions.append((self._chunks, line[found.end(1) :].removesuffix(b"\n").removesuffix(b"\r")))
        self._left = int(found[1], 16)
        self._phase = self._read_chunk if self._left else self._read_trailer
        self._chunks += 1
        return at

    def _read_chunk(self, data: bytes, at: int) -> int:
        taken = self._take(data, at, self._left)
        self._left -= taken
        if not self._left and not self.over:
            self._phase = self._read_chunk_end
        return at + taken

    def _read_chunk_end(self, data: bytes, at: int) -> int:
        byte = data[at : at + 1]
        if byte == b"\n":
            self._pending = b""
            self._phase = self._read_chunk_line
        elif byte == b"\r" and not self._pending:
            self._pending = byte
        else:
            return self._not_chunked(f"chunk {self._chunks - 1}: no line end after its bytes", data)
        return at + 1

    def _read_trailer(self, data: bytes, at: int) -> int:
        line, at = self._line(data, at)
        if line in (b"\n", b"\r\n"):
            self._finish()
        elif line is not None:
            self.trailer += line
        return at

    def _read_surplus(self, data: bytes, at: int) -> int:
        self.surplus += data[at:]
        return len(data)

    def _ignore(self, data: bytes, _at: int) -> int:
        return len(data)

    def _begin_body(self, head: Head, data: bytes, at: int) -> None:
        codings = _codings(head)
        length = _length(head.values(b"content-length"))
        if self._bodyless(head) or (length == 0 and not codings):
            self._finish()
        elif codings and codings[-1] == b"chunked":
            self._dechunked = bytearray()
            self._raw = [memoryview(data)[at:]]
            self._phase = self._read_chunk_line
        elif codings or length is None:
            self.reason = "chunked is not the last transfer coding" if b"chunked" in codings else None
            self._phase = self._read_rest
        else:
            self._left = length
            self._phase = self._read_sized

    def _bodyless(self, head: Head) -> bool:
        tunnel = self._method == "CONNECT" and head.status < 300
        return self._method == "HEAD" or tunnel or head.status < 200 or head.status in _WITHOUT_BODY

    def _contradicts(self, head: Head) -> bool:
        """Framing that another reader may read in another way (RFC 9112, section 6.1)."""
        coded = bool(_codings(head))
        return coded and (head.version < (1, 1) or bool(head.values(b"content-length")))

    def _line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """A line with its end, None while it is not finished; counts against what framing may cost."""
        end = data.find(b"\n", at) + 1 or len(data)
        line = self._pending + data[at:end]
        if self._overhead + len(line) > HEAD_LIMIT + _CHUNK_OVERHEAD * self.size:
            return None, self._not_chunked("chunk lines and trailers out of proportion", data)
        if not line.endswith(b"\n"):
            self._pending = line
            return None, end
        self._pending = b""
        self._overhead += len(line)
        return line, end

    def _take(self, data: bytes, at: int, wanted: int) -> int:
        """Add up to `wanted` bytes to the body, return how many; beyond the limit it is over."""
        taken = min(wanted, len(data) - at)
        room = self._limit - self.size if self._limit else taken
        if taken > room:
            self.over = True
            self._phase = self._ignore
        kept = min(taken, room)
        self.size += kept
        if self._dechunked is not None:
            self._dechunked += memoryview(data)[at : at + kept]
        else:
            self._parts.append(data if kept == len(data) else memoryview(data)[at : at + kept])
        return taken

    def _not_http(self, text: bytes, reason: str, end: int = 0) -> int:
        self.interim.clear()
        self.reason = reason
        self._pending = b""
        self._phase = self._read_rest
        self._take(text, 0, len(text))
        return end

    def _not_chunked(self, reason: str, data: bytes) -> int:
        self.reason = reason
        raw = b"".join(self._raw)
        self._raw.clear()
        self._dechunked = None
        self.extensions.clear()
        self.trailer = self._pending = b""
        self.size = 0
        self._phase = self._read_rest
        self._take(raw, 0, len(raw))
        return len(data)

    def _finish(self) -> None:
        self.complete = True
        self._raw.clear()
        self._phase = self._read_surplus


def _codings(head: Head) -> list[bytes]:
    codings = (value.partition(b";")[0].strip() for value in head.values(b"transfer-encoding"))
    return [coding for coding in codings if coding not in (b"", b"identity")]


def _length(values: list[bytes]) -> int | None:
    """What Content-Length announces, None when it is absent, unreadable or contradicts itself."""
    if not values or not all(_LENGTH.fullmatch(value) for value in values):
        return None
    numbers = {int(value) for value in values}
    return numbers.pop() if len(numbers) == 1 else None
