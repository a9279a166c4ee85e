import pytest

from crawler.requisites import Use, css, is_stream, played, srcset


def named(pairs: object) -> list[str]:
    return [reference for _, reference in pairs]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sheet", "urls"),
    [
        ("a{b:url(x.png)}", ["x.png"]),
        ("a{b:URL( 'x y.png' )}", ["x y.png"]),
        ('@import "a.css"; @import url(b.css) screen; @import\n\'c.css\';', ["a.css", "b.css", "c.css"]),
        ("@import/* why */'a.css';", ["a.css"]),
        ("/* url(no.png) @import 'no.css' */ a{b:url(yes.png)}", ["yes.png"]),
        ("a::after{content:'url(no.png)'} b{c:url(yes.png)}", ["yes.png"]),
        ("a{content:'/*'} b{c:url(yes.png)} d{content:'*/'}", ["yes.png"]),
        (r"a{b:url(a\(1\).png)} c{d:url('\61 b\00e9.png')} e{f:url('x\
y')}", ["a(1).png", "ab\u00e9.png", "xy"]),
        ("@font-face{src:url(f.eot?#iefix)format('eot'),url(f.woff2)format('woff2')}", ["f.eot?#iefix", "f.woff2"]),
        ("a{b:url()} /* open", []),
        ("a{b:url(x y.png)} c{d:url(z.png)}", ["z.png"]),
        (r"a{b:url(\110000 x)}", ["\ufffdx"]),
    ],
)  # fmt: skip
def test_css(sheet: str, urls: list[str]) -> None:
    assert named(css(sheet)) == urls


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("a.jpg, b.jpg 2x", ["a.jpg", "b.jpg"]),
        ("a.jpg 100w,b.jpg 200w", ["a.jpg", "b.jpg"]),
        (" a,b.jpg 1x , c.jpg 2x ,", ["a,b.jpg", "c.jpg"]),
        ("a.jpg (x,y) 1x, b.jpg", ["a.jpg", "b.jpg"]),
        ("", []),
    ],
)
def test_srcset(value: str, urls: list[str]) -> None:
    assert named(srcset(value)) == urls


@pytest.mark.parametrize("sheet", ["@import" + "/**/" * 20_000, "url(" + " " * 200_000, "url(" + r"\aaaaaa" * 2000])
def test_a_hostile_sheet_costs_no_more_than_its_size(sheet: str) -> None:
    assert named(css(sheet)) == []


def test_a_hostile_srcset_costs_no_more_than_its_size() -> None:
    assert named(srcset("a.png " + " " * 100_000 + "(")) == ["("]


def test_streams_in_the_scripts_of_a_page() -> None:
    html = rb"""<script>play({file:"https:\/\/pa.thst.vn\/hls-live\/a\/livestream.m3u8?t=1"})</script>"""
    assert list(played(html)) == [(Use.STREAM, "https://pa.thst.vn/hls-live/a/livestream.m3u8?t=1")]
    assert list(played(b"<p>no .m3u8 here</p>")) == []


def test_streams_by_name() -> None:
    assert is_stream("https://a.vn/x/live.M3U8?x=1")
    assert is_stream("https://a.vn/x.mp4")
    assert not is_stream("https://a.vn/x.html?file=x.mp4")
