"""The address guard, family by family, and --connect-to."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.guard import AddressRefused, ConnectTo, Guard, Target, is_public
from storage.errors import UsageError

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "103.1.208.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "100.63.255.255",
    "100.128.0.1",
    "223.255.255.254",
    "2001:4860:4860::8888",
    "2405:4800::1",
    "2a00:1450:4001::1",
    "2001:200::1",
    "::ffff:8.8.8.8",
    "2002:808:808::1",
    "64:ff9b::808:808",
]
REFUSED = [
    "0.0.0.0",  # unspecified
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",  # shared by carriers
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # metadata of cloud machines
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "232.1.1.1",
    "233.252.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::808:808",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:224.0.0.1",
    "::ffff:0:8.8.8.8",  # translated (RFC 2765)
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b::e000:1",
    "64:ff9b:1::808:808",  # local-use NAT64
    "100::1",  # discard
    "100:0:0:1::1",
    "2001::1",  # Teredo
    "2001:0:808:808:0:0:f7f7:f7f7",  # Teredo, server and client public
    "2001:2::1",  # benchmarks
    "2001:10::1",  # ORCHID
    "2001:20::1",
    "2001:1ff::1",
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4 of loopback
    "2002:a00:1::1",
    "2002:c0a8:1::1",
    "2002:e000:1::1",
    "3fff::1",
    "4000::1",  # not given out
    "5f00::1",  # segment routing
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",  # global multicast is multicast
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert not is_public(address)


def test_no_address() -> None:
    with pytest.raises(ValueError, match=r"example\.org"):
        is_public("example.org")


@given(st.ip_addresses(v=4))
def test_wrapped_addresses_are_judged_by_what_they_carry(ip: IPv4Address) -> None:
    number = int(ip)
    wrapped = (0xFFFF << 32 | number, 0x2002 << 112 | number << 80 | 1, 0x64FF9B << 96 | number)
    assert {is_public(IPv6Address(one)) for one in wrapped} == {is_public(ip)}


@given(st.ip_addresses())
def test_public_is_never_what_python_calls_special(ip: IPv4Address | IPv6Address) -> None:
    special = ip.is_loopback or ip.is_multicast or ip.is_link_local or ip.is_unspecified
    assert not (is_public(ip) and special)


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("a.vn:80:127.0.0.1:8080", ConnectTo("a.vn", 80, "127.0.0.1", 8080)),
        ("A.vn.:80:B.vn:8080", ConnectTo("a.vn", 80, "b.vn", 8080)),
        ("::127.0.0.1:8080", ConnectTo(None, None, "127.0.0.1", 8080)),
        ("a.vn:443::8443", ConnectTo("a.vn", 443, None, 8443)),
        ("a.vn:443:b.vn:", ConnectTo("a.vn", 443, "b.vn", None)),
        (":::", ConnectTo(None, None, None, None)),
        ("a.vn:80:[::1]:8080", ConnectTo("a.vn", 80, "::1", 8080)),
        ("[2001:db8::1]:80:[::1]:8080", ConnectTo("2001:db8::1", 80, "::1", 8080)),
    ],
)
def test_parse(text: str, mapping: ConnectTo) -> None:
    assert ConnectTo.parse(text) == mapping


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.vn",
        "a.vn:80",
        "a.vn:80:b.vn",
        "a:80:::1:80",
        "a:b:c:d",
        "a:80:b:99999",
        "a:0:b:80",
        "a:80:b:80:c",
        "[::1:80:b:1",
    ],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="--connect-to"):
        ConnectTo.parse(text)


def test_lookup() -> None:
    mapping = ConnectTo.parse("a.vn:80:127.0.0.1:8080")
    assert mapping.lookup("A.vn", 80) == ("127.0.0.1", 8080)
    assert mapping.lookup("a.vn.", 80) == ("127.0.0.1", 8080)
    assert mapping.lookup("a.vn", 443) is None
    assert mapping.lookup("www.a.vn", 80) is None
    assert ConnectTo.parse("a.vn::b.vn:").lookup("a.vn", 444) == ("b.vn", 444)
    assert ConnectTo.parse(":443::8443").lookup("c.vn", 443) == ("c.vn", 8443)


def test_first_mapping_wins_and_only_a_named_host_is_permitted() -> None:
    guard = Guard(map(ConnectTo.parse, ["a.vn:80:127.0.0.1:8080", "a.vn::10.0.0.1:", "b.vn:80::8080"]))
    assert guard.target("a.vn", 80) == Target("127.0.0.1", 8080, permitted=True)
    assert guard.target("a.vn", 443) == Target("10.0.0.1", 443, permitted=True)
    assert guard.target("b.vn", 80) == Target("b.vn", 8080, permitted=False)
    assert guard.target("127.0.0.1", 8080) == Target("127.0.0.1", 8080, permitted=False)


def test_one_private_address_refuses_the_host() -> None:
    guard = Guard()
    guard.check("a.vn", ["8.8.8.8", "2001:4860:4860::8888"])
    with pytest.raises(AddressRefused, match=r"a\.vn: its address ::1"):
        guard.check("a.vn", ["8.8.8.8", "::1"])
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1: it is not globally routable"):
        guard.check("127.0.0.1", ["127.0.0.1"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "localhost.localdomain",
        "ip6-localhost",
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0x7f000001",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "10.1",
        "0",
        "::1",
        "::ffff:127.0.0.1",
        "fe80::1%eth0",
        "127%2e0.0.1",
        "１２７.0.0.1",
        "",
    ],
)
def test_names_a_proxy_is_not_asked_for(host: str) -> None:
    with pytest.raises(AddressRefused):
        Guard().check_name(host)


@pytest.mark.parametrize(
    "host", ["a.vn", "www.chinhphu.vn.", "xn--sc-trng-s0a.vn", "a_b.vn", "8.8.8.8", "2001:4860:4860::8888"]
)
def test_names_a_proxy_is_asked_for(host: str) -> None:
    Guard().check_name(host)


def test_without_a_contact_only_mapped_hosts_are_asked() -> None:
    guard = Guard([ConnectTo.parse("thst.vn:443:127.0.0.1:8443")], mapped_only=True)
    assert guard.target("thst.vn", 443).permitted
    for asked in (lambda: guard.target("thst.vn", 80), lambda: guard.target("example.org", 443)):
        with pytest.raises(AddressRefused, match="without a contact"):
            asked()
    with pytest.raises(AddressRefused, match="without a contact"):
        guard.check_name("example.org")  # nor may a proxy be asked for it
