"""A loss as a sum and a weight, so that only the trainer divides."""

from typing import NamedTuple, TypeAlias

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
            does not, as in the original's fine-tuning. "measured" divides too, but the
            term is only logged; its weight may depend on anything.
    """

    total: tf.Tensor
    weight: tf.Tensor
    coefficient: float = 1.0
    reduction: str = "mean"

    def value(self, global_weight: tf.Tensor) -> tf.Tensor:
        """This term without its coefficient, given the weight over the whole batch."""
        if self.reduction == "sum":
            return self.total
        if self.reduction in ("mean", "measured"):
            return self.total / (global_weight + 1e-6)
        raise ValueError(f"reduction must be 'mean' or 'sum', got {self.reduction!r}")

    @property
    def is_trained(self) -> bool:
        """Whether it is part of the loss."""
        return self.reduction != "measured"


# Terms by name: the loss, and what else is logged in every step.
LossTerms: TypeAlias = dict[str, LossTerm]


def measured(values: tf.Tensor, weights: tf.Tensor) -> LossTerm:
    """A weighted mean that is logged in every step, and no part of the loss.

    Args:
        values: float32 or int32 [...].
        weights: of the values, 0 for those that do not count, same shape.
    """
    weights = tf.cast(weights, tf.float32)
    total = tf.reduce_sum(tf.cast(values, tf.float32) * weights)
    return LossTerm(
        tf.stop_gradient(total),
        tf.stop_gradient(tf.reduce_sum(weights)),
        coefficient=0.0,
        reduction="measured",
    )
