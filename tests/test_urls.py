from string import printable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.errors import UsageError
from storage.surt import surt
from storage.urls import Base, NotAnAddress, canonicalize, resolve


@pytest.mark.parametrize(
    ("given_url", "canonical"),
    [
        ("HTTP://Thst.VN", "http://thst.vn/"),
        ("https://thst.vn/t/a", "https://thst.vn/t/a"),
        ("  https://thst.vn/t/a\n", "https://thst.vn/t/a"),
        ("https://thst.vn/t/\ta\r\nb", "https://thst.vn/t/ab"),
        # ports, credentials, fragments
        ("https://tcttv.travinh.gov.vn:443/1462/", "https://tcttv.travinh.gov.vn/1462/"),
        ("http://a.vn:80/", "http://a.vn/"),
        ("http://a.vn:443/", "http://a.vn:443/"),
        ("http://a.vn:08080/", "http://a.vn:8080/"),
        ("http://a.vn:/x", "http://a.vn/x"),
        ("https://me:secret@a.vn/x", "https://a.vn/x"),
        ("https://a.vn/x#top", "https://a.vn/x"),
        # hosts
        ("https://BÁO.vn/", "https://xn--bo-mia.vn/"),
        ("https://a.vn./x", "https://a.vn/x"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://[::FFFF:1]:80/", "http://[::ffff:1]/"),
        ("http:\\\\a.vn\\x\\y?a\\b", "http://a.vn/x/y?a%5Cb"),
        # paths
        ("https://a.vn/x/./y/../z", "https://a.vn/x/z"),
        ("https://a.vn/../../x/..", "https://a.vn/"),
        ("https://a.vn/x/%2e%2E/y", "https://a.vn/y"),
        ("https://a.vn/x//y", "https://a.vn/x//y"),
        ("https://a.vn/Tiếng Việt", "https://a.vn/Ti%E1%BA%BFng%20Vi%E1%BB%87t"),
        ("https://a.vn/x\u2013y", "https://a.vn/x%E2%80%93y"),
        ("https://thst.vn/t/a%c2%a0b", "https://thst.vn/t/a%C2%A0b"),
        ("https://a.vn/a%2fb", "https://a.vn/a%2Fb"),
        ("https://a.vn/%41%7e%2D", "https://a.vn/A~-"),
        ("https://a.vn/100%", "https://a.vn/100%25"),
        ("https://a.vn/%%34%31", "https://a.vn/%2541"),
        ("https://a.vn/a|b[1]", "https://a.vn/a%7Cb%5B1%5D"),
        # queries
        ("https://a.vn/x?", "https://a.vn/x"),
        ("https://a.vn/x?b=2&a=3&b=1", "https://a.vn/x?a=3&b=2&b=1"),
        ("https://a.vn/x?catname=Tin+Văn", "https://a.vn/x?catname=Tin+V%C4%83n"),
        ("https://a.vn/x?q=a%26b%3Dc%2B", "https://a.vn/x?q=a%26b%3Dc%2B"),
        ("https://a.vn/x?utm_source=z&UTM_medium=y&id=1&fbclid=q&gclid=w", "https://a.vn/x?id=1"),
        ("https://a.vn/x?utm%5Fsource=z", "https://a.vn/x"),
        ("https://a.vn/x?url=http://b.vn/?c", "https://a.vn/x?url=http://b.vn/?c"),
        # session ids
        ("https://a.vn/x;jsessionid=0A1B?id=1", "https://a.vn/x?id=1"),
        ("https://a.vn/x?PHPSESSID=abc&JSESSIONID=d&id=1", "https://a.vn/x?id=1"),
        ("https://a.vn/p/(S(5mcx2m55wvlrfu2ywlxhqh45))/x.aspx", "https://a.vn/p/x.aspx"),
        ("https://a.vn/(A(aa)F(bb)S(cc))/x.aspx", "https://a.vn/x.aspx"),
        ("https://a.vn/(S)/Tin(1).aspx", "https://a.vn/(S)/Tin(1).aspx"),
    ],
)
def test_one_spelling(given_url: str, canonical: str) -> None:
    assert canonicalize(given_url) == canonical
    assert canonicalize(canonical) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "", "/x", "//a.vn/", "a.vn/x", "ftp://a.vn/", "javascript:void(0)", "mailto:a@b.vn", "data:,x", "http://", "http:///",
        "https://a b.vn/", "https://a.vn:99999/", "https://a.vn:x/", "http://1.2.3.4.5/", "http://999.1/", "http://[::1/",
        "http://[fe80::1%25eth0]/", "http://a..vn/", "http://%ff.vn/", f"http://{'a' * 254}.vn/x",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(NotAnAddress) as caught:
        canonicalize(url)
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, ValueError)


