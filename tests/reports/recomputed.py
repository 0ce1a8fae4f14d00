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
        sizes: numbers of examples of the groups that samples draw.
    """

    scores: np.ndarray
    samples: np.ndarray
    right: np.ndarray
    limits: tuple
    sizes: np.ndarray

    @property
    def size(self):
        """Number of groups, as if they were of one size."""
        return 1 / np.sum((self.sizes / np.sum(self.sizes)) ** 2)

    def of_examples(self, samples):
        """The variance of some samples, and its degrees of freedom."""
        return np.var(samples) / (1 - 1 / self.size), self.size - 1


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
    samples, right, sizes, scores = zip(*read, strict=True)
    limits = LIMITS.get(metric, (0, 100))
    found = map(np.array, (scores, samples, right))
    return Runs(*found, limits, np.array(sizes[0]))


def _samples(path, metric):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = sorted(map(json.loads, file), key=lambda line: line["id"])
    targets = [line["target"] for line in lines]
    found = [line["prediction"] for line in lines]
    right = np.array([t == f for t, f in zip(targets, found, strict=True)])
    names = [line.get("group", number) for number, line in enumerate(lines)]
    members = [
        np.flatnonzero([name == one for name in names]) for one in dict.fromkeys(names)
    ]
    size = len(members)
    groups = np.random.default_rng([size, 0]).integers(size, size=(REPLICATES, size))
    score = _scorer(metric, targets, found, right)
    samples = [
        100 * score(np.concatenate([members[group] for group in drawn]))
        for drawn in groups
    ]
    return samples, right, [len(one) for one in members]


def _scorer(metric, targets, found, right):
    """From numbers of examples to their score, a fraction."""
    if metric == "accuracy":
        return lambda rows: np.mean(right[rows])
    if metric == "error_rate":
        return lambda rows: np.mean(~right[rows])
    if metric == "tag_accuracy":
        pairs = zip(targets, found, strict=True)
        equal = np.array([np.equal(t, f).sum() for t, f in pairs])
        total = np.array([len(target) for target in targets])
        return lambda rows: equal[rows].sum() / total[rows].sum()
    sides = np.array(targets), np.array(found)

    def correlation(rows):
        if metric == "spearman":
            x, y = (scipy.stats.rankdata(side[rows]) for side in sides)
        else:
            # Of two classes, Matthews' is Pearson's correlation.
            x, y = ((side[rows] == "1").astype(float) for side in sides)
        x, y = x - x.mean(), y - y.mean()
        # A constant has none, and counts as the floor, which is 0.
        norm = np.sqrt(np.sum(x * x) * np.sum(y * y))
        return np.sum(x * y) / norm if norm else 0.0

    return correlation


def estimated(*sides):
    """The mean of a cell, or the difference of two."""
    value, samples = np.mean(sides[0].scores), np.mean(sides[0].samples, 0)
    limits = sides[0].limits
    if len(sides) == 2:
        limits = limits[0] - sides[1].limits[1], limits[1] - sides[1].limits[0]
        value -= np.mean(sides[1].scores)
        samples = samples - np.mean(sides[1].samples, 0)
    of_seeds = [_seeds_part(side) for side in sides if len(side.scores) > 1]
    return _together(value, [sides[0].of_examples(samples)], of_seeds, limits)


def _seeds_part(runs):
    """Variance of a mean over runs beyond that of the examples; before it is cut at 0."""
    count = len(runs.scores)
    of_one, _ = zip(*map(runs.of_examples, runs.samples), strict=True)
    of_mean, _ = runs.of_examples(np.mean(runs.samples, 0))
    by_chance = np.mean(of_one) - of_mean
    total = np.var(runs.scores, ddof=1) / count
    return max(0, total - by_chance / (count - 1)), total, count - 1


def _together(value, of_examples, of_seeds, limits):
    """Either kind of parts by Welch, both by the mean of reciprocals."""
    examples, seeds = sum(v for v, _ in of_examples), sum(v for v, *_ in of_seeds)
    rest = examples / _welch(of_examples)
    if of_seeds:
        rest += seeds / _welch([(total, free) for _, total, free in of_seeds])
    variance = examples + seeds
    return Estimate(value, np.sqrt(variance), variance / rest, limits)


def _welch(parts):
    """Degrees of freedom of a sum of (variance, degrees of freedom)."""
    return sum(v for v, _ in parts) ** 2 / sum(v**2 / free for v, free in parts)


def mean_of(estimates):
    """The mean over columns whose runs are not the same."""
    count = len(estimates)
    parts = [((e.error / count) ** 2, e.freedom) for e in estimates]
    error, freedom = np.sqrt(sum(v for v, _ in parts)), _welch(parts)
    limits = tuple(np.mean([e.limits for e in estimates], axis=0))
    return Estimate(np.mean([e.value for e in estimates]), error, freedom, limits)


def averaged(runs, starts):
    """The cell of the pre-trainings of some runs, in the order of their names."""
    starts = np.array(starts)
    places = [np.flatnonzero(starts == start) for start in sorted(set(starts))]
    return Runs(
        np.array([np.mean(runs.scores[p]) for p in places]),
        np.array([np.mean(runs.samples[p], 0) for p in places]),
        runs.right,
        runs.limits,
        runs.sizes,
    )


def joint_mean_of(columns):
    """The mean over columns where every pre-training is in every column.

    A pre-training's score is its mean over columns; examples of columns are not the same.

    Args:
        columns: the pre-trainings of one side, or of both, in one order.
    """
    count, of_examples, of_seeds = len(columns), [], []
    values = []
    for sides in columns:
        value, samples = 0, 0
        for sign, side in zip((1, -1), sides, strict=False):
            value += sign * np.mean(side.scores)
            samples = samples + sign * np.mean(side.samples, 0)
        values.append(value)
        of_examples.append(sides[0].of_examples(samples / count))
    for side in zip(*columns, strict=True):
        means = np.mean([runs.scores for runs in side], axis=0)
        size = len(means)
        # The covariance of two pre-trainings on samples is what they have in common.
        covariances = [np.cov(runs.samples, bias=True) for runs in side]
        noise = sum(
            (np.trace(c) - (c.sum() - np.trace(c)) / (size - 1))
            / (size**2 * (1 - 1 / runs.size))
            for c, runs in zip(covariances, side, strict=True)
        )
        total = scipy.stats.sem(means) ** 2
        of_seeds.append((max(0, total - noise / count**2), total, size - 1))
    limits = tuple(np.mean([estimated(*sides).limits for sides in columns], axis=0))
    return _together(np.mean(values), of_examples, of_seeds, limits)


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
    has_groups = len(one.sizes) < np.sum(one.sizes)
    if counts == (1, 1) and metric == "accuracy" and not has_groups:
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
