"""Scores against what pre-training cost: FLOPs and time."""

from collections.abc import Callable, Sequence

import numpy as np

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.board import Board, board_of
from electra_bench.reports.board.cells import row_names, short_names
from electra_bench.reports.board.notes import first_named
from electra_bench.reports.board.row_means import (
    MEANING,
    RowMean,
    built_on,
    mean_over,
    pretrain_wall_s,
    row_means,
)
from electra_bench.reports.collect.collected import as_collected
from electra_bench.reports.plot import MOST_NAMES, XY, Series
from electra_bench.reports.statistics.evidence import REPLICATES, Evidence
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
        collected = as_collected(records)
        board = board_of(
            records, kinds=kinds, labels=labels, tasks=tasks, max_rows=max_rows
        )
        means = row_means(board, Evidence(collected, replicates))
        costs = {
            FLOPS: [_median([r.pretrain_flops for r in m.records]) for m in means],
            WALL: [pretrain_wall_s(m.records, collected) for m in means],
        }
        costs = {n: c for n, c in costs.items() if any(x is not None for x in c)}
        if not costs:
            raise NothingToShow("no run says what its pre-training cost")
        lower = board.mean_is_lower_better
        fronts = {
            name: front(means, values, lower_is_better=lower)
            for name, values in costs.items()
        }
        names = row_names(board.rows)[: len(means)]
        order = _best_first(means, lower_is_better=lower)
        short = short_names(board.shown)
        rows = [
            (
                names[i],
                means[i].row.protocol,
                means[i].score,
                *(
                    cell
                    for of_cost, values in costs.items()
                    for cell in (
                        values[i],
                        "front" if i in fronts[of_cost] else None,
                    )
                ),
            )
            for i in order
        ]
        runs = [dict(mean.runs) for mean in means]
        if WALL in costs:
            for mean, of_row in zip(means, runs, strict=True):
                of_row[WALL] = built_on(mean.records, collected)
        plots = [
            _plot(
                cost_name,
                short,
                means,
                values,
                fronts[cost_name],
                axis_of_scores("mean score", lower_is_better=lower),
            )
            for cost_name, values in costs.items()
        ]
        of_costs = [part for name in costs for part in (name, f"front, {name}")]
        return Table(
            columns=("model", "protocol", "score", *of_costs),
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
                *_note_on_contaminated(board, short, means),
            ),
            plots=tuple(plot for plot in plots if plot is not None),
            runs=tuple(runs[i] for i in order),
        )

    return build


def _best_first(means: Sequence[RowMean], *, lower_is_better: bool) -> list[int]:
    """Places of the rows in the order of their scores; those without one last."""
    sign = 1 if lower_is_better else -1

    def place(i: int) -> tuple:
        score = means[i].score
        return (True, 0.0) if score is None else (False, sign * score.value)

    return sorted(range(len(means)), key=place)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


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


def _note_on_contaminated(
    board: Board, names: Sequence[str], means: Sequence[RowMean]
) -> list[str]:
    found = [
        f"{name} in {', '.join(board.names_of(mean.contaminated))}"
        for name, mean in zip(names, means, strict=True)
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
        i: mean.point(costs[i], names[i] if few or i in on_front else "")
        for i, mean in enumerate(means)
        if costs[i] and mean.score is not None
    }
    if not points:
        return None
    best = sorted(on_front & points.keys(), key=lambda i: costs[i])
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
