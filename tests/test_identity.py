"""Which document an address is: the table of `sites.md`, through the sites' own files."""

from importlib import import_module

import pytest

from crawler.sites import Layout, Rule, Site
from storage.model import Kind
from storage.urls import canonicalize


def site(key: str) -> Site:
    found = import_module(f"spiders.{key}").SITE
    assert isinstance(found, Site)
    return found


CITY = "soctrang_city"
LANH_DAO = "huyenchauthanh/1308/33327/57715/396962/Tin-Van-hoa---The-thao---Du-lich/Lanh-dao-UBND-huyen-tham.aspx"
MOBILE = (
    "catid=57715&catname=Tin+V%C4%83n+h%C3%B3a&id=397719&pageid=369&sid=1308&sname=huyenchauthanh&title=doi-ghe-ngo-"
)

DOCUMENTS = [
    (CITY, f"https://chauthanh.soctrang.gov.vn/{LANH_DAO}", "vnpt:soctrang/396962"),
    (CITY, f"http://chauthanh.soctrang.gov.vn/{LANH_DAO}", "vnpt:soctrang/396962"),
    (CITY, f"https://soctrang.gov.vn:443/{LANH_DAO}", "vnpt:soctrang/396962"),
    (CITY, f"https://SoTuPhap.soctrang.gov.vn/{LANH_DAO}", "vnpt:soctrang/396962"),
    (CITY, f"https://soctrang.gov.vn/mDefault.aspx?{MOBILE}", "vnpt:soctrang/397719"),
    (
        CITY,
        f"https://vpub.soctrang.gov.vn/Default.aspx?{'&'.join(reversed(MOBILE.split('&')))}",
        "vnpt:soctrang/397719",
    ),
    (CITY, "https://soctrang.gov.vn/mdefault.aspx?ID=397719&SNAME=huyenchauthanh", "vnpt:soctrang/397719"),
    (
        CITY,
        "https://soctrang.gov.vn/Default.aspx?p_steering=27873&pageid=27160&sname=ubnd-stg",
        "vnpt:soctrang/steering/27873",
    ),
    (CITY, "https://tcttv.travinh.gov.vn/1462/39939/69621/649042/ly-luan-thuc-tien/nang-cao", "vnpt:travinh/649042"),
    (
        CITY,
        "https://tcttv.travinh.gov.vn:443/1462/39939/69621/649042/ly-luan-thuc-tien/nang-cao",
        "vnpt:travinh/649042",
    ),
    ("thst", "https://thst.vn/t/Thanh-pho-Soc-Trang%C2%A0tu-hao", "thst/t/Thanh-pho-Soc-Trang%C2%A0tu-hao"),
    ("thst", "http://www.thst.vn/t/Thanh-pho-Soc-Trang%c2%a0tu-hao", "thst/t/Thanh-pho-Soc-Trang%C2%A0tu-hao"),
    ("thst", "http://soctrangtv.vn/t/Thanh-pho-Soc-Trang\u00a0tu-hao", "thst/t/Thanh-pho-Soc-Trang%C2%A0tu-hao"),
    ("dangcongsan", "https://dangcongsan.vn/xay-dung-dang/thanh-pho-soc-trang-592693.html", "dangcongsan/592693"),
    ("dangcongsan", "http://www.dangcongsan.vn/thoi-su/mot–hai-592693.html?utm_source=x", "dangcongsan/592693"),
    (
        "dangcongsan",
        "https://dangcongsan.vn/noidung/tintuc/Lists/Tinhoatdong/View_Detail.aspx?ItemID=417",
        "dangcongsan/Tinhoatdong/417",
    ),
    (
        "soctrang_party",
        "http://soctrang.dcs.vn/XayDungDang/Pages/Nam-2024.aspx?PageIndex=2",
        "soctrang-party/xaydungdang/pages/nam-2024.aspx",
    ),
    (
        "soctrang_party",
        "https://soctrang.dcs.vn/Lists/TinTuc/DispForm.aspx?Source=x&ItemID=12",
        "soctrang-party/lists/tintuc/dispform.aspx?itemid=12",
    ),
]

