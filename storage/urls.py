"""Addresses: one spelling for each, and the key under which archives look them up.

The spelling changes nothing that a server may tell apart, except what says who asks instead of what is asked:
tracking parameters, session ids, the order of parameters, and credentials. `http` and `https` are two addresses.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

import idna

from storage.errors import UsageError

_UNRESERVED = r"A-Za-z0-9._~\-"  # RFC 3986, section 2.3
_PATH = _UNRESERVED + "!$&'()*+,;=:@/"
_CONTROLS = "".join(map(chr, range(0x21)))  # what browsers strip from both ends
_LINES = str.maketrans("", "", "\t\n\r")  # and from everywhere
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ADDRESS = re.compile(r"(https?):[/\\]*([^/\\?#]*)([^?#]*)\??([^#]*)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # such a host is an IPv4 address or nothing
_CLEAN = re.compile(
    r"https?://(?=[^/]{1,253}(?:/|$))[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]+(?:/[A-Za-z0-9_~,=:@+-][A-Za-z0-9._~,=:@+-]*)*/?"
)
_CLEAN_PATH = re.compile(f"[{_PATH}]*")
_CLEAN_QUERY = re.compile(f"[{_PATH}?]*")
_UNCLEAN_PATH = re.compile(f"%[0-9A-Fa-f]{{2}}|[^{_PATH}]")
_UNCLEAN_QUERY = re.compile(f"%[0-9A-Fa-f]{{2}}|[^{_PATH}?]")
_IS_UNRESERVED = re.compile(f"[{_UNRESERVED}]")
_DOTS = re.compile(r"/\.\.?(?:/|$)")
_PATH_SESSION = re.compile(r";jsessionid=[^/;]*|/\((?:[A-Za-z]\([^/()]*\))+\)(?=/|$)", re.IGNORECASE)
_NOISE = re.compile(r"(?:utm_[^=]*|fbclid|gclid|jsessionid|phpsessid)(?:=.*)?", re.IGNORECASE | re.DOTALL)
_PORTS = {"http": "80", "https": "443"}


class NotAnAddress(UsageError):
    """Not an address of the web: nothing that http or https could fetch."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"not a web address: {url[:200]!r} ({reason})")
        self.url = url


@dataclass(frozen=True, slots=True)
class Base:
    """What the references on a page are relative to (RFC 3986, section 5), cut where they attach."""

    url: str  # without fragment
    scheme: str  # "https:"
    origin: str  # "https://host"
    page: str  # without query
    folder: str  # up to the last slash of the path

    @classmethod
    def of(cls, url: str) -> "Base":
        """The base that a canonical address is."""
        page = url.partition("?")[0]
        scheme, _, rest = page.partition("//")
        origin = f"{scheme}//{rest.partition('/')[0]}"
        return cls(url, scheme, origin, page, page[: page.rfind("/") + 1])

    def absolute(self, reference: str) -> str:
        """The reference behind what it attaches to: the same text here means the same address, not yet canonical."""
        reference = reference.strip(_CONTROLS)
        if "\n" in reference or "\t" in reference or "\r" in reference:
            reference = reference.translate(_LINES)
        first = reference[:1]
        if first and first in "/\\":
            second = reference[1:2]
            return (self.scheme if second and second in "/\\" else self.origin) + reference
        if not first or first == "#":
            return self.url + reference
        if first == "?":
            return self.page + reference
        return reference if _SCHEME.match(reference) else self.folder + reference


def resolve(base: str, reference: str) -> str:
    """The canonical address that a reference means on the page at `base`; raises NotAnAddress."""
    return canonicalize(Base.of(base).absolute(reference))


def canonicalize(url: str) -> str:
    """The one spelling of an address; that of a spelling is itself. Raises NotAnAddress.

    Read as browsers read it (WHATWG), written as RFC 3986 has it (sections 6.2.2 and 6.2.3): escapes of unreserved
    characters are undone because they mean the same by that standard, all others stay. Parameters are sorted by name,
    those of one name keep their order.
    """
    if _CLEAN.fullmatch(url):
        return url if url.count("/") > 2 else url + "/"
    parts = _ADDRESS.match(url.strip(_CONTROLS).translate(_LINES))
    if parts is None:
        raise NotAnAddress(url, "it does not start with http:// or https://")
    scheme = parts[1].lower()
    try:
        host = _authority(parts[2], _PORTS[scheme])
    except ValueError as error:
        raise NotAnAddress(url, str(error)) from error
    query = _query(parts[4]) if parts[4] else ""
    return f"{scheme}://{host}{_path(parts[3])}{'?' if query else ''}{query}"


def file_name(url: str) -> str:
    """What a file is called by its address; the address where that ends in no name."""
    return PurePosixPath(unquote(urlsplit(url).path)).name or url


def _authority(text: str, default_port: str) -> str:
    name, colon, port = text.rpartition("@")[2].rpartition(":")
    if not colon or name.count("[") != name.count("]"):
        name, port = name + colon + port, ""
    if port and (not port.isascii() or not port.isdigit() or int(port) > 65535):
        raise ValueError(f"port {port}")
    number = str(int(port)) if port else default_port
    return _host(name) + ("" if number == default_port else f":{number}")


def _host(name: str) -> str:
    if name.startswith("[") and name.endswith("]") and "%" not in name:
        return f"[{ipaddress.IPv6Address(name[1:-1]).compressed}]"
    if "%" in name:
        name = unquote(name, errors="strict")
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode("ascii")
    name = name.lower().removesuffix(".")
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise ValueError(f"host {name!r}")
    if _NUMBER.fullmatch(name):
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError as error:
            raise ValueError(f"host {name!r}") from error
    return name


def _path(path: str) -> str:
    path = path.replace("\\", "/")
    if not _CLEAN_PATH.fullmatch(path):
        path = _UNCLEAN_PATH.sub(_escape, path)
    if ";" in path or "(" in path:
        path = _without_sessions(path)
    if "/." in path and _DOTS.search(path):
        path = _without_dots(path)
    return path or "/"


def _without_sessions(path: str) -> str:
    while (shorter := _PATH_SESSION.sub("", path)) != path:
        path = shorter  # what is left may have another
    return path


def _without_dots(path: str) -> str:
    kept: list[str] = []
    *folders, last = path.split("/")[1:]
    for segment in folders:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if last == "..":
        del kept[-1:]
    return "/".join(["", *kept, "" if last in (".", "..") else last])


def _query(query: str) -> str:
    if not _CLEAN_QUERY.fullmatch(query):
        query = _UNCLEAN_QUERY.sub(_escape, query)
    parameters = [one for one in query.split("&") if one and not _NOISE.fullmatch(one)]
    parameters.sort(key=_name)
    return "&".join(parameters)


def _name(parameter: str) -> str:
    return parameter.partition("=")[0]


def _escape(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) == 1:  # a "%" that begins no escape, too: else undoing what follows it could make one
        return quote(text, safe="", errors="replace")
    character = chr(int(text[1:], 16))
    return character if _IS_UNRESERVED.fullmatch(character) else text.upper()
