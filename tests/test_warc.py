"""What CaptureWriter promises: records by the standard, whole files, nothing lost."""

import base64
import errno
import gzip
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from exchanges import HEAD, INFO, PAGE, REQUEST, SILENT, STARTED, UNKNOWN_PROTOCOL, page, writer

from storage import manifest
from storage.disk import telling
from storage.errors import StorageError
from storage.model import Capture, Exchange, Original, RecordType, Truncated
from storage.records import Record, records
from storage.warc import CaptureWriter, payload_digest

GOLDEN = """\
WARC/1.1
WARC-Type: warcinfo
WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>
WARC-Date: 2026-01-02T03:04:05.678901Z
WARC-Filename: soctrang-20260102030405-01hxcrawl-00000.warc.gz
WARC-Block-Digest: sha1:RGJQZZ2YOEHXNDDZBU6NV3PEKNZXEC42
Content-Type: application/warc-fields
Content-Length: 408

software: luutru/0.1.0
format: WARC File Format 1.1
conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
operator: Thư viện tỉnh <thuvien@example.org>
http-header-user-agent: luutru/0.1.0 (+https://example.org/bot)
robots: RFC 9309
isPartOf: 01hxcrawl
site: soctrang
site-definition: sha256:abababababababababababababababababababababababababababababababab


WARC/1.1
WARC-Type: response
WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000002>
WARC-Target-URI: https://soctrang.example/tin-tuc
WARC-Date: 2026-01-02T03:04:05.678901Z
WARC-IP-Address: 203.0.113.7
WARC-Protocol: http/1.1
WARC-Protocol: tls/1.3
WARC-Cipher-Suite: TLS_AES_256_GCM_SHA384
WARC-Warcinfo-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>
WARC-Payload-Digest: sha1:YWPVBJA5WHC2MZAIG2AMIGUL2UPCR2G2
WARC-Block-Digest: sha1:4YBIT36VFAIXHIMKYSVA7Z6NWOS6CHJ4
Content-Type: application/http;msgtype=response
Content-Length: 104

HTTP/1.1 200 OK
server: nginx
Content-Type: Text/HTML; charset=utf-8
Content-Length: 10

<p>tin</p>

WARC/1.1
WARC-Type: request
WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000003>
WARC-Target-URI: https://soctrang.example/tin-tuc
WARC-Date: 2026-01-02T03:04:05.678901Z
WARC-IP-Address: 203.0.113.7
WARC-Protocol: http/1.1
WARC-Protocol: tls/1.3
WARC-Cipher-Suite: TLS_AES_256_GCM_SHA384
WARC-Warcinfo-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>
WARC-Concurrent-To: <urn:uuid:00000000-0000-4000-8000-000000000002>
WARC-Block-Digest: sha1:M57V4JJCOEDS7DFPMUKPLLK6VYHRXEG7
Content-Type: application/http;msgtype=request
Content-Length: 81

GET /tin-tuc HTTP/1.1
Host: soctrang.example
Accept-Encoding: gzip, deflate



WARC/1.1
WARC-Type: metadata
WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000004>
WARC-Target-URI: https://soctrang.example/tin-tuc
WARC-Date: 2026-01-02T03:04:05.678901Z
WARC-IP-Address: 203.0.113.7
WARC-Protocol: http/1.1
WARC-Protocol: tls/1.3
WARC-Cipher-Suite: TLS_AES_256_GCM_SHA384
WARC-Warcinfo-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>
WARC-Concurrent-To: <urn:uuid:00000000-0000-4000-8000-000000000002>
WARC-Block-Digest: sha1:GEUKQETDUMS3J6UDVMZHOFL63TLZKEGH
Content-Type: application/warc-fields
Content-Length: 112

via: https://soctrang.example/
hopsFromSeed: LL
fetchTimeMs: 123
trailer: %00%25%0D%0A\x20
error: c%E1%BA%AFt


"""

