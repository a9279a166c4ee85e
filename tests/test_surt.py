"""The urlkey, held against the reference implementation."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.surt import surt
from storage.urls import canonicalize

reference = pytest.importorskip("surt").surt

ADDRESSES = (
    "https://chauthanh.soctrang.gov.vn/huyenchauthanh/1308/33327/57715/396962/Tin-Van-hoa---The-thao/Lanh-dao.aspx",
    "https://soctrang.gov.vn/mDefault.aspx?catid=57715&catname=Tin+V%C4%83n+h%C3%B3a&id=397719&pageid=369&sid=1308",
    "https://www.thst.vn/t/abc%C2%A0def/",
    "http://www2.example.vn:8080/a//b/../c/./?x=1",
    "https://example.vn/",
    "https://example.vn/?b=2&a&a=1&a=",
    "https://example.vn/x?jsessionid=0123456789ABCDEF0123456789abcdef&y=1",
    "https://example.vn/(S(abcdefghijklmnopqrstuvwx))/Tin/Bai.aspx?id=3",
    "https://example.vn/%25C3%25A0%2F%20x",
    "https://xn--bo-mia.vn/Ti%E1%BA%BFng",
)


@pytest.mark.parametrize("url", ADDRESSES)
def test_as_the_reference(url: str) -> None:
    assert surt(canonicalize(url)) == reference(canonicalize(url))


@given(
    st.lists(st.sampled_from(["a", "B", "..", ".", "", "%20", "%2F", "c.aspx", "ủ", "~", "a=b"]), max_size=6),
    st.lists(st.sampled_from(["a=1", "B=2", "b", "a", "", "=", "x=%20y", "sid=" + "a" * 32, "q=a=b"]), max_size=5),
    st.sampled_from(["example.vn", "www.example.vn", "www7.a.b.vn", "10.0.0.1", "example.vn:8080"]),
)
def test_any_address_as_the_reference(names: list[str], parameters: list[str], host: str) -> None:
    url = canonicalize(f"http://{host}/{'/'.join(names)}?{'&'.join(parameters)}")
    assert surt(url) == reference(url)
    assert re.fullmatch(r"[^ ]+\)/[^ ]*", surt(url))
