"""Pictures of every page, in both languages and both colour schemes, wide and on a phone: for who changes the design.

    python -m tests.screenshots [--only NAME] [DIRECTORY]

They are made from `rich`, with the Chromium of the system.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from browsers import CHROMIUM, opened  # noqa: E402
from serving import serving  # noqa: E402
from showcase import HOSTILE, SHOWCASE, URL, rich  # noqa: E402

PAGES: Mapping[str, str] = {
    "front": "/",
    "search": "/search?q=chinh+trang+kenh",
    "search-narrow": "/search?q=" + quote("chỉnh trang site:thst after:2024 before:2024"),
    "search-all": "/search",
    "search-nothing": "/search?q=" + quote("lịch tiếp công dân tháng 13 site:thst"),
    "search-unread": "/search?q=after:2024-13",
    "document": f"/d/{SHOWCASE}",
    "document-older": f"/d/{SHOWCASE}?version=1",
    "document-hostile": f"/d/{HOSTILE}",
    "compare": f"/compare/{SHOWCASE}?a=1&b=3",
    "address": f"/address?url={quote(URL, safe='')}",
    "site": "/site/thst",
    "changes": "/changes?site=thst",
    "runs": "/runs",
    "run": "/runs/c0905",
    "fixity": "/fixity",
    "missing": "/address?url=https%3A%2F%2Fthst.vn%2Ft%2Ftin-1000",
    "error": "/changes?week=hier",
}
WIDTHS = {"wide": 1440, "phone": 390}


def main() -> int:
    """Make them; exit status 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("screenshots"))
    parser.add_argument("--only", help="one page, by its name")
    parser.add_argument("--fold", action="store_true", help="only what is seen without scrolling")
    given = parser.parse_args()
    if CHROMIUM is None:
        print("no Chromium here: install Debian's package `chromium`", file=sys.stderr)
        return 1
    given.directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as home, serving(rich(Path(home) / "archive")) as room, opened() as browser:
        for scheme in ("light", "dark"):
            for width_name, width in WIDTHS.items():
                context = browser.new_context(
                    viewport={"width": width, "height": 1000}, color_scheme=scheme, base_url=room.url
                )
                page = context.new_page()
                for name, path in PAGES.items():
                    if given.only in (None, name):
                        for language, root in (("vi", ""), ("en", "/en")):
                            page.goto(f"{root}{path}")
                            picture = given.directory / f"{name}-{language}-{width_name}-{scheme}.png"
                            page.screenshot(path=picture, full_page=not given.fold)
                context.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
