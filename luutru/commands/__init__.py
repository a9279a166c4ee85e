"""What every command stands on: the options that all of them share, and the archive they are about."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storage.config import Config, require
from storage.errors import UsageError

if TYPE_CHECKING:
    from storage.collection import Collection


@dataclass(slots=True)
class Invocation:
    """One run of `luutru`: what its shared options say, and the exit status that it comes to."""

    home: Path
    json: bool = False
    debug: bool = False
    status: int = field(default=0, init=False)

    @classmethod
    def of_environment(cls) -> "Invocation":
        """As it is when no option is given."""
        return cls(home=Path(os.environ.get("LUUTRU_HOME") or "archive"))

    def config(self, given: Iterable[str] = ()) -> Config:
        """The configuration of the home, which must be there, with what `--set` gives.

        A command that may begin an archive makes it before (`storage.config.make`).
        """
        require(self.home)
        return Config.load(self.home, dict(map(_assignment, given)))

    @contextmanager
    def collection(self, given: Iterable[str] = ()) -> Iterator["Collection"]:
        """The archive, its configuration with what `--set` gives; closed at the end."""
        from storage.collection import Collection

        collection = Collection.open(self.home, self.config(given))
        try:
            yield collection
        finally:
            collection.close()


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--set {text!r}: write it as NAME=VALUE")
    return name.strip(), value


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value not in (None, False) and parameter.name:
        setattr(context.find_root().obj, parameter.name, value)


SHARED = (
    click.Option(
        ["--home"],
        type=click.Path(path_type=Path, readable=False),  # whoever opens it says what is the matter
        metavar="DIR",
        expose_value=False,
        callback=_remember,
        help="The archive's directory.  [default: $LUUTRU_HOME, else ./archive]",
    ),
    click.Option(["--json"], is_flag=True, expose_value=False, callback=_remember, help="Write JSON for machines."),
    click.Option(["--debug"], is_flag=True, expose_value=False, callback=_remember, help="Show where an error arose."),
)


class Day(click.DateTime):
    """A day, or a month or a year where these are among the formats: what is none is told in words."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """The moment at which it begins."""
        try:
            return super().convert(value, parameter, context)
        except click.BadParameter:
            forms = (one.replace("%Y", "YYYY").replace("%m", "MM").replace("%d", "DD") for one in self.formats)
            self.fail(f"{value!r} is not a day: write it as {' or '.join(forms)}", parameter, context)


class Command(click.Command):
    """A command that also takes the shared options, so that they may stand behind its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(SHARED)


class Group(click.Group):
    """Commands about one thing; without a name it is `list`."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"invoke_without_command": True, **kwargs})
        self.params.extend(SHARED)

    def invoke(self, context: click.Context) -> Any:
        """Run the command that is named, else `list`."""
        result = super().invoke(context)
        return result if context.invoked_subcommand else context.invoke(self.commands["list"])
