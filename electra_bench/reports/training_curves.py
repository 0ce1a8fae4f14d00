"""Loss and discriminator AUC of pre-training against tokens."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.collect.records import Records
from electra_bench.reports.plot import XY, Point, Series
from electra_bench.reports.table import NothingToShow, Table

# Metric to what its axis says.
CURVES = {"loss": "Training loss", "disc_auc": "Discriminator AUC, 0 to 1"}
# Points of a line; further ones are not seen.
MOST_POINTS = 150


class Log(NamedTuple):
    """The training lines of `metrics.jsonl` of one run."""

    record: RunRecord
    lines: list[dict[str, Any]]


@reports.register("training_curves")
def training_curves(
    labels: Sequence[str] | None = None,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Args:
        labels: models to show; None shows all.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        paths = Records.of(records).paths
        logs = [
            Log(record, _lines(paths[record.run_id]))
            for record in records
            if record.kind == "pretrain"
            and record.run_id in paths
            and (labels is None or record.label in labels)
        ]
        logs = [log for log in logs if log.lines]
        if not logs:
            raise NothingToShow("no pre-training run has a metrics.jsonl with tokens")
        logs.sort(key=lambda log: (log.record.label, log.record.seed or 0))
        metrics = [
            m for m in CURVES if any(m in line for g in logs for line in g.lines)
        ]
        return Table(
            columns=("model", "objective", "seed", "steps", "tokens", *metrics, "run"),
            rows=tuple(_row(log, metrics) for log in logs),
            title="Training curves",
            details={name: f"{CURVES[name]}, last logged" for name in metrics},
            notes=(
                "Losses of different objectives do not compare.",
                f"A line has at most {MOST_POINTS} points, each the mean of as many "
                "logged ones.",
            ),
            run="run",
            plots=tuple(_plot(name, logs) for name in metrics),
        )

    return build


def _lines(record_path: str) -> list[dict[str, Any]]:
    path = os.path.join(os.path.dirname(record_path), "metrics.jsonl")
    if not os.path.isfile(path):
        return []
    found = []
    with open(path, encoding="utf-8") as file:
        for text in file:
            # A line that was cut by a kill is written again when the run goes on.
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if line.get("phase") == "train" and "tokens" in line:
                found.append(line)
    return found


def _row(log: Log, metrics: Sequence[str]) -> tuple:
    last = log.lines[-1]
    record = log.record
    return (
        record.label,
        record.objective,
        record.seed,
        last["step"],
        last["tokens"],
        *(last.get(name) for name in metrics),
        record.run_id,
    )


def _plot(metric: str, logs: Sequence[Log]) -> XY:
    several = len({log.record.label for log in logs}) < len(logs)
    series = []
    for log in logs:
        known = [
            (x["tokens"], x[metric]) for x in log.lines if x.get(metric) is not None
        ]
        if not known:
            continue
        seed = f", seed {log.record.seed}" if several else ""
        points = tuple(Point(*pair) for pair in thinned(known))
        series.append(
            Series(f"{log.record.label}{seed}", points, joined=True, marked=False)
        )
    return XY(
        metric.replace("_", "-"),
        CURVES[metric],
        f"A line a pre-training run: {CURVES[metric]} against the tokens seen. Of many, "
        "the first ones are named and the others grey.",
        "tokens",
        CURVES[metric],
        tuple(series),
    )


def thinned(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Means of neighbouring pairs, so many that at most `MOST_POINTS` are left."""
    size = -(-len(pairs) // MOST_POINTS)
    blocks = [pairs[i : i + size] for i in range(0, len(pairs), size)]
    return [
        tuple(sum(values) / len(block) for values in zip(*block, strict=True))
        for block in blocks
    ]
