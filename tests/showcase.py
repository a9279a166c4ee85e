"""A large and varied archive, made in seconds: sites that live and others that are gone, documents of many years,
versions, republications, attachments, a picture, crawls of four weeks with every outcome. For browsers.

Everything but one document is rows; that one has its records too, and its picture.
"""

import json
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from exchanges import INFO, PAGE
from sqlalchemy import Connection

from luutru.demo.pictures import landscape
from storage.collection import Collection
from storage.index import captures, crawls, schedule, tables
from storage.index.captures import Observation
from storage.index.dialects import dialect_of
from storage.index.schedule import Planned, Run
from storage.model import Exchange, Kind, Outcome
from storage.moments import written
from storage.surt import surt
from storage.warc import CaptureWriter

SHOWCASE = "thst/t/chinh-trang-hai-bo-kenh"
URL = "https://thst.vn/t/chinh-trang-hai-bo-kenh"
PICTURE = "https://thst.vn/anh/bo-kenh.png"
PDF = "https://thst.vn/tep/so-do-doan-kenh.pdf"
HOSTILE = "thst/t/tin-la"  # its title is an attack
HOSTILE_TITLE = '<script>alert("x")</script> "\'><img src=x onerror=alert(1)> \u202eđảo \x1b[31m ' + "rất dài " * 40
PORTAL, BROADCASTER, PARTY, NEWSPAPER = "soctrang-city", "thst", "soctrang-party", "dangcongsan"

_HOSTS = {
    PORTAL: "thanhpho.soctrang.gov.vn",
    BROADCASTER: "thst.vn",
    PARTY: "soctrang.dcs.vn",
    NEWSPAPER: "dangcongsan.vn",
}
_SIZE = 812_345_678
_TODAY = datetime.now(UTC).year
_YEARS = {PORTAL: (2018, 2025), BROADCASTER: (2019, _TODAY), PARTY: (2020, 2025), NEWSPAPER: (2019, _TODAY)}
_SECTIONS = {
    PORTAL: ("Thông báo", "Tin tức - Sự kiện", "Quy hoạch"),
    BROADCASTER: ("Tin địa phương", "Đời sống - Xã hội", "Nông nghiệp - Nông thôn", "Thông báo"),
    PARTY: ("Xây dựng Đảng", "Hoạt động cơ sở"),
    NEWSPAPER: ("Thời sự", "Kinh tế", "Pháp luật"),
}
_SUBJECTS = (
    *("Khảo sát các điểm sạt lở bờ kênh", "Hợp tác xã hành tím chạy thử kho lạnh", "Phường 8 vớt lục bình trên kênh"),
    *("Thông báo lịch cấp nước luân phiên", "Đội ghe Ngo nữ tập luyện", "Tạm ngừng lưu thông qua cầu"),
    *("Công khai danh sách hộ nhận hỗ trợ", "Lấy ý kiến các hộ sát mép nước", "Hàng cây bên dòng kênh cũ"),
    *("Chỉnh trang vỉa hè đường vào chợ", "Trường học sửa mái trước mùa mưa", "Nông dân xuống giống vụ lúa mới"),
)
_ENDS = (
    *("trước đợt triều cường", "dùng điện mặt trời", "vào sáng thứ bảy", "trên ba tuyến đường", "từ sáng sớm"),
    *("để thay mặt thép", "sửa nhà đợt II", "ở khóm 5", "trong tháng tới", "sau một năm thử nghiệm"),
)
_SENTENCES = (
    "Sáng nay, tổ tự quản chia hai ghe đi dọc kênh, phần chỉnh trang vỉa hè do các hộ buôn bán tự góp.",
    "Theo ban quản lý chợ, lối đi được mở rộng thêm nửa mét và có đèn chiếu sáng đến mười giờ đêm.",
    "Người dân hai bên bờ bắt đầu quay lại tập thể dục, buôn bán nhỏ và hóng mát mỗi chiều.",
    "Kinh phí đợt này do thành phố và người dân cùng đóng góp, công khai tại nhà văn hóa khóm.",
    "Đơn vị thi công cho biết phần việc còn lại sẽ làm xong trước mùa mưa năm sau.",
    "Trung tâm khuyến nông nhắc bà con theo dõi độ mặn trước khi lấy nước vào ruộng.",
)
_TITLES = (
    "Thành phố Sóc Trăng chỉnh trang hai bờ kênh",
    "Thành phố Sóc Trăng chỉnh trang hai bờ kênh",
    "Thành phố Sóc Trăng chỉnh trang hai bờ kênh, mở lối đi bộ cho người dân",
)
_LEAD = (
    "Sau hơn hai tháng thi công, đoạn kênh chảy qua trung tâm thành phố đã có bờ kè mới, hàng cây bóng mát và lối đi bộ"
    " dài hơn một cây số."
)
_COMMON = (
    "Sáng 14/11, đơn vị thi công hoàn thành phần việc chỉnh trang cuối cùng là lắp lan can và đèn chiếu sáng ở đoạn từ "
    "cầu Đúc Nhỏ đến bến đò cũ.",
    "Bà Lâm Thị Hoa, bán bún nước lèo bên bến đò gần hai mươi năm, cho biết: “Trước đây nước lên là lối đi ngập bùn. "
    "Nay khách ngồi được đến tối, mà ghe nhỏ vẫn cập bến như cũ.”",
)
_FIGURES = (
    "Đoạn kênh được nạo vét dài {} km, lòng kênh sâu thêm trung bình 0,6 m. Hai bờ trồng {} cây dầu và bằng lăng, đặt "
    "36 ghế đá do các hộ dân đóng góp. Tổng kinh phí là {} tỷ đồng, trong đó người dân đóng góp 600 triệu đồng."
)
_LATER = "Đoạn còn lại dài 900 m {}, sau khi lấy ý kiến các hộ có nhà sát mép nước."
_PLANNED, _SETTLED = (
    _LATER.format(one) for one in ("dự kiến làm tiếp trong quý II năm sau", "sẽ khởi công trong tháng 3/2025")
)
_OPINIONS = "Mọi góp ý xin gửi về Ủy ban nhân dân phường trước ngày 30/11."
_RULE = "Phường giao tổ tự quản trông coi cây xanh. Xe máy không được chạy trên lối đi bộ từ 16 giờ đến 21 giờ."
_TEXTS = (
    (_COMMON[0], _FIGURES.format("1,8", 240, "4,2"), _COMMON[1], _PLANNED, _OPINIONS),
    (_COMMON[0], _FIGURES.format("2,1", 260, "4,8"), _COMMON[1], _PLANNED, _OPINIONS),
    (_COMMON[0], _FIGURES.format("2,1", 260, "4,8"), _COMMON[1], _RULE, _SETTLED),
)


