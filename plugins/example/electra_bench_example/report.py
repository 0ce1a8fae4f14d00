"""Scores beside the FLOPs of pre-training, one row a model."""

from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.aggregate import by_label, mean_or_none, median_over_seeds
from electra_bench.reports.table import Table


@reports.register("score_per_flop")
def score_per_flop(
    tasks: Sequence[tuple[str, str]] = (("stdlib_kind", "accuracy"),),
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Args:
        tasks: (task, metric) pairs; the mean of their medians over seeds is shown.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        rows = []
        finetuned = [record for record in records if record.kind == "finetune"]
        for label, runs in by_label(finetuned):
            scores = [median_over_seeds(runs, *task) for task in tasks]
            rows.append((label, runs[0].total_flops, mean_or_none(scores)))
        rows.sort(key=lambda row: -1.0 if row[2] is None else row[2], reverse=True)
        return Table(
            columns=("model", "pre-training FLOPs", "mean"),
            rows=tuple(rows),
            rank_by="mean",
            metrics=("mean",),
            title="Score and pre-training FLOPs",
        )

    return build
