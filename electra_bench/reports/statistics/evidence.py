"""What the predictions behind a table say about its scores: intervals and tests."""

import itertools
import os
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from electra_bench.reports.board.cells import Entry, column_of, marks_of
from electra_bench.reports.collect.collected import Collected
from electra_bench.reports.collect.lineage import Lineage, clusters, lineage
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.store import Store
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.aggregate import over_seeds
from electra_bench.reports.statistics.replicates import (
    Replicates,
    metric_of,
    replicates_of,
)
from electra_bench.reports.statistics.significance import Estimate, Runs
from electra_bench.reports.table import LEVEL, Difference, Score
from electra_bench.system.cache_dir import cache_dir

REPLICATES = 1000


@dataclass(frozen=True)
class Sampled:
    """The runs of one cell, with their predictions.

    Attributes:
        lineages: of the runs.
        metric: registered name of the metric.
        replicates: one a run, all of the same examples.
    """

    lineages: tuple[Lineage, ...]
    metric: str
    replicates: tuple[Replicates, ...]

    @cached_property
    def runs(self) -> Runs:
        """Scores for the statistics; runs that depend on one another are one."""
        return self.clustered(clusters(self.lineages))

    def clustered(self, names: Sequence[str]) -> Runs:
        """Scores for the statistics.

        Args:
            names: of the runs' clusters, each of which counts as one run.
        """
        return Runs(
            np.array([one.score for one in self.replicates]),
            np.stack([one.samples for one in self.replicates]),
            len(self.replicates[0].quality),
            self.replicates[0].limits,
        ).clustered(names)

    @property
    def examples_sha256(self) -> str:
        """Hash of the examples that the runs answered."""
        return self.replicates[0].examples_sha256


class Evidence:
    """Reads predictions, once for each content of a file."""

    def __init__(self, collected: Collected, replicates: int = REPLICATES):
        """Opens the cache; reads nothing yet.

        Args:
            collected: records and where they are.
            replicates: number of bootstrap samples.
        """
        self._collected = collected
        self.replicate_count = replicates
        self._store = Store(os.path.join(cache_dir(), "reports", "replicates.db"))

    def sampled(self, entries: Sequence[Entry]) -> Sampled:
        """The runs of a cell that have a score.

        Raises:
            Unusable: there are none, or the predictions of one cannot be used; says how
                many.
        """
        found, reasons = [], Counter()
        defined = [entry for entry in entries if entry.result.main_score is not None]
        if not defined:
            raise Unusable("no score")
        for entry in defined:
            try:
                found.append(self.replicates(entry))
            except Unusable as error:
                reasons[str(error)] += 1
        if reasons:
            counted = [f"{why} ({n} of {len(defined)})" for why, n in reasons.items()]
            raise Unusable(", ".join(counted))
        if len({one.examples_sha256 for one in found}) > 1:
            raise Unusable("runs answered different examples")
        lineages = tuple(lineage(e.record, self._collected) for e in defined)
        metric = metric_of(defined[0].record, defined[0].result)
        return Sampled(lineages, metric, tuple(found))

    def replicates(self, entry: Entry) -> Replicates:
        """The replicates of one score.

        Raises:
            Unusable: its predictions cannot be used.
        """
        record, result = entry
        found = replicates_of(
            record,
            result,
            self._collected.predictions_sha256(record, result),
            lambda: self._collected.answers(record, result),
            self.replicate_count,
            self._store,
        )
        if len(found.quality) < 2:
            raise Unusable("fewer than two examples")
        if not np.isfinite(found.samples).all():
            raise Unusable("no score on some samples")
        return found

    def score(self, entries: Sequence[Entry]) -> Score:
        """Sums up a cell, with its interval or the reason for having none."""
        runs = [(e.record.run_id, e.result.main_score) for e in entries]
        marks = marks_of(column_of(entries[0].result), entries) if entries else ()
        score = over_seeds(runs, marks)
        try:
            return with_interval(score, self.sampled(entries))
        except Unusable as error:
            return replace(score, no_interval=str(error))

    def save(self) -> None:
        """Keeps what was computed."""
        self._store.save()


def with_interval(score: Score, sampled: Sampled) -> Score:
    """A score with the interval of its mean."""
    found = significance.estimate(sampled.runs)
    return replace(score, mean=found.value, interval=(found.low, found.high))


