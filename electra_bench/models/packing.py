"""From examples to rows of an encoder that several of them share, and back."""

from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import Batch


class Packing(NamedTuple):
    """Where tokens of examples stand in rows, and which token stands at a place.

    Attributes:
        there: number of the token, over all of [batch, seq], that stands at a place; -1 for
            none, int32 [rows * seq].
        back: the place of a token; -1 for padding, int32 [batch * seq].
        owner: the example that a place belongs to; -1 for none, int32 [rows, seq].
        first_row: the number of the first row in the global batch, int32 scalar.
    """

    there: tf.Tensor
    back: tf.Tensor
    owner: tf.Tensor
    first_row: tf.Tensor

    @classmethod
    def of(cls, batch: Batch) -> "Packing":
        """That of a packed batch, or of a part of one."""
        rows, seq = tf.shape(batch.rows)[1], tf.shape(batch.input_ids)[1]
        lengths = tf.reduce_sum(batch.input_mask, -1)
        first_row = tf.reduce_min(batch.place) // seq
        place = batch.place - first_row * seq
        places = tf.range(rows * seq)
        # The last example that begins there or before.
        owner = tf.searchsorted(place, places, side="right") - 1
        example = tf.maximum(owner, 0)
        token = places - tf.gather(place, example)
        is_token = (owner >= 0) & (token < tf.gather(lengths, example))
        owner = tf.where(is_token, owner, -1)
        there = tf.where(is_token, example * seq + token, -1)
        back = place[:, tf.newaxis] + tf.range(seq)
        back = tf.where(tf.sequence_mask(lengths, seq), back, -1)
        return cls(
            there, tf.reshape(back, [-1]), tf.reshape(owner, [rows, seq]), first_row
        )

    def pack(self, x: tf.Tensor) -> tf.Tensor:
        """[batch, seq, size] -> [rows, seq, size]; 0 where no token stands."""
        return _moved(x, self.there, self.back, tf.shape(self.owner)[0])

    def unpack(self, x: tf.Tensor) -> tf.Tensor:
        """[rows, seq, size] -> [batch, seq, size]; 0 for padding."""
        batch = tf.size(self.back) // tf.shape(self.owner)[1]
        return _moved(x, self.back, self.there, batch)

    def seen(self) -> tf.Tensor:
        """1 for tokens of the same example, float32 [rows, 1, seq, seq]."""
        owner = self.owner[:, tf.newaxis, :]
        is_own = (owner == self.owner[:, :, tf.newaxis]) & (owner >= 0)
        return tf.cast(is_own, tf.float32)[:, tf.newaxis]


@tf.custom_gradient
def _moved(x: tf.Tensor, there: tf.Tensor, back: tf.Tensor, rows: tf.Tensor):
    """Takes what stands at `there`, of [rows, seq, size]; `back` undoes it.

    No token stands at two places, so the gradient is a gather, too, where TensorFlow's own
    adds up.
    """
    before = tf.shape(x)[0]

    def gradient(y: tf.Tensor):
        return _moved(y, back, there, before), None, None, None

    size = x.shape[-1]
    found = tf.gather(tf.reshape(x, [-1, size]), tf.maximum(there, 0))
    found = tf.where(there[:, tf.newaxis] >= 0, found, tf.zeros_like(found))
    return tf.reshape(found, [rows, tf.shape(x)[1], size]), gradient
