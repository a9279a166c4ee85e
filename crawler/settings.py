"""Scrapy's settings for every crawl: polite by default, each deviation from Scrapy with its reason.

`luutru.toml`, `LUUTRU_…` and `--set` change any of them, and those of ours at the end.
"""

import re
from importlib.metadata import version

from scrapy.settings import BaseSettings

from storage import disk
from storage.errors import UsageError

BOT_NAME = "luutru"
PRODUCT = f"luutru/{version('luutru')}"
USER_AGENT = PRODUCT  # the operator's contact is added when a crawl starts
SPIDER_LOADER_CLASS = "spiders.loader.SiteLoader"  # a spider for each site file
SCHEDULER = "crawler.scheduler.FrontierScheduler"  # the queue is a table
TWISTED_REACTOR_ENABLED = False  # the wire is plain asyncio, and so are our signal handlers
DOWNLOAD_HANDLERS = {
    "http": "crawler.wire.WireHandler",
    "https": "crawler.wire.WireHandler",
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "vi,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",  # what every reader of WARC files can decode
}

# Manners
ROBOTSTXT_OBEY = True
DOWNLOAD_DELAY = 1.0
CONCURRENT_REQUESTS = 8
CONCURRENT_REQUESTS_PER_DOMAIN = 2
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0

# Limits
DOWNLOAD_TIMEOUT = 180.0  # seconds for a whole answer
CONNECT_TIMEOUT = 20.0
FIRST_BYTE_TIMEOUT = 60.0
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
CONCURRENT_ITEMS = 1  # nothing is yielded; Scrapy would start 100 tasks for each response

# Only what a capture needs: redirects and retries are addresses and rows, bodies stay as they were sent
DOWNLOADER_MIDDLEWARES_BASE = {
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "crawler.robots.RobotsMiddleware": 700,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
    "crawler.manners.Manners": 800,
}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE = {
    "scrapy.extensions.corestats.CoreStats": 0,
    "scrapy.extensions.throttle.AutoThrottle": 0,
}
TELNETCONSOLE_ENABLED = False
LOG_LEVEL = "WARNING"

# Ours
CONNECT_TO: list[str] = []  # HOST:PORT:HOST2:PORT2, as --connect-to has it
MAPPED_ONLY = False  # ask nobody but the targets of CONNECT_TO; so where no contact is configured
RETRY_AFTER_MAX = 600.0  # seconds; a server that asks for a longer pause ends the crawl
RETRY_TIMES = 2  # further attempts at an address that fails, within one crawl
RETRY_DELAY = 5.0  # seconds before the first of them, doubled for each one more
DERIVE = "on"  # read articles while crawling
DERIVE_PROCESSES = 2
REQUISITES = "on"  # capture what pages need to be shown
REQUISITE_MAXSIZE = 8 * 1024 * 1024
DECODED_MAXSIZE = 128 * 1024 * 1024  # bytes of a body after content decoding
DISK_FLOOR = disk.FLOOR
DISK_CEILING = disk.CEILING
DISK_PATIENCE = 600.0  # seconds below the ceiling after which the crawl ends
WARC_MAXSIZE = 1_000_000_000  # bytes of a WARC file before the next is begun

_KINDS: dict[type, tuple[str, str]] = {
    bool: ("[Tt]rue|[Ff]alse|[01]", "true or false"),
    int: (r"\d{1,15}", "a whole number"),
    float: (r"\d+(\.\d*)?|\.\d+", "a number, such as 0.5"),
}
_ON, _OFF = frozenset({"on", "true", "yes", "1"}), frozenset({"off", "false", "no", "0"})


def check(default: object, name: str, value: str) -> None:
    """Raise UsageError where a value is not of the kind of the setting's default."""
    for kind, (pattern, words) in _KINDS.items():
        if type(default) is kind and not re.fullmatch(pattern, value):
            raise UsageError(f"{name}={value}: write {words}")


def switched_on(settings: BaseSettings, name: str) -> bool:
    """Whether one of our switches is on; raises UsageError for a word that says neither."""
    word = str(settings.get(name)).lower()
    if word not in _ON | _OFF:
        raise UsageError(f"{name}={settings.get(name)}: write {name}=on or {name}=off")
    return word in _ON
