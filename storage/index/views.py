"""The read-only views that people query (`docs/database.md`): plain SQL, so that every tool reads them."""

from sqlalchemy import Connection


def _number(version: str) -> str:
    """The number of a version among those of its document."""
    return f"""(
    SELECT count(*) FROM version AS earlier
    WHERE earlier.document = {version}.document
      AND (
        earlier.first_seen < {version}.first_seen
        OR earlier.first_seen = {version}.first_seen AND earlier.digest <= {version}.digest
      )
  )"""  # noqa: S608  # constants of ours


VIEWS = {
    "documents": f"""
SELECT
  document.identity AS document,
  document.id AS number,
  document.kind,
  document.site,
  document.url,
  current.title,
  current.lead,
  current.text,
  current.authors,
  current.published,
  current.published_from,
  current.modified,
  document.day,
  current.section,
  current.tags,
  current.language,
  current.method,
  current.confidence / 1000.0 AS confidence,
  CASE WHEN current.id IS NULL THEN NULL ELSE {_number("current")} END AS version,
  (SELECT count(*) FROM version WHERE version.document = document.id) AS versions,
  document.first_seen,
  document.last_seen
FROM document
LEFT JOIN version AS current ON current.id = document.version""",  # noqa: S608
    "versions": f"""
SELECT
  document.identity AS document,
  document.site,
  {_number("version")} AS version,
  CASE WHEN version.id = document.version THEN 1 ELSE 0 END AS current,
  version.first_seen,
  version.last_seen,
  version.title,
  version.lead,
  version.text,
  version.authors,
  version.published,
  version.published_from,
  version.modified,
  version.section,
  version.tags,
  version.language,
  version.images,
  version.attachments,
  version.title_from,
  version.method,
  version.confidence / 1000.0 AS confidence,
  version.rules,
  (SELECT max(reading.reread) FROM reading WHERE reading.version = version.id) AS reread,
  version.digest
FROM version
JOIN document ON document.id = version.document""",  # noqa: S608
    "republications": """
SELECT
  document.identity AS document,
  document.site,
  other.identity AS other,
  other.site AS other_site,
  max(near.similarity) / 1000.0 AS similarity
FROM version
JOIN near ON near.body = version.body
JOIN version AS theirs ON theirs.body = near.other AND theirs.document <> version.document
JOIN document ON document.id = version.document
JOIN document AS other ON other.id = theirs.document
GROUP BY version.document, theirs.document""",
    "captures": f"""
SELECT
  capture.id AS capture,
  capture.crawl,
  capture.site,
  capture.url,
  capture.urlkey,
  capture.date,
  substr(capture.date, 1, 4) || substr(capture.date, 6, 2) || substr(capture.date, 9, 2)
    || substr(capture.date, 12, 2) || substr(capture.date, 15, 2) || substr(capture.date, 18, 2) AS timestamp,
  capture.kind,
  capture.type,
  capture.status,
  capture.mime,
  file.name AS warc,
  capture."offset" AS "offset",
  capture.length,
  capture.payload_digest,
  capture.payload_length,
  capture.record_id,
  capture.original,
  capture.ip,
  capture.truncated,
  capture.error,
  document.identity AS document,
  CASE WHEN version.id IS NULL THEN NULL ELSE {_number("version")} END AS version,
  reading.views,
  reading.method,
  reading.characters,
  reading.dated,
  reading.signed,
  reading.reason
FROM capture
JOIN file ON file.id = capture.file
LEFT JOIN reading ON reading.capture = capture.id
LEFT JOIN version ON version.id = reading.version
LEFT JOIN document ON document.id = version.document""",  # noqa: S608
    "attachments": """
SELECT
  article.identity AS article,
  article.site,
  offer.url,
  offer.name,
  file.identity AS document,
  CASE WHEN file.id IS NULL THEN NULL WHEN file.version IS NULL THEN 0 ELSE 1 END AS has_text,
  offering.first_seen,
  offering.last_seen
FROM offer
JOIN version AS offering ON offering.id = offer.version
JOIN document AS article ON article.id = offering.document
LEFT JOIN address ON address.url = CASE
  WHEN EXISTS (SELECT 1 FROM address AS same WHERE same.url = offer.url) THEN offer.url
  ELSE replace(offer.url, 'http://', 'https://')
END
LEFT JOIN document AS file ON file.id = address.document""",
    "mentions": """
SELECT
  mention.target,
  mention.anchor,
  CASE WHEN mention.day = '' THEN NULL ELSE mention.day END AS day,
  document.identity AS document,
  capture.url AS page,
  capture.site,
  capture.date,
  capture.id AS capture
FROM mention
JOIN capture ON capture.id = mention.capture
LEFT JOIN address ON address.url = mention.target
LEFT JOIN document ON document.id = address.document""",
    "crawls": """
SELECT
  crawl.id AS crawl,
  crawl.site,
  crawl.outcome,
  crawl.started,
  crawl.finished,
  crawl.captures,
  crawl.revisits,
  crawl.requisites,
  crawl.attempts,
  crawl.bytes,
  crawl.documents_new,
  crawl.documents_changed,
  crawl.documents_unchanged,
  crawl.errors,
  crawl.warnings,
  crawl.drift,
  crawl.expected,
  crawl.definition,
  crawl.kind
FROM crawl""",
    "files": """
SELECT
  file.name AS warc,
  file.crawl,
  crawl.site,
  file.bytes,
  file.sha256,
  fixity.verified,
  fixity.problems
FROM file
JOIN crawl ON crawl.id = file.crawl
LEFT JOIN fixity ON fixity.file = file.name""",
    "schedules": """
SELECT
  schedule.job,
  schedule.site,
  schedule.planned AS cadence,
  CASE WHEN schedule.cadence IS NULL THEN 'definition' ELSE 'set' END AS origin,
  schedule.next,
  schedule.paused,
  schedule.decided_by,
  schedule.reason
FROM schedule""",
    "runs": """
SELECT
  ledger.id AS run,
  ledger.job,
  ledger.site,
  ledger.due,
  ledger.slots,
  ledger.asked_by,
  ledger.outcome,
  ledger.reason,
  ledger.started,
  ledger.finished,
  ledger.status,
  crawl.id AS crawl,
  crawl.captures,
  ledger.log
FROM ledger
LEFT JOIN crawl ON crawl.id = ledger.id""",
    "alerts": """
SELECT
  CASE WHEN alert.site = '' THEN NULL ELSE alert.site END AS site,
  alert.kind,
  alert.detail,
  alert.since,
  alert.begun,
  alert.told,
  alert.over
FROM alert
WHERE alert.kind <> 'digest'""",
    "withholdings": """
SELECT
  withholding.document,
  withholding.url,
  withholding.step,
  withholding.moment,
  withholding.until,
  withholding.reason,
  withholding."by" AS "by"
FROM withholding""",
}


def create_views(connection: Connection) -> None:
    """Make the views, in place of those of an older schema."""
    for name, query in VIEWS.items():
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {query}")