@dataclass
class _Numbers:
    """The last number given in each table."""

    capture: int = 1_000
    document: int = 0
    version: int = 0
    body: int = 0


def rich(home: Path, documents: int = 360) -> Path:
    """Make the archive in `home`, as if it had been kept until now."""
    with closing(Collection.open(home)) as collection:
        _with_records(collection)
        with collection.index.write() as connection:
            _Maker(connection, datetime.now(UTC)).make(documents)
            names = connection.scalars(tables.file.select().with_only_columns(tables.file.c.name)).all()
        for name in names:
            _stand_in(home / name)
    return home


def _with_records(collection: Collection) -> None:
    """The crawl that captured the showcase and its picture, record by record."""
    html = b"Content-Type: text/html; charset=utf-8"
    page = "".join(f"<p>{one}</p>" for one in _TEXTS[2]).encode()
    pages = [
        (Kind.ARTICLE, _exchange(URL, datetime(2025, 1, 2, 1, 12, 44, 318000, UTC), html, page)),
        (
            Kind.REQUISITE,
            _exchange(PICTURE, datetime(2025, 1, 2, 1, 12, 46, 0, UTC), b"Content-Type: image/png", _png()),
        ),
    ]
    with collection.index.write() as connection:
        crawls.begin(connection, "c0817", BROADCASTER, "ab" * 32)
    with closing(CaptureWriter(collection.home, BROADCASTER, "c0817", INFO)) as writer:
        kept = [Observation(kind, one) for kind, exchange in pages if (one := writer.append(exchange))]
    captures.record_batch(collection.index, "c0817", BROADCASTER, kept)
    with collection.index.write() as connection:
        for file in writer.take_sealed():
            captures.seal(connection, "c0817", file.name, file.bytes, file.sha256)
        crawls.end(connection, "c0817", outcome=Outcome.COMPLETED)
        # when it ran, not when this is made
        moments = {"started": "2025-01-02T01:00:00.000000+00:00", "finished": "2025-01-02T01:30:00.000000+00:00"}
        connection.execute(tables.crawl.update().values(**moments))


