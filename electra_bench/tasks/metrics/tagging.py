"""Metrics of tagged sentences."""

from collections.abc import Sequence

import numpy as np

from electra_bench.data.readers.tag_schemes import spans
from electra_bench.tasks.metrics.weighted import Measures, ratio


def span_f1(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Measures:
    """Precision, recall and F1 of whole spans, over all sentences.

    A span counts if its words and its type are right, see `spans`.
    """
    counts = []
    for target, prediction in zip(targets, predictions, strict=True):
        _check_lengths(target, prediction)
        expected, found = set(spans(target)), set(spans(prediction))
        counts.append((len(expected & found), len(expected), len(found)))
    both, expected, found = np.array(counts, np.float64).reshape(-1, 3).T
    return {
        "f1": ratio(2 * both, expected + found, empty=0.0),
        "precision": ratio(both, found, empty=0.0),
        "recall": ratio(both, expected, empty=0.0),
    }


def tag_accuracy(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Measures:
    """Share of words with the right tag."""
    right = []
    for target, prediction in zip(targets, predictions, strict=True):
        _check_lengths(target, prediction)
        right.append(sum(t == p for t, p in zip(target, prediction, strict=True)))
    return {"tag_accuracy": ratio(right, [len(target) for target in targets])}


def _check_lengths(target: Sequence[str], prediction: Sequence[str]) -> None:
    if len(target) != len(prediction):
        raise ValueError(
            f"a sentence has {len(target)} right tags, but {len(prediction)} predicted "
            "ones"
        )
