"""Metrics of texts that may have any number of labels."""

from collections.abc import Sequence

import numpy as np

from electra_bench.tasks.metrics.classification import macro_f1_of
from electra_bench.tasks.metrics.weighted import Measures, mean, ratio


def micro_f1(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Measures:
    """F1 over all labels of all texts; 0 if nothing was right to be found or found.

    Args:
        targets: the names of the labels of every text.
        predictions: those that were predicted.
    """
    expected, found = _multi_hot(targets, predictions)
    both = 2 * np.sum(expected * found, -1)
    return {"micro_f1": ratio(both, np.sum(expected + found, -1), empty=0.0)}


def macro_f1(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Measures:
    """Mean of the F1 of every label that occurs; 0 for one that is never right.

    Args:
        targets: see `micro_f1`.
        predictions: see `micro_f1`.
    """
    return {"macro_f1": macro_f1_of(*_multi_hot(targets, predictions))}


def subset_accuracy(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Measures:
    """Share of texts whose labels are all found, and no others.

    Args:
        targets: see `micro_f1`.
        predictions: see `micro_f1`.
    """
    pairs = zip(targets, predictions, strict=True)
    return {"subset_accuracy": mean([{*right} == {*found} for right, found in pairs])}


def _multi_hot(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both sides, 0 or 1, float64 [examples, labels]."""
    if len(targets) != len(predictions):
        raise ValueError(f"{len(targets)} targets, but {len(predictions)} predictions")
    sides = [[{*map(str, names)} for names in side] for side in (targets, predictions)]
    labels = sorted(set().union(*sides[0], *sides[1]))
    column = {label: i for i, label in enumerate(labels)}
    hot = np.zeros([2, len(targets), len(labels)])
    for side, rows in zip(hot, sides, strict=True):
        for row, names in zip(side, rows, strict=True):
            row[[column[name] for name in names]] = 1.0
    expected, found = hot
    return expected, found
