"""What of the web belongs to the crawl of a site, and as what; and which addresses only lead in circles."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from crawler.sites import Listing, Site
from storage.model import Found, Kind
from storage.urls import canonicalize

SEEDED = 0  # the priority of seeds
PRIORITIES = {
    Kind.ROBOTS: 0,
    Kind.LIST: 10,
    Kind.ARTICLE: 20,
    Kind.PAGE: 20,
    Kind.ATTACHMENT: 30,
    Kind.REQUISITE: 40,
}
_LONGEST = 2000  # bytes
_REPEATS = 3  # of one name in a path
_DEPTH = 30  # names in a path
_CALENDAR_HOPS = 10
_MOVES = 20

_ATTACHMENT = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|od[ts]|rtf|zip|rar)$", re.IGNORECASE)
_ASSET = re.compile(
    r"\.(?:png|jpe?g|gif|webp|avif|svg|ico|bmp|tiff?|css|js|mjs|json|woff2?|ttf|otf|eot|swf|vtt)$", re.IGNORECASE
)
_CALENDAR = re.compile(
    r"[?&](?:(?:year|month|week|day|date|nam|thang|tuan|ngay)=[^&]*\d"
    r"|[^=&]*=\d{4}-\d\d?(?:-\d\d?)?(?:&|$)|[^=&]*=\d\d?(?:/|%2F)\d\d?(?:/|%2F)\d{4}(?:&|$))",
    re.IGNORECASE,
)
_SESSION = re.compile(
    r"[?&](?:s(?:ess(?:ion)?_?)?id|sess(?:ion)?|oscsid|zenid|cfid|cftoken|aspsessionid\w*)=[\w%-]{16,}(?:&|$)",
    re.IGNORECASE,
)
_POST_BACK = re.compile(r"[?&]__(?:EVENTTARGET|EVENTARGUMENT|VIEWSTATE\w*|EVENTVALIDATION)=", re.IGNORECASE)
_FRONT = re.compile(r"/?(?:(?:index|default|home|trang-?chu)(?:\.\w{1,5})?/?)?", re.IGNORECASE)
_NUMBER = "907160524"  # stands for {page} while its address is made canonical


class Scope:
    """The hosts and rules of one site; a host and its `www` twin are one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._hosts = {_twin(host): host for host in site.hosts} | {host: host for host in site.hosts}
        family = site.family.requisite_hosts if site.family else ()
        self._requisite_hosts = frozenset(site.requisite_hosts + family)

    def covers(self, url: str) -> bool:
        """Whether the address is on one of the site's hosts."""
        return host_of(url) in self._hosts

    def shows(self, url: str) -> bool:
        """Whether what a page needs may be fetched there."""
        host = host_of(url)
        return len(url) <= _LONGEST and (host in self._hosts or host in self._requisite_hosts)

    def kind(self, url: str) -> Kind | None:
        """What a linked address is to the crawl; None when it is out of scope."""
        host = host_of(url)
        declared = self._hosts.get(host)
        if declared is not None:
            asked = url if declared == host else url.replace(f"//{host}", f"//{declared}", 1)
            fits = self._site.rule_for(asked)
            if fits is not None:
                return fits[0].kind
        path = url.partition("?")[0]
        if _ATTACHMENT.search(path) and self.shows(url):
            return Kind.ATTACHMENT
        if declared is None or not self._site.follow_all:
            return None
        return Kind.REQUISITE if _ASSET.search(path) else Kind.PAGE

    def moved(self, kind: Kind, url: str, target: str, hops: int) -> Kind | None:
        """What the target of a redirect is: by the site's rules, else what was asked for when it only changed place."""
        if kind is Kind.REQUISITE:
            return kind if self.shows(target) else None
        found = self.kind(target)
        if found is not None or len(target) > _LONGEST:
            return found
        stays = kind is Kind.ATTACHMENT or (kind is Kind.LIST and hops < _MOVES) or _place(url) == _place(target)
        return kind if stays and (self.covers(target) or (kind is Kind.ATTACHMENT and self.shows(target))) else None


def host_of(url: str) -> str:
    """The host of a canonical address, without port."""
    authority = url.split("/", 3)[2]
    return authority if authority.endswith("]") else authority.rpartition(":")[0] or authority


def is_trap(url: str, found_on: str, hops: int) -> bool:
    """Whether an address belongs to an endless space: growing paths, calendars, session ids, post-backs."""
    if len(url) > _LONGEST:
        return True
    path, _, query = url.partition("?")
    names = path.split("/")[3:]
    if len(names) > _DEPTH or any(name and names.count(name) > _REPEATS for name in names):
        return True
    if not query:
        return False
    if _SESSION.search(url) or _POST_BACK.search(url):
        return True
    turned = found_on.partition("?")[0] == path and _CALENDAR.search(found_on) is not None
    return turned and hops >= _CALENDAR_HOPS and _CALENDAR.search(url) is not None


def is_front_page(url: str) -> bool:
    """Whether an address is where a host begins."""
    parts = urlsplit(url)
    return not parts.query and _FRONT.fullmatch(parts.path) is not None


def seeds(site: Site) -> tuple[Found, ...]:
    """The addresses that the crawl of a site begins with; raises NotAnAddress."""
    kind = Kind.PAGE if site.follow_all else Kind.LIST
    return tuple(
        Found(canonicalize(seed.url.replace("{page}", str(seed.first))), kind, SEEDED, 0, None)
        if isinstance(seed, Listing)
        else Found(canonicalize(seed.url), Kind.LIST, SEEDED, 0, None)
        for seed in site.seeds
    )


def next_page(site: Site, url: str) -> str | None:
    """The page that follows in the Listing to which an address belongs; None when it belongs to none."""
    for seed in site.seeds:
        if isinstance(seed, Listing) and "{page}" in seed.url:
            found = _pages(seed.url).fullmatch(url)
            if found:
                return canonicalize(seed.url.replace("{page}", str(int(found[1]) + 1)))
    return None


@lru_cache(maxsize=1024)
def _pages(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(canonicalize(template.replace("{page}", _NUMBER))).replace(_NUMBER, r"(\d{1,9})", 1))


def _twin(host: str) -> str:
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def _place(url: str) -> str:
    return url.split("/", 3)[3].rstrip("/")
