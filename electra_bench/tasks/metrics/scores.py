"""Metrics as percentages, 0-100, from scikit-learn, SciPy, seqeval and t5.

Each takes `targets` and `predictions`, lists of what a task's `postprocess_fn` returns, and
returns names and scores. A score that is not defined is NaN.
"""

import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import seqeval.metrics
import sklearn.metrics
import t5.evaluation.metrics

Scores = dict[str, float]


def accuracy(targets: Sequence, predictions: Sequence) -> Scores:
    """Share of equal answers."""
    if not targets:
        return {"accuracy": math.nan}
    return {"accuracy": 100.0 * sklearn.metrics.accuracy_score(targets, predictions)}


def matthews(targets: Sequence, predictions: Sequence) -> Scores:
    """Matthews correlation of classes; 0 if all predictions are equal, as defined."""
    if not targets:
        return {"mcc": math.nan}
    mcc = sklearn.metrics.matthews_corrcoef(targets, predictions)
    return {"mcc": 100.0 * mcc}


def binary_f1(positive: str) -> Callable[[Sequence, Sequence], Scores]:
    """F1 of one class; 0 if nothing was predicted to be of it.

    Args:
        positive: the class.
    """

    def f1(targets: Sequence, predictions: Sequence) -> Scores:
        if not targets:
            return {"f1": math.nan}
        score = sklearn.metrics.f1_score(
            [target == positive for target in targets],
            [prediction == positive for prediction in predictions],
            zero_division=0.0,
        )
        return {"f1": 100.0 * score}

    return f1


def macro_f1(targets: Sequence, predictions: Sequence) -> Scores:
    """Mean of the F1 of every class that occurs; 0 for one that is never right."""
    if not targets:
        return {"macro_f1": math.nan}
    score = sklearn.metrics.f1_score(
        targets, predictions, average="macro", zero_division=0.0
    )
    return {"macro_f1": 100.0 * score}


def pearson(targets: Sequence[float], predictions: Sequence[float]) -> Scores:
    """Pearson correlation; NaN if either side is constant."""
    if _has_no_correlation(targets, predictions):
        return {"pearson": math.nan}
    scores = t5.evaluation.metrics.pearson_corrcoef(targets, predictions)
    return {"pearson": float(scores["pearson_corrcoef"])}


def spearman(targets: Sequence[float], predictions: Sequence[float]) -> Scores:
    """Spearman rank correlation; NaN if either side is constant."""
    if _has_no_correlation(targets, predictions):
        return {"spearman": math.nan}
    scores = t5.evaluation.metrics.spearman_corrcoef(targets, predictions)
    return {"spearman": float(scores["spearman_corrcoef"])}


def _has_no_correlation(targets: Sequence, predictions: Sequence) -> bool:
    if len(targets) < 2:
        return True
    return np.ptp(targets) == 0 or np.ptp(predictions) == 0


def span_f1(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Scores:
    """Precision, recall and F1 of whole spans, over all sentences.

    A span counts if its words and its type are right. Tags may be IOB1, IOB2 or BIOES;
    where predicted ones contradict each other, conlleval's reading holds.
    """
    if not targets:
        return dict.fromkeys(("f1", "precision", "recall"), math.nan)
    with warnings.catch_warnings():
        # Without predicted spans precision is 0: said in the result, not in a warning.
        warnings.simplefilter("ignore")
        arguments = (list(targets), list(predictions))
        return {
            "f1": 100.0 * float(seqeval.metrics.f1_score(*arguments)),
            "precision": 100.0 * float(seqeval.metrics.precision_score(*arguments)),
            "recall": 100.0 * float(seqeval.metrics.recall_score(*arguments)),
        }


def tag_accuracy(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> Scores:
    """Share of words with the right tag."""
    if not any(len(target) for target in targets):
        return {"tag_accuracy": math.nan}
    score = seqeval.metrics.accuracy_score(list(targets), list(predictions))
    return {"tag_accuracy": 100.0 * float(score)}
