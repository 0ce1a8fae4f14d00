"""Tables as Markdown (GitHub's tables)."""

import re

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
    lines.append(_line([escape(name) for name in table.columns]))
    aligned = ["---" if table.is_text(name) else "---:" for name in table.columns]
    lines.append(_line(aligned))
    for row in table.rows:
        lines.append(_line(_cells(table, row)))
    for row in table.reference_rows:
        shown = _cells(table, row)
        lines.append(_line(["" if cell == tables.MISSING else cell for cell in shown]))
    lines.append("")
    lines += [f"- {escape(c)}: {escape(d)}" for c, d in table.described.items()]
    lines += [f"- {escape(note)}" for note in table.notes]
    lines += [f"- {escape(about)}" for about in table.about_references]
    for heading, items in tables.lists_below(table).items():
        lines += ["", heading, "", *(f"- {escape(item)}" for item in items)]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(table: Table, row: tuple[Value, ...]) -> list[str]:
    return [
        _cell(value, metric=name in table.metrics)
        for name, value in zip(table.columns, row, strict=True)
    ]


def _cell(value: Value, *, metric: bool) -> str:
    shown = escape(tables.text(value, metric=metric))
    if not isinstance(value, Score):
        return shown
    remarks = "; ".join(
        part
        for part in (
            tables.spread(value),
            tables.interval(value),
            ", ".join(value.marks),
            value.no_interval and f"no interval: {value.no_interval}",
        )
        if part
    )
    return f"{shown} ({escape(remarks)})" if remarks else shown
