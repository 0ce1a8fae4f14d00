"""Scaling the loss, so that gradients of float16 do not vanish."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from electra_bench.core import Gradient
from electra_bench.core.variables import replicated
from electra_bench.training.optimizer import assign

START = 2.0**15
# Updates without an overflow after which the scale is doubled.
DOUBLED_AFTER = 2000


class LossScale(tf.Module):
    """A factor of the loss that is halved where gradients overflow, and doubled again.

    Source: Micikevicius et al. 2018, "Mixed precision training", section 3.2, dynamic
    scaling.
    """

    def __init__(self):
        """Starts at `START`."""
        super().__init__()
        self._scale = replicated(tf.constant(START), "loss_scale", trainable=False)
        self._good = replicated(tf.constant(0), "good_updates", trainable=False)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss that is differentiated."""
        return loss * self._scale

    def apply(
        self,
        gradients: Sequence[Gradient],
        update: Callable[[Sequence[Gradient]], tf.Tensor],
    ) -> tf.Tensor:
        """Updates by gradients of the scaled loss, in replica context; or not.

        Args:
            gradients: the same on all replicas; None leaves a variable alone.
            update: takes them unscaled, and returns their norm.

        Returns:
            The norm; 0 where a gradient is not finite, and nothing was updated.
        """
        unscaled = [_times(g, 1.0 / self._scale) for g in gradients]
        is_finite = tf.reduce_all(
            [
                tf.reduce_all(tf.math.is_finite(_values(g)))
                for g in unscaled
                if g is not None
            ]
        )
        norm = tf.cond(is_finite, lambda: update(unscaled), lambda: 0.0)
        good = tf.where(is_finite, self._good + 1, 0)
        is_long = good >= DOUBLED_AFTER
        lower = tf.maximum(self._scale / 2.0, 1.0)
        higher = tf.where(is_long, 2.0 * self._scale, self._scale)
        assign(self._scale, tf.where(is_finite, higher, lower))
        assign(self._good, tf.where(is_long, 0, good))
        return norm

    def state(self) -> list[float]:
        """What a checkpoint keeps."""
        return [float(self._scale.numpy()), int(self._good.numpy())]

    def restore(self, state: Sequence[float]) -> None:
        """Goes on from `state`."""
        self._scale.assign(state[0])
        self._good.assign(int(state[1]))


def _times(gradient: Gradient, factor: tf.Tensor) -> Gradient:
    if isinstance(gradient, tf.IndexedSlices):
        rows = gradient.values * factor
        return tf.IndexedSlices(rows, gradient.indices, gradient.dense_shape)
    return gradient if gradient is None else gradient * factor


def _values(gradient: tf.Tensor | tf.IndexedSlices) -> tf.Tensor:
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
