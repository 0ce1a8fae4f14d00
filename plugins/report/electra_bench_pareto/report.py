"""Scores against the FLOPs of pre-training, and the models that nothing beats."""

from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.statistics.aggregate import (
    by_label,
    mean_or_none,
    mean_over_seeds,
)
from electra_bench.reports.table import Table

UNKNOWN = "unknown"


def beaten_by(
    row: tuple[str, float | None, float | None],
    rows: Sequence[tuple[str, float | None, float | None]],
) -> str:
    """The best model that costs no more and scores no less; "-" if there is none.

    Args:
        row: model, FLOPs and score; what is None cannot be compared.
        rows: all models.
    """
    _, flops, score = row
    if flops is None or score is None:
        return UNKNOWN
    better = [
        (other_score, name)
        for name, other_flops, other_score in rows
        if None not in (other_flops, other_score)
        and other_flops <= flops
        and other_score >= score
        and (other_flops, other_score) != (flops, score)
    ]
    return max(better)[1] if better else "-"


@reports.register("pareto")
def pareto(
    tasks: Sequence[str] | None = None,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    A model that another one beats costs more FLOPs than that one and scores lower, or as
    much in one of the two and is worse in the other; all others are the Pareto front.

    Args:
        tasks: whose main metrics are averaged; None takes all that any run has.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        runs = [record for record in records if record.kind == "finetune"]
        names = tasks or sorted({r.task for run in runs for r in run.results})
        rows = []
        for label, own in by_label(runs, records):
            scores = [mean_over_seeds(own, name, known=records) for name in names]
            rows.append((label, own[0].pretrain_flops, mean_or_none(scores)))
        rows.sort(key=lambda row: -1.0 if row[2] is None else row[2], reverse=True)
        return Table(
            columns=("model", "pretrain FLOPs", "mean", "beaten by"),
            rows=tuple((*row, beaten_by(row, rows)) for row in rows),
            rank_by="mean",
            metrics=("mean",),
            title="Score and pre-training FLOPs",
            notes=(f"mean: main metrics of {', '.join(names)}, means over seeds.",),
        )

    return build
