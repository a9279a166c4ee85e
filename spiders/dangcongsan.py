"""Báo điện tử Đảng Cộng sản Việt Nam: the newspaper, and the portal that took its place."""

from crawler.sites import Layout, Listing, Rule, Site
from storage.model import Kind

_HOST = r"(?:www\.)?dangcongsan\.vn"
_LISTS = rf"{_HOST}/(?i:noidung/tintuc/lists)/(?P<list>[^/]+)"
_ENDS = (r"CÓ THỂ BẠN QUAN TÂM", r"Ý kiến bình luận.*", r"(?:Tin|Bài) (?:liên quan|cùng chuyên mục)\s*:?")

SITE = Site(
    key="dangcongsan",
    name="Báo điện tử Đảng Cộng sản Việt Nam",
    hosts=("dangcongsan.vn", "www.dangcongsan.vn"),
    seeds=(
        Listing("https://dangcongsan.vn/"),
        Listing("https://dangcongsan.vn/noidung/tintuc/Lists/Tinhoatdong/View.aspx?Page={page}"),
        Listing("https://dangcongsan.vn/noidung/tintuc/Lists/XaydungDang/View.aspx?Page={page}"),
        Listing("https://dangcongsan.vn/noidung/tintuc/Lists/Vandequantam/View.aspx?Page={page}"),
    ),
    rules=(
        Rule(rf"{_HOST}/.*-(?P<id>\d+)\.html", Kind.ARTICLE, (), "dangcongsan/{id}"),
        Rule(rf"{_LISTS}/[^/]+\.aspx", Kind.ARTICLE, (("itemid", r"(?P<item>\d+)"),), "dangcongsan/{list}/{item}"),
        Rule(rf"{_LISTS}/(?i:view|allitems)\.aspx", Kind.LIST),
        Rule(rf"{_HOST}/[a-z0-9-]+(?:/[a-z0-9-]+)?/p/\d+/?", Kind.LIST),
        Rule(rf"{_HOST}/(?:[a-z0-9-]+(?:/[a-z0-9-]+)?(?:/|\.html)?)?", Kind.LIST),
    ),
    layouts=(
        Layout(
            name="newspaper",
            title=("h1.post-title",),
            container=("div.post-content",),
            lead=("div.post-summary",),
            published=("div.lbPublishedDate", "span.post-subinfo"),
            tags=(".post-tag a", ".post-tag"),
            remove=(".post-tag",),
            starts=(r"Giọng (?:nữ|nam)",),
            ends=_ENDS,
        ),
        Layout(
            name="portal",
            title=("h1#contenttitle",),
            container=("div.noidungtt",),
            lead=("div#description",),
            authors=("b#tacgia",),
            published=("div#ngaytao",),
            remove=("b#tacgia",),
            ends=_ENDS,
        ),
    ),
    requisite_hosts=("file1.dangcongsan.vn",),
    slot="dangcongsan.vn",
    every="6h",
)
