"""What the predictions behind a cell say about its score: its interval."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from electra_bench.records import RunRecord
from electra_bench.reports.board.cells import ColumnKey, Entry, score_of
from electra_bench.reports.collect.lineage import Lineage, clusters, lineage
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.collect.store import Store
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.replicates import (
    Replicates,
    metric_of,
    replicates_of,
)
from electra_bench.reports.statistics.significance import Runs
from electra_bench.reports.table import Score
from electra_bench.system.cache_dir import cache_dir

REPLICATES = 1000


@dataclass(frozen=True)
class Resampled:
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

    def with_interval(self, score: Score) -> Score:
        """The score of the cell with the interval of its mean."""
        found = significance.estimate(self.runs)
        return replace(score, mean=found.value, interval=(found.low, found.high))


class Bootstrap:
    """Reads predictions, once for each content of a file."""

    def __init__(self, records: Sequence[RunRecord], replicates: int = REPLICATES):
        """Opens the cache; reads nothing yet.

        Args:
            records: all there are.
            replicates: number of bootstrap samples.
        """
        self._records = Records.of(records)
        self.count = replicates
        self._store = Store(os.path.join(cache_dir(), "reports", "replicates.db"))

    def resampled(self, entries: Sequence[Entry]) -> Resampled:
        """The runs of a cell that have a score.

        Raises:
            Unusable: there are none, or the predictions of one cannot be used; says how
                many.
        """
        found = []
        reasons: Counter[str] = Counter()
        defined = [entry for entry in entries if entry.result.main_score is not None]
        if not defined:
            raise Unusable("no score")
        for entry in defined:
            try:
                found.append(
                    replicates_of(entry, self._records, self.count, self._store)
                )
            except Unusable as error:
                reasons[str(error)] += 1
        if reasons:
            counted = [f"{why} ({n} of {len(defined)})" for why, n in reasons.items()]
            raise Unusable(", ".join(counted))
        if len({one.examples_sha256 for one in found}) > 1:
            raise Unusable("runs answered different examples")
        lineages = tuple(lineage(e.record, self._records) for e in defined)
        return Resampled(lineages, metric_of(defined[0]), tuple(found))

    def score(self, column: ColumnKey, entries: Sequence[Entry]) -> Score:
        """Sums up a cell, with its interval or the reason for having none."""
        score = score_of(column, entries)
        try:
            return self.resampled(entries).with_interval(score)
        except Unusable as error:
            return replace(score, no_interval=str(error))

    def save(self) -> None:
        """Keeps what was computed."""
        self._store.save()