NOT_DOCUMENTS = [
    (CITY, "https://thanhpho.soctrang.gov.vn/", Kind.LIST),
    (
        CITY,
        "http://tuyengiao.soctrang.gov.vn/bantuyengiao/1281/30598/54194/Dua-nghi-quyet-di-vao-cuoc-song/",
        Kind.LIST,
    ),
    (
        CITY,
        "https://vpub.soctrang.gov.vn/Default.aspx?sname=vpubnd&sid=1292&pageid=32237&catid=63645&catname=hoat-dong",
        Kind.LIST,
    ),
    (CITY, "https://soctrang.gov.vn/Default.aspx?keyword=x&sname=ubnd-stg", None),
    (CITY, "https://example.org/huyenchauthanh/1308/33327/57715/396962/a/b.aspx", None),
    ("thst", "https://thst.vn/", Kind.LIST),
    ("thst", "https://thst.vn/Home/ReloadSubject/3?MACD=7", Kind.LIST),
    ("thst", "https://thst.vn/Lich-phat-song-day-du", None),
    ("thst", "https://thst.vn/Home/NewLichPhatSong", None),
    ("dangcongsan", "https://dangcongsan.vn/", Kind.LIST),
    ("dangcongsan", "https://dangcongsan.vn/xay-dung-dang/p/3", Kind.LIST),
    ("dangcongsan", "https://dangcongsan.vn/noidung/tintuc/Lists/Tinhoatdong/View.aspx?Page=2", Kind.LIST),
    ("soctrang_party", "https://soctrang.dcs.vn/", Kind.LIST),
    ("soctrang_party", "https://soctrang.dcs.vn/XayDungDang/Pages/default.aspx", Kind.LIST),
    ("soctrang_party", "https://soctrang.dcs.vn/_layouts/15/start.aspx", None),
]


@pytest.mark.parametrize(("key", "url", "document"), DOCUMENTS)
def test_an_address_is_its_document(key: str, url: str, document: str) -> None:
    assert site(key).document(canonicalize(url)) == document


@pytest.mark.parametrize(("key", "url", "kind"), NOT_DOCUMENTS)
def test_what_is_no_document(key: str, url: str, kind: Kind | None) -> None:
    found = site(key).rule_for(canonicalize(url))
    assert site(key).document(canonicalize(url)) is None
    assert (found[0].kind if found else None) == kind


@pytest.mark.parametrize("name", ["login", "mail", "dichvucong", "motcua"])
def test_other_systems_of_the_province_are_not_followed(name: str) -> None:
    assert f"{name}.soctrang.gov.vn" not in site(CITY).hosts


def test_any_other_address_is_a_document_where_all_is_followed() -> None:
    everything = Site("x", "X", ("a.example",), (), follow_all=True)
    assert everything.document("https://a.example/b?c=1") == "web:https://a.example/b?c=1"
    assert Site("x", "X", ("a.example",), ()).document("https://a.example/b?c=1") is None


def test_templates() -> None:
    rule = Rule(r"a\.example/(?P<Name>[^/]+)/.*", Kind.ARTICLE, (("n", r"(?P<n>\d+)"),), "x/{Name:lower}{path}/{n}")
    groups = rule.match("https://a.example/B/c?n=1")
    assert groups is not None
    assert rule.document(groups) == "x/b/B/c/1"


def test_layouts_are_those_of_the_day() -> None:
    from datetime import date

    old, new = Layout("old", valid_until=date(2024, 1, 31)), Layout("new")
    everything = Site("x", "X", ("a.example",), (), layouts=(new, old))
    assert everything.layouts_at(date(2024, 1, 31)) == (old, new)
    assert everything.layouts_at(date(2024, 2, 1)) == (new,)
