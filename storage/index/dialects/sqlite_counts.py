"""What SQLite keeps while rows are written: `tally`, what `document` says of its versions, `shelf` and `facet`.

Triggers keep them, so that they are right whoever writes the rows. A migration that makes one of these tables anew
takes its triggers away: it must call `create` again.
"""

# ruff: noqa: S608  # the statements are made of constants of ours

from sqlalchemy import Connection

from storage.model import Kind, RecordType

_IS_PAGE = f"kind <> '{Kind.REQUISITE}'"
_IS_ARTICLE = f"kind = '{Kind.ARTICLE}'"
_TOGETHER = {  # what two counts come to that are not added
    "first": "min(coalesce({0}, excluded.{0}), excluded.{0})",
    "last": "max(coalesce({0}, excluded.{0}), excluded.{0})",
}


def _month(moment: str) -> str:
    """The month of a moment in Việt Nam; NULL for what is no moment."""
    return f"strftime('%Y-%m', substr({moment}, 1, 19), '+7 hours') AS month"  # it would round fractions up


def _add(columns: str, source: str) -> str:
    """Add to columns of the tally; `source` has site and month before them."""
    sums = (f"{name} = {_TOGETHER.get(name, '{0} + excluded.{0}').format(name)}" for name in columns.split(", "))
    return f"""
INSERT INTO tally (site, month, {columns}) SELECT site, month, {columns} FROM ({source}) WHERE month IS NOT NULL
ON CONFLICT (site, month) DO UPDATE SET {", ".join(sums)};"""


def _capture(source: str) -> str:
    counts = f"""
SELECT site, {_month("date")}, sum({_IS_PAGE}) AS captures,
  sum({_IS_PAGE} AND type = '{RecordType.REVISIT}') AS revisits, sum(NOT {_IS_PAGE}) AS requisites,
  min(date) AS first, max(date) AS last
FROM ({source}) GROUP BY 1, 2"""
    return _add("captures, revisits, requisites, first, last", counts)


def _document(row: str, count: str) -> str:
    source = f"SELECT {row}.site AS site, {_month(f'{row}.first_seen')}, {count} AS documents WHERE {row}.{_IS_ARTICLE}"
    return _add("documents", source)


def _versions_of(row: str, sign: str) -> str:
    """All versions of a document."""
    source = f"""
SELECT {row}.site AS site, {_month("first_seen")}, {sign}count(*) AS versions FROM version
WHERE document = {row}.id AND {row}.{_IS_ARTICLE} GROUP BY 1, 2"""
    return _add("versions", source)


def _version(row: str, count: str) -> str:
    source = f"""
SELECT site, {_month(f"{row}.first_seen")}, {count} AS versions FROM document
WHERE id = {row}.document AND {_IS_ARTICLE}"""
    return _add("versions", source)


def _has(document: str) -> str:
    """Let a document say how many versions it has, and when it changed last."""
    mine = f"FROM version WHERE document = {document}"
    return f"""
UPDATE document SET versions = (SELECT count(*) {mine}),
  changed = (SELECT CASE WHEN count(*) > 1 THEN max(first_seen) END {mine}) WHERE id = {document};"""


def _offers(document: str) -> str:
    """Let a document say how many files its standing version names."""
    return f"""
UPDATE document
SET files = coalesce((SELECT json_array_length(attachments) FROM version WHERE version.id = document.version), 0)
WHERE id = {document};"""


def _facets(of: str) -> tuple[str, str]:
    """Let versions be counted by what their documents say."""
    shelves = f"""
INSERT INTO shelf (site, section) SELECT DISTINCT site, coalesce(document.section, '')
FROM document JOIN version ON version.document = document.id WHERE {of} ON CONFLICT DO NOTHING;"""
    facets = f"""
INSERT INTO facet (version, document, shelf, month, has)
SELECT version.id, document.id, shelf.id, CAST(replace(substr(document.day, 1, 7), '-', '') AS INTEGER),
  (document.files > 0) + 2 * (document.versions > 1)
FROM document JOIN version ON version.document = document.id
  JOIN shelf ON shelf.site = document.site AND shelf.section = coalesce(document.section, '')
WHERE {of}
ON CONFLICT (version) DO UPDATE
SET document = excluded.document, shelf = excluded.shelf, month = excluded.month, has = excluded.has;"""
    return shelves, facets


_FACETED = ("site", "section", "day", "files", "versions")
_OTHER_FACETS = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _FACETED)
_OTHER_SITE = "NEW.site <> OLD.site OR NEW.kind <> OLD.kind"
_TRIGGERS = {
    "capture_inserted": (
        "INSERT ON capture",
        _capture("SELECT NEW.site AS site, NEW.date AS date, NEW.kind AS kind, NEW.type AS type"),
    ),
    "document_inserted": ("INSERT ON document", _document("NEW", "1"), _offers("NEW.id")),
    "document_deleted": ("DELETE ON document", _document("OLD", "-1")),
    "document_moved": (
        f"UPDATE OF site, kind, first_seen ON document WHEN {_OTHER_SITE} OR NEW.first_seen <> OLD.first_seen",
        _document("OLD", "-1"),
        _document("NEW", "1"),
    ),
    "document_versions_moved": (
        f"UPDATE OF site, kind ON document WHEN {_OTHER_SITE}",
        _versions_of("OLD", "-"),
        _versions_of("NEW", ""),
    ),
    "document_stands": ("UPDATE OF version ON document WHEN NEW.version IS NOT OLD.version", _offers("NEW.id")),
    "document_faceted": (
        f"UPDATE OF {', '.join(_FACETED)} ON document WHEN {_OTHER_FACETS}",
        *_facets("document.id = NEW.id"),
    ),
    "version_inserted": (
        "INSERT ON version",
        _version("NEW", "1"),
        _has("NEW.document"),
        _offers("NEW.document"),
        *_facets("version.id = NEW.id"),
    ),
    "version_deleted": (
        "DELETE ON version",
        _version("OLD", "-1"),
        _has("OLD.document"),
        _offers("OLD.document"),
        "DELETE FROM facet WHERE version = OLD.id;",
    ),
    "version_seen": (
        "UPDATE OF first_seen ON version WHEN NEW.first_seen <> OLD.first_seen",
        _version("OLD", "-1"),
        _version("NEW", "1"),
        _has("NEW.document"),
    ),
    "version_offers": (
        "UPDATE OF attachments ON version WHEN NEW.attachments <> OLD.attachments",
        _offers("NEW.document"),
    ),
}


def create(connection: Connection) -> None:
    """Make the triggers, in place of those of an older schema."""
    for name, (event, *statements) in _TRIGGERS.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE TRIGGER {name} AFTER {event} BEGIN {''.join(statements)} END")


def fill(connection: Connection) -> None:
    """Count what is there already."""
    for statement in (
        "DELETE FROM tally",
        _capture("SELECT site, date, kind, type FROM capture"),
        _add(
            "documents",
            f"""
SELECT site, {_month("first_seen")}, count(*) AS documents
FROM document WHERE {_IS_ARTICLE} GROUP BY 1, 2""",
        ),
        _add(
            "versions",
            f"""
SELECT site, {_month("version.first_seen")}, count(*) AS versions
FROM version JOIN document ON document.id = version.document WHERE {_IS_ARTICLE} GROUP BY 1, 2""",
        ),
        _has("document.id"),
        _offers("document.id"),
        "DELETE FROM facet",
        *_facets("true"),
    ):
        connection.exec_driver_sql(statement)
