"""Correlations of numbers."""

from collections.abc import Sequence

import numpy as np

from electra_bench.tasks.metrics.t5_metrics import by_t5
from electra_bench.tasks.metrics.weighted import (
    OF_CORRELATIONS,
    Measures,
    WeightedMetric,
    Weights,
)

# Share of a sum of squares that is no variance, but rounding.
ROUNDING = 1e-12


def pearson(targets: Sequence[float], predictions: Sequence[float]) -> Measures:
    """Pearson correlation; NaN if either side is constant."""
    x, y = _numbers(targets, predictions)
    centred_x, centred_y = _centred(x), _centred(y)

    def score(weights: Weights) -> np.ndarray:
        return _correlation(weights, centred_x, centred_y)

    return {"pearson": WeightedMetric(-np.abs(x - y), score, OF_CORRELATIONS)}


def spearman(targets: Sequence[float], predictions: Sequence[float]) -> Measures:
    """Spearman rank correlation; NaN if either side is constant."""
    x, y = _numbers(targets, predictions)

    def score(weights: Weights) -> np.ndarray:
        return _correlation(weights, _ranks(weights, x), _ranks(weights, y))

    return {"spearman": WeightedMetric(-np.abs(x - y), score, OF_CORRELATIONS)}


def _numbers(targets: Sequence[float], predictions: Sequence[float]) -> np.ndarray:
    """Both sides, float64 [2, examples].

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    pairs = list(zip(targets, predictions, strict=True))
    return np.array(pairs, np.float64).reshape(-1, 2).T


def _centred(values: np.ndarray) -> np.ndarray:
    """Values less their mean, in a unit whose squares are neither too large nor 0."""
    if not values.size:
        return values
    with np.errstate(invalid="ignore"):
        values = values - values.mean()
    largest = np.max(np.abs(values))
    return values / largest if largest > 0 else values


def _ranks(weights: Weights, values: np.ndarray) -> np.ndarray:
    """Ranks within every sample, ties at their middle, less the middle rank of all."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    # [samples, groups]: examples at each distinct value.
    sizes = np.add.reduceat(weights[:, order], starts, axis=-1)
    middles = np.cumsum(sizes, -1) - sizes / 2
    ranks = (middles - weights.sum(-1, keepdims=True) / 2)[:, group]
    return np.where(np.isnan(values), np.nan, ranks)


def _correlation(weights: Weights, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weighted correlation in percent; x and y are [examples] or [samples, examples]."""
    total = weights.sum(-1)
    sum_x, sum_y, sum_xy, sum_xx, sum_yy = (
        np.sum(weights * values, -1) for values in (x, y, x * y, x * x, y * y)
    )
    covariance = sum_xy - sum_x * sum_y / total
    of_x, of_y = sum_xx - sum_x**2 / total, sum_yy - sum_y**2 / total
    varies = (of_x > ROUNDING * sum_xx) & (of_y > ROUNDING * sum_yy)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.clip(covariance / np.sqrt(of_x) / np.sqrt(of_y), -1.0, 1.0)
    return 100.0 * np.where(varies, found, np.nan)


listed_pearson = by_t5("pearson_corrcoef", {"pearson": "pearson_corrcoef"}, pearson)
listed_spearman = by_t5(
    "spearman_corrcoef", {"spearman": "spearman_corrcoef"}, spearman
)
