"""Many runs to one number; what is missing stays missing."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from electra_bench.records import RunRecord
from electra_bench.reports.board.row_keys import RowKey, row_keys
from electra_bench.reports.board.row_names import short_names
from electra_bench.reports.collect import lineage
from electra_bench.reports.collect.cards import counted_score
from electra_bench.reports.collect.records import Records, without_trials
from electra_bench.reports.table import Score


def by_label(
    records: Iterable[RunRecord], known: Sequence[RunRecord] | None = None
) -> list[tuple[str, list[RunRecord]]]:
    """Records by the name of their row, in the order of first appearance.

    It is the label, and where runs of one label have other recipes, protocols or parts of
    pre-training, what tells these apart. Trials are left out, as in all tables.

    Args:
        records: runs of one kind.
        known: with the runs that they build on, whose settings tell rows apart, too; None
            if these are among `records`, or not there.
    """
    records, _ = without_trials(records)
    keys = row_keys(records, Records.of(records if known is None else known))
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
    records: Sequence[RunRecord],
    task: str,
    metric: str | None = None,
    known: Sequence[RunRecord] | None = None,
) -> float | None:
    """Mean over runs of one metric of one task, which is what the leaderboard shows.

    Where some runs share a pre-training and others have another one, it is the mean over
    pre-trainings of the means over their runs.

    Args:
        records: runs that differ in their seeds.
        task: registered name.
        metric: name of the metric; None takes the task's main metric.
        known: with the runs that they build on; None if these are among `records`, or not
            there. Then the runs say themselves what they started from.

    Returns:
        The mean. An undefined score counts as the floor. None if no record has the metric,
        or one is undefined and no floor is known.

    Raises:
        ValueError: the records disagree on version, split, subset or data of the task, so
            their scores do not compare.
    """
    runs = _comparable_scores(records, task, metric)
    if not runs or any(score is None for _, score in runs):
        return None
    parents = Records.of(records if known is None else known)
    lineages = [lineage.lineage(record, parents) for record, _ in runs]
    shared = lineage.clusters(lineages)
    return over_seeds([(r.run_id, score) for r, score in runs], clusters=shared).value


def median_over_seeds(
    records: Sequence[RunRecord], task: str, metric: str | None = None
) -> float | None:
    """Median over runs of one metric of one task, undefined scores as floors.

    Otherwise as `mean_over_seeds`.
    """
    scores = [score for _, score in _comparable_scores(records, task, metric)]
    return None if None in scores else median_or_none(scores)


def _comparable_scores(
    records: Sequence[RunRecord], task: str, metric: str | None
) -> list[tuple[RunRecord, float | None]]:
    """Runs that have the metric with their scores; None for one that is undefined."""
    results = [
        (record, one)
        for record in records
        for one in record.results
        if one.task == task and (metric or one.main_metric) in one.metrics
    ]
    conditions = {
        (one.task_version, one.split, one.subset, one.data_sha256) for _, one in results
    }
    if len(conditions) > 1:
        raise ValueError(
            f"records of task {task!r} do not compare: (version, split, subset, data) are "
            f"{sorted(conditions, key=str)}"
        )
    return [
        (record, counted_score(one.of_metric(metric or one.main_metric)))
        for record, one in results
    ]


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
