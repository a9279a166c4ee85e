"""What commands write: JSON for machines, tables and lines for people, CSV for spreadsheets. All to standard output."""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

_WIDE = 1_000  # columns where nobody looks: nothing is folded
_SHORT = 20
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(value: Any) -> Any:
    """The value as JSON has it: dataclasses as objects with their fields in order, moments in ISO 8601."""
    if is_dataclass(value):
        shown = (one for one in fields(value) if one.metadata.get("json", True))
        return {one.name: plain(getattr(value, one.name)) for one in shown}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def write_json(value: Any) -> None:
    """One object on one line."""
    print(_json(plain(value)))  # noqa: T201


def write_json_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """One object with the columns and the rows, each an object, written as they come."""
    out = sys.stdout
    out.write(f'{{"columns": {_json(columns)}, "rows": [')
    for number, row in enumerate(rows):
        out.write(f"{', ' if number else ''}{_json(dict(zip(columns, row, strict=True)))}")
    out.write("]}\n")


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Comma-separated values by RFC 4180, the first record naming the columns; NULL is an empty field."""
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)


def write(text: str = "") -> None:
    """One line or more for people, without what would steer their terminal."""
    print(printable(text))  # noqa: T201


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people: numbers to the right; on a narrow terminal long texts are folded, never short ones."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    values = [list(row) for row in rows]
    cells = [[printable(_shown(value)) for value in row] for row in values]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        is_count = bool(values) and all(_is_count(row[number]) for row in values)
        widest = max(cell_len(text) for text in (name, *(row[number] for row in cells)))
        short = widest <= _SHORT
        table.add_column(
            Text(name),
            justify="right" if is_count else "left",
            overflow="fold",
            no_wrap=short,
            min_width=widest if short else None,
        )
    for row in cells:
        table.add_row(*map(Text, row))
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    needed = Measurement.get(console, console.options.update(max_width=_WIDE), table).minimum
    console.width = max(console.width, needed)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())  # noqa: T201


def local(moment: str | None, zone: tzinfo) -> str:
    """A moment as people read it, in their time zone; a date alone stays one."""
    if not moment or len(moment) <= len("2025-01-02"):
        return moment or ""
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def counted(number: int, thing: str) -> str:
    """How many there are of a thing."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """A number of bytes as people read it."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def printable(text: str) -> str:
    """The text without characters that steer a terminal: archived pages are hostile."""
    return _CONTROLS.sub("�", text)


def first_rows(rows: Iterator[Sequence[object]], limit: int) -> tuple[list[Sequence[object]], bool]:
    """Up to `limit` rows, and whether there are more."""
    taken: list[Sequence[object]] = []
    for row in rows:
        if len(taken) == limit:
            return taken, True
        taken.append(row)
    return taken, False


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _is_count(value: object) -> bool:
    return isinstance(value, int | float | None) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return "" if value is None else str(value)  # years and offsets are copied: no separators
