"""Random numbers that depend on (seed, step, use, global row) and on nothing else.

They are the same on every device, and with XLA as without: integers of one counter-based
generator, made numbers of here. TensorFlow's own random floats take other bits of the same
integers in its kernels than under XLA.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox-4x32-10).
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Which random numbers a seed has. The first ones were TensorFlow's own; a run that was
# begun with others cannot go on with these.
VERSION = 2
# One counter value of Philox gives so many bits.
_BLOCK_BITS = 128
# Odd and without a pattern, so that names in another order have another number.
_FACTOR = 0x9E3779B97F4A7C15


class Seed(NamedTuple):
    """Where the random draws of a piece of work start.

    The key of the generator is (seed, step), its counter (use, row): every use of every
    step has numbers of its own, without anything being computed for it. Row `r` of a draw
    is a function of these and of `first_row + r` alone, so a batch that is split over
    replicas or micro-batches sees the same numbers as the whole batch.

    Attributes:
        key: seed and step, uint64 [1].
        first_row: index of this replica's first row in the global batch, int32 scalar.
        use: number of what is drawn, below 2**64, see `fold`; in a graph that serves
            several uses uint64 scalar.
    """

    key: tf.Tensor
    first_row: tf.Tensor
    use: int | tf.Tensor = 0

    @classmethod
    def of(
        cls,
        seed: tf.Tensor | int,
        step: tf.Tensor | int = 0,
        first_row: tf.Tensor | int = 0,
    ) -> "Seed":
        """The seed of one training step; of both numbers the lowest 32 bits count."""
        low, high = (
            tf.bitcast(tf.cast(number, tf.int32), tf.uint32) for number in (seed, step)
        )
        shifted = tf.bitwise.left_shift(tf.cast(high, tf.uint64), 32)
        key = tf.bitwise.bitwise_or(tf.cast(low, tf.uint64), shifted)
        return cls(key[tf.newaxis], tf.cast(first_row, tf.int32))

    def fold(self, use: str | int) -> "Seed":
        """The seed of one named use, independent of the others."""
        digest = hashlib.blake2b(str(use).encode(), digest_size=8).digest()
        own = int.from_bytes(digest)
        if isinstance(self.use, int):
            return self._replace(use=(self.use * _FACTOR + own) % 2**64)
        return self._replace(
            use=self.use * tf.constant(_FACTOR, tf.uint64) + tf.constant(own, tf.uint64)
        )

    def as_tensors(self) -> "Seed":
        """The same, without a number that belongs to a graph."""
        return self._replace(use=tf.constant(self.use, tf.uint64))

    def uniform(self, shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
        """Uniform draws in [0, 1), multiples of 2**-24, float32.

        Args:
            shape: of the draws; the first dimension is rows.
        """
        # Numbers that float32 holds as they are.
        draws = tf.bitwise.right_shift(self._words(shape), 8)
        return tf.cast(tf.bitcast(draws, tf.int32), tf.float32) * 2.0**-24

    def is_at_least(
        self, share: float, shape: Sequence[int | tf.Tensor]
    ) -> tuple[tf.Tensor, float]:
        """Draws what is true with probability `1 - share`, rounded to a multiple of 2**-16.

        Args:
            share: in [0, 1).
            shape: of the draws; the first dimension is rows.

        Returns:
            bool of that shape, and the probability as it is after rounding.
        """
        levels = 1 << 16
        threshold = min(round(share * levels), levels - 1)
        draws = self._halves(shape)
        return draws >= tf.constant(threshold, tf.uint16), 1.0 - threshold / levels

    def _halves(self, shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
        """Uniform integers, uint16."""
        # [rows, blocks, 4 words] -> [rows, blocks * 8]
        halves = tf.bitcast(self._blocks(shape, 16), tf.uint16)
        return _rows(halves, shape)

    def _words(self, shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
        """Uniform integers, uint32."""
        return _rows(self._blocks(shape, 32), shape)

    def _blocks(self, shape: Sequence[int | tf.Tensor], bits: int) -> tf.Tensor:
        """All bits that are needed for numbers of so many: uint32 [rows, blocks, 4]."""
        rows, *inner = shape
        per_block = _BLOCK_BITS // bits
        # Rows start at whole counter values.
        blocks = (_product(inner) + per_block - 1) // per_block
        skipped = tf.cast(self.first_row, tf.uint64) * tf.cast(blocks, tf.uint64)
        counter = tf.stack([skipped, tf.convert_to_tensor(self.use, tf.uint64)])
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=tf.stack([rows, blocks, 4]),
            key=self.key,
            counter=counter,
            alg=tf.random.Algorithm.PHILOX.value,
            dtype=tf.uint32,
        )


def _product(sizes: Sequence[int | tf.Tensor]) -> int | tf.Tensor:
    product: int | tf.Tensor = 1
    for size in sizes:
        product *= size
    return product


def _rows(blocks: tf.Tensor, shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
    """As many numbers of every row, [rows, ...], as are wanted."""
    rows, *inner = shape
    wanted = _product(inner)
    there = (
        np.prod(blocks.shape[1:].as_list())
        if blocks.shape[1:].is_fully_defined()
        else None
    )
    if there != wanted:
        blocks = tf.reshape(blocks, [rows, -1])[:, :wanted]
    return tf.reshape(blocks, tf.stack([rows, *inner]))


def dropout(x: tf.Tensor, rate: float, seed: Seed, training: bool) -> tf.Tensor:
    """Sets a fraction `rate` of `x` to zero and scales up the rest.

    Args:
        x: float32 or of half the size, [batch, ...].
        rate: probability of dropping an element, in [0, 1); a multiple of 2**-16 is taken.
        seed: where to draw from.
        training: False returns `x` unchanged.
    """
    if not training or rate == 0.0:
        return x
    sizes = [
        tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape)
    ]
    keep, probability = seed.is_at_least(rate, sizes)
    return tf.where(keep, x * (1.0 / probability), tf.zeros_like(x))
