"""Metrics of classes."""

from collections.abc import Sequence

import numpy as np

from electra_bench.tasks.metrics.weighted import (
    OF_CORRELATIONS,
    OF_SHARES,
    Measures,
    Metric,
    WeightedMetric,
    Weights,
    mean,
    ratio,
)


def accuracy(targets: Sequence, predictions: Sequence) -> Measures:
    """Share of equal answers."""
    return {
        "accuracy": mean([t == p for t, p in zip(targets, predictions, strict=True)])
    }


def matthews(targets: Sequence, predictions: Sequence) -> Measures:
    """Matthews correlation of classes; 0 if all targets or all predictions are equal.

    Source: Gorodkin 2004, equation 2, in the form of sklearn.metrics.matthews_corrcoef.
    """
    expected, found = _one_hot(targets, predictions)
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

    return {"mcc": WeightedMetric(right, score, OF_CORRELATIONS)}


def binary_f1(positive: str) -> Metric:
    """F1 of one class; 0 if nothing was predicted to be of it.

    Args:
        positive: the class.
    """

    def f1(targets: Sequence, predictions: Sequence) -> Measures:
        pairs = [
            (t == positive, p == positive)
            for t, p in zip(targets, predictions, strict=True)
        ]
        both = [2 * (expected and found) for expected, found in pairs]
        return {"f1": ratio(both, [sum(pair) for pair in pairs], empty=0.0)}

    return f1


def macro_f1(targets: Sequence, predictions: Sequence) -> Measures:
    """Mean of the F1 of every class that occurs; 0 for one that is never right."""
    return {"macro_f1": macro_f1_of(*_one_hot(targets, predictions))}


def macro_f1_of(expected: np.ndarray, found: np.ndarray) -> WeightedMetric:
    """Mean of the F1 of every class that occurs; 0 where none does.

    Args:
        expected: whether a class is right, 0 or 1, float64 [examples, classes].
        found: whether it was predicted.
    """
    both = expected * found

    def score(weights: Weights) -> np.ndarray:
        # [samples, classes]
        sums = weights @ (expected + found)
        f1 = 2 * (weights @ both) / np.where(sums > 0, sums, 1.0)
        return 100.0 * np.sum(f1, -1) / np.maximum(np.sum(sums > 0, -1), 1)

    return WeightedMetric(both.sum(-1), score, OF_SHARES)


def _one_hot(targets: Sequence, predictions: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Classes of both sides, float64 [examples, classes]."""
    if len(targets) != len(predictions):
        raise ValueError(f"{len(targets)} targets, but {len(predictions)} predictions")
    sides = [np.array([str(name) for name in side]) for side in (targets, predictions)]
    classes = np.unique(np.concatenate(sides))
    expected, found = ((side[:, None] == classes).astype(np.float64) for side in sides)
    return expected, found