class PairTest(NamedTuple):
    """A difference of two cells before it is set against the others of its table.

    Attributes:
        estimate: the difference.
        p_value: of the test.
        name: of the test.
        runs_only: whether a side has one run, or one pre-training where the row has more,
            so that nothing is known of other seeds.
    """

    estimate: Estimate
    p_value: float
    name: str
    runs_only: bool


def compared(one: Sampled, other: Sampled) -> PairTest:
    """Tests the difference of two cells.

    Raises:
        Unusable: they answered different examples.
    """
    if one.examples_sha256 != other.examples_sha256:
        raise Unusable("different examples")
    estimate = significance.estimate(one.runs, other.runs)
    fewest, most = sorted([len(one.runs.scores), len(other.runs.scores)])
    if most == 1 and one.metric == "accuracy":
        p_value = significance.mcnemar(
            one.replicates[0].quality, other.replicates[0].quality
        )
        return PairTest(estimate, p_value, "McNemar", True)
    name = "paired bootstrap" if most == 1 else "crossed bootstrap"
    return PairTest(estimate, estimate.p_value, name, fewest == 1)


def tests_of_columns(
    columns: Mapping[str, Mapping[int, Sampled]], means: Mapping[str, Sequence[str]]
) -> dict[tuple[str, int, int], PairTest]:
    """All pairs of rows in all columns, and in means over some of them.

    Args:
        columns: column to row number to cell.
        means: name of a mean to the columns that it is over.

    Returns:
        (column or mean, row, other row) to test.
    """
    tests = {}
    for name, cells in columns.items():
        for row, other in itertools.combinations(sorted(cells), 2):
            try:
                tests[name, row, other] = compared(cells[row], cells[other])
            except Unusable:
                continue
    of_means = {}
    for mean, in_mean in means.items():
        every = [columns[name] for name in in_mean]
        rows = sorted(set.intersection(*map(set, every)))
        runs = {row: _runs_of_row([cells[row] for cells in every]) for row in rows}
        for row, other in itertools.combinations(rows, 2):
            if all((name, row, other) in tests for name in in_mean):
                sides = list(zip(runs[row], runs[other], strict=True))
                of_means[mean, row, other] = _compared_means(sides)
    return tests | of_means


def _compared_means(sides: Sequence[tuple[Runs, Runs]]) -> PairTest:
    estimate = significance.mean_over_columns(sides)
    has_one_run = any(len(runs.scores) == 1 for column in sides for runs in column)
    return PairTest(estimate, estimate.p_value, "crossed bootstrap", has_one_run)


def mean_over_columns(cells: Sequence[Sampled]) -> Estimate:
    """The mean over columns of the means over runs of one row."""
    return significance.mean_over_columns([(runs,) for runs in _runs_of_row(cells)])


def _runs_of_row(cells: Sequence[Sampled]) -> list[Runs]:
    """The runs of a row's cells, with clusters that go over all of them."""
    names = iter(clusters([one for cell in cells for one in cell.lineages]))
    return [
        cell.clustered(list(itertools.islice(names, len(cell.lineages))))
        for cell in cells
    ]


def differences(
    tests: Mapping[tuple[str, int, int], PairTest],
    correction: str,
    lower_is_better: Container[str],
) -> tuple[Difference, ...]:
    """The tests of a table, with p-values that account for their number.

    Args:
        tests: (column, row, other row) to test.
        correction: `holm` or `bh`.
        lower_is_better: columns where a smaller score is the better one.
    """
    adjusted = significance.adjusted([t.p_value for t in tests.values()], correction)
    return tuple(
        Difference(
            column,
            row,
            other,
            test.estimate.value,
            test.estimate.low,
            test.estimate.high,
            test.p_value,
            p_adjusted,
            test.name,
            test.runs_only,
            higher_is_better=column not in lower_is_better,
        )
        for ((column, row, other), test), p_adjusted in zip(
            tests.items(), adjusted, strict=True
        )
    )


def detectable(
    tests: Mapping[tuple[str, int, int], PairTest], column: str
) -> float | None:
    """The true difference that a table claims in a column with 80 % probability, or more.

    A test must reach the level of the first step of the correction, whatever the others
    find. None without tests over several runs.
    """
    estimates = [
        test.estimate
        for (name, _, _), test in tests.items()
        if name == column and not test.runs_only and test.estimate.error > 0
    ]
    if not estimates:
        return None
    return significance.detectable(estimates, LEVEL / len(tests))
