"""The sites: one file each, data only. Here alone a site is looked up.

A file holds one `SITE`. Files in `<home>/spiders/` are the same and are executed only where the caller says so
(`own=True`): a home is data that archives hand to each other.
"""

import re
import runpy
import traceback
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from crawler.scope import seeds
from crawler.sites import Listing, Site, Sitemap
from storage.errors import BrokenSite, UnknownSite
from storage.urls import NotAnAddress, canonicalize

_KEY = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")


def sites(home: Path | None = None, own: bool = False) -> dict[str, Site]:
    """All sites by key, in the order of their keys; raises BrokenSite."""
    known = _read(sorted((home / "spiders").glob("*.py")), _ours()) if own and home else _ours()
    return {key: known[key][0] for key in sorted(known)}


def site(key: str, home: Path | None = None, own: bool = False) -> Site:
    """The site of this key; raises UnknownSite, which names those that come near, or BrokenSite."""
    known = sites(home, own)
    if key not in known:
        raise UnknownSite(key, get_close_matches(key, known, n=3))
    return known[key]


def load(name: str, home: Path | None = None, own: bool = False) -> Site:
    """The site of a key, or the one made for an address; importable by name, so a worker process can be told to."""
    return adhoc(name) if "://" in name else site(name, home, own)


def of_captures(key: str, url: str, home: Path | None = None, own: bool = False) -> Site:
    """The site under whose key an address was captured, also one that was made for an address; raises UnknownSite."""
    made = adhoc(url)
    return made if made.key == key and key not in sites(home, own) else site(key, home, own)


def documents(url: str) -> Iterator[str]:
    """The documents that an address is by the rules of our sites, captured or not; none where it is no address.

    They are looked for when somebody wants them.
    """
    try:
        asked = canonicalize(url if "://" in url else f"https://{url}")
    except NotAnAddress:
        return
    yield from (found for one in sites().values() if (found := one.document(asked)) is not None)


def adhoc(url: str) -> Site:
    """A site for one address and every page on its host, by generic rules; raises NotAnAddress."""
    start = canonicalize(url)
    parts = urlsplit(start)
    host = parts.hostname or ""
    name = host.removeprefix("www.")
    return Site(
        key=re.sub(r"[^a-z0-9.]+", "-", f"{name}-{parts.port or ''}").strip("-."),
        name=name,
        hosts=(name,) if _is_single(name) else (name, f"www.{name}"),
        seeds=(Listing(start), Sitemap(f"{parts.scheme}://{parts.netloc}/sitemap.xml")),
        follow_all=True,
    )


def read_site(path: Path) -> Site:
    """The site that a file declares; raises BrokenSite with the file and, where it is known, the line."""
    try:
        declared = runpy.run_path(str(path)).get("SITE")
    except Exception as error:
        raise BrokenSite(path, _line(error, path), f"{type(error).__name__}: {error}") from error
    if not isinstance(declared, Site):
        raise BrokenSite(path, None, "it must assign a Site to the name SITE")
    fault = _fault(declared)
    if fault:
        raise BrokenSite(path, None, fault)
    return declared


@cache
def _ours() -> Mapping[str, tuple[Site, Path]]:
    """The sites that are shipped, which stay as they are while a process runs: they are read once."""
    paths = sorted(Path(__file__).parent.glob("*.py"))
    return _read([path for path in paths if path.name not in ("__init__.py", "loader.py")], {})


def _read(paths: Iterable[Path], others: Mapping[str, tuple[Site, Path]]) -> dict[str, tuple[Site, Path]]:
    """The sites of these files and the others, by key, each with its file; raises BrokenSite."""
    known = dict(others)
    for path in paths:
        one = read_site(path)
        if one.key in known:
            raise BrokenSite(path, None, f"the key {one.key!r} belongs to {known[one.key][1]}")
        known[one.key] = (one, path)
    return known


def _line(error: Exception, path: Path) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _fault(declared: Site) -> str | None:
    if not _KEY.fullmatch(declared.key):
        return f"the key {declared.key!r} must be lower-case letters and digits, joined by '-' or '.'"
    if not declared.hosts or not declared.seeds:
        return "a site needs at least one host and one seed"
    try:
        for rule in declared.all_rules:
            for pattern in (rule.path, *(value for _, value in rule.query)):
                re.compile(pattern)
        seeds(declared)
    except (re.error, ValueError) as error:
        return str(error)
    return None


def _is_single(host: str) -> bool:
    """Whether a host has no `www` twin: an address in numbers, or a name of one label."""
    try:
        ip_address(host)
    except ValueError:
        return "." not in host
    return True
