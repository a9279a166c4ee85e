"""The errors a user of the archive meets, each with its exit status.

ArchiveError                       1  the archive cannot do what was asked
├── UsageError (ValueError)        2  the command or the configuration is wrong
│   ├── UnknownSite (LookupError)  2  no site of that name
│   ├── UnknownJob (LookupError)   2  nothing of that name is planned
│   ├── BrokenSite                 2  a site file that cannot be read
│   ├── NotAHome                   2  a directory that is not an archive of ours
│   ├── NoArchive (LookupError)    2  no directory, or an empty one, where an archive must be
│   └── NewerIndex                 2  an index written by a newer version
├── NotFound (LookupError)         1  no such document, capture or address
├── Withheld                       1  kept, and not shown
├── NotInstalled                   1  a program that is needed is not there
├── Exhausted                      1  a file that cannot be read within the limits
├── TooSlow                        1  a question that takes longer than it may
├── AlreadyRunning                 3  another process crawls this site, or serves the schedule
└── StorageError (OSError)         4  disk full, not writable, lost
    └── BrokenRecord               4  a WARC record that is not what the index says
"""

from pathlib import Path


class ArchiveError(Exception):
    """Root of all errors that are told to the user in one line; `status` is the exit status."""

    status = 1


class UsageError(ArchiveError, ValueError):
    """The command or the configuration is wrong; the message says what to write instead."""

    status = 2


class UnknownSite(UsageError, LookupError):
    """No site has this name; the message names those that come near."""

    def __init__(self, name: str, near: list[str]) -> None:
        hint = f"did you mean {' or '.join(near)}?" if near else "`luutru sites` lists those there are"
        if not near and "." in name:
            hint += ", and an address begins with https://"
        super().__init__(f"unknown site {name!r}: {hint}")
        self.name = name
        self.near = near


class UnknownJob(UsageError, LookupError):
    """Nothing is planned by this name; the message names those that come near."""

    def __init__(self, name: str, near: list[str]) -> None:
        hint = f"did you mean {' or '.join(near)}?" if near else "`luutru schedule list` lists what there is"
        super().__init__(f"nothing is planned by the name {name!r}: {hint}")
        self.name = name
        self.near = near


class BrokenSite(UsageError):
    """A site file cannot be read; the message names the file and the line."""

    def __init__(self, path: Path | str, line: int | None, reason: str) -> None:
        where = f"{path}, line {line}" if line else str(path)
        super().__init__(f"site file {where}: {reason}")
        self.path = path
        self.line = line


class NotAHome(UsageError):
    """A directory that holds other things than an archive of ours."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not an archive of luutru: {reason}; name another directory with --home")
        self.path = path


class NoArchive(UsageError, LookupError):
    """There is no archive where one must be, and none is made: an empty one would say that nothing is held."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"no archive at {path.absolute()}: name its directory with --home, "
            "or make one with `luutru init` or `luutru crawl ADDRESS`"
        )
        self.path = path


class NewerIndex(UsageError):
    """The index was written by a newer version; an older one must not touch it."""

    def __init__(self, path: Path | str, revision: str) -> None:
        super().__init__(f"{path} was written by a newer luutru (schema {revision}): upgrade luutru to open it")
        self.revision = revision


class NotFound(ArchiveError, LookupError):
    """The archive holds no such document, capture or address."""


class Withheld(ArchiveError):
    """A document or an address is kept and not shown, for a reason that whoever asks may read; HTTP answers 451."""

    def __init__(self, what: str, reason: str, since: str, until: str | None) -> None:
        ends = f", until {until[:10]}" if until else ""
        super().__init__(f"{what} is withheld since {since[:10]}{ends}: {reason}")
        self.what = what
        self.reason = reason
        self.since = since
        self.until = until


class NotInstalled(ArchiveError):
    """A program that is needed is not there, and cannot be installed."""

    def __init__(self, name: str, where: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot be installed into {where} ({reason}): start again with a network, "
            "or with PIP_FIND_LINKS naming a folder of its packages"
        )
        self.name = name


class Exhausted(ArchiveError):
    """A file cannot be read within the limits of time and memory: it is kept, and its reading says why."""


class TooSlow(ArchiveError):
    """A question to the index takes longer than it may; the message says what to do about it."""

    def __init__(self, seconds: float, hint: str) -> None:
        super().__init__(f"the question took longer than {seconds:g} s: {hint}")


class AlreadyRunning(ArchiveError):
    """Another process crawls this site, serves the schedule or rebuilds the index; the message says which."""

    status = 3


class StorageError(ArchiveError, OSError):
    """The disk is full, not writable or gone: what was acknowledged is safe, nothing more is taken."""

    status = 4


class BrokenRecord(StorageError):
    """A WARC record is not what the index says it is."""

    def __init__(self, warc: str, offset: int, reason: str) -> None:
        super().__init__(f"{warc}, offset {offset}: {reason}; run `warcio check` on the file")
        self.warc = warc
        self.offset = offset
        self.reason = reason
