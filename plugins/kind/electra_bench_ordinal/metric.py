"""The metric of its tasks. Tables load it, so it needs neither TensorFlow nor seqio."""

import numpy as np

from electra_bench.tasks.metrics.weighted import OF_CORRELATIONS, WeightedMetric


def quadratic_kappa(targets, predictions):
    """Cohen's kappa with squared distances, of classes whose names are numbers.

    100 where all is right, 0 for what chance gives; NaN if there is one class only.

    Source: Cohen 1968, in percent.
    """
    right, found = (np.array([*map(float, side)]) for side in (targets, predictions))
    apart = np.square(right - found)

    def score(weights):
        # [samples]: the distance if every target met every prediction
        squares = weights @ (np.square(right) + np.square(found))
        products = (weights @ right) * (weights @ found)
        chance = squares - 2 * products / np.maximum(weights.sum(-1), 1)
        return 100.0 * (1 - weights @ apart / np.where(chance > 0, chance, np.nan))

    return {"quadratic_kappa": WeightedMetric(-apart, score, OF_CORRELATIONS)}
