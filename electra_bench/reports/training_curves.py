"""Loss and discriminator AUC of pre-training against tokens."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from electra_bench.records import RunRecord
from electra_bench.records.metrics_lines import FILE_NAME, read_metrics
from electra_bench.registry import reports
from electra_bench.reports.board.row_keys import row_keys
from electra_bench.reports.collect.records import Records
from electra_bench.reports.plot import XY, Point, Series
from electra_bench.reports.table import NothingToShow, Table

# Metric to what its axis says.
CURVES = {"loss": "Training loss", "disc_auc": "Discriminator AUC, 0 to 1"}
# Points of a line; further ones are not seen.
MOST_POINTS = 150


# A run and the training lines of its `metrics.jsonl`.
Log = tuple[RunRecord, list[dict[str, Any]]]


@reports.register("training_curves")
def training_curves(
    labels: Sequence[str] | None = None,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Args:
        labels: models to show; None shows all.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        known = Records.of(records)
        wanted = [
            record
            for record in records
            if record.kind == "pretrain" and (labels is None or record.label in labels)
        ]
        wanted.sort(key=lambda record: (record.label, record.seed or 0))
        names = {
            record.run_id: row.name
            for record, row in zip(wanted, row_keys(wanted, known), strict=True)
        }
        read = [(record, *_lines(known.paths.get(record.run_id))) for record in wanted]
        logs = [(record, lines) for record, lines, _ in read if lines]
        damaged = {names[record.run_id]: count for record, _, count in read if count}
        if not logs:
            raise NothingToShow("no pre-training run has a metrics.jsonl with tokens")
        logged = {name for _, lines in logs for line in lines for name in line}
        metrics = [name for name in CURVES if name in logged]
        rows = (
            (
                names[record.run_id],
                record.objective,
                record.seed,
                lines[-1]["step"],
                lines[-1]["tokens"],
                *map(lines[-1].get, metrics),
                record.run_id,
            )
            for record, lines in logs
        )
        return Table(
            columns=("model", "objective", "seed", "steps", "tokens", *metrics, "run"),
            rows=tuple(rows),
            title="Training curves",
            details={name: f"{CURVES[name]}, last logged" for name in metrics},
            notes=(
                "Losses of different objectives do not compare.",
                f"A line has at most {MOST_POINTS} points, each the mean of as many "
                "logged ones.",
                *(
                    f"{name}: {count} damaged lines of its {FILE_NAME} are left out."
                    for name, count in damaged.items()
                ),
            ),
            run="run",
            plots=tuple(_plot(name, logs, names) for name in metrics),
        )

    return build


def _lines(record_path: str | None) -> tuple[list[dict[str, Any]], int]:
    """The training lines of a run, and how many of its lines are damaged."""
    path = record_path and os.path.join(os.path.dirname(record_path), FILE_NAME)
    if not path or not os.path.isfile(path):
        return [], 0
    lines, damaged = read_metrics(path)
    train = [x for x in lines if x.get("phase") == "train" and "tokens" in x]
    return train, len(damaged)


def _plot(metric: str, logs: Sequence[Log], names: Mapping[str, str]) -> XY:
    several = len({names[record.run_id] for record, _ in logs}) < len(logs)
    series = []
    for record, lines in logs:
        known = [(x["tokens"], x[metric]) for x in lines if x.get(metric) is not None]
        if known:
            name = names[record.run_id]
            name += f", seed {record.seed}" if several else ""
            points = tuple(Point(*pair) for pair in _thinned(known))
            series.append(Series(name, points, joined=True, marked=False))
    return XY(
        metric.replace("_", "-"),
        CURVES[metric],
        f"A line a pre-training run: {CURVES[metric]} against the tokens seen. Of many, "
        "the first ones are named and the others grey.",
        "tokens",
        CURVES[metric],
        tuple(series),
    )


def _thinned(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Means of neighbouring pairs, so many that at most `MOST_POINTS` are left."""
    size = -(-len(pairs) // MOST_POINTS)
    blocks = [pairs[i : i + size] for i in range(0, len(pairs), size)]
    return [
        tuple(sum(values) / len(block) for values in zip(*block, strict=True))
        for block in blocks
    ]
