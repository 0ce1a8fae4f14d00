"""Scores on parts of one task: a row a model and measure, a column a class or a length."""

import functools
from collections import Counter
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import one_task
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.board.one_task import TaskCell
from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.collect.records import IN_TABLES, Records
from electra_bench.reports.statistics import example_groups
from electra_bench.reports.statistics.aggregate import over_seeds
from electra_bench.reports.statistics.example_groups import LENGTH_NAMES, Measures
from electra_bench.reports.statistics.replicates import metric_of
from electra_bench.reports.table import NothingToShow, Table, distinct

Build = Callable[[Sequence[RunRecord]], Table]


@reports.register("class_scores")
def class_scores(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
) -> Build:
    """Builds a report on the classes of a task, or its types of spans or tags.

    Args:
        task: the task.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
    """

    def measures(entry: Entry, read: Callable[[], Answers]) -> Measures:
        return example_groups.by_class(entry.record.objective, read)

    def build(records: Sequence[RunRecord]) -> Table:
        cells, _ = one_task.cells_of_task(records, task, labels, kinds)
        title = f"{task} by class"
        # Nothing that was never named is named rightly.
        return _table(Records.of(records), cells, measures, title=title, floor=0.0)

    return build


@reports.register("length_scores")
def length_scores(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
) -> Build:
    """Builds a report on lengths: of sentences for tagging, of answers for questions.

    Args:
        task: the task.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
    """

    def measures(entry: Entry, read: Callable[[], Answers]) -> Measures:
        name, score = metric_of(entry), entry.result.main_metric
        of_kind = entry.record.objective
        return {score: example_groups.by_length(name, score, of_kind, read)}

    def build(records: Sequence[RunRecord]) -> Table:
        cells, _ = one_task.cells_of_task(records, task, labels, kinds)
        lower = one_task.all_lower_are_better(cells)
        title = f"{task} by length in words"
        return _table(Records.of(records), cells, measures, title=title, lower=lower)

    return build


def _table(
    records: Records,
    cells: Sequence[TaskCell],
    measures: Callable[[Entry, Callable[[], Answers]], Measures],
    *,
    title: str,
    floor: float | None = None,
    lower: bool = False,
) -> Table:
    """Means over the runs whose predictions can be read.

    Args:
        records: where the predictions are.
        cells: of the task.
        measures: what is measured of a run, from it and a function that reads it.
        title: of the table.
        floor: what a measure counts as where it is undefined; None if nobody knows.
        lower: whether lower is better in all that is measured.

    Raises:
        NothingToShow: there are none.
    """
    reasons: Counter[str] = Counter()
    found: list[tuple[TaskCell, dict[str, Measures]]] = []
    for cell in cells:
        of_runs = {}
        for entry in cell.entries:
            read = functools.partial(_read, records, entry)
            try:
                of_runs[entry.record.run_id] = measures(entry, read)
            except Unusable as error:
                reasons[str(error)] += 1
        if of_runs:
            found.append((cell, of_runs))
    counted = ", ".join(f"{why} ({count} runs)" for why, count in reasons.items())
    if not found:
        raise NothingToShow(f"no predictions: {counted}")
    shown = one_task.conditions([cell for cell, _ in found])
    names = _names([measures for _, of_runs in found for measures in of_runs.values()])
    rows = []
    for cell, of_runs in found:
        beside = [cell.row.name, *(condition(cell) for condition in shown.values())]
        for measure in next(iter(of_runs.values())):
            of_measure = {run: m[measure] for run, m in of_runs.items()}
            scores = (
                over_seeds(
                    [(run, of[name]) for run, of in of_measure.items() if name in of],
                    floor=floor,
                )
                for name in names
            )
            rows.append((*beside, measure, *scores))
    notes = ["A score is the mean over the runs whose predictions can be read."]
    notes += [f"Left out: {counted}."] if reasons else []
    # A class may be called as a column is.
    columns = distinct(("model", *shown, "measure", *names))
    metrics = columns[len(columns) - len(names) :]
    return Table(
        columns=columns,
        rows=tuple(rows),
        metrics=metrics,
        lower_is_better=metrics if lower else (),
        title=title,
        # Rows are different measures: none is best.
        differences=(),
        notes=tuple(notes),
    )


def _read(records: Records, entry: Entry) -> Answers:
    # What was changed since the run is not shown.
    records.predictions_sha256(entry.record, entry.result)
    return records.answers(entry.record, entry.result)


def _names(measures: Sequence[Measures]) -> list[str]:
    names = {
        name for of_run in measures for groups in of_run.values() for name in groups
    }
    return sorted(names, key=LENGTH_NAMES.index if names <= {*LENGTH_NAMES} else None)
