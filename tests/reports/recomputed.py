"""The statistics of docs/design/statistics.md, written a second time.

Nothing of electra_bench.reports is imported here, so that an error there is not made again.
"""

import gzip
import json
from typing import NamedTuple

import numpy as np
import scipy.stats

REPLICATES = 1000
# Of a correlation; any other score is a share.
LIMITS = {"mcc": (-100, 100), "spearman": (-100, 100)}


class Runs(NamedTuple):
    """The runs of one cell: a score a run, scores on samples, and the answers.

    Attributes:
        scores: [runs].
        samples: [runs, replicates].
        right: whether an answer is right, [runs, examples]; of texts only.
        limits: the smallest and the largest score there can be.
    """

    scores: np.ndarray
    samples: np.ndarray
    right: np.ndarray
    limits: tuple

    @property
    def size(self):
        """Number of examples."""
        return self.right.shape[1]


class Estimate(NamedTuple):
    """A number, its standard error and the degrees of freedom of that; its limits."""

    value: float
    error: float
    freedom: float
    limits: tuple

    @property
    def ends(self):
        """The 95 % interval as far as values can be."""
        ends = scipy.stats.t.interval(0.95, self.freedom, self.value, self.error)
        return tuple(np.clip(ends, *self.limits))

    @property
    def p_value(self):
        """Of a two-sided test against 0."""
        return 2 * scipy.stats.t.sf(abs(self.value) / self.error, self.freedom)


def runs_of_files(files, metric):
    """The cell of some runs.

    Args:
        files: (path of predictions, score) a run.
        metric: `accuracy`, `error_rate`, `tag_accuracy`, `mcc` or `spearman`.
    """
    read = [(*_samples(path, metric), score) for path, score in files]
    samples, right, scores = zip(*read, strict=True)
    limits = LIMITS.get(metric, (0, 100))
    return Runs(np.array(scores), np.array(samples), np.array(right), limits)


def _samples(path, metric):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = sorted(map(json.loads, file), key=lambda line: line["id"])
    targets = [line["target"] for line in lines]
    found = [line["prediction"] for line in lines]
    size = len(lines)
    drawn = np.random.default_rng([size, 0]).integers(size, size=(REPLICATES, size))
    right = np.array([t == f for t, f in zip(targets, found, strict=True)])
    if metric == "accuracy":
        return 100 * np.mean(right[drawn], -1), right
    if metric == "error_rate":
        return 100 * np.mean(~right[drawn], -1), right
    if metric == "tag_accuracy":
        equal = [np.equal(t, f).sum() for t, f in zip(targets, found, strict=True)]
        total = np.array([len(target) for target in targets])
        samples = np.array(equal)[drawn].sum(-1) / total[drawn].sum(-1)
        return 100 * samples, right
    targets, found = np.array(targets), np.array(found)
    if metric == "spearman":
        sides = [
            scipy.stats.rankdata(side[drawn], axis=-1) for side in (targets, found)
        ]
    else:
        # Of two classes, Matthews' is Pearson's correlation.
        sides = [(side == "1")[drawn].astype(float) for side in (targets, found)]
    x, y = (side - side.mean(-1, keepdims=True) for side in sides)
    samples = np.sum(x * y, -1) / np.sqrt(np.sum(x * x, -1) * np.sum(y * y, -1))
    return 100 * samples, right


def estimated(*sides):
    """The mean of a cell, or the difference of two."""
    value, samples = np.mean(sides[0].scores), np.mean(sides[0].samples, 0)
    limits = sides[0].limits
    if len(sides) == 2:
        limits = limits[0] - sides[1].limits[1], limits[1] - sides[1].limits[0]
        value -= np.mean(sides[1].scores)
        samples = samples - np.mean(sides[1].samples, 0)
    parts = [(np.var(samples), np.var(samples), sides[0].size - 1)]
    parts += [_seeds_part(side) for side in sides if len(side.scores) > 1]
    return _welch(value, parts, limits)


