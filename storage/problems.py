"""What `verify` finds: problems, and what can mend them from what is there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage import manifest
from storage.collection import Collection
from storage.index import fixity
from storage.index.fixity import Move


class Kind(StrEnum):
    """What a problem is about."""

    FILE_MISSING = "file-missing"  # the index or the manifest names it
    FILE_UNKNOWN = "file-unknown"  # neither does, or only the manifest
    FILE_UNREADABLE = "file-unreadable"  # the disk gives an error
    FILE_CHANGED = "file-changed"  # its SHA-256 is another than when it was sealed
    FILE_UNSEALED = "file-unsealed"  # `.open`, and nobody writes it
    MANIFEST = "manifest"  # a line is not there or wrong
    INDEX = "index"  # the row of a file is wrong
    MEMBER = "member"  # not a whole gzip member with a WARC record
    RECORD = "record"  # its header contradicts its length
    BLOCK_DIGEST = "block-digest"
    PAYLOAD_DIGEST = "payload-digest"
    CONTENT_LENGTH = "content-length"  # HTTP Content-Length is not what is stored, and nothing excuses it
    ROW = "row"  # does not say what its record says
    ROW_MISSING = "row-missing"  # no row points at a capture
    ORIGINAL = "original"  # what a revisit repeats is not there


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be; `detail` says what, and what to do."""

    kind: Kind
    warc: str
    offset: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Judged(Problem):
    """A problem after an attempt to mend it."""

    mended: bool


@dataclass(frozen=True, slots=True)
class List:
    """Remedy: write the file's line into the manifest."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Remedy: take the lines that cannot be read out of the manifest."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Remedy: write into the file's row what the sealed file is."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Remedy: give a file that is sealed by the index its final name."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Name:
    """Remedy: let the row of a revisit name its original."""

    revisit: int
    original: int


Remedy = List | Drop | Settle | Rename | Name | Move


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and what mends it; without a remedy, `advice` says what a person can do."""

    kind: Kind
    warc: str
    offset: int | None
    wrong: str
    advice: str = ""
    remedy: Remedy | None = None

    def problem(self) -> Problem:
        """As it is told where nothing is mended."""
        advice = "`luutru verify --repair` mends it" if self.remedy else self.advice
        return Problem(self.kind, self.warc, self.offset, f"{self.wrong}: {advice}")

    def judged(self) -> Judged:
        """As it is told when everything has been mended that can be."""
        detail = self.wrong if self.remedy else f"{self.wrong}: {self.advice}"
        return Judged(self.kind, self.warc, self.offset, detail, mended=self.remedy is not None)


def mend(collection: Collection, findings: Iterable[Finding]) -> None:
    """Do what mends these findings; nothing of a sealed file is written. Raises StorageError."""
    found = [one for one in findings if one.remedy]
    for one in found:
        _mend_file(collection, one)
    with collection.index.write() as connection:
        fixity.move(connection, [one.remedy for one in found if isinstance(one.remedy, Move)])
        for one in found:
            if isinstance(one.remedy, Name):
                fixity.name_original(connection, one.remedy.revisit, one.remedy.original)
            elif isinstance(one.remedy, Settle):
                fixity.set_sealed(connection, one.warc, one.remedy.size, one.remedy.sha256)


def _mend_file(collection: Collection, finding: Finding) -> None:
    match finding.remedy:
        case List(sha256):
            manifest.mend(collection.home, {finding.warc: sha256})
        case Drop():
            manifest.mend(collection.home, {})
        case Rename(sha256):
            manifest.seal(collection.home, finding.warc, sha256)
        case _:
            pass


def problems(findings: Sequence[Finding], *, mended: bool) -> tuple[Problem, ...]:
    """The findings as they are told."""
    return tuple(one.judged() if mended else one.problem() for one in findings)
