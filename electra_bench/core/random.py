"""Random numbers that depend on (seed, step, global row) and on nothing else."""

import zlib
from typing import NamedTuple

import tensorflow as tf


class Seed(NamedTuple):
    """Where the random draws of a piece of work start.

    Row `r` of a draw is a function of `key` and `first_row + r` alone, so a batch that is
    split over replicas or micro-batches sees the same numbers as the whole batch.

    Attributes:
        key: int32 [2], differs between uses (see `fold`) and steps.
        first_row: index of this replica's first row in the global batch, int32 scalar.
    """

    key: tf.Tensor
    first_row: tf.Tensor

    @classmethod
    def of(
        cls,
        seed: tf.Tensor | int,
        step: tf.Tensor | int = 0,
        first_row: tf.Tensor | int = 0,
    ) -> "Seed":
        """The seed of one training step."""
        key = tf.random.experimental.stateless_fold_in(
            tf.stack([tf.cast(seed, tf.int32), 0]), tf.cast(step, tf.int32)
        )
        return cls(key, tf.cast(first_row, tf.int32))

    def fold(self, use: str | int) -> "Seed":
        """The seed of one named use, independent of the others."""
        number = zlib.crc32(use.encode()) % 2**31 if isinstance(use, str) else use
        return self._replace(
            key=tf.random.experimental.stateless_fold_in(self.key, number)
        )

    def uniform(self, shape) -> tf.Tensor:
        """Uniform draws in [0, 1), float32 of `shape`, whose first dimension is rows."""
        shape = tf.convert_to_tensor(shape, tf.int32)
        # Philox makes four numbers a counter value; rows start at whole counter values.
        per_row = tf.maximum(tf.reduce_prod(shape[1:]), 1)
        blocks = (per_row + 3) // 4
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=self.key)
        skipped = tf.cast(self.first_row, tf.uint64) * tf.cast(blocks, tf.uint64)
        counter += tf.stack([skipped, tf.zeros_like(skipped)])
        # [rows, 4 * blocks]
        draws = tf.raw_ops.StatelessRandomUniformV2(
            shape=tf.stack([shape[0], 4 * blocks]),
            key=key,
            counter=counter,
            alg=tf.random.Algorithm.PHILOX.value,
        )
        return tf.reshape(draws[:, :per_row], shape)


def dropout(x: tf.Tensor, rate: float, seed: Seed, training: bool) -> tf.Tensor:
    """Sets a fraction `rate` of `x` to zero and scales up the rest.

    Args:
        x: float32 [batch, ...].
        rate: probability of dropping an element, in [0, 1).
        seed: where to draw from.
        training: False returns `x` unchanged.
    """
    if not training or rate == 0.0:
        return x
    keep = seed.uniform(tf.shape(x)) >= rate
    return tf.where(keep, x / (1.0 - rate), tf.zeros_like(x))