def _seeds_part(runs):
    """Variance of a mean over runs beyond that of the examples; before it is cut at 0."""
    count = len(runs.scores)
    by_chance = np.mean(np.var(runs.samples, axis=1)) - np.var(np.mean(runs.samples, 0))
    total = np.var(runs.scores, ddof=1) / count
    return max(0, total - by_chance / (count - 1)), total, count - 1


def _welch(value, parts, limits):
    variance = sum(part for part, _, _ in parts)
    freedom = variance**2 / sum(scale**2 / free for _, scale, free in parts)
    freedom = max(freedom, min(free for _, _, free in parts))
    return Estimate(value, np.sqrt(variance), freedom, limits)


def mean_of(estimates):
    """The mean over columns whose runs are not the same."""
    count = len(estimates)
    squares = [(e.error / count) ** 2 for e in estimates]
    parts = [(s, s, e.freedom) for s, e in zip(squares, estimates, strict=True)]
    limits = tuple(np.mean([e.limits for e in estimates], axis=0))
    return _welch(np.mean([e.value for e in estimates]), parts, limits)


def averaged(runs, starts):
    """The cell of the pre-trainings of some runs, in the order of their names."""
    starts = np.array(starts)
    places = [np.flatnonzero(starts == start) for start in sorted(set(starts))]
    return Runs(
        np.array([np.mean(runs.scores[p]) for p in places]),
        np.array([np.mean(runs.samples[p], 0) for p in places]),
        runs.right,
        runs.limits,
    )


def joint_mean_of(columns):
    """The mean over columns where every pre-training is in every column.

    A pre-training's score is its mean over columns; examples of columns are not the same.

    Args:
        columns: the pre-trainings of one side, or of both, in one order.
    """
    count, parts = len(columns), []
    values = []
    for sides in columns:
        value, samples = 0, 0
        for sign, side in zip((1, -1), sides, strict=False):
            value += sign * np.mean(side.scores)
            samples = samples + sign * np.mean(side.samples, 0)
        values.append(value)
        of_examples = np.var(samples) / count**2
        parts.append((of_examples, of_examples, sides[0].size - 1))
    for side in zip(*columns, strict=True):
        means = np.mean([runs.scores for runs in side], axis=0)
        size = len(means)
        # The covariance of two pre-trainings on samples is what they have in common.
        covariances = [np.cov(runs.samples, bias=True) for runs in side]
        noise = sum(
            (np.trace(c) - (c.sum() - np.trace(c)) / (size - 1)) / size**2
            for c in covariances
        )
        total = scipy.stats.sem(means) ** 2
        parts.append((max(0, total - noise / count**2), total, size - 1))
    limits = tuple(np.mean([estimated(*sides).limits for sides in columns], axis=0))
    return _welch(np.mean(values), parts, limits)


class Pair(NamedTuple):
    """A difference of two rows, its p-value, and whether a side has one run only."""

    estimate: Estimate
    p_value: float
    name: str
    runs_only: bool


def compared(one, other, metric):
    """The test of two cells."""
    counts = len(one.scores), len(other.scores)
    estimate = estimated(one, other)
    if counts == (1, 1) and metric == "accuracy":
        wins = np.sum(one.right[0] & ~other.right[0])
        losses = np.sum(other.right[0] & ~one.right[0])
        p = scipy.stats.binomtest(int(wins), int(wins + losses)).pvalue
        return Pair(estimate, p, "McNemar", True)
    name = "paired bootstrap" if counts == (1, 1) else "crossed bootstrap"
    return Pair(estimate, estimate.p_value, name, min(counts) == 1)


def compared_means(pairs):
    """The test of two means over columns."""
    estimate = mean_of([pair.estimate for pair in pairs])
    runs_only = any(pair.runs_only for pair in pairs)
    return Pair(estimate, estimate.p_value, "crossed bootstrap", runs_only)


def holm(p_values):
    """P-values for all tests together (Holm 1979)."""
    order = np.argsort(p_values)
    steps = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted
