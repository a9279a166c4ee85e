"""Documents that are read again as a whole, because today's rules are not those that they were read by."""

from collections.abc import Callable, Sequence

from storage.index import documents, rereading
from storage.index.captures import Pending
from storage.index.documents import Derived
from storage.index.engine import Index
from storage.index.rereading import Change

Read = Callable[[Pending], Derived]  # by today's rules
Found = tuple[Pending, Derived]


def settle(index: Index, batch: Sequence[Found], read: Read) -> None:
    """Write what was found in new captures; only readings by the same rules are compared.

    Where a text differs from the one that stands, and that was read by other rules, the document's other captures
    are read again first. Where one of them cannot be read, the new text is a version beside the old one.
    """
    with index.read() as connection:
        clashing = rereading.clashing(connection, [found for _, found in batch])
    documents.record_batch(index, [found for _, found in batch if found.capture not in clashing])
    for capture, found in batch:
        if found.capture in clashing and not _replaced(index, capture, found, read):
            documents.record_batch(index, [found])


def document_of(index: Index, capture: Pending, found: Derived, read: Read) -> list[Derived]:
    """What was found in a capture, and today's readings of all others of its documents."""
    with index.read() as connection:
        together = rereading.beside(connection, capture, found.identity if found.digest else None)
    return [found if one.id == capture.id else read(one) for one in together]


def _replaced(index: Index, capture: Pending, found: Derived, read: Read) -> bool:
    told = None
    while told is None:  # captures of the document came meanwhile
        (told,) = rereading.replace_batch(index, [document_of(index, capture, found, read)])
    return all(one.change is not Change.FAILED for one in told)
