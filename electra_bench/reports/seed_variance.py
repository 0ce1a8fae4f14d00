"""How much the runs of one cell differ."""

from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.board import Board, board_of
from electra_bench.reports.board.cells import ColumnKey, row_names, short_names
from electra_bench.reports.plot import Dots
from electra_bench.reports.table import (
    Bounded,
    NothingToShow,
    Score,
    Table,
    axis_of_scores,
)


@reports.register("seed_variance")
def seed_variance(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
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
        board = board_of(
            records, kinds=kinds, labels=labels, tasks=tasks, max_rows=max_rows
        )
        rows = [
            (
                name,
                row.protocol,
                *(_deviation(board.score(row, column)) for column in board.columns),
            )
            for name, row in zip(row_names(board.rows), board.shown, strict=False)
        ]
        if all(sd is None for row in rows for sd in row[2:]):
            raise NothingToShow("no model has two runs on a task")
        return Table(
            columns=("model", "protocol", *board.names),
            rows=tuple(rows),
            title="Standard deviation over runs",
            notes=("In points of the task's main metric; a dash is a single run.",),
            tasks={
                name: column.task
                for name, column in zip(board.names, board.columns, strict=True)
            },
            runs=tuple(board.runs(row, board.columns) for row in board.shown),
            plots=tuple(
                _plot(board, place, column)
                for place, column in enumerate(board.columns)
            ),
        )

    return build


def _deviation(score: Score) -> Bounded | None:
    return None if score.sd is None else Bounded(score.sd)


def _plot(board: Board, place: int, column: ColumnKey) -> Dots:
    name = board.names[place]
    rows = []
    for name_of_row, row in zip(short_names(board.shown), board.shown, strict=True):
        scores = [score for _, score in board.score(row, column).runs]
        rows.append((name_of_row, tuple(s for s in scores if s is not None)))
    return Dots(
        f"runs-{place + 1}",
        name,
        f"A line a model with a dot for each of its runs on {name} and a bar at their "
        "median.",
        axis_of_scores(
            column.metric or "score", lower_is_better=not column.higher_is_better
        ),
        tuple(rows),
    )
