"""Scores on parts of one task: a row a model and measure, a column a class or a length."""

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.board.task_cells import (
    CONDITIONS,
    TaskCell,
    all_lower_are_better,
    conditions,
    task_cells,
)
from electra_bench.reports.collect.collected import Collected, as_collected
from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.statistics.aggregate import over_seeds
from electra_bench.reports.statistics.example_groups import (
    LENGTH_NAMES,
    Measures,
    by_class,
    by_length,
)
from electra_bench.reports.statistics.replicates import metric_of
from electra_bench.reports.table import NothingToShow, Table

Build = Callable[[Sequence[RunRecord]], Table]


@reports.register("class_scores")
def class_scores(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
) -> Build:
    """Builds a report on the classes of a task, or its types of spans or tags.

    Args:
        task: the task.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
    """

    def measures(entry: Entry, read: Callable[[], Answers]) -> Measures:
        return by_class(entry.record.objective, read)

    def build(records: Sequence[RunRecord]) -> Table:
        cells = task_cells(records, task, labels, kinds)[0]
        return _table(
            _Groups(as_collected(records), cells, measures), f"{task} by class"
        )

    return build


@reports.register("length_scores")
def length_scores(
    task: str,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
) -> Build:
    """Builds a report on lengths: of sentences for tagging, of answers for questions.

    Args:
        task: the task.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
    """

    def measures(entry: Entry, read: Callable[[], Answers]) -> Measures:
        name, score = metric_of(*entry), entry.result.main_metric
        return {score: by_length(name, score, entry.record.objective, read)}

    def build(records: Sequence[RunRecord]) -> Table:
        cells = task_cells(records, task, labels, kinds)[0]
        groups = _Groups(as_collected(records), cells, measures)
        table = _table(groups, f"{task} by length in words")
        is_lower = all_lower_are_better(cells)
        return replace(table, lower_is_better=table.metrics) if is_lower else table

    return build


class _Groups(NamedTuple):
    """What is scored, and how."""

    collected: Collected
    cells: list[TaskCell]
    measures: Callable[[Entry, Callable[[], Answers]], Measures]


def _table(groups: _Groups, title: str) -> Table:
    """Medians over the runs whose predictions can be read.

    Raises:
        NothingToShow: there are none.
    """
    reasons: Counter[str] = Counter()
    found: list[tuple[TaskCell, dict[str, Measures]]] = []
    for cell in groups.cells:
        of_runs = {}
        for entry in cell.entries:
            try:
                of_runs[entry.record.run_id] = groups.measures(
                    entry, functools.partial(_read, groups.collected, entry)
                )
            except Unusable as error:
                reasons[str(error)] += 1
        if of_runs:
            found.append((cell, of_runs))
    counted = ", ".join(f"{why} ({count} runs)" for why, count in reasons.items())
    if not found:
        raise NothingToShow(f"no predictions: {counted}")
    shown = conditions([cell for cell, _ in found])
    names = _names([measures for _, of_runs in found for measures in of_runs.values()])
    rows = []
    for cell, of_runs in found:
        for measure in next(iter(of_runs.values())):
            scores = (
                over_seeds([(run, m[measure].get(name)) for run, m in of_runs.items()])
                for name in names
            )
            differing = [CONDITIONS[name](cell) for name in shown]
            rows.append((cell.row.label, *differing, measure, *scores))
    notes = ["A score is the median over the runs whose predictions can be read."]
    notes += [f"Left out: {counted}."] if reasons else []
    columns = {name: f"{name} " if name in _TAKEN else name for name in names}
    return Table(
        columns=("model", *shown, "measure", *columns.values()),
        rows=tuple(rows),
        metrics=tuple(columns.values()),
        title=title,
        # Rows are different measures: none is best.
        differences=(),
        notes=tuple(notes),
    )


def _read(collected: Collected, entry: Entry) -> Answers:
    # What was changed since the run is not shown.
    collected.predictions_sha256(*entry)
    return collected.answers(*entry)


# A class may be called as a column is.
_TAKEN = {"model", "measure", *CONDITIONS}


def _names(measures: Sequence[Measures]) -> list[str]:
    names = {
        name for of_run in measures for groups in of_run.values() for name in groups
    }
    if names <= {*LENGTH_NAMES}:
        return sorted(names, key=LENGTH_NAMES.index)
    return sorted(names)
