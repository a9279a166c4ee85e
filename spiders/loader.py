"""The sites as Scrapy sees them, for `scrapy list` and `scrapy crawl`; the home is `$LUUTRU_HOME`, else ./archive."""

import os
from functools import partial
from pathlib import Path
from typing import Any, Self

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings

from crawler.run import configure, session_for
from crawler.spider import SiteSpider
from spiders import load, sites
from storage.collection import Collection
from storage.config import Config


class SiteLoader:
    """Scrapy's SPIDER_LOADER_CLASS: one spider class for each site."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> Self:
        """Scrapy's way to make one."""
        return cls(Path(os.environ.get("LUUTRU_HOME") or "archive"))

    def load(self, spider_name: str) -> type[Spider]:
        """The spider of a site; raises KeyError."""
        if spider_name not in sites(None):
            raise KeyError(f"no site {spider_name!r}")
        return type(SiteSpider.__name__, (OwnSession,), {"name": spider_name, "home": self._home})

    def find_by_request(self, request: Request) -> list[str]:
        """No spider is found by an address: the commands of luutru do that."""
        return []

    def list(self) -> list[str]:
        """The keys of all sites."""
        return sorted(sites(None))


class OwnSession(SiteSpider):
    """A SiteSpider that opens and closes its own session, since no `crawl` command does."""

    home: Path

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Scrapy's way to let a spider change settings."""
        super().update_settings(settings)
        configure(settings, Config.load(cls.home))

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Scrapy's way to make one; the crawl's row says how it went, Scrapy's exit status does not."""
        collection = Collection.open(cls.home)
        own = collection.config.own_sites
        session = session_for(partial(load, cls.name, cls.home, own), collection, crawler.settings)
        session.open()
        spider = super().from_crawler(crawler, *args, session=session, **kwargs)
        crawler.signals.connect(spider.finish, signals.spider_closed)
        return spider

    def finish(self, reason: str) -> None:
        """Called by Scrapy at the end."""
        self.session.close(interrupted=reason == "shutdown")
