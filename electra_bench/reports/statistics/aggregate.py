"""Many runs to one number; what is missing stays missing."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from electra_bench.records import RunRecord
from electra_bench.reports.board.row_keys import RowKey, row_keys
from electra_bench.reports.board.row_names import short_names
from electra_bench.reports.collect.cards import counted_score
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
    runs: Sequence[tuple[str, float | None]],
    marks: Sequence[str] = (),
    floor: float | None = None,
    clusters: Sequence[str] | None = None,
) -> Score:
    """Sums up the runs of one cell.

    Args:
        runs: (run_id, score) pairs; a score is None where the metric is undefined.
        marks: further remarks on the cell.
        floor: what an undefined score counts as; None if nobody knows.
        clusters: name of each run's; runs of one depend on one another, so that their mean
            is one number. None if all are independent.

    Returns:
        Mean, median, count, sample standard deviation (n - 1) and range. None of them if a
        score is undefined and no floor is known: without it the others would flatter.
    """
    undefined = sum(score is None for _, score in runs)
    if undefined:
        told = "no floor known" if floor is None else "counted as the floor"
        marks = (*marks, f"{undefined} undefined, {told}")
    score = Score(None, runs=tuple(runs), marks=tuple(marks), undefined_as=floor)
    if not runs or (undefined and floor is None):
        return score
    counted = score.counted
    groups: dict[str, list[float]] = {}
    names = clusters or list(map(str, range(len(runs))))
    for name, value in zip(names, counted, strict=True):
        groups.setdefault(name, []).append(value)
    # In any order of the runs the same.
    mean = statistics.fmean(map(statistics.fmean, groups.values()))
    return replace(
        score,
        value=mean,
        count=len(counted),
        sd=float(np.std(counted, ddof=1)) if len(counted) > 1 else None,
        low=min(counted),
        high=max(counted),
        mean=mean,
        median=float(np.median(counted)),
    )


def mean_over_seeds(
    records: Sequence[RunRecord], task: str, metric: str | None = None
) -> float | None:
    """Mean over runs of one metric of one task, which is what the leaderboard shows.

    Args:
        records: runs that differ in their seeds.
        task: registered name.
        metric: name of the metric; None takes the task's main metric.

    Returns:
        The mean. An undefined score counts as the floor. None if no record has the metric,
        or one is undefined and no floor is known.

    Raises:
        ValueError: the records disagree on version, split, subset or data of the task, so
            their scores do not compare.
    """
    return mean_or_none(_comparable_scores(records, task, metric))


def median_over_seeds(
    records: Sequence[RunRecord], task: str, metric: str | None = None
) -> float | None:
    """Median over runs of one metric of one task, otherwise as `mean_over_seeds`."""
    scores = _comparable_scores(records, task, metric)
    return None if None in scores else median_or_none(scores)


def _comparable_scores(
    records: Sequence[RunRecord], task: str, metric: str | None
) -> list[float | None]:
    """Scores of the runs that have the metric; None for one that is undefined."""
    results = [
        one
        for record in records
        for one in record.results
        if one.task == task and (metric or one.main_metric) in one.metrics
    ]
    conditions = {
        (one.task_version, one.split, one.subset, one.data_sha256) for one in results
    }
    if len(conditions) > 1:
        raise ValueError(
            f"records of task {task!r} do not compare: (version, split, subset, data) are "
            f"{sorted(conditions, key=str)}"
        )
    return [counted_score(one.of_metric(metric or one.main_metric)) for one in results]


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
