"""Trang thông tin điện tử tổng hợp Đảng bộ tỉnh Sóc Trăng, on SharePoint."""

from crawler.sites import Layout, Listing, Rule, Site
from storage.model import Kind

_HOST = r"(?:www\.)?soctrang\.dcs\.vn"
_NOT_READ = r"(?!(?i:_layouts|_catalogs|_vti_bin|_login|PublishingImages|Style%20Library|search)/)"

SITE = Site(
    key="soctrang-party",
    name="Trang thông tin điện tử tổng hợp Đảng bộ tỉnh Sóc Trăng",
    hosts=("soctrang.dcs.vn", "www.soctrang.dcs.vn"),
    seeds=(Listing("https://soctrang.dcs.vn/"),),
    rules=(
        Rule(
            rf"{_HOST}/{_NOT_READ}.+\.aspx",
            Kind.ARTICLE,
            (("itemid", r"(?P<item>\d+)"),),
            "soctrang-party{path:lower}?itemid={item}",
        ),
        Rule(rf"{_HOST}/{_NOT_READ}(?:.*/)?(?i:default|home|allitems|view|search|results)\.aspx", Kind.LIST),
        Rule(rf"{_HOST}/{_NOT_READ}.+\.(?i:aspx|html?)", Kind.ARTICLE, (), "soctrang-party{path:lower}"),
        Rule(rf"{_HOST}/{_NOT_READ}(?:[^/.]+/)*[^/.]*", Kind.LIST),
    ),
    layouts=(
        Layout(
            name="soctrang-party",
            starts=(r"Lượt xem\s*:\s*[\d.,]+",),
            ends=(
                r"(?P<text>.{0,60}?)\s*Phim tư liệu",
                r"Thống kê truy cập",
                r"(?:No title\.{3}\s*)+",
                r"(?:\d{1,3}\s+){2,}(?:\.{3}|…)",
            ),
            drop=(r"Lượt xem\s*:\s*[\d.,]+",),
        ),
    ),
    slot="soctrang.dcs.vn",
    every="7d",  # may be gone
)
