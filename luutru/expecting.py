"""`luutru sites show SITE --expectations`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luutru.output import counted, write, write_json, write_table

if TYPE_CHECKING:
    from crawler.sites import Site
    from storage.collection import Collection
    from storage.model import Expected


@dataclass(frozen=True, slots=True)
class ExpectationsShown:
    """What the next crawl of a site is expected to give, beside what was found at last."""

    site: str
    crawls: int  # that were judged; the newest are learned from
    expectations: "tuple[Expected, ...]"


def expectations(collection: "Collection", site: "Site") -> ExpectationsShown:
    """By the crawls that there are, the definition, and what was set."""
    from crawler.expectations import LOOKED_AT, WEEKS, next_time
    from storage.index import expectations
    from storage.moments import now

    with collection.index.read() as connection:
        past = expectations.judged(connection, site.key, LOOKED_AT)
        weeks = expectations.new_by_week(connection, site.key, now(), 0, WEEKS) if past else ()
    told = next_time(past, weeks, site, collection.config.expect.get(site.key, {}))
    return ExpectationsShown(site.key, len(past), told)


def write_expectations(shown: ExpectationsShown, *, as_json: bool) -> None:
    """A table for people, one object for machines."""
    if as_json:
        write_json(shown)
        return
    write(f"{counted(shown.crawls, 'crawl')} judged\n")
    rows = (
        (one.kind, _number(one.found), _number(one.least), _number(one.most), one.origin or "")
        for one in shown.expectations
    )
    write_table(("kind", "last found", "at least", "at most", "known by"), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}"
