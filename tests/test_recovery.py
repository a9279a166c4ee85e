"""What a crash leaves in WARC files, and what recovery makes of it: nothing acknowledged is cut, nothing torn kept."""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from exchanges import INFO, PAGE, identifiers

from storage import manifest
from storage.errors import StorageError
from storage.kept import Begun, begun, kept_exchanges
from storage.manifest import open_name
from storage.model import Capture, Exchange, Kind, Original, RecordType
from storage.records import read_record, records
from storage.recovery import Mended, Unsettled, mend, unsettled
from storage.warc import CaptureWriter

SITE, CRAWL = "thst", "0123abcd"
BEGUN = datetime(2026, 11, 22, 7, 50, 40, 123456, UTC)


def exchange(**changes: Any) -> Exchange:
    return replace(PAGE, **{"elapsed": 0.123, "via": None, "hops": 0} | changes)  # the record has milliseconds


def exchanges(number: int) -> list[Exchange]:
    return [
        exchange(url=f"https://thst.vn/t/{one}", body=b"page %d " % one * 50, via="https://thst.vn/", hops=1)
        for one in range(number)
    ]


class Left:
    """The file of a crawl that has died, with the captures in it."""

    def __init__(self, home: Path, kept: list[Exchange], site: str = SITE, crawl: str = CRAWL) -> None:
        writer = CaptureWriter(home, site, crawl, INFO, clock=lambda: BEGUN, record_id=identifiers())
        self.home, self.name, self.path = home, writer.current, open_name(home, writer.current)
        self.captures: list[Capture] = [one for one in map(writer.append, kept) if one]
        writer.sync()
        self.whole = self.path.read_bytes()
        self.ends = [one.offset + one.length for one in records(self.path)]

    def sealed(self) -> bytes:
        """What the file holds now; it must be sealed, and listed as it is."""
        assert not self.path.exists()
        content = (self.home / self.name).read_bytes()
        assert manifest.read(self.home)[self.name] == hashlib.sha256(content).hexdigest()
        return content


@pytest.fixture
def left(tmp_path: Path) -> Left:
    return Left(tmp_path, exchanges(3))


def none(_: object) -> Original | None:
    return None


def test_it_is_cut_behind_its_last_whole_record_wherever_it_was_torn(tmp_path: Path) -> None:
    whole = Left(tmp_path / "whole", exchanges(2))
    for at in range(whole.ends[0] + 1, len(whole.whole) + 1, 7):
        left = Left(tmp_path / f"{at}", exchanges(2))
        left.path.write_bytes(left.whole[:at])
        mended = mend(left.home, left.name, -1)
        end = max(end for end in left.ends if end <= at)
        if end == left.ends[0]:  # nothing besides the warcinfo
            assert mended is None
            assert not list(left.home.rglob("*.warc.gz*"))
            continue
        assert mended == Mended(end, hashlib.sha256(left.whole[:end]).hexdigest(), at - end)
        assert left.sealed() == left.whole[:end]
        gzip.decompress(left.sealed())


@pytest.mark.parametrize("tail", [bytes(5000), b"\x1f\x8b\x08\x00" + bytes(400), b"garbage" * 100])
def test_what_a_power_cut_leaves_behind_the_last_record_goes(left: Left, tail: bytes) -> None:
    left.path.write_bytes(left.whole + tail)
    mended = mend(left.home, left.name, left.captures[0].offset)
    assert mended is not None
    assert (mended.bytes, mended.cut, mended.damaged) == (len(left.whole), len(tail), None)
    assert left.sealed() == left.whole


@pytest.mark.parametrize("harm", [lambda data, at: data[: at + 20], lambda data, at: data[:at] + b"x" + data[at + 1 :]])
def test_what_has_a_row_is_never_cut(left: Left, harm: Callable[[bytes, int], bytes]) -> None:
    at = left.captures[1].offset
    left.path.write_bytes(harm(left.whole, at))
    mended = mend(left.home, left.name, at)
    assert mended is not None
    assert (mended.cut, mended.damaged) == (0, at)
    assert left.sealed() == harm(left.whole, at)


