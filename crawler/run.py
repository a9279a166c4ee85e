"""One crawl of one given Site in this process, from the first request to an honest outcome."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import BaseSettings, Settings
from scrapy.utils.log import configure_logging

from crawler.derivation import SiteLoader
from crawler.guard import ConnectTo, Guard
from crawler.scope import seeds
from crawler.session import Progress, Session
from crawler.settings import PRODUCT
from crawler.sites import Site
from crawler.spider import SiteSpider
from storage.collection import Collection
from storage.config import Config
from storage.errors import UsageError
from storage.model import Crawl

_TICK = 0.25  # seconds between two reports of progress

OnProgress = Callable[[Progress], None]


def crawl(
    load: SiteLoader,
    collection: Collection,
    *,
    connect_to: tuple[str, ...] = (),
    max_pages: int | None = None,
    settings: Mapping[str, str] | None = None,
    on_progress: OnProgress | None = None,
) -> Crawl:
    """Crawl the site that `load` gives into the collection; `load` is called again in the deriving processes.

    Raises UsageError (no contact, a setting that cannot be read), AlreadyRunning, StorageError. SIGINT and SIGTERM end
    the crawl cleanly, a second one at once; both are an outcome, not an error.
    """
    chosen = Settings()
    chosen.setmodule("crawler.settings", priority="project")
    configure(chosen, collection.config)
    chosen.update(dict(settings or {}), priority="cmdline")
    chosen.set("CONNECT_TO", list(connect_to), priority="cmdline")
    configure_logging(chosen)
    session = session_for(load, collection, chosen, max_pages)
    session.open()
    interrupted = True
    try:
        interrupted = asyncio.run(_run(session, chosen, on_progress))
    finally:
        ended = session.close(interrupted=interrupted)
    return ended


def configure(settings: BaseSettings, config: Config) -> None:
    """Let the configuration of a home have its say: the contact in the User-Agent, and its own settings."""
    if config.contact:
        settings.set("USER_AGENT", f"{PRODUCT} (+{config.contact})", priority="project")
    settings.update(dict(config.settings), priority="project")


def session_for(
    load: SiteLoader, collection: Collection, settings: BaseSettings, max_pages: int | None = None
) -> Session:
    """A session that may be opened; raises UsageError when it would crawl strangers without a contact."""
    if not collection.config.contact:
        _only_permitted(load(), settings.getlist("CONNECT_TO"))
    return Session(collection, load, settings, max_pages)


def _only_permitted(site: Site, connect_to: Sequence[str]) -> None:
    guard = Guard(ConnectTo.parse(mapping) for mapping in connect_to)
    for seed in seeds(site):
        parts = urlsplit(seed.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not guard.target(parts.hostname or "", port).permitted:
            raise UsageError(
                f"{seed.url} is not crawled without a contact: "
                'write contact = "you@example.org" into luutru.toml, or run `luutru init`'
            )


async def _run(session: Session, settings: Settings, on_progress: OnProgress | None) -> bool:
    """Run Scrapy to its end; whether it was interrupted."""
    runner = AsyncCrawlerRunner(settings)
    crawling = asyncio.ensure_future(runner.crawl(SiteSpider, session=session))
    loop = asyncio.get_running_loop()
    interrupts = 0

    def interrupt() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            session.frontier.close()
            stopping.append(asyncio.ensure_future(runner.stop()))
        else:
            crawling.cancel()

    stopping: list[asyncio.Future[None]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    reporting = asyncio.ensure_future(_report(session, on_progress)) if on_progress else None
    with suppress(asyncio.CancelledError):
        await crawling
    if reporting:
        reporting.cancel()
    return interrupts > 0


async def _report(session: Session, on_progress: OnProgress) -> None:
    while True:
        on_progress(session.progress())
        await asyncio.sleep(_TICK)
