"""Many runs to one number; what is missing stays missing."""

from collections.abc import Iterable, Sequence

import numpy as np

from electra_bench.records import RunRecord
from electra_bench.reports.board.row_keys import RowKey, row_keys
from electra_bench.reports.board.row_names import short_names
from electra_bench.reports.collect.records import Records
from electra_bench.reports.table import Score


def by_label(
    records: Iterable[RunRecord],
) -> list[tuple[str, list[RunRecord]]]:
    """Records by the name of their row, in the order of first appearance.

    It is the label, and where runs of one label have other recipes, protocols or parts of
    pre-training, what tells these apart.
    """
    records = list(records)
    keys = row_keys(records, Records.of(records))
    rows = list(dict.fromkeys(keys))
    groups: dict[RowKey, list[RunRecord]] = {row: [] for row in rows}
    for record, row in zip(records, keys, strict=True):
        groups[row].append(record)
    return list(zip(short_names(rows), groups.values(), strict=True))


def over_seeds(
    runs: Sequence[tuple[str, float | None]], marks: Sequence[str] = ()
) -> Score:
    """Sums up the runs of one cell.

    Args:
        runs: (run_id, score) pairs; a score is None where the metric is undefined.
        marks: further remarks on the cell.

    Returns:
        Median, mean, count, sample standard deviation (n - 1) and range of the defined
        scores.
    """
    defined = [score for _, score in runs if score is not None]
    undefined = len(runs) - len(defined)
    marks = (*marks, *([f"{undefined} undefined"] if undefined else []))
    if not defined:
        return Score(None, runs=tuple(runs), marks=marks)
    return Score(
        value=float(np.median(defined)),
        count=len(defined),
        sd=float(np.std(defined, ddof=1)) if len(defined) > 1 else None,
        low=min(defined),
        high=max(defined),
        mean=float(np.mean(defined)),
        runs=tuple(runs),
        marks=marks,
    )


def median_over_seeds(
    records: Sequence[RunRecord], task: str, metric: str | None = None
) -> float | None:
    """Median of one metric of one task; None if no record has it.

    Args:
        records: runs that differ in their seeds.
        task: registered name.
        metric: name of the metric; None takes the task's main metric.

    Raises:
        ValueError: the records disagree on version, split, subset or data of the task, so
            their scores do not compare.
    """
    results = [one for record in records for one in record.results if one.task == task]
    scores = [one.metrics.get(metric or one.main_metric) for one in results]
    conditions = {
        (one.task_version, one.split, one.subset, one.data_sha256)
        for one, score in zip(results, scores, strict=True)
        if score is not None
    }
    if len(conditions) > 1:
        raise ValueError(
            f"records of task {task!r} do not compare: (version, split, subset, data) are "
            f"{sorted(conditions, key=str)}"
        )
    return median_or_none(scores)


def mean_or_none(scores: Sequence[float | None]) -> float | None:
    """Mean over tasks; None if any is missing or there are none."""
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def best_first(score: float | None, *, lower_is_better: bool) -> tuple[bool, float]:
    """A key to sort by: the best score first, what has none last."""
    if score is None:
        return True, 0.0
    return False, score if lower_is_better else -score


def median_or_none(values: Iterable[float | None]) -> float | None:
    """Median of the values that are known; None without any."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
