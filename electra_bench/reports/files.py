"""Tables as CSV and JSON, with every digit."""

import csv
import io
import json

from electra_bench.reports.table import Bounded, Score, Table, Value

SPREAD_FIELDS = ("count", "sd", "low", "high", "mean")
INTERVAL_FIELDS = ("interval low", "interval high")


def to_csv(table: Table) -> str:
    """Renders a report; a column of scores gets more for what else a score has.

    A missing value is an empty field.
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
    writer.writerow(header)
    for row in rows:
        fields = []
        for name, value in zip(table.columns, row, strict=True):
            has_interval = isinstance(value, (Score, Bounded))
            fields.append(value.value if has_interval else value)
            if name in with_spread:
                fields += [getattr(value, part, None) for part in SPREAD_FIELDS]
            if name in with_interval:
                fields += getattr(value, "interval", None) or (None, None)
        writer.writerow(fields)
    return buffer.getvalue()


def to_json(table: Table) -> str:
    """Renders a report with the runs behind every score; a line a part of it."""

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
        f"{json.dumps(name)}: {json.dumps(part, ensure_ascii=False)}"
        for name, part in content.items()
    ]
    return "{" + ",\n".join(parts) + "}\n"
