"""Metrics of examples that have weights, for bootstraps and paired tests.

The metrics of `metrics` and `qa_metrics` take lists, and their libraries load TensorFlow or
need a millisecond a call; a bootstrap needs a score for each of a thousand samples of the
same predictions, on a laptop. What a sample draws twice has the weight 2 here, and one
matrix product gives the scores of all samples. Unweighted they equal the task's own metric;
reports check that on every file that they read.

Registered as `<kind>_<metric>` or, where the metric's name says it all, `<metric>`. Each
takes `targets` and `predictions` as `metrics` does, read from JSON.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.tasks.metrics.answer_match import (
    NULL_ODDS_THRESHOLD,
    Match,
    match,
    match_or_none,
)

Weights = np.ndarray
# Smallest and largest score.
OF_SHARES = (0.0, 100.0)
OF_CORRELATIONS = (-100.0, 100.0)


class WeightedMetric(NamedTuple):
    """A metric of the predictions of one run.

    Attributes:
        quality: how good every single answer is, float64 [examples]; the larger the
            better. For showing where two runs differ, not for tests.
        score: from weights [samples, examples], not negative, to percentages [samples];
            NaN where a sample has no score.
        limits: the smallest and the largest score that there can be, at which intervals
            end.
    """

    quality: np.ndarray
    score: Callable[[Weights], np.ndarray]
    limits: tuple[float, float] = (-math.inf, math.inf)


def accuracy(targets: Sequence, predictions: Sequence) -> WeightedMetric:
    """Share of equal answers."""
    return _mean([float(t == p) for t, p in zip(targets, predictions, strict=True)])


def matthews(targets: Sequence, predictions: Sequence) -> WeightedMetric:
    """Matthews correlation of classes; 0 if all targets or predictions are equal.

    Source: Gorodkin 2004, equation 2, in the form of sklearn.metrics.matthews_corrcoef.
    """
    classes = np.array(sorted({*map(str, targets), *map(str, predictions)}))
    # [examples, classes]
    expected = (np.array(targets, str)[:, None] == classes).astype(np.float64)
    found = (np.array(predictions, str)[:, None] == classes).astype(np.float64)
    right = np.sum(expected * found, -1)

    def score(weights: Weights) -> np.ndarray:
        # [samples] and [samples, classes]
        total, hits = weights.sum(-1), weights @ right
        of_target, of_found = weights @ expected, weights @ found
        covariance = hits * total - np.sum(of_target * of_found, -1)
        variance = total**2 - np.sum(of_target**2, -1)
        variance = variance * (total**2 - np.sum(of_found**2, -1))
        # A sample with one class only has no correlation; sklearn calls that 0.
        safe = np.where(variance > 0, variance, 1.0)
        return 100.0 * np.where(variance > 0, covariance, 0.0) / np.sqrt(safe)

    return WeightedMetric(right, score, OF_CORRELATIONS)


def pearson(targets: Sequence[float], predictions: Sequence[float]) -> WeightedMetric:
    """Pearson correlation; NaN if either side is constant."""
    x, y = np.array(targets, np.float64), np.array(predictions, np.float64)

    def score(weights: Weights) -> np.ndarray:
        return _correlation(weights, x - x.mean(), y - y.mean())

    return WeightedMetric(-np.abs(x - y), score, OF_CORRELATIONS)


def spearman(targets: Sequence[float], predictions: Sequence[float]) -> WeightedMetric:
    """Spearman rank correlation; NaN if either side is constant."""
    x, y = np.array(targets, np.float64), np.array(predictions, np.float64)

    def score(weights: Weights) -> np.ndarray:
        return _correlation(weights, _ranks(weights, x), _ranks(weights, y))

    return WeightedMetric(-np.abs(x - y), score, OF_CORRELATIONS)


def _ranks(weights: Weights, values: np.ndarray) -> np.ndarray:
    """Ranks within every sample, ties at their middle, less the middle rank of all."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    # [samples, groups]: examples at each distinct value.
    sizes = np.add.reduceat(weights[:, order], starts, axis=-1)
    middles = np.cumsum(sizes, -1) - sizes / 2
    return (middles - weights.sum(-1, keepdims=True) / 2)[:, group]


def _correlation(weights: Weights, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weighted correlation in percent; x and y are [examples] or [samples, examples]."""
    total = weights.sum(-1)
    sum_x, sum_y, sum_xy, sum_xx, sum_yy = (
        np.sum(weights * values, -1) for values in (x, y, x * y, x * x, y * y)
    )
    covariance = sum_xy - sum_x * sum_y / total
    variance = (sum_xx - sum_x**2 / total) * (sum_yy - sum_y**2 / total)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 100.0 * np.where(variance > 0, covariance / np.sqrt(variance), np.nan)


def tagging_f1(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> WeightedMetric:
    """F1 of whole spans over all sentences, by seqeval's reading of tags."""
    # It loads scikit-learn, which takes a second or two.
    from seqeval.metrics.sequence_labeling import get_entities

    counts = []
    for target, prediction in zip(targets, predictions, strict=True):
        expected, found = set(get_entities(target)), set(get_entities(prediction))
        counts.append((2 * len(expected & found), len(expected) + len(found)))
    both, either = np.array(counts, np.float64).reshape(-1, 2).T
    quality = np.where(either > 0, both / np.maximum(either, 1.0), 1.0)
    return WeightedMetric(quality, _ratio(both, either), OF_SHARES)


def tag_accuracy(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> WeightedMetric:
    """Share of words with the right tag."""
    right = np.array(
        [
            sum(t == p for t, p in zip(target, prediction, strict=True))
            for target, prediction in zip(targets, predictions, strict=True)
        ],
        np.float64,
    )
    words = np.array([len(target) for target in targets], np.float64)
    quality = right / np.maximum(words, 1.0)
    return WeightedMetric(quality, _ratio(right, words), OF_SHARES)


def span_qa_exact(
    targets: Sequence[Sequence[str]], predictions: Sequence[Any]
) -> WeightedMetric:
    """Exact match of SQuAD 1.1 and MRQA; of SQuAD 2.0 where answers have odds."""
    return _mean([found.exact for found in _matches(targets, predictions)])


def span_qa_f1(
    targets: Sequence[Sequence[str]], predictions: Sequence[Any]
) -> WeightedMetric:
    """Token F1 of SQuAD 1.1 and MRQA; of SQuAD 2.0 where answers have odds."""
    return _mean([found.f1 for found in _matches(targets, predictions)])


def _matches(
    targets: Sequence[Sequence[str]], predictions: Sequence[Any]
) -> list[Match]:
    return [_match(a, p) for a, p in zip(targets, predictions, strict=True)]


def _match(answers: Sequence[str], prediction: Any) -> Match:
    if isinstance(prediction, str):
        return match(answers, prediction)
    text, null_odds = prediction
    if null_odds > NULL_ODDS_THRESHOLD:
        is_right = float(not answers)
        return Match(is_right, is_right)
    return match_or_none(answers, text)


def _mean(fractions: Sequence[float]) -> WeightedMetric:
    values = np.array(fractions, np.float64)
    return WeightedMetric(values, _ratio(values, np.ones_like(values)), OF_SHARES)


def _ratio(
    numerator: np.ndarray, denominator: np.ndarray
) -> Callable[[Weights], np.ndarray]:
    """Sum over sum, in percent; 0 where both are 0."""

    def score(weights: Weights) -> np.ndarray:
        above, below = weights @ numerator, weights @ denominator
        return 100.0 * above / np.where(below > 0, below, 1.0)

    return score
