"""What a metric is: scores of examples that have weights.

A bootstrap needs a score for each of a thousand samples of the same predictions. What a
sample draws twice has the weight 2 here, and one matrix product gives the scores of all
samples. So a metric is a function of `targets` and `predictions`, with an item an example,
that returns names and a `WeightedMetric` for each. seqio's form, percentages of the same
lists, is `list_form` of it. A metric that has no weighted form returns the percentages
itself; `measured` then calls it on what every sample draws.

As in seqio, a second parameter `scores` gets what the predictions were chosen by.

Reports read predictions from JSON and load the metrics, so nothing here loads TensorFlow
or scikit-learn.
"""

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

Weights = np.ndarray
Scores = dict[str, float]
# Smallest and largest score.
OF_SHARES = (0.0, 100.0)
OF_CORRELATIONS = (-100.0, 100.0)
# A sample costs a whole call of a metric that has no weighted form.
RESAMPLED = 200


class WeightedMetric(NamedTuple):
    """A metric of the predictions of one run.

    Attributes:
        quality: how good every single answer is, float64 [examples]; the larger the
            better. For showing where two runs differ, not for tests.
        score: from weights [samples, examples], not negative, to percentages [samples];
            NaN where a sample has no score.
        limits: the smallest and the largest score that there can be, at which intervals
            end.
        max_samples: how many samples are scored at most, since each of them is slow.
    """

    quality: np.ndarray
    score: Callable[[Weights], np.ndarray]
    limits: tuple[float, float] = (-math.inf, math.inf)
    max_samples: float = math.inf


Measures = dict[str, WeightedMetric]
Metric = Callable[..., Mapping[str, WeightedMetric | float]]
ListMetric = Callable[..., Scores]


def list_form(metric: Metric) -> ListMetric:
    """The metric as seqio's `metric_fns` have it, with the parameters of the metric.

    Args:
        metric: with or without a weighted form.

    Returns:
        A function of the same lists that returns percentages; NaN without examples.
    """

    @functools.wraps(metric)
    def scores(*lists: Sequence, **named: Sequence) -> Scores:
        found = metric(*lists, **named)
        return {name: _unweighted(one) for name, one in found.items()}

    return scores


def _unweighted(metric: WeightedMetric | float) -> float:
    if not isinstance(metric, WeightedMetric):
        return float(metric)
    size = len(metric.quality)
    return float(metric.score(np.ones((1, size)))[0]) if size else math.nan


def measured(
    metric: Metric,
    name: str,
    targets: Sequence,
    predictions: Sequence,
    scores: Sequence,
) -> WeightedMetric:
    """One score of a metric, for weights in any case.

    Args:
        metric: a registered metric.
        name: of one of its scores.
        targets: right answers.
        predictions: the model's answers.
        scores: what they were chosen by.

    Raises:
        KeyError: the metric has no score of this name.
    """
    answers = (
        scores if "scores" in inspect.signature(metric).parameters else predictions
    )
    found = metric(targets, answers)[name]
    if isinstance(found, WeightedMetric):
        return found

    def score(weights: Weights) -> np.ndarray:
        return np.array([metric(*drawn(row))[name] for row in weights], np.float64)

    def drawn(row: Weights) -> tuple[list, list]:
        places = np.repeat(np.arange(len(targets)), row.astype(int)).tolist()
        return [targets[i] for i in places], [answers[i] for i in places]

    equal = [t == p for t, p in zip(targets, predictions, strict=True)]
    return WeightedMetric(np.array(equal, np.float64), score, max_samples=RESAMPLED)


def mean(fractions: Sequence[float]) -> WeightedMetric:
    """Mean over examples, in percent.

    Args:
        fractions: one an example, 0 to 1.
    """
    values = np.array(fractions, np.float64)
    return ratio(values, np.ones_like(values))


def ratio(
    numerator: Sequence[float],
    denominator: Sequence[float],
    *,
    empty: float = math.nan,
) -> WeightedMetric:
    """Sum over examples by sum over examples, in percent.

    Args:
        numerator: one number an example, at most its denominator.
        denominator: one number an example.
        empty: the score where the denominators are all 0.
    """
    above, below = np.array(numerator, np.float64), np.array(denominator, np.float64)

    def score(weights: Weights) -> np.ndarray:
        total = weights @ below
        # In this order, as scikit-learn's fraction times 100: the last bit is the same.
        shares = 100.0 * ((weights @ above) / np.where(total > 0, total, 1.0))
        return np.where(total > 0, shares, empty)

    quality = np.where(below > 0, above / np.where(below > 0, below, 1.0), 1.0)
    return WeightedMetric(quality, score, OF_SHARES)
