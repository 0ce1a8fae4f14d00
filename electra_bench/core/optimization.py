"""What the trainer asks of an optimizer, and an optimizer of a schedule."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import tensorflow as tf

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices | None


class Schedule(Protocol):
    """The learning rate as a function of the step, and of nothing else."""

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of the update after `step` others, float32 scalar."""


@runtime_checkable
class Optimizer(Protocol):
    """What updates the variables of one stage of a training.

    Attributes:
        slots: what it keeps from step to step, by full name, `<variable>/<slot>`. All of it
            is 0 at the first step, is saved in checkpoints and put back from them; there is
            no other state, so that a run which was killed ends as an unbroken one.
    """

    slots: Mapping[str, tf.Variable]

    def learning_rate(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of the update after `step` others, float32 scalar."""

    def apply(self, gradients: Sequence[Gradient], step: tf.Tensor) -> tf.Tensor:
        """Updates the variables, inside a `tf.function`, in replica context.

        Every replica updates its own copy, from gradients that are the same on all.

        Args:
            gradients: one a variable, in their order; None leaves a variable alone.
            step: number of updates done before, int32 scalar.

        Returns:
            The global norm of the gradients before clipping.
        """
