"""`luutru doctor`."""

import platform
import re
import sqlite3
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import write, write_json

if TYPE_CHECKING:
    from storage.doctor import Check


@dataclass(frozen=True, slots=True)
class Examined:
    """What `luutru doctor` answers; a library that is missing has the version null."""

    ok: bool
    versions: dict[str, str | None]
    checks: tuple["Check", ...]


@click.command(cls=Command)
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Look at what the archive needs of this machine and at what earlier processes left; say what to do."""
    from storage.doctor import examine

    checks = examine(invocation.home, invocation.config())
    versions = _versions()
    ok = all(one.ok for one in checks) and None not in versions.values()
    invocation.status = 0 if ok else 1
    if invocation.json:
        write_json(Examined(ok, versions, checks))
        return
    write("  ".join(f"{name} {number or 'is missing'}" for name, number in versions.items()))
    write()
    for one in checks:
        write(f"{'ok ' if one.ok else 'NOT'}  {one.name:<12} {one.detail}")
        if one.advice:
            write(f"{'':18}{one.advice}")
    missing = [name for name, number in versions.items() if number is None]
    if missing:
        write(f"NOT  {'libraries':<12} missing: {', '.join(missing)}\n{'':18}install luutru again, with pip")


def _versions() -> dict[str, str | None]:
    """Of the program, of Python and SQLite, and of the libraries that it cannot do without."""
    found: dict[str, str | None] = {"luutru": version("luutru"), "python": platform.python_version()}
    found["sqlite"] = sqlite3.sqlite_version
    for requirement in requires("luutru") or []:
        if "extra ==" not in requirement:
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            found[name] = _version(name)
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
