"""The urlkey of an address: its Sort-friendly URI Reordering Transform, as pywb and the Wayback Machine make it.

Only for look-up and CDX, since it folds much together: case, `www.`, a slash at the end, the order of the query,
session ids. The rules are those of the canonicalization that the CDX format names; the tests hold them against the
reference implementation.
"""

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

_KEPT = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"  # what is not escaped
_WWW = re.compile(r"www\d*\.")
_PATH_SESSION = (
    re.compile(r"(.*/)\((?:[a-z]\([0-9a-z]{24}\))+\)/([^?]+\.aspx.*)"),
    re.compile(r"(.*/)\([0-9a-z]{24}\)/([^?]+\.aspx.*)"),
)
_QUERY_SESSION = tuple(
    re.compile(rf"(.*)(?:{name})(?:&(.*))?")
    for name in (
        "jsessionid=[0-9a-z]{32}",
        "phpsessid=[0-9a-z]{32}",
        "sid=[0-9a-z]{32}",
        "aspsessionid[a-z]{8}=[a-z]{24}",
        "cfid=[^&]+&cftoken=[^&]+",
    )
)


def surt(url: str) -> str:
    """The urlkey of a canonical http or https address, such as `vn,gov,soctrang)/default.aspx?catid=1&id=2`."""
    authority, _, rest = url.partition("://")[2].partition("/")
    path, _, query = rest.partition("?")
    host, port = _split(authority)
    key = f"{','.join(reversed(_WWW.sub('', host, count=1).split('.')))}{port}){_path(path)}"
    reordered = _query(query) if query else ""
    return f"{key}?{reordered}" if reordered else key


def _split(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, ""
    return host, f":{port}"


def _path(path: str) -> str:
    names = _unescaped(path).split(b"/")
    kept: list[bytes] = []
    for name in names[:-1]:
        if name == b"..":
            kept = kept[:-1]
        elif name not in (b"", b"."):
            kept.append(name)
    kept.append(b"" if names[-1] in (b".", b"..") else names[-1])
    text = quote_from_bytes(b"/" + b"/".join(kept), safe=_KEPT).lower()
    for pattern in _PATH_SESSION:
        text = pattern.sub(r"\1\2", text)
    return text[:-1] if len(text) > 1 and text.endswith("/") else text


def _query(query: str) -> str:
    text = quote_from_bytes(_unescaped(query), safe=_KEPT).lower()
    for pattern in _QUERY_SESSION:
        found = pattern.fullmatch(text)
        if found:
            text = found[1] + (found[2] or "")
    return "&".join("=".join(pair) for pair in sorted(tuple(part.split("=", 1)) for part in text.split("&")))


def _unescaped(text: str) -> bytes:
    raw = text.encode()
    while (once := unquote_to_bytes(raw)) != raw:
        raw = once
    return raw
