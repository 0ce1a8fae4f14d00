"""Tables as CSV and JSON, with every digit."""

import csv
import io
import json
from collections.abc import Iterator

from electra_bench.reports.table import FLOOR, Bounded, Score, Table, Value, plain

SPREAD_FIELDS = ("count", "sd", "low", "high", "mean")
INTERVAL_FIELDS = ("interval low", "interval high")
# Last columns of CSV: what a row is, and the marks of its scores.
ROW_FIELDS = ("kind of row", "marks of cells")
MEASURED, NOT_SHOWN, PUBLISHED = "measured", "not shown", "published"
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@")


def to_csv(table: Table) -> str:
    """Renders a report; a column of scores gets more for what else a score has.

    A missing value is an empty field. Every row says what it is and which marks its scores
    have. A text that a spreadsheet would run has an apostrophe before it.
    """
    rows = (*table.rows, *table.further_rows, *table.reference_rows)

    def having(kind, is_meant=lambda value: True) -> set[str]:
        values = {
            name: [table.cell(row, name) for row in rows] for name in table.columns
        }
        return {
            name
            for name, found in values.items()
            if any(isinstance(value, kind) and is_meant(value) for value in found)
        }

    with_spread = having(Score)
    with_interval = with_spread | having(Bounded, lambda value: value.interval)
    header = []
    for name in table.columns:
        header.append(name)
        if name in with_spread:
            header += [f"{name} {part}" for part in SPREAD_FIELDS]
        if name in with_interval:
            header += [f"{name} {part}" for part in INTERVAL_FIELDS]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_field, (*header, *ROW_FIELDS)))
    for kind, row in _kinds_of_rows(table):
        fields = []
        for name, value in zip(table.columns, row, strict=True):
            has_interval = isinstance(value, (Score, Bounded))
            fields.append(value.value if has_interval else value)
            if name in with_spread:
                fields += [getattr(value, part, None) for part in SPREAD_FIELDS]
            if name in with_interval:
                fields += getattr(value, "interval", None) or (None, None)
        writer.writerow(map(_field, (*fields, kind, _marks(table, row))))
    return buffer.getvalue()


def _kinds_of_rows(table: Table) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """The rows in the order of files, with what they are."""
    for row in table.rows:
        yield MEASURED, row
    for row in table.further_rows:
        yield NOT_SHOWN, row
    for row in table.reference_rows:
        yield FLOOR if table.cell(row, table.label) == FLOOR else PUBLISHED, row


def _marks(table: Table, row: tuple[Value, ...]) -> str:
    """The marks of a row's cells: `cola: 1 collapsed, 1 undefined; rte: contaminated`."""
    marks = {}
    for name, value in zip(table.columns, row, strict=True):
        if isinstance(value, Score):
            marks[name] = ", ".join(value.marks)
        elif isinstance(value, Bounded):
            marks[name] = value.remark
    return "; ".join(f"{name}: {of_cell}" for name, of_cell in marks.items() if of_cell)


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
        return vars(value) if isinstance(value, (Score, Bounded)) else value

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