def test_a_file_that_lost_even_what_has_a_row_does_not_grow(left: Left) -> None:
    left.path.write_bytes(left.whole[: left.ends[0]])
    mended = mend(left.home, left.name, left.captures[2].offset)
    assert mended is not None
    assert mended.damaged == left.captures[2].offset
    assert left.sealed() == left.whole[: left.ends[0]]


def test_recovery_may_be_cut_off_and_done_again(left: Left) -> None:
    first = mend(left.home, left.name, -1)
    assert mend(left.home, left.name, -1) == first
    (left.home / manifest.MANIFEST).unlink()  # renamed, not listed yet
    assert mend(left.home, left.name, -1) == first
    assert left.sealed() == left.whole


def test_only_files_of_the_site_that_are_not_settled_are_touched(tmp_path: Path) -> None:
    mine, other = Left(tmp_path, exchanges(1)), Left(tmp_path, exchanges(1), site="other")
    longer = Left(tmp_path, exchanges(1), site=f"{SITE}-2")
    (mine.path.parent / "of-others.warc.gz").write_bytes(mine.whole)
    assert unsettled(tmp_path, SITE, []) == [Unsettled(mine.name, CRAWL)]
    assert unsettled(tmp_path, SITE, [mine.name]) == []
    assert other.path.exists()
    assert longer.path.exists()


def test_a_disk_that_is_not_mounted_is_told(tmp_path: Path) -> None:
    (tmp_path / "warc").mkdir()
    with pytest.raises(StorageError, match="mount their disk"):
        unsettled(tmp_path, SITE, ["warc/thst/2026/gone.warc.gz"])


def test_exchanges_come_back_as_they_were(tmp_path: Path) -> None:
    given = [
        exchange(url="https://thst.vn/a", body=b"same"),
        exchange(
            url="https://thst.vn/b",
            body=b"same",
            via="https://thst.vn/",
            hops=3,
            kind=Kind.ARTICLE,
            notes=(("trailer", b"a: b\r\n"),),
        ),
        exchange(url="https://thst.vn/c", head=b"", status=None, body=b"noise", error="not HTTP: no status line"),
        exchange(url="https://thst.vn/d", head=b"", status=None, body=b"", error="no answer in time"),
        exchange(url="https://thst.vn/e", body=b"last", ip="192.0.2.7", elapsed=1.5),
    ]
    left = Left(tmp_path, given)
    (first, *_) = left.captures
    find = lambda _: Original(first.url, first.date, first.record_id, first.warc, first.offset)  # noqa: E731
    found = list(kept_exchanges(tmp_path, left.name, find))
    assert [one.capture for one in found] == left.captures
    assert [one.exchange for one in found] == [given[0], given[1], given[2], given[4]]
    assert left.captures[1].type is RecordType.REVISIT
    behind = [one.capture for one in kept_exchanges(tmp_path, left.name, none, left.captures[1].offset)]
    assert behind == left.captures[2:]
    assert begun(read_record(tmp_path, left.name, 0)) == Begun(SITE, CRAWL, BEGUN, INFO.definition)


def test_a_revisit_of_another_file_has_what_is_found_there(tmp_path: Path) -> None:
    first = Left(tmp_path, exchanges(1))
    writer = CaptureWriter(tmp_path, SITE, "1111aaaa", INFO, clock=lambda: BEGUN + timedelta(days=1))
    (one,) = first.captures
    original = Original(one.url, one.date, one.record_id, one.warc, one.offset)
    kept = writer.append(exchanges(1)[0], original)
    modified = writer.append(
        exchange(url=one.url, head=b"HTTP/1.1 304 Not Modified\r\n\r\n", status=304, body=b""), original
    )
    asked = []

    def find(reference: object) -> Original:
        asked.append(reference)
        return original

    found = list(kept_exchanges(tmp_path, writer.current, find))
    assert [one.capture for one in found] == [kept, modified]
    assert [one.exchange.body for one in found] == [exchanges(1)[0].body, b""]
    assert [(one.record_id, one.url, one.date)] * 2 == [(r.record_id, r.url, r.date) for r in asked]  # type: ignore[attr-defined]
