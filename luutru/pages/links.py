"""The addresses of the pages, in one language."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

_OTHER = {"vi": "en", "en": "vi"}
_SAFE = "/:@!$'()*,;=~"  # what a path may hold as it is (RFC 3986, section 3.3), and is not `&` or `+`


@dataclass(frozen=True, slots=True)
class Links:
    """Where each page is: Vietnamese pages at `/`, English ones at `/en/`."""

    language: str

    @property
    def root(self) -> str:
        """What stands before every path."""
        return "" if self.language == "vi" else f"/{self.language}"

    def front(self) -> str:
        """The first page."""
        return f"{self.root}/"

    def search(self, query: str = "", **more: object) -> str:
        """The answers to a question."""
        return self._at("/search", q=query, **more)

    def feed(self, query: str) -> str:
        """The feed of a question."""
        return self._at("/search.atom", q=query)

    def document(self, identity: str, version: int | None = None) -> str:
        """A document; the newest version of it unless one is named."""
        return self._at(f"/d/{quote(identity, safe=_SAFE)}", version=version)

    def compare(self, identity: str, a: int | None = None, b: int | None = None) -> str:
        """Two versions of a document; the last two unless others are named."""
        return self._at(f"/compare/{quote(identity, safe=_SAFE)}", a=a, b=b)

    def address(self, url: str, year: int | None = None) -> str:
        """The captures of an address; the newest year of them unless one is named."""
        return self._at("/address", url=url, year=year)

    def site(self, key: str) -> str:
        """A site."""
        return self._at(f"/site/{quote(key, safe=_SAFE)}")

    def changes(self, site: str | None = None, week: str | None = None) -> str:
        """What changed in a week, on all sites or on one; this week unless one (2026-W47) is named."""
        return self._at("/changes", site=site, week=week)

    def runs(self, **more: object) -> str:
        """The ledger of crawls."""
        return self._at("/runs", **more)

    def run(self, crawl: str) -> str:
        """A crawl."""
        return self._at(f"/runs/{quote(crawl, safe=_SAFE)}")

    def fixity(self, **more: object) -> str:
        """The state of the files."""
        return self._at("/fixity", **more)

    def image(self, warc: str, offset: int) -> str:
        """An archived image."""
        return f"/images/{quote(warc, safe=_SAFE)}?{urlencode({'offset': offset})}"

    def record(self, warc: str, offset: int) -> str:
        """The record of a capture, as a file."""
        return f"/records/{quote(warc, safe=_SAFE)}?{urlencode({'offset': offset})}"

    def replay(self, moment: str, url: str) -> str:
        """A page as it was captured, in its frame."""
        return self._at(f"/replay/{re.sub(r'[^0-9]', '', moment)[:14]}/{quote(url, safe=_SAFE + '?&=%')}")

    def export(self, query: str, form: str) -> str:
        """All answers to a question, as a file."""
        return f"/search.{form}?{urlencode({'q': query})}"

    def other(self, path: str, query: str) -> str:
        """The same page in the other language."""
        plain = path.removeprefix(self.root) if self.root else path
        return f"{Links(_OTHER[self.language]).root}{quote(plain, safe=_SAFE + '%')}{'?' if query else ''}{query}"

    def twin(self, path: str, query: str) -> str:
        """The same page as JSON."""
        return f"{quote(path, safe=_SAFE + '%')}.json{'?' if query else ''}{query}"

    def _at(self, path: str, **asked: object) -> str:
        given = {name: one for name, one in asked.items() if one not in (None, "")}
        return f"{self.root}{path}{'?' if given else ''}{urlencode(given)}"
