"""Runs as people ask for them: crawls, and what was planned and never became one.

A crawl that the schedule began and its row in the ledger have one id, and are one run.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection, desc, exists, select, union, union_all

from storage.errors import NotFound
from storage.index import crawls
from storage.index.tables import BEGAN, crawl, ledger
from storage.model import Crawl


@dataclass(frozen=True, slots=True)
class AnyRun:
    """A run. Its fields are those of a crawl, and those of the ledger where it was planned or asked for.

    `crawl` is the id of the run, whether it came to a crawl or not; what was never counted is None. Moments are text.
    """

    crawl: str
    site: str | None
    outcome: str
    started: str | None
    finished: str | None
    captures: int | None
    revisits: int | None
    requisites: int | None
    attempts: int | None
    bytes: int | None
    documents_new: int | None
    documents_changed: int | None
    documents_unchanged: int | None
    errors: int | None
    warnings: tuple[str, ...]
    job: str
    due: str | None
    slots: int
    asked_by: str | None
    reason: str | None
    status: int | None
    log: str | None
    captured: Crawl | None = field(metadata={"json": False})


_COUNTED = (
    *("captures", "revisits", "requisites", "attempts", "bytes"),
    *("documents_new", "documents_changed", "documents_unchanged", "errors"),
)
_PLANNED = ("due", "asked_by", "reason", "status", "log")


def newest(connection: Connection, site: str | None = None, limit: int = 20) -> list[AnyRun]:
    """The newest runs, of all sites and other work, or of one of them, newest first."""
    crawled = select(crawl.c.id, crawl.c.started.label("moment"))
    planned = select(ledger.c.id, BEGAN).where(~exists().where(crawl.c.id == ledger.c.id))
    if site:
        crawled, planned = crawled.where(crawl.c.site == site), planned.where(ledger.c.job == site)
    ids = connection.scalars(union_all(crawled, planned).order_by(desc("moment"), desc("id")).limit(limit))
    return [_run(connection, id_) for id_ in ids.all()]


def find(connection: Connection, wanted: str) -> AnyRun:
    """The run whose id begins so; raises NotFound."""
    tables = [select(one.c.id).where(one.c.id.startswith(wanted, autoescape=True)) for one in (crawl, ledger)]
    ids = connection.scalars(union(*tables).limit(2)).all()
    if len(ids) != 1 or not wanted:
        reason = "more than one run begins" if ids else "no run has an id that begins"
        raise NotFound(f"{reason} with {wanted!r}: `luutru runs` lists them")
    return _run(connection, ids[0])


def _run(connection: Connection, id_: str) -> AnyRun:
    row = connection.execute(select(crawl).where(crawl.c.id == id_)).mappings().first()
    planned = connection.execute(select(ledger).where(ledger.c.id == id_)).mappings().first()
    captured, told = crawls.of_row(row) if row else None, row or planned
    assert told is not None  # noqa: S101  # whoever asks has found the id
    values = {name: planned[name] if planned else None for name in _PLANNED}
    return AnyRun(
        crawl=id_,
        site=told["site"],
        outcome=(planned or told)["outcome"],
        started=told["started"],
        finished=told["finished"],
        **{name: row[name] if row else None for name in _COUNTED},
        warnings=captured.warnings if captured else (),
        job=planned["job"] if planned else told["site"],
        slots=planned["slots"] if planned else 1,
        **values,
        captured=captured,
    )
