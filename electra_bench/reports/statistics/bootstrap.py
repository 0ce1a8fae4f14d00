"""What the predictions behind a cell say about its score: its interval."""

import contextlib
import functools
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.board.cells import ColumnKey, Entry, score_of
from electra_bench.reports.collect.lineage import Lineage, clusters, lineage
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.collect.store import Store
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.replicates import (
    GroupNames,
    Groups,
    Replicates,
    metric_of,
    replicates_of,
)
from electra_bench.reports.statistics.significance import Runs
from electra_bench.reports.table import Score, counted
from electra_bench.system.cache_dir import cache_dir

REPLICATES = 1000


@dataclass(frozen=True)
class Resampled:
    """The runs of one cell, with their predictions.

    Attributes:
        lineages: of the runs.
        metric: registered name of the metric.
        replicates: one a run, all of the same examples.
        unit: what their groups are; None if the predictions do not tell.
    """

    lineages: tuple[Lineage, ...]
    metric: str
    replicates: tuple[Replicates, ...]
    unit: str | None = None

    @functools.cached_property
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
            self.groups.effective,
            self.replicates[0].limits,
            drawn=self.groups.sha256,
        ).clustered(names)

    @property
    def groups(self) -> Groups:
        """What samples of the examples draw."""
        return self.replicates[0].groups

    @property
    def named_groups(self) -> str:
        """The same in words: `in 35 articles`; empty for examples that stand alone."""
        if not self.groups.sha256:
            return ""
        return f"in {counted(self.groups.number, self.unit or 'group')}"

    def check_same_examples(self, other: "Resampled") -> None:
        """Checks that two cells are paired by example.

        Raises:
            Unusable: they answered different examples, or these are grouped differently.
        """
        _check_same([self.replicates[0], other.replicates[0]])

    def with_interval(self, score: Score) -> Score:
        """The score of the cell with the interval of its mean."""
        found = significance.estimate(self.runs)
        return replace(score, interval=(found.low, found.high))


def _examples_of(result: TaskResult) -> tuple:
    """What results on the same examples have in common."""
    return (
        result.task,
        result.task_version,
        result.split,
        result.subset,
        result.data_sha256,
        result.num_examples,
    )


def _identity(entry: Entry) -> tuple:
    """Which score of which run an entry is."""
    result = entry.result
    told = result.main_metric, result.main_score, result.predictions_path
    return (entry.record.run_id, *told, *_examples_of(result))


def _check_same(replicates: Sequence[Replicates]) -> None:
    """Checks that runs answered the same examples, in the same groups."""
    if len({one.examples_sha256 for one in replicates}) > 1:
        raise Unusable("runs answered different examples")
    if len({one.groups.sha256 for one in replicates}) > 1:
        raise Unusable("runs say differently which examples belong together")


class Bootstrap:
    """Reads predictions, once for each content of a file.

    Attributes:
        count: number of bootstrap samples.
        store: what is kept of them.
    """

    def __init__(self, records: Sequence[RunRecord], replicates: int = REPLICATES):
        """Opens the cache; reads nothing yet.

        Args:
            records: all there are.
            replicates: number of bootstrap samples.
        """
        self._records = Records.of(records)
        self.count = replicates
        self.store = Store(os.path.join(cache_dir(), "reports", "replicates.db"))
        self._names: dict[tuple, GroupNames | None] = {}
        self._cells: dict[tuple, Resampled] = {}

    @classmethod
    def of(cls, records: Sequence[RunRecord], replicates: int) -> "Bootstrap":
        """That of a build, if several reports are built of the records."""
        return Records.of(records).once(cls, replicates)

    def resampled(self, entries: Sequence[Entry]) -> Resampled:
        """The runs of a cell; what is undefined counts as the floor.

        Raises:
            Unusable: there are none, or the predictions of one cannot be used; says how
                many.
        """
        if not entries:
            raise Unusable("no score")
        key = tuple(map(_identity, entries))
        if key not in self._cells:
            self._cells[key] = self._resampled(entries)
        return self._cells[key]

    def _resampled(self, entries: Sequence[Entry]) -> Resampled:
        found = []
        reasons: Counter[str] = Counter()
        for entry in entries:
            groups = self._told(entry)
            try:
                found.append(
                    replicates_of(entry, self._records, self.count, self.store, groups)
                )
            except Unusable as error:
                reasons[str(error)] += 1
        if reasons:
            of_all = [f"{why} ({n} of {len(entries)})" for why, n in reasons.items()]
            raise Unusable(", ".join(of_all))
        _check_same(found)
        lineages = tuple(lineage(e.record, self._records) for e in entries)
        units = (self._units.get(_examples_of(entry.result)) for entry in entries)
        unit = next(filter(None, units), None)
        return Resampled(lineages, metric_of(entries[0]), tuple(found), unit)

    @functools.cached_property
    def _units(self) -> dict[tuple, str]:
        """Examples to what their groups are, where any run tells."""
        results = (result for record in self._records for result in record.results)
        return {_examples_of(one): one.unit for one in results if one.unit is not None}

    def _told(self, entry: Entry) -> GroupNames | None:
        """The groups of the examples of a run of an earlier version, as a later one tells.

        None if the run tells them itself, nobody does, or all are independent.
        """
        key = _examples_of(entry.result)
        if entry.result.unit is not None or key not in self._units:
            return None
        if key not in self._names:
            self._names[key] = self._names_of(key)
        return self._names[key]

    def _names_of(self, key: tuple) -> GroupNames | None:
        """Those of the first run on some examples that tells them."""
        for record in self._records:
            for result in record.results:
                if _examples_of(result) != key or not result.has_groups:
                    continue
                with contextlib.suppress(Unusable):
                    self._records.predictions_sha256(record, result)
                    answers = self._records.answers(record, result)
                    return dict(zip(answers.ids, answers.groups, strict=True))
        return None

    def score(self, column: ColumnKey, entries: Sequence[Entry]) -> Score:
        """Sums up a cell, with its interval or the reason for having none."""
        score = score_of(column, entries, self._records)
        try:
            return self.resampled(entries).with_interval(score)
        except Unusable as error:
            return replace(score, no_interval=str(error))

    def save(self) -> None:
        """Keeps what was computed."""
        self.store.save()
