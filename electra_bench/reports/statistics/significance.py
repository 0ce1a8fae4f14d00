"""Intervals and tests over seeds and examples; docs/design/statistics.md has the reasons.

A cell's runs make a matrix of scores: a row a run, a column a bootstrap sample of the
groups of examples, and the same samples for all cells of a task. So a difference of two
cells is a difference of two such matrices, paired by example.

scipy.special rather than scipy.stats, whose import alone takes a second.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from scipy import special

from electra_bench.reports.table import SIGNIFICANCE_LEVEL

Item = TypeVar("Item")
POWER = 0.8
# Smallest and largest value there can be.
Limits = tuple[float, float]
UNLIMITED: Limits = (-math.inf, math.inf)


@dataclass(frozen=True)
class Runs:
    """The runs of one cell, independent of one another.

    Attributes:
        scores: on all examples, float64 [runs].
        samples: on samples of the groups of examples, float64 [runs, replicates].
        num_groups: number of groups, as if all were of one size, see `effective_number`.
        limits: of a score.
        clusters: name of each run's cluster; runs in other cells that have the same one
            depend on it. A mean over columns needs them.
        drawn: names the groups; samples of columns with one name hold the same groups.
            Columns without a name and with equal `num_groups` do, too.
    """

    scores: np.ndarray
    samples: np.ndarray
    num_groups: float
    limits: Limits = UNLIMITED
    clusters: tuple[str, ...] = ()
    drawn: str = ""

    def clustered(self, clusters: Sequence[str]) -> "Runs":
        """Means over the runs of each cluster, which are then the runs.

        Args:
            clusters: name of each run's.
        """
        names = tuple(dict.fromkeys(clusters))
        members = [[c == name for c in clusters] for name in names]
        return replace(
            self,
            scores=np.array([self.scores[of_one].mean() for of_one in members]),
            samples=np.stack([self.samples[of_one].mean(0) for of_one in members]),
            clusters=names,
        )

    @cached_property
    def mean_score(self) -> float:
        """The mean over runs."""
        return self.scores.mean()

    @cached_property
    def mean_samples(self) -> np.ndarray:
        """Means over runs, float64 [replicates]."""
        return self.samples.mean(0)

    @cached_property
    def by_chance(self) -> float:
        """The variance of the mean that its runs' scores show because of the examples.

        Scores of runs differ by their seeds and by chance on the examples at hand, which
        the examples' own variance has already. That chance is known from the samples: the
        variance of one run's score, less that of the mean's.
        """
        of_one = float(np.mean(np.var(self.samples, axis=1)))
        of_both = of_one - float(np.var(self.mean_samples))
        return of_both * self.per_group / (len(self.scores) - 1)

    @property
    def per_group(self) -> float:
        """By how much the variance of samples of few groups is too small."""
        return self.num_groups / (self.num_groups - 1)

    @cached_property
    def part_of_runs(self) -> "_Part":
        """The variance of the mean that comes from its runs, without that of the examples.

        Drawing from n runs has (n - 1) / n of the variance that it stands for.
        """
        count = len(self.scores)
        total = float(np.var(self.scores, ddof=1)) / count
        return _Part(max(0.0, total - self.by_chance), total, count - 1)

    @cached_property
    def part_of_clusters(self) -> "_Part":
        """The same where the mean is one over columns that share no clusters."""
        return _part_of_clusters([self], 1)


def effective_number(sizes: Sequence[int] | np.ndarray) -> float:
    """The number of groups of one size that would tell as much as these (Kish 1965).

    Args:
        sizes: number of examples of every group.
    """
    counts = np.array(sizes, np.float64)
    return float(counts.sum() ** 2 / np.sum(counts**2))


class Estimate(NamedTuple):
    """A mean over runs, or a difference of two, and how surely it is known.

    Attributes:
        value: percentage points.
        error: its standard error.
        freedom: degrees of freedom of the error.
        low: lower end of the 95 % interval; `high`: the upper one.
        limits: of the value; the interval ends there, as Student's t knows of none.
    """

    value: float
    error: float
    freedom: float
    low: float
    high: float
    limits: Limits = UNLIMITED

    @property
    def p_value(self) -> float:
        """Probability of a value as far from 0 if it were 0, two-sided."""
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * special.stdtr(self.freedom, -abs(self.value) / self.error))


class _Part(NamedTuple):
    """A part of a variance, and the degrees of freedom of what it was estimated from."""

    estimated: float
    scale: float
    freedom: float


def estimate(runs: Runs, others: Runs | None = None) -> Estimate:
    """The mean over runs, or its difference to that of other runs on the same examples.

    The bootstrap draws runs and groups of examples with replacement, crossed: the same
    groups for all runs of a replicate. Its variance is that of the examples with all runs
    kept, plus that of drawing runs. The first is taken from the samples; the second needs
    no draws, since the variance of a mean of draws is known, and without them two faults
    of the crossed bootstrap can be mended, see `Runs.by_chance`. The interval is Student's.

    Args:
        runs: the runs; a single one says nothing about other runs.
        others: runs that are subtracted.
    """
    sides = (runs,) if others is None else (runs, others)
    value, samples, limits = _difference(sides)
    of_runs = [side.part_of_runs for side in sides if len(side.scores) > 1]
    return _student(value, [_part_of_examples(samples, runs)], of_runs, limits)


def _difference(sides: Sequence[Runs]) -> tuple[float, np.ndarray, Limits]:
    """A cell's mean, or the difference of two: on all examples, on samples, its limits."""
    first, *others = sides
    value, samples, limits = first.mean_score, first.mean_samples, first.limits
    for other in others:
        value = value - other.mean_score
        samples = samples - other.mean_samples
        limits = (limits[0] - other.limits[1], limits[1] - other.limits[0])
    return float(value), samples, limits


