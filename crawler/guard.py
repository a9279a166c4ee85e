"""Where a crawl must not reach: pure checks of addresses, and the mappings that the operator allows."""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from storage.errors import UsageError

_NOT_SERVERS_4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments: what Python says of them differs by version
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, withdrawn (RFC 7526)
)
_UNICAST_6 = IPv6Network("2000::/3")  # all that is given out (RFC 4291)
_NOT_SERVERS_6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_NAME = re.compile(r"[a-z0-9_.-]+")
_MAPPING = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):(\d*):(\[[^\]]*\]|[^:\[\]]*):(\d*)")


class AddressRefused(Exception):
    """The address is not one that a crawl may reach; the message says which and why."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"refused to connect to {host}: {reason}")
        self.host = host
        self.reason = reason


def is_public(address: str | IPv4Address | IPv6Address) -> bool:
    """Whether the address is globally routable unicast, also inside its IPv6 wrapping.

    IPv4-mapped, 6to4 and NAT64 addresses are judged by the IPv4 address that they carry; Teredo, IPv4-compatible and
    local-use NAT64 addresses are refused. Raises ValueError when it is no address.
    """
    ip = ip_address(address) if isinstance(address, str) else address
    if isinstance(ip, IPv6Address):
        carried = _carried(ip)
        if carried is None:
            return ip in _UNICAST_6 and ip.is_global and not any(ip in network for network in _NOT_SERVERS_6)
        ip = carried
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_SERVERS_4)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


@dataclass(frozen=True, slots=True)
class ConnectTo:
    """One HOST:PORT:HOST2:PORT2 as in curl; None stands for any host or port, or for the one that was asked for."""

    host: str | None
    port: int | None
    to_host: str | None
    to_port: int | None

    @classmethod
    def parse(cls, text: str) -> "ConnectTo":
        """Read a mapping; IPv6 addresses stand in brackets. Raises UsageError."""
        found = _MAPPING.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"--connect-to {text}: write HOST:PORT:HOST2:PORT2, an IPv6 address in brackets")
        host, port, to_host, to_port = found.groups()
        return cls(_host(host), _port(port, text), _host(to_host), _port(to_port, text))

    def lookup(self, host: str, port: int) -> tuple[str, int] | None:
        """Where to connect instead, None when the mapping is for others."""
        if self.host not in (None, host.lower().rstrip(".")) or self.port not in (None, port):
            return None
        return self.to_host or host, self.to_port or port


def _host(text: str) -> str | None:
    return text.strip("[]").lower().rstrip(".") or None


def _port(text: str, mapping: str) -> int | None:
    if text and not 0 < int(text) < 65536:
        raise UsageError(f"--connect-to {mapping}: {text} is not a port")
    return int(text) if text else None


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect; `permitted` when the operator named this host, whatever its address."""

    host: str
    port: int
    permitted: bool


class Guard:
    """Decides for each connection where it goes and whether it may."""

    def __init__(self, mappings: Iterable[ConnectTo] = (), *, mapped_only: bool = False) -> None:
        self._mappings = tuple(mappings)
        self._mapped_only = mapped_only

    def target(self, host: str, port: int) -> Target:
        """Where the first mapping that fits leads, else the host itself; only a host named there is permitted.

        Raises AddressRefused for other hosts where only mapped ones may be asked.
        """
        for mapping in self._mappings:
            found = mapping.lookup(host, port)
            if found is not None:
                return Target(*found, permitted=mapping.to_host is not None)
        self._check_stranger(host)
        return Target(host, port, permitted=False)

    def is_mapped(self, host: str, port: int) -> bool:
        """Whether --connect-to names the host."""
        return any(mapping.lookup(host, port) is not None for mapping in self._mappings)

    def check(self, host: str, addresses: Iterable[str]) -> None:
        """Raise AddressRefused unless every address of the host is public."""
        for address in addresses:
            if not is_public(address):
                what = "it" if address == host else f"its address {address}"
                raise AddressRefused(host, f"{what} is not globally routable unicast")

    def check_name(self, host: str) -> None:
        """Raise AddressRefused for what a proxy must not be asked for: literal private addresses, localhost names."""
        self._check_stranger(host)
        name = host.lower().rstrip(".")
        literal = _literal(name)
        if literal is not None:
            self.check(host, [literal])
        elif name in _LOCAL_NAMES or name.endswith(".localhost"):
            raise AddressRefused(host, "it is this machine")
        elif not _NAME.fullmatch(name):
            raise AddressRefused(host, "it is not a host name")

    def _check_stranger(self, host: str) -> None:
        if self._mapped_only:
            raise AddressRefused(host, "without a contact only what --connect-to names is asked")


def _literal(name: str) -> str | None:
    """The address that a name is, also written as a resolver would take it: 127.1, 0x7f000001, 2130706433."""
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except (OSError, UnicodeError):
        return None
