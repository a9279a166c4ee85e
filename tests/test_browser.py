"""The reading room in a real browser, as people use it: with a mouse, with keys, on a phone, without JavaScript."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsers import CHROMIUM, PATIENCE, opened
from playwright.sync_api import Browser, BrowserContext, Page, expect
from serving import Served, serving
from showcase import HOSTILE, SHOWCASE, URL, rich

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install Debian's package `chromium`")

PAGES = {
    "front": "/",
    "search": "/search?q=chinh+trang+kenh",
    "search narrowed": "/search?q=" + quote("chỉnh trang site:thst after:2024 before:2024"),
    "search without results": "/search?q=khongcogi+site:thst",
    "search unread": "/search?q=after:2024-13",
    "document": f"/d/{SHOWCASE}",
    "hostile document": f"/d/{HOSTILE}",
    "older version": f"/d/{SHOWCASE}?version=1",
    "attachment": "/d/web:https://thst.vn/tep/so-do-doan-kenh.pdf",
    "compare": f"/compare/{SHOWCASE}?a=1&b=3",
    "address": f"/address?url={quote(URL, safe='')}",
    "site": "/site/thst",
    "calendar of another year": f"/address?url={quote(URL, safe='')}&year=2024",
    "changes of all": "/changes",
    "changes": "/changes?site=thst&week=2024-W47",
    "runs": "/runs",
    "run": "/runs/c0905",
    "fixity": "/fixity",
    "nothing": "/khong-co",
    "missing": "/address?url=https%3A%2F%2Fthst.vn%2Ft%2Ftin-",
    "error": "/changes?week=x",
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(rich(tmp_path_factory.mktemp("rich") / "archive", 120)) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as found:
        yield found


@pytest.fixture
def page(room: Served, browser: Browser) -> Iterator[Page]:
    size = {"width": 1280, "height": 900}
    with browser.new_context(base_url=room.url, viewport=size) as context, watched(context) as page:
        yield page


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page of which the browser must not complain: of a blocked style, a script that ran, what is not there."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"a script ran: {dialog.message}"))
    yield page
    expected = ("400 (Bad Request)", "404 (Not Found)")  # of the pages that say so
    assert [one for one in complaints if not one.endswith(expected)] == []


def test_search_with_and_without_diacritics(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("sat lo bo kenh")
    page.get_by_role("button", name="Tìm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("tài liệu$"))
    plain = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("searchbox").fill("sạt lở bờ kênh")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(plain)
    expect(page.locator("mark").first).to_have_text("sạt")


def test_a_facet_narrows_and_its_chip_widens(page: Page) -> None:
    page.goto("/search?q=kenh")
    before = page.get_by_role("heading", level=1).inner_text()
    facet = page.locator("nav.facets a").first
    count = facet.locator("span").inner_text()
    facet.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{count} tài liệu")
    page.locator("a.chip").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(before)


def test_the_histogram_filters_by_click(page: Page) -> None:
    page.goto("/search?q=kenh")
    year = page.locator("svg[role=group] a", has=page.locator("path.bar")).last
    name, count = (year.get_attribute("aria-label") or "").split(": ")
    year.locator("rect.hit").click(position={"x": 20, "y": 5})
    expect(page.get_by_role("heading", level=1)).to_have_text(count)
    expect(page.locator("a.chip")).to_contain_text(f"01/01/{name}")
    expect(page.locator("svg[role=group] a")).to_have_count(12)


def test_a_document_is_read_with_its_picture_and_its_proof(page: Page) -> None:
    page.goto("/search?q=" + quote('"nạo vét" site:thst'))
    page.locator("ol.list h3 a", has_text="Thành phố Sóc Trăng").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("chỉnh trang hai bờ kênh")
    picture = page.locator(".prose img").first
    picture.scroll_into_view_if_needed()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    page.get_by_text("Tự lấy bản ghi này ra").click()
    expect(page.locator("pre", has_text="gunzip")).to_be_visible()


def test_versions_are_compared(page: Page) -> None:
    page.goto(f"/d/{SHOWCASE}")
    page.get_by_role("link", name="Xem những gì đã đổi").click()
    page.get_by_label("Bản trước").select_option("1")
    page.get_by_role("button", name="So sánh").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hai phiên bản khác nhau ở tiêu đề và 4 đoạn")
    expect(page.locator("table.diff ins", has_text="2,1")).to_be_visible()
    page.get_by_role("link", name="Liền mạch").click()
    expect(page).to_have_url(re.compile("#inline$"))


def test_a_day_of_the_calendar_leads_to_its_capture(page: Page) -> None:
    page.goto(f"/d/{SHOWCASE}")
    page.get_by_role("link", name="Lịch bản chụp").click()
    page.get_by_role("link", name="16 tháng 1: máy chủ báo không thay đổi").click()
    row = page.locator("tr:target")
    expect(row).to_contain_text("16/01/2025")
    expect(row).to_contain_text("304")
    page.get_by_role("link", name="2024").click()
    expect(page.locator("table.fold tbody tr")).to_have_count(2)


def test_the_language_link_leads_to_the_same_page(page: Page) -> None:
    page.goto(f"/compare/{SHOWCASE}?a=1&b=3")
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(re.compile(rf"/en/compare/{SHOWCASE}\?a=1&b=3$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("The two versions differ in the title and 4 paragraphs")
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page).to_have_url(re.compile(rf"(?<!/en)/compare/{SHOWCASE}\?a=1&b=3$"))


def test_keys_alone_are_enough(page: Page) -> None:
    page.goto("/search?q=kenh")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Đến nội dung chính")
    assert page.evaluate("getComputedStyle(document.activeElement).top") == "0px"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'main'")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('svg') !== null")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(40):
        assert page.evaluate(outline) == "solid"
        if page.evaluate("document.activeElement.matches('ol.list h3 a')"):
            break
        page.keyboard.press("Tab")
    name = page.locator(":focus").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_everything_works_without_javascript(room: Served, browser: Browser) -> None:
    with browser.new_context(base_url=room.url, java_script_enabled=False) as context, watched(context) as page:
        page.goto("/")
        page.get_by_role("searchbox").fill("kênh")
        page.get_by_role("searchbox").press("Enter")
        page.locator("nav.facets a").first.click()
        expect(page.locator("a.chip")).to_be_visible()
        page.locator("ol.list h3 a").first.click()
        page.get_by_role("link", name="Lịch bản chụp").click()
        expect(page.locator("table.cal")).to_have_count(12)
        page.get_by_role("link", name="English").click()
        expect(page).to_have_url(re.compile("/en/"))
        expect(page.locator("table.cal")).to_have_count(12)


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_phone(room: Served, browser: Browser, width: int) -> None:
    size = {"width": width, "height": 800}
    with browser.new_context(base_url=room.url, viewport=size) as context, watched(context) as page:
        for name, path in PAGES.items():
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide: {page.evaluate(WIDEST, width)}"


WIDEST = """width => [...document.querySelectorAll('main *')]
    .filter(one => one.getBoundingClientRect().right > width + 1)
    .map(one => one.tagName + '.' + one.className).slice(0, 5).join(' ')"""


@pytest.mark.parametrize(  # any two of scheme, width and language come together in one of them
    ("scheme", "width", "root"),
    [("light", 1280, ""), ("dark", 360, ""), ("dark", 1280, "/en"), ("light", 360, "/en")],
)
def test_no_page_breaks_a_rule_of_accessibility(
    room: Served, browser: Browser, scheme: str, width: int, root: str
) -> None:
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    rules["resultTypes"] = ["violations"]  # of what is right only the first place is told: it takes less time
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    options |= {"bypass_csp": True}  # axe is put into the page by an inline script
    with browser.new_context(base_url=room.url, **options) as context, watched(context) as page:
        broken = {}
        for name, path in PAGES.items():
            page.goto(f"{root}{path}")
            found = Axe().run(page, options=rules)
            if found.violations_count:
                broken[name] = [
                    (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
                    for one in found.response["violations"]
                ]
        assert broken == {}


def test_print_leaves_out_what_is_for_the_screen(page: Page) -> None:
    page.goto(f"/d/{SHOWCASE}")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Chính")).to_be_hidden()
    expect(page.get_by_role("search")).to_be_hidden()
    expect(page.locator("#provenance")).to_be_visible()