def test_http_and_https_are_two() -> None:
    assert canonicalize("http://a.vn/") != canonicalize("https://a.vn/")


_parts = st.text(alphabet=printable + "ủ\u00a0\u200b\ud800\U0001f600", max_size=40)


@given(st.builds("{}://{}/{}?{}".format, st.sampled_from(["http", "https"]), st.just("a.vn"), _parts, _parts))
def test_a_spelling_is_its_own(url: str) -> None:
    canonical = canonicalize(url)
    assert canonicalize(canonical) == canonical
    assert canonical.isascii()
    assert not set(canonical) & set(' \t\n\r"<>\\^`{|}[]#')


@given(
    st.lists(
        st.sampled_from(["%", "4", "1", "2", "e", ".", "/", "a", ";jsessionid=", "(S(", "))", "?", "&", "utm_", "="])
    )
)
@example(["(S(", "))", ";jsessionid="])
def test_no_removal_makes_another(pieces: list[str]) -> None:
    canonical = canonicalize("http://a.vn/" + "".join(pieces))
    assert canonicalize(canonical) == canonical


@given(st.permutations(["a=1", "b=2", "c=3", "d"]))
def test_the_order_of_parameters_is_none(parameters: list[str]) -> None:
    assert canonicalize("https://a.vn/?" + "&".join(parameters)) == "https://a.vn/?a=1&b=2&c=3&d"


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("/x", "https://a.vn/x"),
        ("\\x", "https://a.vn/x"),
        ("//b.vn/x", "https://b.vn/x"),
        ("\\/b.vn/x", "https://b.vn/x"),
        ("x", "https://a.vn/p/q/x"),
        ("../x", "https://a.vn/p/x"),
        ("?Page=2", "https://a.vn/p/q/View.aspx?Page=2"),
        ("#x", "https://a.vn/p/q/View.aspx?Page=1"),
        ("", "https://a.vn/p/q/View.aspx?Page=1"),
        (" \n x\n ", "https://a.vn/p/q/x"),
        ("http://b.vn", "http://b.vn/"),
        ("a/b:c", "https://a.vn/p/q/a/b:c"),
    ],
)
def test_references(reference: str, meant: str) -> None:
    assert resolve("https://a.vn/p/q/View.aspx?Page=1", reference) == meant


def test_a_slash_in_the_query_is_no_folder() -> None:
    assert resolve("https://a.vn/p/x?u=/q/r", "y") == "https://a.vn/p/y"
    assert Base.of("https://a.vn:8080/").origin == "https://a.vn:8080"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        # from pywb's own documentation, tests and sample index
        ("http://example.com/path/file.html", "com,example)/path/file.html"),
        ("http://iana.org/_css/2013.1/fonts/Inconsolata.otf", "org,iana)/_css/2013.1/fonts/inconsolata.otf"),
        ("http://www.example.com/", "com,example)/"),
        ("http://example.com?example=1", "com,example)/?example=1"),
        ("http://archive.org/goo/?a=2&b&a=1", "org,archive)/goo?a=1&a=2&b"),
        # ours
        ("https://thst.vn/t/a%C2%A0b", "vn,thst)/t/a%c2%a0b"),
        ("https://soctrang.gov.vn:8443/A.aspx?id=1&CatName=X", "vn,gov,soctrang:8443)/a.aspx?catname=x&id=1"),
        ("http://127.0.0.1:8088/x/", "1,0,0,127:8088)/x"),
    ],
)
def test_the_key_is_that_of_pywb(url: str, key: str) -> None:
    assert surt(canonicalize(url)) == key
