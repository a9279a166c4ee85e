"""VNPT vnPortal, which hundreds of Vietnamese government portals run.

Any host of a province serves the articles of all its portals, and the `pageid` in an address is a layout: a document
is the province and the article's number. The province is the name before `.gov.vn`.
"""

from crawler.sites import Family, Layout, Rule
from storage.model import Kind

_HOST = r"(?:[\w-]+\.)*(?P<province>[\w-]+)\.gov\.vn"
_PAGE = rf"{_HOST}/(?i:m?default\.aspx)?"
_NUMBERS = r"(?:[^/]+/)?\d+/\d+/\d+"  # name of the portal, its number, page, category
_COUNTER = r"Lượt xem\s*:\s*[\d.,]+"

FAMILY = Family(
    name="vnpt-portal",
    rules=(
        Rule(_PAGE, Kind.ARTICLE, (("p_steering", r"(?P<steering>\d+)"),), "vnpt:{province:lower}/steering/{steering}"),
        Rule(_PAGE, Kind.ARTICLE, (("id", r"(?P<id>\d+)"),), "vnpt:{province:lower}/{id}"),
        Rule(rf"{_HOST}/{_NUMBERS}/(?P<id>\d+)(?:/[^/]+)+/?", Kind.ARTICLE, (), "vnpt:{province:lower}/{id}"),
        Rule(_PAGE, Kind.LIST, (("catid", r"\d+"),)),
        Rule(_PAGE, Kind.LIST, (("sname", r".+"), ("sid", r"\d+"), ("pageid", r"\d+"))),
        Rule(rf"{_HOST}/{_NUMBERS}(?:/[^/]*)?/?", Kind.LIST),
        Rule(rf"{_HOST}/(?:[\w-]+/?)?", Kind.LIST),
    ),
    layouts=(
        Layout(
            name="vnpt",
            title=(".ArticleHeader",),
            container=(".ArticleContent",),
            published=("div.DateCreate",),
            remove=("div.UIMultiFunction_Default", "div.MultiFunctionControl", ".ButtonPage", "ul.ArticleList"),
            starts=(_COUNTER,),
            ends=(
                r"VIDEO",
                r"Văn bản chỉ đạo",
                r"SỐ LƯỢNG TRUY CẬP",
                r"(?:Các t|T)in (?:đã đưa|khác|mới hơn|cũ hơn|liên quan)\s*:?",
                r"Cơ quan chủ quản\s*:.*",
            ),
            drop=(_COUNTER, r"Tất cả\s*:\s*[\d.,]+"),
        ),
    ),
    requisite_hosts=("storage-vnportal.vnpt.vn",),
)
