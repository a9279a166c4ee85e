"""Which site, and which row, the captures belong to that lie in WARC files of others."""

from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlsplit

import spiders
from crawler.definition import definition_digest
from crawler.observe import Observer
from crawler.scope import Scope
from crawler.sites import Site
from crawler.strangers import observed
from storage.index import captures, crawls
from storage.index.engine import Index
from storage.kept import Kept
from storage.urls import NotAnAddress


class Importer:
    """Gives the captures of one file of others their rows: one import for each site that they are of."""

    def __init__(self, index: Index, digest: str, sites: list[Site], observer: Callable[[Site], Observer]) -> None:
        self._index = index
        self._digest = digest
        self._sites = sites
        self._observer = observer
        self._of_host: dict[str, Observer] = {}
        self._imports: dict[str, str] = {}  # by site: the id of its import

    def take(self, kept: Kept) -> tuple[str, ...]:
        """Give a capture its row; tells why it has none. What is not of the web is passed over."""
        url = kept.exchange.url
        try:
            observer = self._observer_of(url)
        except (NotAnAddress, ValueError) as error:
            return () if not url.startswith(("http:", "https:")) else (f"{url} is no address: {error}",)
        crawl = self._import(observer.site)
        with self._index.write() as connection:
            crawls.extend_import(connection, crawl, kept.capture.date)
        return captures.record_batch(self._index, crawl, observer.site.key, [observed(observer, kept)]).lost

    def end(self) -> str | None:
        """Count what was imported; the first import, None without any."""
        with self._index.write() as connection:
            for crawl in self._imports.values():
                crawls.end_import(connection, crawl)
        return next(iter(self._imports.values()), None)

    def _observer_of(self, url: str) -> Observer:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise ValueError("only http and https are read")
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._of_host:
            ours = (one for one in self._sites if Scope(one).covers(url))
            site = next(ours, None) or spiders.adhoc(f"{host}/")
            known = next((one for one in self._of_host.values() if one.site.key == site.key), None)
            self._of_host[host] = known or self._observer(site)
        return self._of_host[host]

    def _import(self, site: Site) -> str:
        if site.key not in self._imports:
            id_ = sha256(f"{self._digest} {site.key}".encode()).hexdigest()[:8]
            with self._index.write() as connection:
                crawls.begin_import(connection, id_, site.key, definition_digest(site))
            self._imports[site.key] = id_
        return self._imports[site.key]
