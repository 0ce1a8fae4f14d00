"""How much the runs of one cell differ."""

from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.scores import Board
from electra_bench.reports.collect.records import IN_TABLES
from electra_bench.reports.plot import Dots
from electra_bench.reports.table import Bounded, NothingToShow, Table


@reports.register("seed_variance")
def seed_variance(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
    max_rows: int = 20,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report: the standard deviation of every cell, and a dot a run.

    Args:
        tasks: tasks to show, in this order; None shows all, see `columns_of`.
        labels: rows to show; None shows all.
        kinds: kinds of run that count.
        max_rows: the best so many rows are shown.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        board = Board(records, tasks, labels, kinds, max_rows)
        rows = []
        for name, row in zip(board.row_names, board.shown, strict=False):
            found = (board.score(row, column).sd for column in board.columns.values())
            deviations = [None if sd is None else Bounded(sd) for sd in found]
            rows.append((name, row.protocol, *deviations))
        if all(sd is None for row in rows for sd in row[2:]):
            raise NothingToShow("no model has two runs on a task")
        return Table(
            columns=("model", "protocol", *board.columns),
            rows=tuple(rows),
            title="Standard deviation over runs",
            notes=("In points of the task's main metric; a dash is a single run.",),
            tasks=board.tasks,
            runs=tuple(map(board.runs, board.shown)),
            plots=tuple(_plot(board, *item) for item in enumerate(board.columns, 1)),
        )

    return build


def _plot(board: Board, place: int, name: str) -> Dots:
    column = board.columns[name]
    scores = [board.score(row, column).counted for row in board.shown]
    return Dots(
        f"runs-{place}",
        name,
        f"A line a model with a dot for each of its runs on {name} and a bar at their "
        "mean.",
        column.axis,
        tuple(zip(board.short_names, scores, strict=True)),
    )
