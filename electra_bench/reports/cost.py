"""Scores against what pre-training cost: FLOPs and time."""

import itertools
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.notes import first_named
from electra_bench.reports.board.row_means import (
    MEANING,
    RowMean,
    built_on,
    mean_over,
    pretrain_wall_s,
    row_means,
)
from electra_bench.reports.board.scores import Board, board_of
from electra_bench.reports.collect.records import Records
from electra_bench.reports.plot import MOST_NAMES, XY, Series
from electra_bench.reports.statistics.aggregate import median_or_none
from electra_bench.reports.statistics.bootstrap import REPLICATES
from electra_bench.reports.table import NothingToShow, Table, axis_of_scores

FLOPS, WALL = "pretrain FLOPs", "pretrain seconds"


@reports.register("cost")
def cost(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
    max_rows: int = 50,
    replicates: int = REPLICATES,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    A row is on the Pareto front of a cost if no other row scores as well for less, or
    better for as much. A contaminated row is on none beside others.

    Args:
        tasks: tasks that the mean is over; None takes all.
        labels: rows to show; None shows all.
        kinds: kinds of run that count.
        max_rows: the best so many rows are shown.
        replicates: bootstrap samples.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        records = Records.of(records)
        board = board_of(records, tasks, labels, kinds, max_rows)
        means = row_means(board, records, replicates)
        costs: dict[str, list[float | None]] = {
            FLOPS: [
                median_or_none(run.pretrain_flops for run in mean.records)
                for mean in means
            ],
            WALL: [pretrain_wall_s(mean.records, records) for mean in means],
        }
        costs = {n: c for n, c in costs.items() if any(x is not None for x in c)}
        if not costs:
            raise NothingToShow("no run says what its pre-training cost")
        lower = board.mean_is_lower_better
        fronts = {
            name: front(means, values, lower_is_better=lower)
            for name, values in costs.items()
        }
        rows, runs = [], []
        for i in _best_first(means, lower_is_better=lower):
            of_costs = (
                (values[i], "front" if i in fronts[name] else None)
                for name, values in costs.items()
            )
            row = (board.row_names[i], means[i].row.protocol, means[i].score)
            rows.append((*row, *itertools.chain(*of_costs)))
            built = {WALL: built_on(means[i].records, records)} if WALL in costs else {}
            runs.append({**means[i].runs, **built})
        axis = axis_of_scores("mean score", lower_is_better=lower)
        plots = (
            _plot(name, board.short_names, means, values, fronts[name], axis)
            for name, values in costs.items()
        )
        names_of_costs = ((name, f"front, {name}") for name in costs)
        return Table(
            columns=("model", "protocol", "score", *itertools.chain(*names_of_costs)),
            rows=tuple(rows),
            rank_by="score",
            metrics=("score",),
            lower_is_better=("score",) if lower else (),
            title="Score against the cost of pre-training",
            # The front is what stands out here.
            differences=(),
            details={"score": mean_over(board)},
            notes=(
                MEANING,
                "On the Pareto front no other row scores as well for less, or better for "
                "as much.",
                "Pictures lack models without pre-training, as their scale is logarithmic.",
                *_note_on_contaminated(board, means),
            ),
            plots=tuple(plot for plot in plots if plot is not None),
            runs=tuple(runs),
        )

    return build


def _best_first(means: Sequence[RowMean], *, lower_is_better: bool) -> list[int]:
    """Places of the rows in the order of their scores; those without one last."""
    sign = 1 if lower_is_better else -1

    def place(i: int) -> tuple:
        score = means[i].score
        return (True, 0.0) if score is None else (False, sign * score.value)

    return sorted(range(len(means)), key=place)


def front(
    means: Sequence[RowMean],
    costs: Sequence[float | None],
    *,
    lower_is_better: bool = False,
) -> frozenset[int]:
    """Places of the rows that no other one beats, without contaminated beside others."""
    sign = -1 if lower_is_better else 1
    known = {
        i: (cost, sign * mean.score.value)
        for i, (mean, cost) in enumerate(zip(means, costs, strict=True))
        if cost is not None and mean.score is not None
    }
    seen = {i: set(means[i].contaminated) for i in known}
    fair = {
        i: known[i]
        for i in known
        if all(seen[i] <= of_other for of_other in seen.values())
    }
    return frozenset(
        i
        for i, (cost, score) in fair.items()
        if not any(
            other_cost <= cost
            and other >= score
            and (other_cost, other) != (cost, score)
            for other_cost, other in fair.values()
        )
    )


def _note_on_contaminated(board: Board, means: Sequence[RowMean]) -> list[str]:
    found = [
        f"{name} in {', '.join(board.names_of(mean.contaminated))}"
        for name, mean in zip(board.short_names, means, strict=True)
        if mean.contaminated
    ]
    if not found:
        return []
    return [
        f"Contaminated: {first_named(found)}. Beside rows that have not seen these tasks "
        "such a row is on no front."
    ]


def _plot(
    cost_name: str,
    names: Sequence[str],
    means: Sequence[RowMean],
    costs: Sequence[float | None],
    on_front: frozenset[int],
    axis: str,
) -> XY | None:
    """The picture of a cost; None if no model has both a score and a cost above 0."""
    # A logarithm of nothing has no place. Among many only the front is named.
    few = len(means) <= MOST_NAMES
    points = {
        i: point
        for i, mean in enumerate(means)
        if costs[i]
        for point in mean.points(costs[i], names[i] if few or i in on_front else "")
    }
    if not points:
        return None
    best = sorted(on_front & points.keys(), key=lambda i: points[i].x)
    has_bars = any(point.low is not None for point in points.values())
    name = "model, 95 % interval" if has_bars else "model"
    series = [Series(name, tuple(points.values()))]
    if len(best) > 1:
        joined = [points[i]._replace(name="", low=None, high=None) for i in best]
        series.append(Series("Pareto front", tuple(joined), joined=True))
    return XY(
        "flops" if cost_name == FLOPS else "time",
        f"Score against {cost_name}",
        f"A point a model: its mean score{' with the 95 % interval' * has_bars} against "
        f"{cost_name}, logarithmic. {_of_front([names[i] for i in best])}",
        cost_name,
        axis,
        tuple(series),
        log_x=True,
    )


def _of_front(names: Sequence[str]) -> str:
    if len(names) > 1:
        return (
            "The line joins the models of the Pareto front, from the cheapest: "
            f"{', '.join(names)}."
        )
    return f"On the Pareto front: {names[0] if names else 'none of them'}."
