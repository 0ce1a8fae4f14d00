"""Tables as CSV and JSON, with every digit."""

import csv
import io
import json

from electra_bench.reports.table import Summary, Table, Value, plain

# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@")


def to_csv(table: Table) -> str:
    """Renders the columns of `Table.flat`.

    A missing value is an empty field. A text that a spreadsheet would run has an apostrophe
    before it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = table.flat()
    for row in (columns, *zip(*columns.values(), strict=True)):
        writer.writerow(map(_field, row))
    return buffer.getvalue()


def _field(value: str | int | float | None) -> str | int | float | None:
    if not isinstance(value, str):
        return value
    shown = plain(value)
    if not shown.lstrip().startswith(FORMULA) or _is_number(shown):
        return shown
    return f"'{shown}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def escaped(line: str) -> str:
    """A line of JSON that says the same in characters that can be seen."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def to_json(table: Table) -> str:
    """Renders a report with the runs behind every number; a line a part of it."""

    def plain(value: Value):
        return vars(value) if isinstance(value, Summary) else value

    def objects(rows):
        return [
            {name: plain(v) for name, v in zip(table.columns, row, strict=True)}
            for row in rows
        ]

    differences = None
    if table.differences is not None:
        differences = [
            vars(one) | {"significant": one.significant} for one in table.differences
        ]
    content = {
        "title": table.title,
        "columns": table.columns,
        "rank_by": table.rank_by,
        "metrics": table.metrics,
        "lower_is_better": table.lower_is_better,
        "details": dict(table.details),
        "rows": objects(table.rows),
        "runs": [dict(of_row) for of_row in table.runs],
        "further_rows": objects(table.further_rows),
        "reference_rows": objects(table.reference_rows),
        "reference_details": table.reference_details,
        "differences": differences,
        "repeat": table.repeat,
        "notes": table.notes,
        "left_out": [vars(item) for item in table.left_out],
        "sources": {run: vars(source) for run, source in table.sources.items()},
    }
    # Indented, json.dumps takes ten times as long.
    parts = [
        f"{json.dumps(name)}: {escaped(json.dumps(part, ensure_ascii=False))}"
        for name, part in content.items()
    ]
    return "{" + ",\n".join(parts) + "}\n"
