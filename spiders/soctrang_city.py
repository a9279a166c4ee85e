"""Cổng thông tin điện tử UBND Thành phố Sóc Trăng: the city portal and its neighbours on the province's platform."""

from crawler.families.vnpt_portal import FAMILY
from crawler.sites import Listing, Site

# Other systems live under soctrang.gov.vn (login., mail., dichvucong., motcua.): only hosts named here are followed.
SITE = Site(
    key="soctrang-city",
    name="Cổng thông tin điện tử UBND Thành phố Sóc Trăng",
    hosts=(
        "thanhpho.soctrang.gov.vn",
        "soctrang.gov.vn",
        "chauthanh.soctrang.gov.vn",
        "vpub.soctrang.gov.vn",
        "tuyengiao.soctrang.gov.vn",
        "bandantoc.soctrang.gov.vn",
        "sotuphap.soctrang.gov.vn",
    ),
    seeds=(
        Listing("https://thanhpho.soctrang.gov.vn/"),
        Listing("https://soctrang.gov.vn/"),
        Listing("http://tuyengiao.soctrang.gov.vn/bantuyengiao/1281/30598/54194/Dua-nghi-quyet-di-vao-cuoc-song/"),
        Listing(
            "https://vpub.soctrang.gov.vn/Default.aspx"
            "?sname=vpubnd&sid=1292&pageid=32237&catid=63645&catname=hoat-dong-dang-doan-the"
        ),
    ),
    family=FAMILY,
    slot="soctrang.gov.vn",
    every="1d",  # the city was abolished in July 2025: there may be nothing new
)
