"""Scores where the threshold for giving no answer is chosen on other questions.

The questions are dealt out into two halves, and the threshold of each is the best one of
the other. So no question has a part in the choice of its own threshold, nor has another one
about the same text; and no answers are needed beside those that are scored.
"""

import functools
import hashlib
from typing import NamedTuple

import numpy as np

from electra_bench.tasks.metrics.weighted import (
    OF_SHARES,
    Measures,
    WeightedMetric,
    Weights,
)


def half_of(text: str) -> int:
    """In which half of the questions, 0 or 1, those about a text are: by its hash."""
    return hashlib.sha256(text.encode()).digest()[0] % 2


class _Half(NamedTuple):
    """The questions of one half, those with the lowest odds first.

    Attributes:
        order: their places among all, int [questions].
        odds: their odds that there is no answer, float64 [questions].
        thresholds: one below all odds of both halves, and each of its own, float64
            [questions + 1].
        may_be_chosen: whether a threshold parts no questions of equal odds, bool, same
            shape.
        is_null: which have no answer.
        gains: what it adds to answer each and not to abstain.
    """

    order: np.ndarray
    odds: np.ndarray
    thresholds: np.ndarray
    may_be_chosen: np.ndarray
    is_null: np.ndarray
    gains: np.ndarray

    @classmethod
    def of(
        cls,
        members: np.ndarray,
        values: np.ndarray,
        is_null: np.ndarray,
        odds: np.ndarray,
    ) -> "_Half":
        order = members[np.argsort(odds[members], kind="stable")]
        thresholds = np.append(np.nextafter(odds.min(), -np.inf), odds[order])
        may_be_chosen = np.append(thresholds[:-1] < thresholds[1:], True)
        gains = (values - is_null)[order]
        return cls(order, odds[order], thresholds, may_be_chosen, is_null[order], gains)

    def totals(self, weights: Weights) -> np.ndarray:
        """The sum of the scores at every threshold, [samples, questions + 1]."""
        own = weights[:, self.order]
        steps = [own @ self.is_null.astype(np.float64), own * self.gains]
        return np.cumsum(np.column_stack(steps), -1)

    def best(self, weights: Weights, totals: np.ndarray) -> np.ndarray:
        """The lowest of the best thresholds, [samples].

        A sample that has none of the questions has nothing to choose on: its threshold is
        the one that all of them, each once, give.
        """
        once = np.cumsum(np.append(self.is_null.sum(), self.gains))
        is_drawn = weights[:, self.order].any(-1, keepdims=True)
        known = np.where(is_drawn, totals, once)
        return self.thresholds[np.where(self.may_be_chosen, known, -np.inf).argmax(-1)]

    def at(self, thresholds: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """Of the totals those at any thresholds, [samples]."""
        places = np.searchsorted(self.odds, thresholds, side="right")
        return np.take_along_axis(totals, places[:, None], -1)[:, 0]


def at_chosen_thresholds(
    name: str,
    values: np.ndarray,
    is_null: np.ndarray,
    odds: np.ndarray,
    halves: np.ndarray,
) -> Measures:
    """Percentage where each half has the best threshold of the other half.

    A sample of a bootstrap chooses anew, so intervals have the uncertainty of the choice,
    too; where it has no questions of one half, that half gives the threshold that all its
    questions give. NaN where one half has no questions at all.

    Args:
        name: of the percentage.
        values: what it counts to answer each question, float64 [questions].
        is_null: which have no answer, bool: to abstain from these counts 1.
        odds: above the threshold there is no answer, float64 [questions].
        halves: which each question is in, int [questions].

    Returns:
        The percentage, and the thresholds of the two halves as `<name>_thresh_1` and
        `<name>_thresh_2`; one below all `odds` never to answer.
    """
    names = [f"{name}_thresh_1", f"{name}_thresh_2"]
    members = [np.flatnonzero(halves == half) for half in (0, 1)]
    if not all(map(len, members)):
        undefined = WeightedMetric(values, lambda rows: np.full(len(rows), np.nan))
        return dict.fromkeys([name, *names], undefined)
    one, other = (_Half.of(own, values, is_null, odds) for own in members)

    def threshold(half: _Half, weights: Weights) -> np.ndarray:
        return half.best(weights, half.totals(weights))

    def score(weights: Weights) -> np.ndarray:
        of_one, of_other = one.totals(weights), other.totals(weights)
        total = one.at(other.best(weights, of_other), of_one)
        total += other.at(one.best(weights, of_one), of_other)
        return 100.0 * total / weights.sum(-1)

    # Of the first half and of the second.
    chosen_on = (other, one)
    all_once = np.ones([1, len(values)])
    chosen = np.concatenate([threshold(half, all_once) for half in chosen_on])
    quality = np.where(odds > chosen[halves], is_null, values)
    return {
        name: WeightedMetric(quality, score, OF_SHARES),
        **{
            named: WeightedMetric(quality, functools.partial(threshold, half))
            for named, half in zip(names, chosen_on, strict=True)
        },
    }
