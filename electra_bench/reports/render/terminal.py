"""Tables on a terminal."""

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from electra_bench.reports import table as tables
from electra_bench.reports.table import Score, Table, Value, plain

# A screen of significant differences.
MOST_CLAIMS = 20
# Where output is no terminal, lines are not folded: they are read by programs.
UNFOLDED = 10_000


def console(file: TextIO | None = None, width: int | None = None) -> Console:
    """A console that neither folds nor colours what goes into a pipe.

    Args:
        file: where to write; None is standard output.
        width: characters a line; None is the terminal's.
    """
    file = file or sys.stdout
    if width is None:
        width = shutil.get_terminal_size().columns if file.isatty() else UNFOLDED
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def print_grid(columns: Sequence[str], rows: Sequence[Sequence[object]], out: Console):
    """Prints rows of short texts under their column names."""
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns:
        grid.add_column(name, overflow="fold", no_wrap=out.width == UNFOLDED)
    for row in rows:
        grid.add_row(*(Text("" if item is None else plain(item)) for item in row))
    out.print(grid)


def field(name: str, value: str, width: int) -> Grid:
    """A name and its value, whose further lines are indented below the first."""
    grid = Grid(box=None, show_header=False, pad_edge=False, padding=0)
    grid.add_column(width=width, no_wrap=True)
    grid.add_column(overflow="fold")
    lines = "\n".join(map(plain, value.split("\n")))
    grid.add_row(Text(name, style="bold"), Text(lines))
    return grid


def print_table(table: Table, out: Console | None = None) -> None:
    """Prints a report: scores over their spread, notes and left-out records below.

    Columns that do not fit beside the others go into a further block of lines.

    Args:
        table: the report.
        out: where to print; None is standard output.
    """
    out = out or console()
    out.print(Text(plain(table.title), style="bold"))
    for columns in _blocks(table, out):
        out.print(_grid(table, columns))
        out.print()
    for column, detail in table.described.items():
        out.print(Text(f"{plain(column)}: {plain(detail)}", style="dim"))
    for note in (*table.about_references, *table.notes):
        out.print(Text(plain(note), style="dim"))
    for mark in _marks(table):
        out.print(Text(mark, style="yellow"))
    for heading, lines in tables.lists_below(table, MOST_CLAIMS).items():
        out.print(Text(heading, style="bold yellow"))
        for line in lines:
            out.print(Text(f"  {plain(line)}"))


def _blocks(table: Table, out: Console) -> list[list[str]]:
    """Columns in groups that fit the console; each group starts with the label."""
    unbounded = out.options.update_width(UNFOLDED)
    blocks: list[list[str]] = [[]]
    for column in table.columns:
        wider = [*blocks[-1], column]
        needed = Measurement.get(out, unbounded, _grid(table, wider)).maximum
        if needed > out.width and set(blocks[-1]) - {table.label}:
            wider = [table.label, column]
            blocks.append(wider)
        blocks[-1] = wider
    return blocks


def _grid(table: Table, columns: Sequence[str]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for column in columns:
        is_label = column == table.label
        grid.add_column(
            Text(_breakable(plain(column))),
            justify="left" if table.is_text(column) else "right",
            overflow="fold",
            no_wrap=not is_label,
            min_width=12 if is_label else None,
            max_width=40 if is_label else None,
        )
    best = {name: table.best(name) for name in columns if name in table.metrics}
    for number, row in enumerate((*table.rows, *table.reference_rows)):
        is_reference = number >= len(table.rows)
        cells = (
            Text("")
            if is_reference and table.cell(row, name) is None
            else _cell(table, row, name, best=number in best.get(name, ()))
            for name in columns
        )
        grid.add_row(*cells, style="dim italic" if is_reference else None)
    return grid


def _breakable(name: str) -> str:
    """A column's name on several lines, each a word or a part of a long one."""
    return "\n".join(
        word.replace("_", "_\n", 1) if len(word) > 9 else word for word in name.split()
    )


def _cell(table: Table, row: Sequence[Value], column: str, *, best: bool) -> Text:
    value = table.cell(row, column)
    is_stale = isinstance(value, Score) and value.stale
    style = "bold green" if best else "dim strike" if is_stale else ""
    cell = Text(plain(table.shown(row, column)), style=style)
    if isinstance(value, Score) and value.count:
        mark = "*" if value.marks else ""
        cell.append(f"{mark}\n{tables.spread(value).replace(', ', ' ')}", style="dim")
        if value.interval is not None:
            cell.append(f"\n{tables.interval(value)}", style="dim")
    return cell


def _marks(table: Table) -> list[str]:
    return [
        f"* {plain(table.name(place))}, {plain(column)}: "
        + plain(", ".join(value.marks))
        for place, row in enumerate(table.rows)
        for column, value in zip(table.columns, row, strict=True)
        if isinstance(value, Score) and value.marks
    ]
