"""Evaluation of pre-training on held-out text, as the original prints it.

Fractions, not percentages. Averages with no weight at all are 0, as in the original.

Source: google-research/electra run_pretraining.py `metric_fn`, whose `tf.metrics` are
Keras' metrics today.
"""

from collections.abc import Mapping

import tensorflow as tf


class MaskedLMMetrics:
    """Accuracy and loss at the masked positions."""

    def __init__(self):
        """Starts from nothing."""
        self._metrics: dict[str, tf.keras.metrics.Metric] = {
            "masked_lm_accuracy": tf.keras.metrics.Accuracy(),
            "masked_lm_loss": tf.keras.metrics.Mean(),
        }

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Adds a batch of the objective's `outputs`."""
        ids, weights = outputs["masked_lm_ids"], outputs["masked_lm_weights"]
        self._metrics["masked_lm_accuracy"].update_state(
            ids, outputs["masked_lm_preds"], weights
        )
        self._metrics["masked_lm_loss"].update_state(outputs["mlm_loss"], weights)

    def result(self) -> dict[str, float]:
        """Metrics over all batches so far."""
        return {name: float(metric.result()) for name, metric in self._metrics.items()}


class GeneratorMetrics(MaskedLMMetrics):
    """The same, and how often a sample is the original token."""

    def __init__(self):
        """Starts from nothing."""
        super().__init__()
        self._metrics["sampled_masked_lm_accuracy"] = tf.keras.metrics.Accuracy()

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Adds a batch of the objective's `outputs`."""
        super().update(outputs)
        self._metrics["sampled_masked_lm_accuracy"].update_state(
            outputs["masked_lm_ids"],
            outputs["sampled_ids"],
            outputs["masked_lm_weights"],
        )


class RestoringMetrics(GeneratorMetrics):
    """The same, and how well an encoder restores the original tokens."""

    def __init__(self):
        """Starts from nothing."""
        super().__init__()
        self._metrics |= {
            "restoring_accuracy": tf.keras.metrics.Accuracy(),
            "restoring_loss": tf.keras.metrics.Mean(),
        }

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Adds a batch of the objective's `outputs`."""
        super().update(outputs)
        weights = outputs["restored_weights"]
        self._metrics["restoring_accuracy"].update_state(
            outputs["restored_ids"], outputs["restored_preds"], weights
        )
        self._metrics["restoring_loss"].update_state(outputs["restoring_loss"], weights)


class DetectionMetrics:
    """How well an encoder tells which tokens were changed.

    `disc_loss` is the mean over sequences of their mean over tokens; `disc_auc` is summed
    over 200 thresholds and takes padding for tokens with label and probability 0.
    """

    def __init__(self):
        """Starts from nothing."""
        self._metrics: dict[str, tf.keras.metrics.Metric] = {
            "disc_loss": tf.keras.metrics.Mean(),
            # tf.metrics.auc sums trapezoids between (false, true) positive rates.
            "disc_auc": tf.keras.metrics.AUC(num_thresholds=200),
            "disc_accuracy": tf.keras.metrics.Accuracy(),
            "disc_precision": tf.keras.metrics.Accuracy(),
            "disc_recall": tf.keras.metrics.Accuracy(),
        }

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Adds a batch: `input_mask`, and what `detection_outputs` returns."""
        metrics = self._metrics
        metrics["disc_loss"].update_state(outputs["disc_loss"])
        mask = outputs["input_mask"]
        labels, preds = outputs["disc_labels"], outputs["disc_preds"]
        metrics["disc_auc"].update_state(
            labels * mask, outputs["disc_probs"] * tf.cast(mask, tf.float32)
        )
        metrics["disc_accuracy"].update_state(labels, preds, mask)
        metrics["disc_precision"].update_state(labels, preds, preds * mask)
        metrics["disc_recall"].update_state(labels, preds, labels * mask)

    def result(self) -> dict[str, float]:
        """Metrics over all batches so far."""
        return {name: float(metric.result()) for name, metric in self._metrics.items()}


class ElectraMetrics(GeneratorMetrics):
    """Those of the generator and of the discriminator."""

    def __init__(self):
        """Starts from nothing."""
        super().__init__()
        self._detection = DetectionMetrics()

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Adds a batch of the objective's `outputs`."""
        super().update(outputs)
        self._detection.update(outputs)

    def result(self) -> dict[str, float]:
        """Metrics over all batches so far."""
        return super().result() | self._detection.result()


def detection_outputs(
    logits: tf.Tensor, labels: tf.Tensor, losses: tf.Tensor, weights: tf.Tensor
) -> dict[str, tf.Tensor]:
    """What `DetectionMetrics` needs beside the `input_mask`.

    Args:
        logits: log odds that a token was changed, float32 [batch, seq].
        labels: 1 where it was, int32 [batch, seq].
        losses: of the tokens, float32 [batch, seq].
        weights: 1 for tokens that count and 0 for others, float32 [batch, seq].
    """
    totals = tf.reduce_sum(losses * weights, -1)
    return {
        "disc_loss": totals / (1e-6 + tf.reduce_sum(weights, -1)),
        "disc_labels": labels,
        "disc_probs": tf.sigmoid(logits),
        "disc_preds": tf.cast(logits > 0, tf.int32),
    }


def auc(labels: tf.Tensor, scores: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Probability that a positive scores higher than a negative: float32 scalar.

    By ranks (Mann and Whitney), so exact for one batch but for ties, which count as they
    happen to be sorted. 0.5 where one of the two is missing. All shapes are static, for
    compilers.

    Args:
        labels: 1 for positives, int32 [...].
        scores: float32 [...].
        weights: 1 for items that count and 0 for others, int32 or float32 [...].
    """
    labels, weights = (
        tf.cast(tf.reshape(x, [-1]), tf.float32) for x in (labels, weights)
    )
    order = tf.argsort(tf.reshape(scores, [-1]))
    counted = tf.gather(weights, order)
    positive = tf.gather(labels, order) * counted
    negative = counted - positive
    # Negatives that score lower than each positive.
    outranked = tf.reduce_sum(positive * tf.cumsum(negative))
    pairs = tf.reduce_sum(positive) * tf.reduce_sum(negative)
    return tf.where(pairs > 0, tf.math.divide_no_nan(outranked, pairs), 0.5)


def percentages(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics as records hold them: everything but losses times 100."""
    return {
        name: value if name.endswith("_loss") else 100.0 * value
        for name, value in metrics.items()
    }
