"""Tables as Markdown (GitHub's tables)."""

import re
from collections.abc import Iterable, Sequence

from electra_bench.reports import table as tables
from electra_bench.reports.table import Score, Table, Value

# Everything that Markdown or the HTML inside it could read as mark-up.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!&])")


def escape(content: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(tables.plain(content).split()))


def to_markdown(table: Table) -> str:
    """Renders a report.

    Written by hand because pandas needs `tabulate` for this and neither of them escapes.
    """
    lines = [f"# {escape(table.title)}", ""]
    lines.append(_line(map(escape, table.columns)))
    lines.append(_line("---" if table.is_text(n) else "---:" for n in table.columns))
    for row in table.rows:
        lines.append(_line(_cell(table, row, name) for name in table.columns))
    for row in table.reference_rows:
        shown = (_cell(table, row, name) for name in table.columns)
        lines.append(_line("" if cell == tables.MISSING else cell for cell in shown))
    below = [f"{name}: {detail}" for name, detail in table.described.items()]
    below += [*table.notes, *table.about_references]
    lines += ["", *(f"- {escape(said)}" for said in below)]
    for heading, items in tables.lists_below(table).items():
        lines += ["", heading, "", *(f"- {escape(item)}" for item in items)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(table: Table, row: Sequence[Value], column: str) -> str:
    shown, value = escape(table.shown(row, column)), table.cell(row, column)
    if not isinstance(value, Score):
        return shown
    parts = [tables.spread(value), tables.interval(value), ", ".join(value.marks)]
    parts += [f"no interval: {value.no_interval}"] if value.no_interval else []
    remarks = "; ".join(filter(None, parts))
    return f"{shown} ({escape(remarks)})" if remarks else shown