def _part_of_examples(samples: np.ndarray, drawn: Runs) -> _Part:
    """The variance of samples, as `drawn` has them."""
    variance = float(np.var(samples)) * drawn.per_group
    return _Part(variance, variance, drawn.num_groups - 1)


def mean_over_columns(columns: Sequence[Sequence[Runs]]) -> Estimate:
    """The mean over columns of what `estimate` gives for each.

    Args:
        columns: the runs, or these and the others that are subtracted.
    """
    groups = _joined(
        columns, lambda sides: [c for side in sides for c in side.clusters]
    )
    return combined(list(map(_of_group, groups)), list(map(len, groups)))


def _joined(
    items: Sequence[Item], names_of: Callable[[Item], Sequence[str]]
) -> list[list[Item]]:
    """Groups of items that have names in common, also by way of others."""
    groups: list[tuple[set[str], list[Item]]] = []
    for item in items:
        own = set(names_of(item))
        touched = [group for group in groups if not group[0].isdisjoint(own)]
        groups = [group for group in groups if group[0].isdisjoint(own)]
        members = [one for _, of_group in touched for one in of_group]
        groups.append((own.union(*(names for names, _ in touched)), [*members, item]))
    return [members for _, members in groups]


def _of_group(columns: Sequence[Sequence[Runs]]) -> Estimate:
    """The mean over columns that share clusters, on one side at least."""
    count = len(columns)
    values, samples, limits = zip(*map(_difference, columns), strict=True)
    # Two tasks may be on the same texts. Their groups are drawn alike, so that a sum of
    # samples is right. So it is for as many examples of other texts.
    by_groups: dict[tuple, list[tuple[Runs, np.ndarray]]] = defaultdict(list)
    for (runs, *_), of_column in zip(columns, samples, strict=True):
        by_groups[runs.num_groups, runs.drawn].append((runs, of_column))
    of_examples = []
    for alike in by_groups.values():
        # The first samples are the same, where a slow metric has fewer of them.
        fewest = min(len(of_column) for _, of_column in alike)
        total = np.sum([of_column[:fewest] for _, of_column in alike], 0)
        of_examples.append(_part_of_examples(total / count, alike[0][0]))
    of_runs = []
    for side in zip(*columns, strict=True):
        several = [runs for runs in side if len(runs.scores) > 1]
        groups = _joined(several, lambda runs: runs.clusters)
        of_runs += [
            group[0].part_of_clusters if count == 1 else _part_of_clusters(group, count)
            for group in groups
        ]
    lowest, highest = np.mean(limits, axis=0).tolist()
    value = float(np.mean(values))
    return _student(value, of_examples, of_runs, (lowest, highest))


def _part_of_clusters(columns: Sequence[Runs], count: int) -> _Part:
    """The variance of a mean over columns that comes from the clusters of one side.

    It is the sum of squares of what each cluster adds to the deviation of the mean. With
    all clusters in all columns that is the variance of the clusters' means over columns,
    divided by their number; with none in two columns it is that of independent columns.
    In between, the covariance of two columns comes out too small: by 5 % if they share four
    of five clusters each, by a third if one of three.

    Args:
        columns: at least two clusters in each.
        count: number of columns that the mean is over.
    """
    deviations: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for runs in columns:
        size = len(runs.scores)
        weight = 1 / (count * math.sqrt(size * (size - 1)))
        mean = runs.mean_score
        for name, score in zip(runs.clusters, runs.scores, strict=True):
            deviations[name] += weight * float(score - mean)
            weights[name] += weight
    total = sum(deviation**2 for deviation in deviations.values())
    by_chance = sum(runs.by_chance for runs in columns) / count**2
    # The number of clusters less one, were all of the same weight.
    squares = np.array(list(weights.values())) ** 2
    freedom = float(squares.sum() ** 2 / np.sum(squares**2)) - 1
    fewest = min(len(runs.scores) for runs in columns)
    return _Part(max(0.0, total - by_chance), total, max(freedom, fewest - 1))


