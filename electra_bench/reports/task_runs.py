"""All runs on one task: a row a run, with every metric."""

from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.cells import (
    COLLAPSED,
    CONTAMINATED,
    Entry,
    is_collapsed,
    short_names,
)
from electra_bench.reports.board.one_task import (
    CONDITIONS,
    TaskCell,
    cells_of_task,
    conditions,
)
from electra_bench.reports.plot import Dots
from electra_bench.reports.table import Table, Value


@reports.register("task_runs")
def task_runs(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
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
        mains = sorted({e.result.main_metric for c in cells for e in c.entries})
        lower = {c.column.metric for c in cells if not c.column.higher_is_better}
        others = {name for c in cells for e in c.entries for name in e.result.metrics}
        metrics = [*mains, *sorted(others - {*mains})]
        rows = [
            _row(cell, entry, shown, metrics)
            for cell in cells
            for entry in sorted(cell.entries, key=_seeds)
        ]
        notes = ["A model's runs are in the order of their seeds."]
        if any(is_collapsed(c.column, e) for c in cells for e in c.entries):
            notes.append(f"A collapsed run {COLLAPSED}.")
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
    record = entry.record
    return (record.pretrain_seed or 0, record.seed or 0)


def _row(
    cell: TaskCell, entry: Entry, shown: Sequence[str], metrics: Sequence[str]
) -> tuple[Value, ...]:
    record, result = entry
    marks = [*result.marks]
    marks += ["collapsed"] if is_collapsed(cell.column, entry) else []
    marks += [CONTAMINATED] if result.task in record.contaminated else []
    return (
        record.label,
        record.seed,
        *(result.metrics.get(name) for name in metrics),
        ", ".join(dict.fromkeys(marks)) or None,
        *(CONDITIONS[name](cell) for name in shown),
        record.run_id,
    )


def _plots(task: str, cells: Sequence[TaskCell]) -> tuple[Dots, ...]:
    """A picture for each column of the leaderboard that the task has."""
    plots = []
    for place, scored_on in enumerate(dict.fromkeys(c.scored_on for c in cells), 1):
        of_column = [cell for cell in cells if cell.scored_on == scored_on]
        names = short_names([cell.row for cell in of_column])
        scores = [
            tuple(
                entry.result.main_score
                for entry in cell.entries
                if entry.result.main_score is not None
            )
            for cell in of_column
        ]
        floors = {e.result.floor for cell in of_column for e in cell.entries}
        plots.append(
            Dots(
                f"seeds-{place}",
                f"{scored_on}: every run",
                f"A line a model with a dot for each of its runs on {task} and a bar at "
                "their median; the dashed line is the majority baseline.",
                of_column[0].column.axis,
                tuple(zip(names, scores, strict=True)),
                floors.pop() if len(floors) == 1 else None,
            )
        )
    return tuple(plots)