ORIGINAL = Original(
    url="https://soctrang.example/ủ",
    date=STARTED.replace(year=2025),
    record_id="11111111-1111-4111-8111-111111111111",
    warc="warc/soctrang/2025/old.warc.gz",
    offset=4711,
)


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def written(home: Path, *exchanges: Exchange) -> tuple[list[Capture | None], list[Record]]:
    """The captures of some exchanges, and the records without the warcinfo."""
    with closing(writer(home)) as target:
        captures = [target.append(exchange) for exchange in exchanges]
    return captures, list(records(home / target.current))[1:]


def only(found: list[Capture | None]) -> Capture:
    (capture,) = found
    assert capture is not None
    return capture


def types(found: list[Record]) -> list[str | None]:
    return [record.type for record in found]


# The records


def test_golden_bytes(tmp_path: Path) -> None:
    exchange = replace(PAGE, notes=(("trailer", b"\x00%\r\n "),), error="cắt")
    with closing(writer(tmp_path)) as target:
        capture = target.append(exchange)
    path = tmp_path / "warc/soctrang/2026/soctrang-20260102030405-01hxcrawl-00000.warc.gz"
    found = list(records(path))
    plain = gzip.decompress(path.read_bytes())
    digests = [each.header("WARC-Block-Digest") for each in found]
    assert digests == [sha1(each.block) for each in found]
    assert plain.decode() == GOLDEN.replace("\n", "\r\n")
    assert capture == Capture(
        url="https://soctrang.example/tin-tuc",
        date=STARTED,
        type=RecordType.RESPONSE,
        status=200,
        mime="text/html",
        warc=path.relative_to(tmp_path).as_posix(),
        offset=found[1].offset,
        length=found[1].length,
        payload_digest=sha1(PAGE.body),
        payload_length=10,
        record_id="00000000-0000-4000-8000-000000000002",
        ip="203.0.113.7",
        error="cắt",
    )


def test_truncated_body(tmp_path: Path) -> None:
    captures, found = written(tmp_path, replace(PAGE, truncated=Truncated.DISCONNECT, error="connection lost"))
    assert found[0].header("WARC-Truncated") == "disconnect"
    assert only(captures).truncated is Truncated.DISCONNECT
    assert [record.header("WARC-Truncated") for record in found[1:]] == [None, None]


def test_reply_that_is_not_http(tmp_path: Path) -> None:
    captures, found = written(tmp_path, UNKNOWN_PROTOCOL)
    assert types(found) == ["resource", "request", "metadata"]
    assert found[0].block == UNKNOWN_PROTOCOL.body
    assert found[0].header("Content-Type") == "application/octet-stream"
    assert found[0].header("WARC-Block-Digest") == only(captures).payload_digest == sha1(found[0].block)
    assert (only(captures).type, only(captures).status, only(captures).mime) == (RecordType.RESOURCE, None, None)


def test_request_without_answer(tmp_path: Path) -> None:
    captures, found = written(tmp_path, SILENT)
    assert captures == [None]
    assert types(found) == ["request", "metadata"]
    assert found[0].header("WARC-Concurrent-To") is None
    assert found[1].header("WARC-Concurrent-To") == found[0].header("WARC-Record-ID")
    assert b"error: no answer within 30 s\r\n" in found[1].block


def test_request_with_body_has_a_payload(tmp_path: Path) -> None:
    _, found = written(tmp_path, replace(PAGE, method="POST", request=b"POST / HTTP/1.1\r\n\r\na\r\n\r\nb"))
    assert found[1].header("WARC-Payload-Digest") == sha1(b"a\r\n\r\nb")


