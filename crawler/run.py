"""One crawl of one given Site in this process, from the first request to an honest outcome."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy.core.downloader import Downloader
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import BaseSettings, Settings
from scrapy.signals import engine_started
from scrapy.utils.log import configure_logging

from crawler.derivation import SiteLoader
from crawler.guard import ConnectTo, Guard
from crawler.logs import CRAWL, logged, tell_begin, tell_end
from crawler.scope import seeds
from crawler.session import Progress, Session
from crawler.settings import PRODUCT, check
from crawler.sites import Site
from crawler.spider import SiteSpider
from storage.collection import Collection
from storage.config import Config
from storage.errors import ArchiveError, UsageError
from storage.model import Crawl

_TICK = 0.25  # seconds between two reports of progress
_GRACE = 3.0  # seconds that what is on the wire has left after an interrupt

OnProgress = Callable[[Progress], None]


def crawl(
    load: SiteLoader,
    collection: Collection,
    *,
    connect_to: tuple[str, ...] = (),
    max_pages: int | None = None,
    full: bool = False,
    id_: str | None = None,
    settings: Mapping[str, str] | None = None,
    on_progress: OnProgress | None = None,
) -> Crawl:
    """Crawl the site that `load` gives into the collection; `load` is called again in the deriving processes.

    A `full` crawl fetches everything again, whether it is due or not. `id_` is its id where it was given one before.

    Raises UsageError (no contact, a setting that cannot be read), AlreadyRunning, StorageError. SIGINT and SIGTERM end
    the crawl cleanly, a second one at once; both are an outcome, not an error.
    """
    chosen = of_home(collection.config)
    chosen.update(dict(settings or {}), priority="cmdline")
    if connect_to:
        chosen.set("CONNECT_TO", list(connect_to), priority="cmdline")
    configure_logging(chosen)
    session = session_for(load, collection, chosen, max_pages, full, id_)
    with (
        logged(collection.home, session.site.key, session.crawl, collection.config.log_format),
        _Interrupts() as interrupts,
    ):
        session.open()
        tell_begin(session.site.key, session.crawl, collection.config, connect_to, max_pages, full=full)
        broken = True
        try:
            asyncio.run(_run(session, chosen, interrupts, on_progress))
            broken = False
        except Exception:
            CRAWL.exception("the crawl broke off")
            raise
        finally:
            try:
                ended = session.close(interrupted=broken or interrupts.count > 0)
            except ArchiveError as error:
                CRAWL.error("the crawl cannot go on: %s", error)
                raise
        tell_end(ended)
    return ended


def of_home(config: Config) -> Settings:
    """The settings of crawls of a home."""
    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    configure(settings, config)
    return settings


def configure(settings: BaseSettings, config: Config) -> None:
    """Let the configuration of a home have its say: the contact in the User-Agent, and its own settings."""
    settings.set("MAPPED_ONLY", not config.contact, priority="project")
    if config.contact:
        settings.set("USER_AGENT", f"{PRODUCT} (+{config.contact})", priority="project")
    for name, value in config.settings.items():
        check(settings.get(name), f"{config.origins[name]}: {name}", value)
    settings.update(dict(config.settings), priority="project")


def session_for(
    load: SiteLoader,
    collection: Collection,
    settings: BaseSettings,
    max_pages: int | None = None,
    full: bool = False,
    id_: str | None = None,
) -> Session:
    """A session that may be opened; raises UsageError, also when it would crawl strangers without a contact."""
    guard = Guard(ConnectTo.parse(mapping) for mapping in settings.getlist("CONNECT_TO"))
    if not collection.config.contact:
        _only_permitted(load(), guard)
    return Session(collection, load, settings, max_pages, full, id_)


def _only_permitted(site: Site, guard: Guard) -> None:
    for seed in seeds(site):
        parts = urlsplit(seed.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not guard.target(parts.hostname or "", port).permitted:
            raise UsageError(
                f"{seed.url} is not crawled without a contact: "
                'write contact = "you@example.org" into luutru.toml, or run `luutru init`'
            )


class _Interrupts:
    """SIGINT and SIGTERM from the first row of a crawl to its last: counted, and told to the part that is at work."""

    def __init__(self) -> None:
        self.count = 0
        self.tell: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        self._kept = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._kept.items():
            signal.signal(number, handler)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.tell()


async def _run(session: Session, settings: Settings, interrupts: _Interrupts, on_progress: OnProgress | None) -> None:
    """Run Scrapy to its end, or to the end of the grace after an interrupt."""
    runner = AsyncCrawlerRunner(settings)
    crawler = runner.create_crawler(SiteSpider)
    downloaders: list[Downloader] = []
    loop = asyncio.get_running_loop()
    crawling = asyncio.ensure_future(runner.crawl(crawler, session=session))
    beside: list[asyncio.Future[Any]] = []
    if on_progress:
        beside.append(asyncio.ensure_future(_report(session, on_progress)))

    def started() -> None:
        downloaders.append(crawler.engine.downloader)

    def end() -> None:
        beside.extend(asyncio.all_tasks())  # the loop holds them weakly: dropped while they wait, they would be told of
        crawling.cancel()

    def stop() -> None:
        if interrupts.count > 1:
            end()
        else:
            session.frontier.close()
            beside.extend(map(asyncio.ensure_future, (runner.stop(), let_go())))

    async def let_go() -> None:
        await session.quiet(_GRACE)
        end()

    crawler.signals.connect(started, signal=engine_started)
    interrupts.tell = lambda: loop.call_soon_threadsafe(stop)
    if interrupts.count:  # before anything was asked
        end()
    try:
        with suppress(asyncio.CancelledError):
            await crawling
    finally:
        interrupts.tell = session.interrupt  # only reading is left
        await _end_tasks()
        for one in downloaders:
            one.close()  # its timers would begin what waits for its turn while the loop ends


async def _end_tasks() -> None:
    """End what still runs, and what it begins when it is ended."""
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _report(session: Session, on_progress: OnProgress) -> None:
    while True:
        on_progress(session.progress())
        await asyncio.sleep(_TICK)
