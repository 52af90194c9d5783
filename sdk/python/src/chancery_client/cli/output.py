"""What is shown: tables for people, tab-separated lines where the output is piped, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Optional

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chancery_client.cli.failures import WrongUsage

# Spreadsheets take what begins with one of these for a formula.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_WHOLE = ("id", "code", "status", "expires", "filed")
# Of a column that may be broken, so much is wanted beside the others.
_READABLE = 10
_STYLES = {
    "issued": "green",
    "active": "green",
    "fulfilled": "green",
    "approved": "green",
    "pending_approval": "yellow",
    "held": "yellow",
    "expired": "dim",
    "disabled": "yellow",
    "revoked": "red",
    "rejected": "red",
    "failed": "red",
}


class Shape(str, Enum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def say(text: str) -> None:
    """A line on standard output."""
    typer.echo(printable(text))


def note(text: str) -> None:
    """A line for people that is no part of the result: on standard error."""
    typer.echo(printable(text), err=True)


def write_bytes(content: bytes) -> None:
    """A file on standard output, as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def show_json(value: Any) -> None:
    """As the API writes it, but for people, too: indented, letters as letters, and what is none of them escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    typer.echo(re.sub("[\x7f-\U0010ffff]", _as_json_has_it, text))


def show_rows(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], shape: Shape = Shape.TABLE, *, aside: Sequence[str] = ()
) -> None:
    """A table; CSV where that is asked for. JSON is the caller's: it has more than columns.

    On a terminal, which is narrow, columns that are `aside` are left out, and of times the day is shown.
    """
    if shape is Shape.TABLE and is_terminal():
        shown = [place for place, column in enumerate(columns) if column not in aside]
        _show_table([columns[place] for place in shown], [[_short(row[place]) for place in shown] for row in rows])
        return
    cells = [[cell(value) for value in row] for row in rows]
    if shape is Shape.CSV:
        _show_csv(columns, cells)
        return
    for line in (columns, *cells):
        typer.echo("\t".join(_in_one_line(each) for each in line))


def show_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one to a line; what is empty is left out."""
    lines = [(name, value) for name, value in facts.items() if value not in (None, "", [])]
    if not is_terminal():
        for name, value in lines:
            typer.echo(f"{name}\t{_in_one_line(cell(value))}")
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(name, _styled(printable(cell(value))))
    Console().print(table)


def cell(value: Any) -> str:
    """A value as text: times in UTC, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(each) for each in value)
    return str(value)


def moment(value: Optional[datetime]) -> str:
    """`2026-01-15 08:00:00 UTC`."""
    return "" if value is None else value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def printable(text: str) -> str:
    """Without what could move the cursor or colour the terminal: names come from whoever asked for a certificate."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)


def shape_of(as_json: bool, shape: Optional[Shape]) -> Shape:
    """What `--json` and `--format` say together. Raises WrongUsage: they contradict each other."""
    if as_json and shape not in (None, Shape.JSON):
        raise WrongUsage(f"Give --json or --format {shape.value if shape else ''}, not both.")
    return Shape.JSON if as_json else shape or Shape.TABLE


def _as_json_has_it(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def _in_one_line(text: str) -> str:
    """What is in several lines would look like several rows."""
    return printable(text.replace("\n", " "))


def _show_csv(columns: Sequence[str], cells: Iterable[Sequence[str]]) -> None:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([f"'{each}" if each.startswith(_FORMULA_SIGNS) else each for each in row] for row in cells)
    write_bytes(written.getvalue().encode())


def _show_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    console = Console()
    if cells and _narrowest(columns, cells) > console.width:
        _show_one_by_one(console, columns, cells)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # What is copied from here must be in one piece.
        table.add_column(column.upper(), overflow="fold", no_wrap=column in _WHOLE)
    for row in cells:
        table.add_row(*(_styled(printable(each)) for each in row))
    console.print(table)


def _narrowest(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """How wide the table is at least: what is to be in one piece, and something of every other column."""
    widths = [max(map(len, (column, *each))) for column, *each in zip(columns, *cells)]
    kept = [width if column in _WHOLE else min(width, _READABLE) for column, width in zip(columns, widths)]
    return sum(kept) + 2 * (len(kept) - 1)


def _show_one_by_one(console: Console, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Each row as lines of their own, with nothing cut off: a terminal that is too narrow for a table."""
    for row in cells:
        for column, value in zip(columns, row):
            if not value:
                continue
            line = Text.assemble((f"{column} ", "bold"), _styled(printable(value)))
            console.print(line, soft_wrap=True)
        console.print()


def _short(value: Any) -> str:
    return value.astimezone(timezone.utc).strftime("%Y-%m-%d") if isinstance(value, datetime) else cell(value)


def _styled(text: str) -> Text:
    """Plain text: brackets in it are no markup."""
    return Text(text, style=_STYLES.get(text, ""))
