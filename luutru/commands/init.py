"""`luutru init`."""

import sys

import click

from luutru.commands import Command, Invocation
from luutru.commands.config import write_config
from luutru.output import write
from storage.config import FILE, is_home, make
from storage.errors import UsageError
from storage.keys import KEYS


@click.command(cls=Command)
@click.option("--operator", help="Who keeps the archive.")
@click.option("--contact", help="A mail address or a page where the people behind a site reach you.")
@click.option("--time-zone", metavar="NAME", help="The time zone in which moments are shown.")
@click.option("--token", help="Who has it may act in the reading room.")
@click.option("--replay-url", metavar="URL", help="Where archived pages are shown.")
@click.option("--own-sites", is_flag=True, default=None, help="Site files in the home's spiders/ may be executed.")
@click.pass_obj
def command(invocation: Invocation, /, **options: str | bool | None) -> None:
    """Make an archive: a directory with a luutru.toml that explains each value.

    On a terminal, operator and contact are asked for when they are not given.
    """
    if is_home(invocation.home):
        raise UsageError(f"{invocation.home} is an archive already: edit {invocation.home / FILE}")
    values = {name: value for name, value in options.items() if value is not None}
    if sys.stdin.isatty() and not invocation.json:
        values = _asked(values) | values
    make(invocation.home, values)
    config = invocation.config()
    write_config(invocation, config)
    if not config.contact and not invocation.json:
        write(f"\nNo site is crawled before {invocation.home / FILE} names a contact.")


def _asked(values: dict[str, str | bool]) -> dict[str, str | bool]:
    answers = {name: _ask(name) for name in ("operator", "contact") if name not in values}
    return {name: answer for name, answer in answers.items() if answer}


def _ask(name: str) -> str:
    def checked(answer: str) -> str:
        try:
            return str(KEYS[name].check(answer)) if answer.strip() else ""
        except ValueError as error:
            raise click.BadParameter(f"it {error}") from error

    click.echo(KEYS[name].sentence.replace("\n# ", " "), err=True)
    answer: str = click.prompt(name.capitalize(), default="", show_default=False, value_proc=checked, err=True)
    return answer