def _stand_in(path: Path) -> None:
    """A file of nothing, as long as its row says, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with path.open("wb") as file:
            file.truncate(_SIZE)


def _png() -> bytes:
    return landscape(2, 780)


def _exchange(url: str, started: datetime, kind: bytes, body: bytes) -> Exchange:
    head = b"HTTP/1.1 200 OK\r\nServer: nginx\r\n" + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return replace(PAGE, url=url, started=started, head=head, body=body, ip="203.0.113.24")


class _Maker:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.random = Random(7)
        self.last = _Numbers()
        self.texts: list[tuple[int, str, str | None, str]] = []

    def make(self, documents: int) -> None:
        self._crawls()
        self._file()
        self._planned()
        self._showcase()
        for number in range(documents):
            self._document(number)
        self._hostile()
        self._lists()
        dialect_of(self.connection).add_to_fulltext(self.connection, self.texts)

    def _crawls(self) -> None:
        """Twenty-eight days of them, each outcome among them."""
        odd = {4: "interrupted", 9: "refused", 12: "partial", 15: "failed", 20: "partial"}
        rows = []
        for site, every in ((BROADCASTER, 1), (NEWSPAPER, 1), (PORTAL, 7)):
            for back in range(0, 28, every):
                started = self.now - timedelta(days=back, hours=1 if site == BROADCASTER else 5)
                outcome = odd.get((back + (0 if site == BROADCASTER else 5)) % 28, "completed")
                if site == PORTAL:
                    outcome = "failed"
                if site == NEWSPAPER and back == 0:
                    outcome = "partial"
                rows.append(self._crawl(site, started, outcome, len(rows)))
        rows.append(self._crawl(PARTY, datetime(2025, 6, 28, tzinfo=UTC), "completed", len(rows)))
        self.connection.execute(tables.crawl.insert(), rows)
        self.first = {str(row["site"]): str(row["id"]) for row in reversed(rows)}

    def _crawl(self, site: str, started: datetime, outcome: str, number: int) -> dict[str, object]:
        warnings = {
            "partial": ["17 pages without an answer: https://thst.vn/t/tin-1 (timed out), …", "no page was captured"],
            "failed": ["no page was captured", "the name thanhpho.soctrang.gov.vn is not found"],
            "refused": ["robots.txt forbade the whole site"],
            "interrupted": ["the process ended before the crawl did"],
        }.get(outcome, [])
        drift = [{"kind": "container", "detail": "40 of 50 pages name no date; 4% would be usual"}]
        new, changed, same = (self.random.randrange(top) for top in (14, 4, 80))
        return {
            "id": f"c{900 + number:04}",
            "site": site,
            "outcome": outcome,
            "started": written(started),
            "finished": written(started + timedelta(minutes=11)),
            "definition": "d" * 64,
            "captures": self.random.randrange(80, 260) if outcome in ("completed", "partial") else 3,
            "revisits": 20,
            "requisites": 35,
            "attempts": 290,
            "bytes": 12_345_678,
            "documents_new": new,
            "documents_changed": changed,
            "documents_unchanged": same,
            "errors": 17 if outcome == "partial" else 0,
            "warnings": json.dumps(warnings),
            "drift": json.dumps(drift if site == NEWSPAPER and started > self.now - timedelta(days=6) else []),
        }

    def _planned(self) -> None:
        """What is due next, and two runs that never began."""
        for job, site, hours, cadence in (
            (BROADCASTER, BROADCASTER, 14, "1d 02:00-04:00"),
            (NEWSPAPER, NEWSPAPER, 21, "1d"),
            ("verify", None, 90, "0 1 1 * *"),
        ):
            due = self.now + timedelta(hours=hours)
            schedule.put(self.connection, Planned(job, site, told=self.now, planned=cadence, next=due))
        paused = Planned(PORTAL, PORTAL, told=self.now, paused=self.now, reason="Trang đã đóng sau khi sáp nhập.")
        schedule.put(self.connection, paused)
        missed = (
            ("r1", self.now - timedelta(days=1, hours=8), Outcome.MISSED, "nobody served the schedule when it was due"),
            (
                "r2",
                self.now - timedelta(days=2, hours=8),
                Outcome.SKIPPED,
                "the run that was due 2026-11-20 02:00 still runs",
            ),
        )
        runs = [Run(run, NEWSPAPER, NEWSPAPER, due, outcome, reason) for run, due, outcome, reason in missed]
        schedule.add(self.connection, runs)

    def _file(self) -> None:
        rows = [
            {
                "id": 100 + number,
                "name": f"warc/{site}/2024/{site}-20240101000000-c0900-00001.warc.gz",
                "crawl": self.first[site],
            }
            | {"bytes": _SIZE, "sha256": "f" * 64}
            for number, site in enumerate(_HOSTS)
        ]
        self.connection.execute(tables.file.insert(), rows)
        done = [
            {"file": row["name"], "verified": written(self.now - timedelta(days=2)), "sha256": "f" * 64, "problems": 0}
            for row in rows[:3]
        ]
        self.connection.execute(tables.fixity.insert(), done)

    def _showcase(self) -> None:
        seen = [datetime(2024, 11, 14, 2, 31, tzinfo=UTC), datetime(2024, 11, 21, 1, 5, tzinfo=UTC)]
        seen.append(datetime(2025, 1, 2, 1, 12, 44, 318000, UTC))
        owner = self._add_document(SHOWCASE, BROADCASTER, URL, seen[0], "2024-11-14")
        bodies = [self._body() for _ in seen]
        versions = [
            self._add_version(
                owner,
                moment,
                title,
                "\n\n".join(text),
                body=body,
                lead=_LEAD,
                authors=["Minh Thư"],
                published="2024-11-14",
                section=["Tin tức", "Tin địa phương"],
                tags=["chỉnh trang đô thị", "lối đi bộ"],
                images=[{"url": PICTURE, "caption": "Đoạn kênh nhìn từ cầu Đúc Nhỏ.", "credit": "Ảnh: Hải Đăng"}],
                attachments=[{"url": PDF, "name": "Sơ đồ đoạn kênh và các lối xuống bến"}],
                method="layout:thst-2",
                confidence=970,
                last=datetime(2025, 7, 6, 7, 5, tzinfo=UTC) if moment is seen[-1] else moment,
            )
            for moment, title, text, body in zip(seen, _TITLES, _TEXTS, bodies, strict=True)
        ]
        self._stands(owner, versions[-1], "Tin địa phương", "2024-11-14")
        file = self._add_document(f"web:{PDF}", BROADCASTER, PDF, seen[0], "2024-11-14", kind="attachment")
        pdf = self._add_version(
            file, seen[0], "Sơ đồ đoạn kênh", "Sơ đồ các lối xuống bến của đoạn kênh.", method="pdf"
        )
        self._stands(file, pdf, None, None)
        self._capture(BROADCASTER, PDF, seen[0], version=pdf, kind="attachment", mime="application/pdf")
        offers = [{"version": one, "url": PDF, "name": "Sơ đồ đoạn kênh và các lối xuống bến"} for one in versions]
        self.connection.execute(tables.offer.insert(), offers)
        for moment, one in zip(seen[:2], versions[:2], strict=True):
            self._capture(BROADCASTER, URL, moment, version=one, views=312)
        held = tables.capture.c.id
        kept = self.connection.scalar(
            tables.capture.select().with_only_columns(held).where(tables.capture.c.url == URL)
        )
        self.connection.execute(
            tables.reading.insert(), {"capture": kept, "version": versions[2], "views": 401, "rules": "r1"}
        )
        self._later(versions[2], kept)
        for site, day, similarity, number in ((PORTAL, 15, 960, 1), (NEWSPAPER, 18, 710, 2), (PARTY, 20, 880, 3)):
            self._republication(site, day, similarity, number, bodies[2])

    def _later(self, version: int, original: int | None) -> None:
        """What the address gave afterwards: the same, not modified, and an error at last."""
        for month, day, kind, status in (
            *((1, 9, "revisit", 200), (1, 16, "revisit", 304), (2, 13, "revisit", 304), (3, 20, "revisit", 200)),
            *((4, 17, "revisit", 304), (5, 23, "revisit", 200), (7, 6, "response", 200), (9, 18, "response", 503)),
        ):
            moment = datetime(2025, month, day, 1, 12, tzinfo=UTC)
            said = version if status != 503 else None
            self._capture(BROADCASTER, URL, moment, version=said, type=kind, status=status, original=original)

    def _republication(self, site: str, day: int, similarity: int, number: int, body: int) -> None:
        url = f"https://{_HOSTS[site]}/tin/{number}"
        moment = datetime(2024, 11, day, 3, tzinfo=UTC)
        owner = self._add_document(f"{site}/{number}", site, url, moment, f"2024-11-{day}")
        mine = self._body()
        text = "\n\n".join(_TEXTS[2])
        one = self._add_version(
            owner, moment, _TITLES[2], text, body=mine, published=f"2024-11-{day}", section=[_SECTIONS[site][0]]
        )
        self._stands(owner, one, _SECTIONS[site][0], f"2024-11-{day}")
        self._capture(site, url, moment, version=one)
        near = [{"body": one, "other": other, "similarity": similarity} for one, other in ((body, mine), (mine, body))]
        self.connection.execute(tables.near.insert(), near)

    def _document(self, number: int) -> None:
        random = self.random
        site = random.choices(list(_HOSTS), (3, 6, 1, 4))[0]
        first, last = _YEARS[site]
        years = list(range(first, last + 1))
        year = random.choices(years, [2 + at for at, _ in enumerate(years)])[0]
        latest = self.now.date() if year == self.now.year else date(year, 6 if site in (PORTAL, PARTY) else 12, 28)
        days = (min(latest, date(year, 12, 31)) - date(year, 1, 1)).days
        day = date(year, 1, 1) + timedelta(days=random.randrange(days + 1))
        moment = datetime(day.year, day.month, day.day, random.randrange(1, 3), random.randrange(60), tzinfo=UTC)
        title = f"{random.choice(_SUBJECTS)} {random.choice(_ENDS)}"
        section = random.choice(_SECTIONS[site])
        url = f"https://{_HOSTS[site]}/t/tin-{number}"
        owner = self._add_document(f"{site}/t/tin-{number}", site, url, moment, day.isoformat())
        text = random.sample(_SENTENCES, 4)
        changed = random.random() < 0.2 or day > self.now.date() - timedelta(days=9)
        versions = []
        for at in range(2 if changed else 1):
            said = "\n\n".join(text) if not at else "\n\n".join([text[0].replace("hai ghe", "ba ghe"), *text[1:3]])
            seen = min(moment + timedelta(days=at * 3), self.now - timedelta(minutes=30))
            heading = title if not at or random.random() < 0.6 else f"{title}, theo báo cáo mới"
            versions.append(
                self._add_version(owner, seen, heading, said, published=day.isoformat(), section=["Trang chủ", section])
            )
            self._capture(site, url, seen, version=versions[-1])
        self._stands(owner, versions[-1], section, day.isoformat())
        for back in range(random.randrange(8)):
            again = moment + timedelta(days=7 * (back + 1))
            if again < self.now and again.year <= last:
                self._capture(site, url, again, version=versions[-1], type="revisit")

    def _hostile(self) -> None:
        moment = self.now - timedelta(days=400)
        url = "https://thst.vn/t/tin-la?x=<script>&y='\""
        owner = self._add_document(HOSTILE, BROADCASTER, url, moment, "2025-10-01")
        for at, text in enumerate(("<b>đậm</b> <script>alert(2)</script> {{ 7*7 }}", "&lt;script&gt; ]]> -->")):
            seen = moment + timedelta(days=at)
            one = self._add_version(
                owner, seen, HOSTILE_TITLE, text, section=['"><script>alert(3)</script>'], authors=["<i>An</i>"]
            )
            self._capture(BROADCASTER, url, seen, version=one)
        self._stands(owner, one, '"><script>alert(3)</script>', None)

    def _lists(self) -> None:
        """Captures of lists, that make the rhythm of each year."""
        for site, (first, last) in _YEARS.items():
            for year in range(first, last + 1):
                for month in range(1, 13):
                    moment = datetime(year, month, 3, 2, tzinfo=UTC)
                    if moment > self.now or (site in (PORTAL, PARTY) and (year, month) > (2025, 6)):
                        continue
                    if (year, month) == (2021, 8) or (year == 2018 and month < 7):
                        continue
                    for at in range(
                        self.random.randrange(2, 7) + (9 if (year, month) in ((2025, 5), (2025, 6)) else 0)
                    ):
                        url = f"https://{_HOSTS[site]}/danh-muc/{at}"
                        self._capture(site, url, moment + timedelta(minutes=at), kind="list")

    def _body(self) -> int:
        self.last.body += 1
        body = {"id": self.last.body, "digest": f"{self.last.body:064}", "rule": "r1", "bands": b"", "marks": b""}
        self.connection.execute(tables.body.insert(), body | {"compared": 1})
        self.connection.execute(
            tables.near.insert(), {"body": self.last.body, "other": self.last.body, "similarity": 1000}
        )
        return self.last.body

    def _add_document(
        self, identity: str, site: str, url: str, moment: datetime, day: str, kind: str = "article"
    ) -> int:
        self.last.document += 1
        id_ = self.last.document
        row = {"id": id_, "identity": identity, "kind": kind, "site": site, "url": url, "day": day}
        self.connection.execute(
            tables.document.insert(), row | {"first_seen": written(moment), "last_seen": written(moment)}
        )
        self.connection.execute(tables.address.insert(), {"url": url, "document": id_, "first_seen": written(moment)})
        return id_

    def _add_version(self, owner: int, moment: datetime, title: str, text: str, **said: Any) -> int:
        self.last.version += 1
        id_ = self.last.version
        lists = {
            name: json.dumps(said.get(name, []), ensure_ascii=False)
            for name in ("authors", "section", "tags", "images", "attachments")
        }
        plain = {
            "id": id_,
            "document": owner,
            "digest": f"{id_:064x}",
            "digest_rule": 1,
            "first_seen": written(moment),
            "last_seen": written(said.get("last", moment)),
            "title": title,
            "lead": said.get("lead"),
            "text": text,
            "published": said.get("published"),
            "published_from": "layout" if said.get("published") else None,
            "language": "vi",
            "method": said.get("method", "memory"),
            "confidence": said.get("confidence", 900),
            "rules": "r1",
            "body": said.get("body") or self._body(),
        }
        self.connection.execute(tables.version.insert(), plain | lists)
        self.texts.append((id_, title, plain["lead"], text))
        return id_

    def _stands(self, owner: int, version: int, section: str | None, published: str | None) -> None:
        values = {"version": version, "section": section, "published": published}
        self.connection.execute(tables.document.update().where(tables.document.c.id == owner).values(**values))

    def _capture(self, site: str, url: str, moment: datetime, **said: Any) -> int:
        self.last.capture += 1
        id_ = self.last.capture
        version = said.pop("version", None)
        views = said.pop("views", None)
        row = {
            "id": id_,
            "crawl": self.first[site],
            "site": site,
            "url": url,
            "urlkey": surt(url),
            "date": written(moment),
            "kind": "article",
            "type": "response",
            "status": 200,
            "mime": "text/html",
            "file": 100 + list(_HOSTS).index(site),
            "offset": id_ * 10_000,
            "length": 612 if said.get("type") == "revisit" else 14_207,
            "record_id": f"{id_:08}-0000-4000-8000-000000000000",
            "payload_digest": f"sha1:{id_:032}",
            "payload_length": 42_000,
            "ip": "203.0.113.24",
            "derived": 1,
            "original": None,
        }
        self.connection.execute(tables.capture.insert(), row | said)
        if version is not None:
            self.connection.execute(
                tables.reading.insert(), {"capture": id_, "version": version, "views": views, "rules": "r1"}
            )
        return id_
