"""`luutru sql`."""

import click

from luutru.commands import Command, Invocation
from luutru.output import first_rows, write_csv, write_json_rows, write_table

_ON_A_TERMINAL = 1_000


@click.command(cls=Command)
@click.argument("statement", metavar='"SELECT …"')
@click.option("--csv", "as_csv", is_flag=True, help="Write comma-separated values.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop a statement that takes longer.",
)
@click.pass_obj
def command(invocation: Invocation, statement: str, as_csv: bool, time_limit: float) -> None:
    """Run one statement on the index, reading only.

    The views documents, versions, captures, mentions and crawls are described in docs/database.md.
    """
    from storage.index.sql import ask

    with invocation.collection() as collection, ask(collection.index.path, statement, time_limit) as answer:
        if invocation.json:
            _refuse_equal_names(answer.columns)
            write_json_rows(answer.columns, answer.rows)
        elif as_csv:
            write_csv(answer.columns, answer.rows)
        else:
            rows, more = first_rows(answer.rows, _ON_A_TERMINAL)
            write_table(answer.columns, rows)
            if more:
                click.echo(f"luutru: only the first {_ON_A_TERMINAL:,} rows: --csv and --json write all", err=True)


def _refuse_equal_names(columns: tuple[str, ...]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise click.UsageError(f"more than one column is named {twice[0]!r}: tell them apart with AS")
