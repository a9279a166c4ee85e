"""The pages that extraction is measured on, with what they say; and the second fetch of a page."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Said = dict[str, Any]  # what a sample page says, as it was written down
ROOT = Path(__file__).resolve().parents[2] / "shared" / "data" / "extraction"

# What the sample pages count and show anew at every fetch; the clock is the day on which they were made.
_COUNTER = re.compile(
    r"((?:Lượt xem|Đang online|Hôm nay|Trong tuần|Tất cả|Đang truy cập|Tổng lượt truy cập)\s*:\s*(?:<[^>]*>\s*)*)"
    r"([\d,.]*\d)"
)
_CLOCK = re.compile(r"(?:Thứ \w+|Chủ nhật), \d\d/11/2026")
_STATE = re.compile(r'(id="__VIEWSTATE" value=")\w{8}')


@dataclass(frozen=True)
class Page:
    """One page and its truth; None where the page shows none, and for all but the text where nobody wrote it down."""

    name: str
    url: str
    payload: bytes  # UTF-8
    text: str
    title: str | None = None
    author: str | None = None
    date: str | None = None  # YYYY-MM-DD
    vietnamese: bool = False
    described: bool = False  # title, author and date are known, or known to be absent

    @cached_property
    def html(self) -> str:
        return self.payload.decode("utf-8", "replace")

    @property
    def layout(self) -> str:
        """`div`, `table` … of a page named `SITE_LAYOUT_NUMBER`."""
        parts = self.name.split("_")
        return parts[1] if len(parts) == 3 else ""


def load(name: str, root: Path = ROOT) -> list[Page]:
    """The pages of one set, in the order of their names."""
    return list(_load(root / name))


def gold(name: str, root: Path = ROOT) -> list[Said]:
    """What the pages of one set say, in the order of their names."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((root / name / "gold").glob("*.json"))]


def _load(folder: Path) -> Iterator[Page]:
    for path in sorted((folder / "gold").glob("*.json")):
        said = json.loads(path.read_text("utf-8"))
        yield Page(
            name=path.stem,
            url=said["url"],
            payload=gzip.decompress((folder / "pages" / f"{path.stem}.html.gz").read_bytes()),
            text=said["text"],
            title=said.get("title"),
            author=said.get("author"),
            date=said.get("date"),
            vietnamese=said.get("lang_vi", False),
            described="title" in said,
        )


def refetched(page: Page) -> Page:
    """The page as the next visitor gets it, a day later: counters have grown, clock and view state are others."""
    html = _COUNTER.sub(lambda found: found[1] + _grown(found[2]), page.html)
    html = _STATE.sub(r"\1NewState", _CLOCK.sub("Thứ hai, 23/11/2026", html))
    return Page(page.name, page.url, html.encode(), page.text)


def _grown(number: str) -> str:
    more = str(int(re.sub(r"\D", "", number)) * 2 + 7)
    separator = next((mark for mark in number if not mark.isdigit()), "")
    return f"{int(more):,}".replace(",", separator)
