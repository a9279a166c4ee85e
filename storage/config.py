"""The configuration of a home: `luutru.toml`, then the environment, then what a command was given.

A key of ours is lower case (`contact`), a setting of Scrapy's or of the crawler's is in capitals (`DOWNLOAD_DELAY`) and
stands below `[settings]` in the file. In the environment both are written behind `LUUTRU_`, in capitals.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from storage.disk import CEILING
from storage.errors import NoArchive, NotAHome, StorageError, UsageError
from storage.keys import EXPECTATIONS, KEYS, MAX_RUNS, STALL_LIMIT, TIME_LIMIT, TIME_ZONE, Kept, file_content, from_word

FILE = "luutru.toml"
DEFAULT = "default"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_PREFIX = "LUUTRU_"
_EXPECT = "expect"
_NO_EXPECTATIONS: Mapping[str, Mapping[str, float]] = MappingProxyType({})
_SETTING = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRET = re.compile(r"token|secret|pass|key|auth", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the configuration and where it was read; secrets are masked."""

    name: str
    value: Kept | float | None
    origin: str


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator decided. `origins` says for every name that is not left at its default where it was read."""

    operator: str | None = None
    contact: str | None = None
    time_zone: str = TIME_ZONE
    own_sites: bool = False
    token: str | None = field(default=None, repr=False)
    replay_url: str | None = field(default=None, repr=False)  # may hold a password
    hosts: tuple[str, ...] = ()
    alerts: tuple[str, ...] = field(default=(), repr=False)  # hold passwords and tokens
    log_format: str = "text"
    max_runs: int = MAX_RUNS
    time_limit: str = TIME_LIMIT
    stall_limit: str = STALL_LIMIT
    settings: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    expect: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: _NO_EXPECTATIONS, repr=False)  # by site
    origins: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)

    @classmethod
    def load(
        cls, home: Path, given: Mapping[str, str] = _NOTHING, environment: Mapping[str, str] = os.environ
    ) -> "Config":
        """The configuration of `home`, which is made with defaults where there is no directory or an empty one.

        Raises UsageError (with file and line where the file is wrong), NotAHome, StorageError.
        """
        make(home)
        keys: dict[str, Kept] = {}
        settings: dict[str, str] = {}
        origins: dict[str, str] = {}
        expect: dict[str, dict[str, float]] = {}
        for one in (*_of_file(home / FILE), *_of_environment(environment), *_of_command(given)):
            if one.site is not None:
                expect.setdefault(one.site, {})[one.name] = one.expected()
            elif one.name in KEYS:
                keys[one.name] = one.checked()
            else:
                settings[one.name] = one.setting()
            origins[_dotted(one.site, one.name) if one.site else one.name] = one.origin
        return cls(**keys, settings=settings, expect=expect, origins=origins)  # type: ignore[arg-type]  # KEYS names the fields

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which people are shown moments."""
        return ZoneInfo(self.time_zone)

    @property
    def disk_ceiling(self) -> int:
        """Bytes that must be free on the disks of the home for crawls to go on."""
        given = self.settings.get("DISK_CEILING", "")
        return int(given) if given.isdecimal() else CEILING  # a crawl refuses what is no number

    def values(self) -> tuple[Value, ...]:
        """Every key and every setting that was given, as people may see them."""
        known = {name: getattr(self, name) for name in KEYS} | dict(sorted(self.settings.items()))
        known |= {_dotted(site, name): limit for site, one in self.expect.items() for name, limit in one.items()}
        return tuple(
            Value(name, _masked(name, value), self.origins.get(name, DEFAULT)) for name, value in known.items()
        )


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was given, before anybody looked at it."""

    name: str
    value: object
    origin: str
    site: str | None = None  # of which it is expected

    def expected(self) -> float:
        """What is expected of every crawl of a site; raises UsageError."""
        if self.name not in EXPECTATIONS:
            near = get_close_matches(self.name, EXPECTATIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected may be {', '.join(EXPECTATIONS)}"
            raise UsageError(f"{self.origin}: unknown name {self.name!r}: {hint}")
        try:
            return EXPECTATIONS[self.name].check(self.value)
        except ValueError as error:
            raise UsageError(f"{self.origin}: {self.name} {error}") from error

    def checked(self) -> Kept:
        """The value of a key of ours; raises UsageError."""
        try:
            return KEYS[self.name].check(self.value)
        except ValueError as error:
            raise UsageError(f"{self.origin}: {self.name} {error}") from error

    def setting(self) -> str:
        """The value of a setting as Scrapy reads it from a command; raises UsageError."""
        if not _SETTING.fullmatch(self.name):
            raise UsageError(f"{self.origin}: {_unknown(self.name)}")
        if isinstance(self.value, list) and all(isinstance(one, str | int | float) for one in self.value):
            return ",".join(map(str, self.value))
        if isinstance(self.value, dict | list):
            return json.dumps(self.value, ensure_ascii=False, default=str)
        return str(self.value)


def make(home: Path, values: Mapping[str, Kept] = MappingProxyType({})) -> bool:
    """Make a home where there is no directory or an empty one; tells whether there was none before.

    Raises NotAHome for a directory that holds other things, StorageError where nothing can be written, UsageError
    for a wrong value.
    """
    given = (_Given(name, value, f"--{name.replace('_', '-')}") for name, value in values.items())
    content = file_content({one.name: one.checked() for one in given})
    if is_home(home):
        return False
    with _telling(home, "written"):
        home.mkdir(parents=True, exist_ok=True)
        return _create(home / FILE, content)


def require(home: Path) -> None:
    """Raise NoArchive where there is no directory or an empty one; NotAHome, StorageError as `is_home` does."""
    if not is_home(home):
        raise NoArchive(home)


def is_home(home: Path) -> bool:
    """Whether an archive is there, else one may be made; raises NotAHome, StorageError."""
    with _telling(home, "read"):
        if (home / FILE).exists():
            return True
        if home.exists() and not home.is_dir():
            raise NotAHome(home, "it is a file")
        if home.is_dir() and any(one.name not in ("lost+found", FILE) for one in home.iterdir()):
            raise NotAHome(home, f"it holds other things and no {FILE}")
        return False


@contextmanager
def _telling(home: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{home} cannot be {what} ({error.strerror}): name another directory with --home") from error


def _create(path: Path, content: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:  # another process was faster
        return False
    return True


def _of_file(path: Path) -> Iterator[_Given]:
    source = _source(path)
    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_located(path, source, str(error))) from error
    settings = table.pop("settings", {})
    if not isinstance(settings, dict):
        raise UsageError(f"{path}, line {_line(source, 'settings')}: settings is a table: write [settings] above them")
    yield from _expected(path, source, table.pop(_EXPECT, {}))
    for name, value in table.items():
        where = f"{path}, line {_line(source, name)}"
        if name not in KEYS:
            raise UsageError(
                f"{where}: {f'{name} stands above [settings]' if _SETTING.fullmatch(name) else _unknown(name)}"
            )
        yield _Given(name, value, where)
    for name, value in settings.items():
        yield _Given(name, value, f"{path}, line {_line(source, name, 'settings')}")


def _expected(path: Path, source: str, tables: object) -> Iterator[_Given]:
    where = f"{path}, line {_line(source, _EXPECT)}"
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise UsageError(f"{where}: write [expect.SITE], and below it what is expected of the site")
    for site, table in tables.items():
        for name, value in table.items():
            if isinstance(value, dict):
                raise UsageError(f'{where}: a site whose name has a point is written [expect."{site}.{name}"]')
            yield _Given(name, value, f"{path}, line {_line(source, name, f'{_EXPECT}.{site}')}", site)


def _dotted(site: str, name: str) -> str:
    return f"{_EXPECT}.{site}.{name}"


def _source(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read ({error.strerror}): let the user that runs luutru read it"
        ) from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: not UTF-8: save the file in that encoding") from error


def _located(path: Path, source: str, message: str) -> str:
    reason, _, place = message.partition(" (at ")
    found = re.search(r"line (\d+)", place)
    return f"{path}, line {found[1] if found else source.count(chr(10)) + 1}: {reason}"


def _line(source: str, name: str, table: str = "") -> int:
    """The line on which a key stands in a TOML document, or its table."""
    inside, begins = "", 1
    key = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]|\s*\[\[?\s*{re.escape(name)}\s*[].]")
    for number, line in enumerate(source.splitlines(), 1):
        if key.match(line) and (inside == table or line.lstrip().startswith("[")):
            return number
        if header := re.match(r"\s*\[+\s*([^]]*?)\s*\]", line):
            inside = re.sub(r"[\"']", "", header[1])
            begins = number if inside == table else begins
    return begins


def _of_environment(environment: Mapping[str, str]) -> Iterator[_Given]:
    for variable in sorted(environment):
        name = variable.removeprefix(_PREFIX)
        if name == variable or name == "HOME":
            continue
        key = name.lower()
        if key not in KEYS and get_close_matches(key, KEYS, cutoff=0.8):
            raise UsageError(f"environment {variable}: {_unknown(key)}")
        if key not in KEYS or environment[variable]:
            yield _spelled(key if key in KEYS else name, environment[variable], f"environment {variable}")


def _of_command(given: Mapping[str, str]) -> Iterator[_Given]:
    return (_spelled(name, value, "--set") for name, value in given.items())


def _spelled(name: str, word: str, origin: str) -> _Given:
    return _Given(name, from_word(name, word), origin)


def _unknown(name: str) -> str:
    near = get_close_matches(name.lower(), KEYS, n=1)
    if near:
        return f"unknown name {name!r}: did you mean {near[0]}?"
    capitals = f", as {name.upper()}" if _SETTING.fullmatch(name.upper()) else ""
    return f"unknown name {name!r}: keys are {', '.join(KEYS)}; settings are written in capitals{capitals}"


def _masked(name: str, value: Kept | float | None) -> Kept | float | None:
    if isinstance(value, tuple) and name == "alerts":
        return tuple(f"{one.partition('://')[0]}://********" for one in value)
    if not isinstance(value, str):
        return value
    return "********" if _SECRET.search(name) and value else masked(value)


def masked(text: str) -> str:
    """A text in which passwords in addresses are not legible."""
    return _PASSWORD.sub("********@", text)
