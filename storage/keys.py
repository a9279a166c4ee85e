"""The keys of `luutru.toml`: what each of them is for, which values it takes, and the file that explains them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

TIME_ZONE = "Asia/Ho_Chi_Minh"
MAX_RUNS, TIME_LIMIT, STALL_LIMIT = 2, "24h", "30m"
_MAIL = re.compile(r"[^\s@()<>\"\\]+@[^\s@()<>\"\\.]+(\.[^\s@()<>\"\\.]+)+")
_SERVICE = re.compile(r"[A-Za-z][\w+.-]*://[^\s\x00-\x1f\x7f]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_DURATION = re.compile(r"\d{1,6}[smhd]")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


Kept = str | bool | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `check` returns the value to keep, or raises ValueError with what it must be."""

    check: Callable[[object], Kept]
    sentence: str
    example: Kept


def text(value: object) -> str:
    """One line of printable characters."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text in quotes, or be left out")
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
    return value.strip()


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def contact(value: object) -> str:
    """Where people can be reached: a mail address or that of a page; it stands within parentheses in a header."""
    given = text(value)
    if not given.isascii() or not (_MAIL.fullmatch(given.removeprefix("mailto:")) or _is_address(given)):
        raise ValueError(f"must be a mail address or an https:// address that people can open, not {given!r}")
    return given


def time_zone(value: object) -> str:
    """The name of a time zone."""
    given = text(value)
    try:
        ZoneInfo(given)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"must be a name such as {TIME_ZONE}, not {given!r}") from error
    return given


def address(value: object) -> str:
    """An address of the web."""
    given = text(value)
    if not _is_address(given):
        raise ValueError(f"must be an http:// or https:// address, not {given!r}")
    return given


def services(value: object) -> tuple[str, ...]:
    """Addresses of services that take messages, as apprise writes them; they hold secrets and are never repeated."""
    if not isinstance(value, list | tuple) or not all(
        isinstance(one, str) and _SERVICE.fullmatch(one) for one in value
    ):
        raise ValueError('must be a list of addresses as apprise has them, such as ["tgram://TOKEN/CHAT"]')
    return tuple(value)


def host_names(value: object) -> tuple[str, ...]:
    """Names of hosts, as they stand in an address: without scheme and port."""
    given = [one.lower() if isinstance(one, str) else "" for one in value] if isinstance(value, list | tuple) else [""]
    if not all(map(_HOST.fullmatch, given)):
        raise ValueError('must be a list of host names without scheme and port, such as ["archive.example.org"]')
    return tuple(given)


def count(value: object) -> int:
    """A number of things, at least one; a word of digits in the environment."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("must be a whole number, at least 1")
    return value


def duration(value: object) -> str:
    """A length of time in words, such as `90m`; `seconds` tells how long it is."""
    given = text(value)
    if not _DURATION.fullmatch(given) or not seconds(given):
        raise ValueError(f"must be a length of time such as 45s, 30m, 6h or 2d, not {given!r}")
    return given


def log_format(value: object) -> str:
    """How logs are written."""
    if value not in ("text", "json"):
        raise ValueError('must be "text" or "json"')
    return str(value)


def seconds(checked: str) -> float:
    """The seconds of a checked `duration`."""
    return int(checked[:-1]) * _UNITS[checked[-1]]


def _is_address(given: str) -> bool:
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not set(given) & set(' ()<>"\\')