def test_attempt_without_request_leaves_nothing(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        assert target.append(replace(SILENT, request=b"")) is None
    assert target.take_sealed() == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_answer_without_request(tmp_path: Path) -> None:
    captures, found = written(tmp_path, replace(PAGE, request=b""))
    assert types(found) == ["response", "metadata"]
    assert only(captures).type is RecordType.RESPONSE


@pytest.mark.parametrize(
    ("line", "mime"),
    [
        (b"content-TYPE :application/PDF;x=1", "application/pdf"),
        (b"Content-Type:\r\n  text/html", "text/html"),
        (b"Content-Type:\r\nX: text/html", None),
        (b"X-Content-Type: text/html", None),
    ],
)
def test_media_type(tmp_path: Path, line: bytes, mime: str | None) -> None:
    captures, _ = written(tmp_path, replace(PAGE, head=b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n"))
    assert only(captures).mime == mime


def test_address_is_written_in_ascii(tmp_path: Path) -> None:
    captures, found = written(tmp_path, replace(PAGE, url="https://soctrang.example/tủ sách?a=%20&b=[1]"))
    expected = "https://soctrang.example/t%E1%BB%A7%20s%C3%A1ch?a=%20&b=[1]"
    assert [record.header("WARC-Target-URI") for record in found] == [expected] * 3
    assert only(captures).url == expected


def test_fields_of_the_operator_cannot_break_the_record(tmp_path: Path) -> None:
    info = replace(INFO, operator="Thư viện\r\nrobots: none")
    with closing(CaptureWriter(tmp_path, "s", "c", info)) as target:
        target.append(PAGE)
    warcinfo = next(records(tmp_path / target.current)).block.decode()
    assert "operator: Thư viện robots: none\r\n" in warcinfo


def test_account_of_the_crawl(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        target.append_metadata("urn:x-luutru:crawl:1", b'{"outcome": "completed"}', "application/json")
    _, account = records(tmp_path / target.current)
    assert account.block == b'{"outcome": "completed"}'
    assert (account.type, account.header("Content-Type")) == ("metadata", "application/json")
    assert account.header("WARC-Date") == "2026-01-02T03:04:06.678901Z"


# Revisits


def test_revisit_of_a_given_original(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as target:
        capture = target.append(PAGE, ORIGINAL)
    _, revisit, *_ = records(tmp_path / target.current)
    assert capture is not None
    assert capture.refers_to == ORIGINAL
    assert (capture.type, capture.payload_digest, capture.payload_length) == (RecordType.REVISIT, sha1(PAGE.body), 10)
    assert capture.truncated is None
    assert revisit.block == HEAD
    fields = dict(revisit.headers)
    assert fields["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    assert fields["WARC-Refers-To"] == f"<urn:uuid:{ORIGINAL.record_id}>"
    assert fields["WARC-Refers-To-Target-URI"] == "https://soctrang.example/%E1%BB%A7"
    assert fields["WARC-Refers-To-Date"] == "2025-01-02T03:04:05.678901Z"
    assert fields["WARC-Payload-Digest"] == sha1(PAGE.body)
    assert fields["WARC-Truncated"] == "length"
    assert fields["WARC-Block-Digest"] == sha1(HEAD)


def test_revisit_is_always_of_the_original(tmp_path: Path) -> None:
    captures, found = written(tmp_path, PAGE, *(replace(PAGE, url=f"https://soctrang.example/{n}") for n in range(3)))
    first = captures[0]
    assert first is not None
    assert types(found)[::3] == ["response", "revisit", "revisit", "revisit"]
    for capture in captures[1:]:
        assert capture is not None
        assert capture.refers_to == Original(first.url, first.date, first.record_id, first.warc, first.offset)


@pytest.mark.parametrize(
    "changes",
    [
        {"truncated": Truncated.LENGTH},
        {"error": "Content-Length was wrong"},
        {"status": 404},
        {"body": b""},
        {"head": b"", "status": None},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_no_revisit_to_or_for_what_is_not_a_whole_page(tmp_path: Path, changes: dict[str, object]) -> None:
    other = replace(PAGE, **changes)  # type: ignore[arg-type]
    captures, _ = written(tmp_path, other, PAGE, other)
    assert all(capture and capture.type is not RecordType.REVISIT for capture in captures)
    with closing(writer(tmp_path, "second")) as target:
        capture = target.append(other, ORIGINAL)
    assert capture is not None
    assert capture.type is not RecordType.REVISIT


def test_not_modified(tmp_path: Path) -> None:
    head = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'
    exchange = replace(PAGE, status=304, head=head, body=b"")
    with closing(writer(tmp_path)) as target:
        capture = target.append(exchange, ORIGINAL)
        alone = target.append(exchange)
    _, revisit, *_ = records(tmp_path / target.current)
    assert capture is not None
    assert alone is not None
    assert (capture.type, capture.payload_digest, capture.refers_to) == (RecordType.REVISIT, None, ORIGINAL)
    assert (alone.type, alone.payload_digest) == (RecordType.RESPONSE, sha1(b""))
    assert revisit.header("WARC-Profile") == "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    assert revisit.header("WARC-Payload-Digest") is None
    assert revisit.block == head


def test_originals_that_are_remembered_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.warc._REMEMBERED", 2)
    captures, _ = written(tmp_path, page(1), page(2), page(3), page(1), page(3))
    assert [capture and capture.type for capture in captures[3:]] == [RecordType.RESPONSE, RecordType.REVISIT]


# The judgement of others


def script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A file with every kind of record."""
    head = b"HTTP/1.0 304 Not Modified\r\n\r\n"
    gzipped = page(2, head=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    with closing(writer(tmp_path)) as target:
        for exchange in (PAGE, SILENT, UNKNOWN_PROTOCOL, PAGE, replace(gzipped, body=gzip.compress(b"a" * 70_000))):
            target.append(exchange)
        target.append(replace(PAGE, status=304, head=head, body=b""), ORIGINAL)
        target.append(replace(PAGE, truncated=Truncated.TIME))
        target.append(replace(PAGE, method="POST", request=REQUEST.replace(b"GET", b"POST") + b"a=1"))
        target.append_metadata("urn:x-luutru:crawl:1", b"{}", "application/json")
    return tmp_path / target.current


def test_warcio_finds_no_fault(sealed: Path) -> None:
    done = subprocess.run([script("warcio"), "check", "-v", str(sealed)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("digest pass") == len([r for r in records(sealed) if r.type != "revisit"])


def test_fastwarc_finds_no_fault(sealed: Path, tmp_path: Path) -> None:
    """It compares the block of a revisit with the digest of its payload: exactly that is forgiven."""
    report = tmp_path / "report"
    command = [script("fastwarc"), "check", "-p", "-q", "-o", str(report), str(sealed)]
    subprocess.run(command, capture_output=True, check=False)
    found = dict(line.rsplit(": ", 1) for line in report.read_text().splitlines())
    forgiven = {
        str(record.header("WARC-Record-ID"))
        for record in records(sealed)
        if str(record.header("WARC-Profile")).endswith("/identical-payload-digest")
    }
    assert len(found) == len(list(records(sealed)))
    assert {key for key, verdict in found.items() if "PAYLOAD_FAIL" in verdict} <= forgiven
    assert all(verdict.startswith("OK") for verdict in found.values())


def test_every_record_is_one_gzip_member(sealed: Path) -> None:
    if gzip_program := shutil.which("gzip"):
        subprocess.run([gzip_program, "-t", str(sealed)], check=True)
    data = sealed.read_bytes()
    for record in records(sealed):
        plain = gzip.decompress(data[record.offset : record.offset + record.length])
        assert plain.startswith(b"WARC/1.1\r\n")
        assert plain.endswith(record.block + b"\r\n\r\n")


def test_digests(sealed: Path) -> None:
    for record in records(sealed):
        assert record.header("WARC-Block-Digest") == sha1(record.block)
        if record.type == "response":
            assert record.header("WARC-Payload-Digest") == sha1(record.block.partition(b"\r\n\r\n")[2])
    assert payload_digest(b"") == "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


def test_fields_of_each_type(sealed: Path) -> None:
    """WARC 1.1, section 5: which field shall not be used in which record; none twice, save two."""
    for record in records(sealed):
        names = [name for name, _ in record.headers]
        once = [name for name in names if name not in ("WARC-Protocol", "WARC-Concurrent-To")]
        assert len(once) == len(set(once))
        assert ("WARC-Warcinfo-ID" in names) != (record.type == "warcinfo")
        assert ("WARC-Filename" in names) == (record.type == "warcinfo")
        assert ("WARC-Profile" in names) == ("WARC-Refers-To" in names) == (record.type == "revisit")
        assert ("WARC-Target-URI" in names) == (record.type != "warcinfo")
        if record.type in ("metadata", "warcinfo"):
            assert "WARC-Payload-Digest" not in names


# Files


def test_rotation_never_parts_an_exchange(tmp_path: Path) -> None:
    with closing(writer(tmp_path, rotate_at=3000)) as target:
        captures = [target.append(page(number)) for number in range(8)]
    sealed = target.take_sealed()
    assert [file.name for file in sealed] == sorted({capture.warc for capture in captures if capture})
    assert len(sealed) > 2
    assert [file.name.rpartition("-")[2] for file in sealed[:3]] == ["00000.warc.gz", "00001.warc.gz", "00002.warc.gz"]
    for file in sealed:
        found = types(list(records(tmp_path / file.name)))
        assert found == ["warcinfo", *["response", "request", "metadata"] * (len(found) // 3)]
        assert file.bytes == (tmp_path / file.name).stat().st_size


def test_revisit_may_refer_to_a_sealed_file_of_the_same_crawl(tmp_path: Path) -> None:
    with closing(writer(tmp_path, rotate_at=1)) as target:
        first, second = target.append(PAGE), target.append(PAGE)
    assert first is not None
    assert second is not None
    assert second.refers_to is not None
    assert second.refers_to.warc == first.warc != second.warc


def test_name_until_sealed(tmp_path: Path) -> None:
    target = writer(tmp_path)
    target.append(PAGE)
    assert manifest.locate(tmp_path, target.current).name.endswith(".warc.gz.open")
    assert manifest.read(tmp_path) == {}
    target.close()
    assert manifest.locate(tmp_path, target.current) == tmp_path / target.current
    target.close()
    assert len(target.take_sealed()) == 1
    assert target.take_sealed() == []
    with pytest.raises(StorageError, match="is closed"):
        target.append(PAGE)


def test_name_that_is_taken_is_not_used_again(tmp_path: Path) -> None:
    with closing(writer(tmp_path)) as first:
        first.append(PAGE)
    with closing(writer(tmp_path)) as second:
        second.append(PAGE)
    assert (first.current[-13:], second.current[-13:]) == ("00000.warc.gz", "00001.warc.gz")


def test_manifest_is_what_sha256sum_reads(tmp_path: Path) -> None:
    with closing(writer(tmp_path, rotate_at=1)) as target:
        for number in range(3):
            target.append(page(number))
    listed = manifest.read(tmp_path)
    assert listed == {file.name: file.sha256 for file in target.take_sealed()}
    assert listed == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in listed}
    lines = (tmp_path / "manifest-sha256.txt").read_text().splitlines()
    assert [line[66:] for line in lines] == sorted(listed)
    if program := shutil.which("sha256sum"):
        subprocess.run(
            [program, "--strict", "-c", "manifest-sha256.txt"], cwd=tmp_path, check=True, capture_output=True
        )


def test_manifest_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    broken = tmp_path / "manifest-sha256.txt"
    broken.write_text("nonsense\n")
    target = writer(tmp_path)
    target.append(PAGE)
    with pytest.raises(StorageError, match="line 1"):
        target.close()
    assert broken.read_text() == "nonsense\n"


def seal_some(home: Path, crawl: str, together: Barrier) -> None:
    with closing(writer(home, crawl, rotate_at=1)) as target:
        together.wait(120)
        for number in range(25):
            target.append(page(number))


def test_processes_seal_at_once(tmp_path: Path) -> None:
    context = get_context("spawn")
    together = context.Barrier(3)
    processes = [
        context.Process(target=seal_some, args=(tmp_path, crawl, together)) for crawl in ("one", "two", "three")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.warc.gz")}
    assert len(names) == 75
    assert set(manifest.read(tmp_path)) == names


# The disk


def test_one_write_an_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = writer(tmp_path)
    sizes: list[int] = []
    write = os.write

    def counted(descriptor: int, data: memoryview) -> int:
        sizes.append(len(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", counted)
    before = manifest.locate(tmp_path, target.current).stat().st_size
    target.append(PAGE)
    assert sizes == [manifest.locate(tmp_path, target.current).stat().st_size - before]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "disk is full: make room"),
        (errno.EDQUOT, "disk is full: make room"),
        (errno.EACCES, "no permission: let the user"),
        (errno.EROFS, "no permission: let the user"),
        (errno.EIO, "check the disk"),
    ],
)
def test_what_is_told(number: int, advice: str) -> None:
    with pytest.raises(StorageError, match=f"^some/file: .*{advice}") as raised, telling(Path("some/file")):
        raise OSError(number, os.strerror(number))
    assert "\n" not in str(raised.value)


def test_sync_brings_what_was_appended_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[tuple[int, int]] = []

    def fdatasync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        brought.append((status.st_ino, status.st_size))

    target = writer(tmp_path)
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    target.append(PAGE)
    target.sync()
    status = manifest.locate(tmp_path, target.current).stat()
    assert brought == [(status.st_ino, status.st_size)]
    target.close()
    target.sync()
    assert len(brought) == 1


def test_sync_from_another_thread_while_files_rotate(tmp_path: Path) -> None:
    target = writer(tmp_path, rotate_at=2500)
    over, failures = threading.Event(), []

    def keep_syncing() -> None:
        try:
            while not over.is_set():
                target.sync()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=keep_syncing)
    thread.start()
    captures = [target.append(page(number)) for number in range(60)]
    over.set()
    thread.join()
    target.close()
    assert failures == []
    assert len(captures) == sum(
        types(list(records(tmp_path / name))).count("response") for name in manifest.read(tmp_path)
    )


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_tears_nothing(tmp_path: Path) -> None:
    target = writer(tmp_path)
    target.append(PAGE)
    whole = manifest.locate(tmp_path, target.current).stat().st_size
    with (
        files_no_larger_than(whole + 100),
        pytest.raises(StorageError, match=r"warc\.gz\.open: the disk is full: make room"),
    ):
        target.append(page(1))
    assert manifest.locate(tmp_path, target.current).stat().st_size == whole
    with pytest.raises(StorageError, match="the disk is full"):
        target.append(page(2))
    with pytest.raises(StorageError, match="the disk is full"):
        target.append_metadata("urn:x", b"{}", "application/json")
    target.close()
    assert types(list(records(tmp_path / target.current))) == ["warcinfo", "response", "request", "metadata"]
    assert list(manifest.read(tmp_path)) == [target.current]


def test_file_that_could_not_be_mended_is_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = writer(tmp_path)
    target.append(PAGE)

    def ftruncate(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    whole = manifest.locate(tmp_path, target.current).stat().st_size
    monkeypatch.setattr(os, "ftruncate", ftruncate)
    with files_no_larger_than(whole + 100), pytest.raises(StorageError):
        target.append(page(1))
    target.close()
    assert manifest.locate(tmp_path, target.current).name.endswith(".open")
    assert manifest.read(tmp_path) == {}


def test_disk_that_fails_to_sync_is_not_trusted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = writer(tmp_path)
    target.append(PAGE)

    def fdatasync(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with pytest.raises(StorageError, match="check the disk"):
        target.sync()
    with pytest.raises(StorageError, match="check the disk"):
        target.append(page(1))
    target.close()
    assert manifest.locate(tmp_path, target.current).name.endswith(".open")


def test_sync_does_not_vouch_for_a_file_that_was_closed_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = writer(tmp_path)
    target.append(PAGE)

    def fsync(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="check the disk"):
        target.close()
    with pytest.raises(StorageError, match="check the disk"):
        target.sync()


def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "warc").write_text("a file where the directory should be")
    with pytest.raises(StorageError, match="check the disk"):
        writer(tmp_path)
    if os.geteuid() == 0:
        return
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="no permission"):
        writer(locked)


def test_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is lost: put it back"):
        manifest.locate(tmp_path, "warc/x.warc.gz")


def test_modules_import_nothing_of_ours_but_storage() -> None:
    code = "import sys, storage.warc, storage.records; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"crawler", "luutru", "scrapy", "sqlalchemy"} & set(loaded)