def _student(
    value: float,
    of_examples: Sequence[_Part],
    of_runs: Sequence[_Part],
    limits: Limits,
) -> Estimate:
    """An estimate whose variance is a sum.

    The degrees of freedom of either kind of parts are Welch's and Satterthwaite's. Those of
    both together are a mean of them, weighted by variance, of their reciprocals: Welch's
    would be too many where few runs happen to be alike, as that makes the error small and
    counts the runs for little at the same time.
    """
    sums = [_sum(parts) for parts in (of_examples, of_runs) if parts]
    variance = sum(part.estimated for part in sums)
    freedom = min(part.freedom for part in sums)
    if variance > 0:
        freedom = variance / sum(part.estimated / part.freedom for part in sums)
    error = float(np.sqrt(variance))
    half = float(special.stdtrit(freedom, 1 - SIGNIFICANCE_LEVEL / 2)) * error
    low, high = max(value - half, limits[0]), min(value + half, limits[1])
    return Estimate(value, error, freedom, low, high, limits)


def _sum(parts: Sequence[_Part]) -> _Part:
    """The sum of independent parts."""
    scale = sum(part.scale for part in parts)
    below = sum(part.scale**2 / part.freedom for part in parts)
    freedom = scale**2 / below if below > 0 else min(part.freedom for part in parts)
    return _Part(sum(part.estimated for part in parts), scale, freedom)


def combined(estimates: Sequence[Estimate], counts: Sequence[int]) -> Estimate:
    """The mean of several estimates that are independent of one another.

    Args:
        estimates: each a mean itself.
        counts: what each is the mean of, in number.
    """
    shares = np.array(counts) / sum(counts)
    parts = []
    for one, share in zip(estimates, shares, strict=True):
        variance = float(share * one.error) ** 2
        parts.append(_Part(variance, variance, one.freedom))
    value = float(shares @ [one.value for one in estimates])
    lowest, highest = (shares @ [one.limits for one in estimates]).tolist()
    return _student(value, parts, [], (lowest, highest))


def detectable(
    differences: Sequence[Estimate], level: float = SIGNIFICANCE_LEVEL
) -> float:
    """The true difference that a test finds with probability `POWER`.

    Args:
        differences: of the pairs of a column, whose errors are pooled.
        level: of the test.
    """
    error = float(np.sqrt(np.mean([one.error**2 for one in differences])))
    freedom = 1 / float(np.mean([1 / one.freedom for one in differences]))
    quantile = special.stdtrit(freedom, 1 - level / 2)
    return error * float(special.nctdtrinc(freedom, 1 - POWER, quantile))


def mcnemar(right: np.ndarray, other_right: np.ndarray) -> float:
    """Exact two-sided p-value of McNemar's test.

    Args:
        right: whether one run answered rightly, [examples].
        other_right: the same of another run.
    """
    only_one = int(np.sum(right > other_right))
    only_other = int(np.sum(right < other_right))
    fewer, both = min(only_one, only_other), only_one + only_other
    return min(1.0, 2 * float(special.bdtr(fewer, both, 0.5)))


def adjusted(p_values: Sequence[float], correction: str) -> list[float]:
    """P-values that account for the number of tests.

    Args:
        p_values: of all tests of a table.
        correction: `holm` bounds the probability of any false claim; `bh` (Benjamini and
            Hochberg 1995) the expected share of false ones among the claims.

    Raises:
        ValueError: an unknown correction.
    """
    if correction not in CORRECTIONS:
        raise ValueError(
            f"correction must be one of {', '.join(CORRECTIONS)}; got {correction!r}"
        )
    return CORRECTIONS[correction](np.array(p_values, np.float64)).tolist()


def _holm(p_values: np.ndarray) -> np.ndarray:
    # Holm 1979. SciPy has none; statsmodels, which has, is no dependency.
    order = np.argsort(p_values)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    result = np.empty_like(p_values)
    result[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return result


def _benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    from scipy.stats import false_discovery_control

    return false_discovery_control(p_values, method="bh")


CORRECTIONS = {"holm": _holm, "bh": _benjamini_hochberg}
METHODS = {"holm": "Holm", "bh": "Benjamini-Hochberg"}
