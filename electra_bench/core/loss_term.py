"""A loss as a sum and a weight, so that only the trainer divides."""

from typing import NamedTuple

import tensorflow as tf


class LossTerm(NamedTuple):
    """One part of the training loss, summed over the rows of one replica.

    The trainer adds up `weight` over replicas and micro-batches before it differentiates
    `coefficient * total / weight`, which makes the result independent of how a batch is
    split. `weight` may depend on the batch and its masks only, never on parameters.

    Attributes:
        total: sum of the losses of all counted items, float32 scalar.
        weight: number of counted items, float32 scalar.
        coefficient: factor of this term in the training loss.
        reduction: "mean" divides by `weight` (plus 1e-6, as the original does); "sum"
            does not, as in the original's fine-tuning.
    """

    total: tf.Tensor
    weight: tf.Tensor
    coefficient: float = 1.0
    reduction: str = "mean"

    def value(self, global_weight: tf.Tensor) -> tf.Tensor:
        """This term without its coefficient, given the weight over the whole batch."""
        if self.reduction == "sum":
            return self.total
        if self.reduction == "mean":
            return self.total / (global_weight + 1e-6)
        raise ValueError(f"reduction must be 'mean' or 'sum', got {self.reduction!r}")
