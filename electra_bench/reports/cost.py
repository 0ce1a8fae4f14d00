"""Scores against what pre-training cost: FLOPs and time."""

import itertools
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import row_means
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.board.notes import contaminated_in
from electra_bench.reports.board.scores import Board
from electra_bench.reports.collect.records import IN_TABLES, Records
from electra_bench.reports.plot import MOST_NAMES, XY, Series
from electra_bench.reports.statistics.aggregate import best_first, median_or_none
from electra_bench.reports.statistics.bootstrap import REPLICATES
from electra_bench.reports.table import Bounded, NothingToShow, Table, Value, number

FLOPS, WALL = "pretrain FLOPs", "pretrain seconds"


@reports.register("cost")
def cost(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
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
        board = Board(records, tasks, labels, kinds, max_rows)
        means = row_means.of_board(board, records, replicates)
        runs_of = [board.records(row) for row in board.shown]
        flops = ((run.pretrain_flops for run in runs) for runs in runs_of)
        costs: dict[str, list[float | None]] = {
            FLOPS: list(map(median_or_none, flops)),
            WALL: [row_means.pretrain_wall_s(runs, records) for runs in runs_of],
        }
        costs = {n: c for n, c in costs.items() if any(x is not None for x in c)}
        if not costs:
            raise NothingToShow("no run says what its pre-training cost")
        lower = board.mean_is_lower_better
        seen = [board.contaminated(row, board.in_mean) for row in board.shown]
        places = [best_first(number(mean), lower_is_better=lower) for mean in means]
        fronts = {name: _front(places, c, seen) for name, c in costs.items()}
        rows, runs = [], []
        for i in sorted(range(len(means)), key=places.__getitem__):
            row: list[Value] = [board.row_names[i], board.shown[i].protocol, means[i]]
            for name, values in costs.items():
                row += [values[i], "front" if i in fronts[name] else None]
            rows.append(tuple(row))
            runs.append(board.runs(board.shown[i], board.in_mean))
            if WALL in costs:
                runs[-1][WALL] = row_means.built_on(runs_of[i], records)
        plots = (
            _plot(name, board, means, values, fronts[name])
            for name, values in costs.items()
        )
        contaminated = dict(
            zip(board.short_names, map(board.names_of, seen), strict=True)
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
            details={"score": row_means.mean_over(board)},
            notes=(
                row_means.MEANING,
                "On the Pareto front no other row scores as well for less, or better for "
                "as much.",
                "Pictures lack models without pre-training, as their scale is logarithmic.",
                *contaminated_in(
                    contaminated,
                    "Beside rows that have not seen these tasks such a row is on no front.",
                ),
            ),
            plots=tuple(plot for plot in plots if plot is not None),
            runs=tuple(runs),
        )

    return build


def _front(
    places: Sequence[tuple[bool, float]],
    costs: Sequence[float | None],
    seen: Sequence[set[ColumnKey]],
) -> frozenset[int]:
    """Numbers of the rows that no other one beats, without contaminated beside others.

    Args:
        places: of the rows by their scores, as `best_first` has them: whether a row has
            none, and how bad it is.
        costs: of the rows; None where unknown.
        seen: columns in which they are contaminated.
    """
    known = {
        i: (cost, place)
        for i, (cost, place) in enumerate(zip(costs, places, strict=True))
        if cost is not None and not place[0]
    }
    fair = {i: known[i] for i in known if all(seen[i] <= seen[j] for j in known)}
    return frozenset(
        i
        for i, (cost, place) in fair.items()
        if not any(
            c <= cost and p <= place and (c, p) != (cost, place)
            for c, p in fair.values()
        )
    )


def _plot(
    cost: str,
    board: Board,
    means: Sequence[Bounded | None],
    costs: Sequence[float | None],
    on_front: frozenset[int],
) -> XY | None:
    """The picture of a cost; None if no model has both a score and a cost above 0."""
    # A logarithm of nothing has no place. Among many only the front is named.
    few = len(means) <= MOST_NAMES
    names = board.short_names
    points = {
        i: row_means.point_of(mean, x, names[i] if few or i in on_front else "")
        for i, (mean, x) in enumerate(zip(means, costs, strict=True))
        if x and mean
    }
    if not points:
        return None
    best = sorted(on_front & points.keys(), key=lambda i: points[i].x)
    has_bars = any(point.low is not None for point in points.values())
    series = [Series("model" + ", 95 % interval" * has_bars, tuple(points.values()))]
    of_front = ", ".join(names[i] for i in best)
    told = f"On the Pareto front: {of_front or 'none of them'}."
    if len(best) > 1:
        joined = [points[i]._replace(name="", low=None, high=None) for i in best]
        series.append(Series("Pareto front", tuple(joined), joined=True))
        told = "The line joins the models of the Pareto front, from the cheapest: "
        told += f"{of_front}."
    return XY(
        "flops" if cost == FLOPS else "time",
        f"Score against {cost}",
        f"A point a model: its mean score{' with the 95 % interval' * has_bars} against "
        f"{cost}, logarithmic. {told}",
        cost,
        row_means.axis_of_means(board),
        tuple(series),
        log_x=True,
    )
