"""All runs on one task: a row a run, with every metric."""

import itertools
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import cells as board_cells
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.board.one_task import TaskCell, cells_of_task, conditions
from electra_bench.reports.board.row_names import short_names
from electra_bench.reports.collect.cards import counted_score
from electra_bench.reports.collect.records import IN_TABLES
from electra_bench.reports.plot import Dots
from electra_bench.reports.table import Table


@reports.register("task_runs")
def task_runs(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Args:
        task: the task.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        cells, left_out = cells_of_task(records, task, labels, kinds)
        shown = conditions(cells)
        runs = [(c, e) for c in cells for e in sorted(c.entries, key=_seeds)]
        mains = sorted({entry.result.main_metric for _, entry in runs})
        others = {name for _, entry in runs for name in entry.result.metrics}
        metrics = [*mains, *sorted(others - {*mains})]
        lower = {c.column.metric for c in cells if not c.column.higher_is_better}
        rows = (
            (
                cell.row.name,
                entry.record.seed,
                *map(entry.result.metrics.get, metrics),
                _marks(cell, entry),
                *(condition(cell) for condition in shown.values()),
                entry.record.run_id,
            )
            for cell, entry in runs
        )
        notes = ["A model's runs are in the order of their seeds."]
        if any(board_cells.is_collapsed(c.column, e) for c, e in runs):
            notes.append(f"A collapsed run {board_cells.COLLAPSED}.")
        return Table(
            columns=("model", "seed", *metrics, "marks", *shown, "run"),
            rows=tuple(rows),
            # The others may be losses or counts.
            metrics=tuple(mains),
            lower_is_better=tuple(name for name in mains if name in lower),
            title=f"All runs on {task}",
            details=dict.fromkeys(mains, "the main metric"),
            notes=tuple(notes),
            left_out=tuple(left_out),
            # Single runs: the best of them says nothing.
            differences=(),
            run="run",
            plots=_plots(task, cells),
        )

    return build


def _seeds(entry: Entry) -> tuple[int, int]:
    return (entry.record.pretrain_seed or 0, entry.record.seed or 0)


def _marks(cell: TaskCell, entry: Entry) -> str | None:
    record, result, *_ = entry
    marks = [*result.marks]
    marks += ["undefined"] if result.main_score is None else []
    marks += ["collapsed"] if board_cells.is_collapsed(cell.column, entry) else []
    marks += [board_cells.CONTAMINATED] if result.task in record.contaminated else []
    return ", ".join(dict.fromkeys(marks)) or None


def _counted(entries: Sequence[Entry]) -> tuple[float, ...]:
    """Scores of runs, floors where they are undefined."""
    scores = (counted_score(entry.result) for entry in entries)
    return tuple(score for score in scores if score is not None)


def _plots(task: str, cells: Sequence[TaskCell]) -> tuple[Dots, ...]:
    """A picture for each column of the leaderboard that the task has."""
    plots = []
    by_column = itertools.groupby(cells, key=lambda cell: cell.scored_on)
    for place, (scored_on, group) in enumerate(by_column, 1):
        of_column = list(group)
        names = short_names([cell.row for cell in of_column])
        scores = [_counted(cell.entries) for cell in of_column]
        floors = {e.result.floor for cell in of_column for e in cell.entries}
        plots.append(
            Dots(
                f"seeds-{place}",
                f"{scored_on}: every run",
                f"A line a model with a dot for each of its runs on {task} and a bar at "
                "their mean; the dashed line is the majority baseline.",
                of_column[0].column.axis,
                tuple(zip(names, scores, strict=True)),
                floors.pop() if len(floors) == 1 else None,
            )
        )
    return tuple(plots)
