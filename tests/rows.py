"""A small archive whose rows are written by hand, so that each answer can be told beforehand."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from storage.collection import Collection
from storage.index import schedule, tables
from storage.index.dialects import dialect_of
from storage.index.schedule import Planned, Run
from storage.model import Outcome
from storage.surt import surt

DOCUMENT = "dangcongsan/592693"
URL = "https://dangcongsan.vn/thoi-su/do-thi-loai-i-592693.html"
MOBILE = "http://dangcongsan.vn/thoi-su/do-thi-loai-i-592693.html"
LIST = "https://dangcongsan.vn/thoi-su"
PDF = "https://dangcongsan.vn/files/ke-hoach.pdf"
GONE = "https://thst.vn/t/tin-cu"
MOMENTS = [f"2025-01-0{day}T07:50:40.123456+00:00" for day in range(1, 8)]
OLD, NEW = "a" * 64, "b" * 64


def filled(home: Path) -> Path:
    """Make the archive in `home`."""
    collection = Collection.open(home)
    with collection.index.write() as connection:
        _crawls(connection)
        _captures(connection)
        _documents(connection)
        _readings(connection)
        _plans(connection)
        _withholdings(connection)
    collection.close()
    return home


def _crawls(connection: Connection) -> None:
    common = {"definition": "d" * 64, "attempts": 9, "bytes": 12_345}
    counted = {"documents_new": 1, "documents_changed": 0, "documents_unchanged": 0}
    connection.execute(
        tables.crawl.insert(),
        [
            {"id": "c1", "site": "dangcongsan", "outcome": "completed", "started": MOMENTS[0], "finished": MOMENTS[1]}
            | {"captures": 4, "revisits": 1, "requisites": 1, "errors": 0, "warnings": "[]"}
            | common
            | counted,
            {"id": "c2", "site": "thst", "outcome": "partial", "started": MOMENTS[2], "finished": None}
            | {"captures": 2, "revisits": 0, "requisites": 0, "errors": 1, "warnings": '["một cảnh báo"]'}
            | common
            | dict.fromkeys(counted),
        ],
    )
    connection.execute(
        tables.file.insert(),
        [
            {"id": 1, "name": "warc/dangcongsan/2025/a.warc.gz", "crawl": "c1", "bytes": 10_000, "sha256": "f" * 64},
            {"id": 2, "name": "warc/thst/2025/b.warc.gz", "crawl": "c2", "bytes": None, "sha256": None},
        ],
    )


def _captures(connection: Connection) -> None:
    rows = [
        (1, "c1", "dangcongsan", URL, MOMENTS[0], "article", "response", 200, 1, 100, None),
        (2, "c1", "dangcongsan", MOBILE, MOMENTS[1], "article", "response", 200, 1, 700, None),
        (3, "c1", "dangcongsan", URL, MOMENTS[2], "article", "revisit", 200, 1, 1300, 1),
        (4, "c1", "dangcongsan", LIST, MOMENTS[2], "list", "response", 200, 1, 1900, None),
        (
            5,
            "c1",
            "dangcongsan",
            "https://dangcongsan.vn/logo.png",
            MOMENTS[2],
            "requisite",
            "response",
            200,
            1,
            2500,
            None,
        ),
        (6, "c2", "thst", GONE, MOMENTS[3], "article", "response", 200, 2, 100, None),
        (7, "c2", "thst", GONE, MOMENTS[4], "article", "response", 404, 2, 700, None),
    ]
    names = ("id", "crawl", "site", "url", "date", "kind", "type", "status", "file", "offset", "original")
    connection.execute(
        tables.capture.insert(),
        [
            dict(zip(names, row, strict=True))
            | {"urlkey": surt(row[3]), "mime": "text/html", "length": 500, "record_id": f"urn:{row[0]}"}
            | {"payload_digest": "sha1:AAAA", "payload_length": 2000, "ip": "192.0.2.7", "derived": 1}
            for row in rows
        ],
    )


def _documents(connection: Connection) -> None:
    rows = [
        (1, DOCUMENT, "article", "dangcongsan", URL, MOMENTS[0], MOMENTS[2], 1, "Thời sự", "2025-01-01", "2025-01-01"),
        (2, "thst/t/tin-cu", "article", "thst", GONE, MOMENTS[3], MOMENTS[3], 3, None, None, "2025-01-04"),
        (3, f"web:{PDF}", "attachment", "dangcongsan", PDF, MOMENTS[0], MOMENTS[0], None, None, None, "2025-01-01"),
    ]
    names = (
        "id",
        "identity",
        "kind",
        "site",
        "url",
        "first_seen",
        "last_seen",
        "version",
        "section",
        "published",
        "day",
    )
    connection.execute(tables.document.insert(), [dict(zip(names, row, strict=True)) for row in rows])
    connection.execute(
        tables.address.insert(),
        [
            {"url": URL, "document": 1, "first_seen": MOMENTS[0]},
            {"url": MOBILE, "document": 1, "first_seen": MOMENTS[1]},
            {"url": GONE, "document": 2, "first_seen": MOMENTS[3]},
            {"url": PDF, "document": 3, "first_seen": MOMENTS[0]},
        ],
    )
    bodies = {OLD: 1, NEW: 2}
    connection.execute(
        tables.body.insert(),
        [
            {"id": id_, "digest": digest, "rule": "r1", "bands": b"", "marks": b"", "compared": 1}
            for digest, id_ in bodies.items()
        ],
    )
    connection.execute(
        tables.near.insert(), [{"body": id_, "other": id_, "similarity": 1000} for id_ in bodies.values()]
    )
    versions = [
        (1, 1, OLD, MOMENTS[0], MOMENTS[2], "Đô thị loại I", "2025-01-01", "page"),
        (2, 1, NEW, MOMENTS[1], MOMENTS[1], "Đô thị loại I (sửa)", "2025-01-01T08:00:00+07:00", "page"),
        (3, 2, OLD, MOMENTS[3], MOMENTS[3], "Đô thị loại I", None, None),
    ]
    names = ("id", "document", "digest", "first_seen", "last_seen", "title", "published", "published_from")
    connection.execute(
        tables.version.insert(),
        [
            dict(zip(names, row, strict=True))
            | {"digest_rule": 1, "lead": "Dẫn.", "text": f"Đoạn một của {row[5]}.\n\nĐoạn hai.", "authors": '["An"]'}
            | {"section": '["Trang chủ", "Thời sự"]', "tags": "[]", "language": "vi", "method": "layout"}
            | {"images": '[{"url": "https://dangcongsan.vn/a.jpg", "caption": "Ảnh", "credit": null}]'}
            | {"attachments": f'[{{"url": "{PDF}", "name": "Kế hoạch"}}]', "confidence": 875, "rules": "r1"}
            | {"body": bodies[row[2]]}
            for row in versions
        ],
    )
    offers = [{"version": row[0], "url": PDF, "name": "Kế hoạch"} for row in versions]
    connection.execute(tables.offer.insert(), offers)
    texts = [(row[0], row[5], "Dẫn.", f"Đoạn một của {row[5]}.\n\nĐoạn hai.") for row in versions]
    dialect_of(connection).add_to_fulltext(connection, texts)


def _readings(connection: Connection) -> None:
    rows = [(1, 1, 16, None), (2, 2, 20, None), (3, 1, None, None), (4, None, None, "a list"), (6, 3, None, None)]
    rows.append((7, None, None, "status 404"))
    names = ("capture", "version", "views", "reason")
    connection.execute(tables.reading.insert(), [dict(zip(names, row, strict=True)) | {"rules": "r1"} for row in rows])
    connection.execute(
        tables.mention.insert(),
        [
            {"capture": 4, "target": URL, "anchor": "Đô thị loại I", "day": "2025-01-01"},
            {"capture": 4, "target": GONE, "anchor": "Tin cũ", "day": ""},
        ],
    )
    connection.execute(
        tables.frontier.insert(),
        [
            {"site": "thst", "url": "https://thst.vn/t/cho", "kind": "article", "priority": 1, "hops": 1}
            | {"state": "waiting", "found": MOMENTS[3], "due": MOMENTS[3]}
        ],
    )


def _plans(connection: Connection) -> None:
    due = datetime.fromisoformat(MOMENTS[4])
    paused = Planned("thst", "thst", due, "6h", cadence="6h", paused=due, decided_by="an", reason="máy chủ bảo trì")
    schedule.put(connection, paused)
    run = Run("d4", "thst", "thst", due, Outcome.SKIPPED, "thst is paused", finished=due)
    schedule.add(connection, [run])
    alert = {"site": "thst", "kind": "crawl", "detail": "the last crawl was partial", "begun": MOMENTS[3]}
    connection.execute(tables.alert.insert(), [alert])


def _withholdings(connection: Connection) -> None:
    step = {"url": GONE, "urlkey": surt(GONE), "reason": "một lý do", "by": "an"}
    steps = [{"step": "withhold", "moment": MOMENTS[4]}, {"step": "release", "moment": MOMENTS[5]}]
    connection.execute(tables.withholding.insert(), [step | one for one in steps])
