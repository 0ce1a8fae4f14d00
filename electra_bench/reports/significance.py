"""Intervals and tests over seeds and examples; docs/design/statistics.md has the reasons.

A cell's runs make a matrix of scores: a row a run, a column a bootstrap sample of the
examples, and the same samples for all cells of a task. So a difference of two cells is a
difference of two such matrices, paired by example.

scipy.special rather than scipy.stats, whose import alone takes a second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import special

from electra_bench.reports.table import LEVEL

POWER = 0.8
# Smallest and largest value there can be.
Limits = tuple[float, float]
UNLIMITED: Limits = (-math.inf, math.inf)


@dataclass(frozen=True)
class Runs:
    """The runs of one cell.

    Attributes:
        scores: on all examples, float64 [runs].
        samples: on samples of the examples, float64 [runs, replicates].
        num_examples: number of examples.
        limits: of a score.
    """

    scores: np.ndarray
    samples: np.ndarray
    num_examples: int
    limits: Limits = UNLIMITED

    @cached_property
    def mean_samples(self) -> np.ndarray:
        """Means over runs, float64 [replicates]."""
        return self.samples.mean(0)

    @cached_property
    def part_of_runs(self) -> "_Part":
        """The variance of the mean that comes from its runs, without that of the examples.

        Drawing from n runs has (n - 1) / n of the variance that it stands for, and scores
        of runs differ by their seeds and by chance on the examples at hand, which the
        examples' own variance has already. That chance is known from the samples: the
        variance of one run's score, less that of the mean's.
        """
        count = len(self.scores)
        total = float(np.var(self.scores, ddof=1)) / count
        of_one = float(np.mean(np.var(self.samples, axis=1)))
        by_chance = (of_one - float(np.var(self.mean_samples))) / (count - 1)
        return _Part(max(0.0, total - by_chance), total, count - 1)


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

    The bootstrap draws runs and examples with replacement, crossed: the same examples for
    all runs of a replicate. Its variance is that of the examples with all runs kept, plus
    that of drawing runs. The first is taken from the samples; the second needs no draws,
    since the variance of a mean of draws is known, and without them two faults of the
    crossed bootstrap can be mended, see `Runs.part_of_runs`. The interval is Student's.

    Args:
        runs: the runs; a single one says nothing about other runs.
        others: runs that are subtracted.
    """
    value, samples, limits = runs.scores.mean(), runs.mean_samples, runs.limits
    if others is not None:
        value = value - others.scores.mean()
        samples = samples - others.mean_samples
        limits = (limits[0] - others.limits[1], limits[1] - others.limits[0])
    of_examples = float(np.var(samples))
    parts = [_Part(of_examples, of_examples, runs.num_examples - 1)]
    sides = [runs] if others is None else [runs, others]
    parts += [side.part_of_runs for side in sides if len(side.scores) > 1]
    return _student(float(value), parts, limits)


def _student(value: float, parts: Sequence[_Part], limits: Limits) -> Estimate:
    """An estimate whose variance is a sum.

    Its degrees of freedom are Welch's and Satterthwaite's.
    """
    variance = sum(part.estimated for part in parts)
    below = sum(part.scale**2 / part.freedom for part in parts if part.scale > 0)
    freedom = min(part.freedom for part in parts)
    if below > 0:
        freedom = max(variance**2 / below, freedom)
    error = float(np.sqrt(variance))
    half = float(special.stdtrit(freedom, 1 - LEVEL / 2)) * error
    low, high = max(value - half, limits[0]), min(value + half, limits[1])
    return Estimate(value, error, freedom, low, high, limits)


def combined(estimates: Sequence[Sequence[Estimate]]) -> Estimate:
    """The mean of several estimates.

    Args:
        estimates: groups; estimates of one group may depend on one another, as scores of
            the same runs do, and count as if they moved together.
    """
    every = [one for group in estimates for one in group]
    value = sum(one.value for one in every) / len(every)
    errors = [sum(one.error for one in group) / len(every) for group in estimates]
    freedoms = [min(one.freedom for one in group) for group in estimates]
    parts = [
        _Part(error**2, error**2, freedom)
        for error, freedom in zip(errors, freedoms, strict=True)
    ]
    lowest, highest = (
        sum(ends) / len(every) for ends in zip(*(e.limits for e in every), strict=True)
    )
    return _student(value, parts, (lowest, highest))


def detectable(differences: Sequence[Estimate]) -> float:
    """The true difference that one test finds with probability `POWER`.

    Args:
        differences: of the pairs of a column, whose errors are pooled.
    """
    error = float(np.sqrt(np.mean([one.error**2 for one in differences])))
    freedom = 1 / float(np.mean([1 / one.freedom for one in differences]))
    quantile = special.stdtrit(freedom, 1 - LEVEL / 2)
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
