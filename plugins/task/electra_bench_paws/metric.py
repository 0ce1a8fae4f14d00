"""The main metric of PAWS. Tables load it, so it needs neither TensorFlow nor seqio."""

from collections.abc import Sequence

import numpy as np

from electra_bench.tasks.metrics.weighted import OF_SHARES, Measures, WeightedMetric


def pr_auc(targets: Sequence[str], scores: Sequence[Sequence[float]]) -> Measures:
    """Area under the precision-recall curve of the second class.

    Args:
        targets: class names.
        scores: probabilities of the classes, in the order of their ids.

    Source: Zhang et al. 2019, section 5, which reports it beside accuracy.
    """
    is_paraphrase = np.array([target == "1" for target in targets], np.float64)
    likely = np.array([probabilities[1] for probabilities in scores], np.float64)
    order = np.argsort(-likely, kind="stable")
    # Equal probabilities are one place of the curve.
    ends = np.append(np.diff(likely[order]) != 0, [True] * (len(order) > 0))

    def score(weights: np.ndarray) -> np.ndarray:
        # [samples, places]
        shown = np.cumsum(weights[:, order], -1)[:, ends]
        found = np.cumsum((weights * is_paraphrase)[:, order], -1)[:, ends]
        gains = np.diff(found, prepend=0.0)
        with np.errstate(invalid="ignore"):
            area = np.sum(gains * found / np.maximum(shown, 1.0), -1) / found[:, -1]
        return 100.0 * area  # NaN where a sample has no paraphrase

    quality = np.where(is_paraphrase > 0, likely, 1.0 - likely)
    return {"pr_auc": WeightedMetric(quality, score, OF_SHARES)}
