"""One task against how much of pre-training a model has seen."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports import table as tables
from electra_bench.reports.board import one_task
from electra_bench.reports.board.one_task import TaskCell
from electra_bench.reports.collect.records import IN_TABLES
from electra_bench.reports.plot import XY, Point, Series
from electra_bench.reports.statistics.bootstrap import REPLICATES, Bootstrap
from electra_bench.reports.table import Score, Table


@reports.register("learning_curve")
def learning_curve(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
    replicates: int = REPLICATES,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report: a column a fraction of pre-training.

    Args:
        task: the task.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
        replicates: bootstrap samples.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        cells, left_out = one_task.cells_of_task(records, task, labels, kinds)
        bootstrap = Bootstrap.of(records, replicates)
        lines: dict[tuple, dict[float, Score]] = defaultdict(dict)
        cells = _along_pretraining(cells)
        others = one_task.conditions(cells)
        others.pop("pre-training", None)
        for cell in cells:
            line = lines[cell.row.name, *(value(cell) for value in others.values())]
            fraction = _fraction(cell)
            if fraction in line:
                # Runs that say 1 beside runs that say nothing: rows of their own.
                reason = f"{cell.row.name} has another point at {fraction:g}"
                repeated = (entry.record.run_id for entry in cell.entries)
                left_out += [tables.LeftOut(run_id, reason) for run_id in repeated]
            else:
                line[fraction] = bootstrap.score(cell.column, cell.entries)
        bootstrap.save()
        if not lines:
            raise tables.NothingToShow(
                f"no model has runs on {task} after two parts of its pre-training"
            )
        fractions = sorted({f for scores in lines.values() for f in scores})
        names = tuple(f"{fraction:.4g}" for fraction in fractions)
        lower = one_task.all_lower_are_better(cells)
        return Table(
            columns=("model", *others, *names),
            rows=tuple((*row, *map(of.get, fractions)) for row, of in lines.items()),
            metrics=names,
            lower_is_better=names if lower else (),
            title=f"{task} after parts of pre-training",
            # No tests: columns are no tasks.
            differences=(),
            notes=("A column is the fraction of pre-training that a model has seen.",),
            left_out=tuple(left_out),
            plots=(_plot(task, lines, lower_is_better=lower),),
        )

    return build


def _along_pretraining(cells: Sequence[TaskCell]) -> list[TaskCell]:
    """Cells of which there is another one that differs in the fraction only."""

    def others(cell: TaskCell) -> tuple:
        return cell.row._replace(fraction=None), cell.scored_on

    fractions: dict[tuple, set[float]] = defaultdict(set)
    for cell in cells:
        fractions[others(cell)].add(_fraction(cell))
    return [cell for cell in cells if len(fractions[others(cell)]) > 1]


def _fraction(cell: TaskCell) -> float:
    """Runs that do not tell have seen all, as those with 1."""
    return 1.0 if cell.row.fraction is None else cell.row.fraction


def _plot(
    task: str, lines: dict[tuple, dict[float, Score]], *, lower_is_better: bool
) -> XY:
    series = []
    for row, scores in lines.items():
        points = [
            Point(fraction, score.mean, *(score.interval or (None, None)))
            for fraction, score in sorted(scores.items())
            if score.mean is not None
        ]
        name = " ".join(str(part) for part in row if part)
        series.append(Series(name, tuple(points), joined=True))
    return XY(
        "fractions",
        f"{task} after parts of pre-training",
        "A line a model: its mean score with a bar for the 95 % interval, against the "
        "fraction of pre-training that it has seen.",
        "fraction of pre-training",
        tables.axis_of_scores("mean score", lower_is_better=lower_is_better),
        tuple(series),
    )
