"""Tables as CSV and JSON, with every digit."""

import csv
import io
import json
from collections.abc import Sequence

from electra_bench.reports.table import Table, Value, plain

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
    if not shown.lstrip().startswith(FORMULA):
        return shown
    try:
        float(shown)
    except ValueError:
        return f"'{shown}"
    return shown


def escaped(line: str) -> str:
    """A line of JSON that says the same in characters that can be seen."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def to_json(table: Table) -> str:
    """Renders a report with the runs behind every number; a line a part of it."""

    def objects(rows: Sequence[Sequence[Value]]) -> list[dict[str, Value]]:
        return [dict(zip(table.columns, row, strict=True)) for row in rows]

    content = vars(table) | {
        "rows": objects(table.rows),
        "further_rows": objects(table.further_rows),
        "reference_rows": objects(table.reference_rows),
        "differences": table.differences
        and [vars(one) | {"significant": one.significant} for one in table.differences],
    }
    del content["plots"]
    # Indented, json.dumps takes ten times as long.
    parts = (
        f"{json.dumps(name)}: "
        + escaped(json.dumps(part, ensure_ascii=False, default=vars))
        for name, part in content.items()
    )
    return "{" + ",\n".join(parts) + "}\n"
