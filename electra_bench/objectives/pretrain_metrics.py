"""Evaluation of pre-training on held-out text, as the original prints it.

Fractions, not percentages. Averages with no weight at all are 0, as in the original.

Source: google-research/electra run_pretraining.py `metric_fn`, whose `tf.metrics` are
Keras' metrics today. They are computed here, since loading Keras takes longer than that.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from electra_bench.objectives.losses import token_losses
from electra_bench.objectives.masking import Masked

# Between which the AUC sums trapezoids.
THRESHOLDS = 200


class Mean:
    """The mean of values, by their weights if they have some."""

    def __init__(self) -> None:
        """Starts from nothing."""
        self._total = self._weight = 0.0

    def update(self, values: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Adds values of any shape, and weights of the same one."""
        if weights is None:
            weights = np.ones_like(values)
        self._total += np.sum(values * weights, dtype=np.float64)
        self._weight += np.sum(weights, dtype=np.float64)

    def result(self) -> float:
        """The mean so far."""
        return float(self._total / self._weight) if self._weight else 0.0


class Accuracy(Mean):
    """How often two are equal, by the weights of the pairs."""

    def update(  # type: ignore[override]  # a pair stands for a value
        self, labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray
    ) -> None:
        """Adds pairs, of any shape."""
        super().update(labels == predictions, weights)


class AUC:
    """The area below the curve of true over false positives.

    As Keras computes it: from how many labels are above each of `THRESHOLDS` equally far
    thresholds between 0 and 1.
    """

    def __init__(self) -> None:
        """Starts from nothing."""
        # Probabilities in the interval above each threshold: of label 0, of label 1.
        self._counts = np.zeros([2, THRESHOLDS])

    def update(self, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Adds pairs, of any shape; the area is NaN if a probability is none."""
        if not np.isfinite(probabilities).all():
            self._counts[:] = np.nan
            return
        scaled = probabilities.astype(np.float32).ravel() * np.float32(THRESHOLDS - 1)
        interval = np.clip(np.ceil(scaled) - 1, 0, THRESHOLDS - 1).astype(int)
        for label in (0, 1):
            chosen = interval[labels.ravel() == label]
            self._counts[label] += np.bincount(chosen, minlength=THRESHOLDS)

    def result(self) -> float:
        """The area so far; 0 if all labels are equal."""
        totals = self._counts.sum(axis=1, keepdims=True)
        if not totals.all():
            return 0.0
        false, true = np.cumsum(self._counts[:, ::-1], axis=1)[:, ::-1] / totals
        return float(np.sum((false[:-1] - false[1:]) * (true[:-1] + true[1:]) / 2))


# A metric's name to what computes it, and to the names of the objective's outputs that it
# is given: values or pairs to compare, then their weights.
MetricTable = dict[str, tuple[type[Mean] | type[AUC], *tuple[str, ...]]]

IDS, SLOTS = "masked_lm_ids", "masked_lm_weights"
MASKED_LM: MetricTable = {
    "masked_lm_accuracy": (Accuracy, IDS, "masked_lm_preds", SLOTS),
    "masked_lm_loss": (Mean, "mlm_loss", SLOTS),
}
# How often a sample is the original token, too.
GENERATOR: MetricTable = MASKED_LM | {
    "sampled_masked_lm_accuracy": (Accuracy, IDS, "sampled_ids", SLOTS),
}
# How well an encoder restores the original tokens.
RESTORED = "restored_weights"
RESTORING: MetricTable = {
    "restoring_accuracy": (Accuracy, "restored_ids", "restored_preds", RESTORED),
    "restoring_loss": (Mean, "restoring_loss", RESTORED),
}
# How well an encoder tells which tokens were changed. The loss is the mean over sequences
# of their mean over tokens; the AUC sums trapezoids between 200 thresholds and takes
# padding for tokens with label and probability 0.
DETECTION: MetricTable = {
    "disc_loss": (Mean, "disc_loss"),
    "disc_auc": (AUC, "disc_labels", "disc_probs"),
    "disc_accuracy": (Accuracy, "disc_labels", "disc_preds", "input_mask"),
    "disc_precision": (Accuracy, "disc_labels", "disc_preds", "disc_preds"),
    "disc_recall": (Accuracy, "disc_labels", "disc_preds", "disc_labels"),
}


class HeldOutMetrics:
    """Metrics over all batches of an objective's `outputs`."""

    def __init__(self, table: MetricTable):
        """Starts from nothing; `table` says which metrics."""
        self._metrics = {
            name: (kind(), inputs) for name, (kind, *inputs) in table.items()
        }

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Adds a batch of the objective's `outputs`."""
        for metric, inputs in self._metrics.values():
            metric.update(*(np.asarray(outputs[name]) for name in inputs))

    def result(self) -> dict[str, float]:
        """Metrics over all batches so far."""
        return {name: metric.result() for name, (metric, _) in self._metrics.items()}


def masked_lm_outputs(masked: Masked, logits: tf.Tensor) -> dict[str, tf.Tensor]:
    """What the metrics of `MASKED_LM` need.

    Args:
        masked: what was to be predicted.
        logits: float32 [batch, preds, vocab].
    """
    return {
        IDS: masked.ids,
        SLOTS: masked.weights,
        "masked_lm_preds": tf.argmax(logits, -1, output_type=tf.int32),
        "mlm_loss": token_losses(logits, masked.ids),
    }


def percentages(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics as records hold them: everything but losses times 100."""
    return {
        name: value if name.endswith("_loss") else 100.0 * value
        for name, value in metrics.items()
    }
