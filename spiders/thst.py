"""Đài Phát thanh và Truyền hình Sóc Trăng: one application under several hosts."""

from crawler.sites import Layout, Listing, Rule, Site
from storage.model import Kind

_HOST = r"(?:www\.)?(?:thst|soctrangtv)\.vn"

SITE = Site(
    key="thst",
    name="Đài Phát thanh và Truyền hình Sóc Trăng",
    hosts=("thst.vn", "www.thst.vn", "soctrangtv.vn", "www.soctrangtv.vn"),
    seeds=(
        Listing("https://thst.vn/"),
        Listing("https://thst.vn/Home/ReloadSubject/{page}?MACD=7"),  # Tin địa phương
        Listing("https://thst.vn/Home/ReloadSubject/{page}?MACD=60"),  # Đời sống - Xã hội
    ),
    rules=(
        Rule(rf"{_HOST}/t/(?P<slug>[^/]+)", Kind.ARTICLE, (), "thst/t/{slug}"),
        Rule(rf"{_HOST}/Home/ReloadSubject/\d+", Kind.LIST, (("macd", r"\d+"),)),
        Rule(rf"{_HOST}/(?!t/|Home/|UserFiles/|Content/|Scripts/|Lich-)[^/.]*(?:/[^/.]*)?", Kind.LIST),
    ),
    layouts=(
        Layout(
            name="thst",
            starts=(r"(?:Trang chủ\s*)?>>\s.*", r"Cập nhật\s*:\s*\d{1,2}/\d{1,2}/\d{4}(?P<text>.*)"),
            ends=(
                r"Tags?\s*:.*",
                r"TIN LIÊN QUAN",
                r"TRANG THÔNG TIN ĐIỆN TỬ TỔNG HỢP - ĐÀI PT & TH SÓC TRĂNG.*",
                r"TRANG THÔNG TIN ĐIỆN TỬ BÁO VÀ PHÁT THANH - TRUYỀN HÌNH CẦN THƠ.*",
            ),
            drop=(r".*\(Lượt xem\s*:\s*[\d.,]+\)",),
        ),
    ),
    slot="thst.vn",
    every="6h",
)
