"""The command `luutru`: finds the command by its file's name, and makes every ending an exit status and one line."""

import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules

import click

from luutru import commands
from luutru.commands import SHARED, Invocation
from storage.errors import ArchiveError

INTERRUPTED = 130
STORAGE = 4


class _Commands(click.Group):
    """One command a file of `luutru/commands`, imported when it is named."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return [one.name for one in iter_modules(commands.__path__)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        known = self.list_commands(context)
        if name not in known:
            near = " or ".join(get_close_matches(name, known))
            context.fail(f"no command {name!r}" + (f": did you mean {near}?" if near else ""))
        command: click.Command = import_module(f"luutru.commands.{name}").command
        return command


@click.group(cls=_Commands, params=list(SHARED), invoke_without_command=True)
@click.version_option(package_name="luutru", message="luutru %(version)s")
@click.pass_context
def luutru(context: click.Context) -> None:
    """Archive web sites, read them, and search what they said.

    Exit status: 0 done, 1 problems found, 2 wrong usage or configuration, 3 already running, 4 storage failure,
    130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. Errors are one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    invocation = Invocation.of_environment()
    _write_utf8()
    try:
        with luutru.make_context("luutru", given, obj=invocation) as context:
            luutru.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _told("interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _told(_usage(error), error.exit_code)
    except ArchiveError as error:
        return _told(str(error), error.status, "--debug" in given)
    except BrokenPipeError:  # the reader has seen enough
        _close_output()
    except OSError as error:
        return _told(str(error), STORAGE, "--debug" in given)
    except Exception as error:  # noqa: BLE001  # the boundary of the process
        return _told(f"unexpected {type(error).__name__}: {error}; --debug shows where", 1, "--debug" in given)
    return invocation.status


def _told(message: str, status: int, debug: bool = False) -> int:
    if debug:
        traceback.print_exc()
    print(f"luutru: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return status


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" (`{context.command_path} --help` shows how)" if context else ""
    return f"{error.format_message().rstrip('.')}{hint}"


def _write_utf8() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: a file of the archive must not get its number
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # to the end of the process
    for stream in (sys.stdout, sys.stderr):
        if not stream.isatty() and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _close_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