KEYS = {
    "operator": Key(text, "Who keeps this archive; written into every WARC file.", "Thư viện tỉnh Sóc Trăng"),
    "contact": Key(
        contact,
        "A mail address or a page where the people behind a site reach you. The crawler names it to every server;\n"
        "# without it no site is crawled.",
        "luutru@example.org",
    ),
    "time_zone": Key(time_zone, "The time zone in which moments are shown; they are kept in UTC.", TIME_ZONE),
    "own_sites": Key(flag, "Whether the site files in spiders/, which are programs, may be executed.", False),
    "token": Key(text, "Who has it may act in the reading room: crawl, pause, withhold.", "a long random text"),
    "replay_url": Key(
        address,
        "Where archived pages are shown; a host name other than the reading room's.",
        "https://replay.example.org/",
    ),
    "hosts": Key(
        host_names,
        "The names by which other machines call the reading room; under any other it answers nothing.",
        ("archive.example.org",),
    ),
    "alerts": Key(
        services,
        "Where `luutru schedule serve` tells of what needs a person: mail, Telegram, a webhook and many more, as\n"
        "# addresses of apprise (https://github.com/caronc/apprise/wiki). `luutru schedule test-alert` tries them.",
        ("mailtos://USER:PASSWORD@example.org?to=you@example.org", "tgram://TOKEN/CHAT"),
    ),
    "max_runs": Key(count, "How many crawls and other planned work `luutru schedule serve` runs at once.", MAX_RUNS),
    "time_limit": Key(
        duration, "After how long a planned run is stopped (45s, 30m, 6h, 2d); a crawl's next run goes on.", TIME_LIMIT
    ),
    "stall_limit": Key(
        duration, "After how long a planned crawl is stopped that captures nothing and reads nothing.", STALL_LIMIT
    ),
    "log_format": Key(log_format, "How the logs of crawls in logs/ are written: text or json.", "text"),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What may be expected of every crawl of a site: so much at least, or at most."""

    sentence: str
    is_most: bool = False
    is_share: bool = False

    def check(self, value: object) -> float:
        """The limit; raises ValueError."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ValueError("must be a number, 0 or more")
        if self.is_share and value > 1:
            raise ValueError("is a share: write a number between 0 and 1")
        return float(value)


EXPECTATIONS = {
    "captures": Expectation("pages, attachments and robots.txt, at least"),
    "text": Expectation("share of the pages of articles that give one, at least", is_share=True),
    "title": Expectation("share of the articles with a title of their own, at least", is_share=True),
    "date": Expectation("share of the articles that name a date, at least", is_share=True),
    "errors": Expectation("share of the attempts that come to nothing, at most", is_most=True, is_share=True),
    "bytes": Expectation("bytes received, at least"),
    "duration": Expectation("seconds, at most", is_most=True),
    "new": Expectation("new articles within a week, at least"),
}

_HEAD = """\
# The configuration of this archive. For one command, `--set NAME=VALUE` changes a value; the environment does as
# LUUTRU_NAME. `luutru config` shows what is in force and where it was read.
"""
_SETTINGS = """
# Any setting of Scrapy's or of the crawler's, such as:
[settings]
# DOWNLOAD_DELAY = 1.0  # seconds between two requests to one server; a slow server is asked less often
# REQUISITES = "on"     # also keep what a page needs to be shown: style sheets, scripts, images, fonts
# DERIVE = "on"         # read articles while crawling

# What every crawl of a site must give, where it should not be what was learned of the site. `luutru sites show SITE
# --expectations` shows what is in force. Such as:
# [expect.thst]
# captures = 20  # at least; so are text, title, date (shares), bytes, new (articles within a week)
# errors = 0.1   # at most; so is duration (seconds)
"""


def from_word(name: str, word: str) -> Kept:
    """The value that a word in the environment or on the command line stands for; a list's are parted by spaces."""
    check = KEYS[name].check if name in KEYS else text
    if check in (host_names, services):
        return tuple(word.split())
    return _WORDS.get(word.strip().lower(), word) if check is flag else word


def file_content(values: Mapping[str, Kept]) -> str:
    """The content of a `luutru.toml` with these checked values; the keys left out are explained by an example."""
    lines = []
    for name, key in KEYS.items():
        line = f"{name} = {_quoted(values.get(name, key.example))}"
        lines.append(f"\n# {key.sentence}\n{'' if name in values else '# '}{line}\n")
    return _HEAD + "".join(lines) + _SETTINGS


def _quoted(value: Kept) -> str:
    """A TOML value: what JSON escapes in a string, a basic string of TOML escapes so too, and lists are alike."""
    return json.dumps(value, ensure_ascii=False)
