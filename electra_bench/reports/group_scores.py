"""Scores on parts of one task: a row a model and measure, a column a class or a length."""

import functools
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import one_task
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.board.one_task import TaskCell
from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.collect.records import IN_TABLES, Records
from electra_bench.reports.collect.store import Store, key_of
from electra_bench.reports.statistics import example_groups
from electra_bench.reports.statistics.aggregate import over_seeds
from electra_bench.reports.statistics.example_groups import LENGTH_NAMES, Measures
from electra_bench.reports.statistics.replicates import identity_of, metric_of
from electra_bench.reports.table import NothingToShow, Table, distinct
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.source_closure import closure_sha256

Build = Callable[[Sequence[RunRecord]], Table]


class Measure(NamedTuple):
    """What is measured of a run.

    Attributes:
        of: its measures, from a function that reads its predictions.
        made_by: what they depend on beside the predictions and `example_groups`; None if
            the run has none.
    """

    of: Callable[[Callable[[], Answers]], Measures]
    made_by: Sequence[str] | None


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

    def measure(entry: Entry) -> Measure:
        kind = entry.record.objective
        made_by = ["class", str(kind)] if kind in example_groups.WITH_CLASSES else None
        return Measure(functools.partial(example_groups.by_class, kind), made_by)

    def build(records: Sequence[RunRecord]) -> Table:
        cells, _ = one_task.cells_of_task(records, task, labels, kinds)
        title = f"{task} by class"
        # Nothing that was never named is named rightly.
        return _table(Records.of(records), cells, measure, title=title, floor=0.0)

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

    def measure(entry: Entry) -> Measure:
        name, score = metric_of(entry), entry.result.main_metric
        kind = entry.record.objective
        made_by = None
        if kind in example_groups.LENGTH_OF:
            made_by = ["length", str(kind), score, name, *identity_of(name)]
        return Measure(
            lambda read: {score: example_groups.by_length(name, score, kind, read)},
            made_by,
        )

    def build(records: Sequence[RunRecord]) -> Table:
        cells, _ = one_task.cells_of_task(records, task, labels, kinds)
        lower = one_task.all_lower_are_better(cells)
        title = f"{task} by length in words"
        return _table(Records.of(records), cells, measure, title=title, lower=lower)

    return build


def _table(
    records: Records,
    cells: Sequence[TaskCell],
    measure: Callable[[Entry], Measure],
    *,
    title: str,
    floor: float | None = None,
    lower: bool = False,
) -> Table:
    """Means over the runs whose predictions can be read.

    Args:
        records: where the predictions are.
        cells: of the task.
        measure: what is measured of a run.
        title: of the table.
        floor: what a measure counts as where it is undefined; None if nobody knows.
        lower: whether lower is better in all that is measured.

    Raises:
        NothingToShow: there are none.
    """
    store = Store(os.path.join(cache_dir(), "reports", "measures.db"))
    reasons: Counter[str] = Counter()
    found: list[tuple[TaskCell, dict[str, Measures]]] = []
    for cell in cells:
        of_runs = {}
        for entry in cell.entries:
            try:
                found_of = _measured(entry, measure(entry), records, store)
                of_runs[entry.record.run_id] = found_of
            except Unusable as error:
                reasons[str(error)] += 1
        if of_runs:
            found.append((cell, of_runs))
    store.save()
    counted = ", ".join(f"{why} ({count} runs)" for why, count in reasons.items())
    if not found:
        raise NothingToShow(f"no predictions: {counted}")
    shown = one_task.conditions([cell for cell, _ in found])
    names = _names([measures for _, of_runs in found for measures in of_runs.values()])
    rows = []
    for cell, of_runs in found:
        beside = [cell.row.name, *(condition(cell) for condition in shown.values())]
        for name_of in next(iter(of_runs.values())):
            of_measure = {run: m[name_of] for run, m in of_runs.items()}
            scores = (
                over_seeds(
                    [(run, of[name]) for run, of in of_measure.items() if name in of],
                    floor=floor,
                )
                for name in names
            )
            rows.append((*beside, name_of, *scores))
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


def _measured(
    entry: Entry, measure: Measure, records: Records, store: Store
) -> Measures:
    """The measures of a run, from the store if it knows the predictions.

    Raises:
        Unusable: the run has none, or its predictions cannot be used.
    """

    def read() -> Answers:
        return records.answers(entry.record, entry.result)

    if measure.made_by is None:
        return measure.of(read)
    # What was changed since the run is not shown.
    sha256 = records.predictions_sha256(entry.record, entry.result)
    key = key_of(_code(), sha256, entry.result.num_examples, *measure.made_by)
    kept = store.get(key)
    if kept is not None:
        return {name: dict(groups) for name, groups in json.loads(kept)}
    found = measure.of(read)
    # Only what was hashed is kept.
    if records.predictions_sha256(entry.record, entry.result) == sha256:
        # Names of groups may be numbers, which are no keys in JSON.
        pairs = [(name, list(groups.items())) for name, groups in found.items()]
        store.put(key, json.dumps(pairs).encode())
    return found


@functools.cache
def _code() -> str:
    return closure_sha256([example_groups.__name__])


def _names(measures: Sequence[Measures]) -> list[str]:
    names = {
        name for of_run in measures for groups in of_run.values() for name in groups
    }
    return sorted(names, key=LENGTH_NAMES.index if names <= {*LENGTH_NAMES} else None)
