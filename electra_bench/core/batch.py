"""The one shape in which examples reach an objective."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

NO_LABEL = -1
# A word whose tag nobody has said: it is predicted, and neither trained on nor scored.
UNKNOWN_LABEL = -2


class Batch(NamedTuple):
    """Padded examples of one step.

    Pre-training fills `labels` and `values` with zero-width tensors.

    An encoder may be told to put several examples in one row of `seq` tokens, where none
    sees another. Everything else, objectives and heads, sees one example a row in any case.

    Attributes:
        input_ids: token ids, int32 [batch, seq]; 0 beyond the end of a row.
        input_mask: 1 for tokens, 0 for padding, int32 [batch, seq].
        segment_ids: 0 or 1, int32 [batch, seq].
        labels: integer targets, int32 [batch, labels], padded with `NO_LABEL`; their
            meaning is the task kind's (one class id, one tag a token, span ends).
        values: real targets, float32 [batch, values], padded with 0.
        task_id: index of the example's task in its mixture, int32 [batch].
        example_id: row of the example in its split, int32 [batch]; -1 in rows that only
            fill up the last batch of an evaluation.
        place: of a packed batch, where the first token of the example stands among the
            tokens of all rows of the encoder, ascending, int32 [batch].
        rows: int32 [batch, rows, 0]. It has no elements: its shape, which compilers know,
            says how many rows the encoder has. None but in a packed batch.
    """

    input_ids: tf.Tensor
    input_mask: tf.Tensor
    segment_ids: tf.Tensor
    labels: tf.Tensor
    values: tf.Tensor
    task_id: tf.Tensor
    example_id: tf.Tensor
    place: tf.Tensor
    rows: tf.Tensor

    @property
    def is_packed(self) -> bool:
        """Whether examples share rows of the encoder."""
        return self.rows.shape[1] != 0

    @property
    def num_positions(self) -> tf.Tensor:
        """Tokens and padding that an encoder computes, int32 scalar."""
        rows, seq = tf.unstack(tf.shape(self.input_ids))
        return (tf.shape(self.rows)[1] if self.is_packed else rows) * seq

    def without_empty_rows(self) -> "Batch":
        """The same, if it is a part of a packed batch, with the rows that it stands in."""
        if not self.is_packed:
            return self
        rows = self.place // tf.shape(self.input_ids)[1]
        # Of no examples the difference would mean nothing.
        span = tf.reduce_max(rows) - tf.reduce_min(rows) + 1
        count = tf.where(tf.size(rows) > 0, span, 0)
        return self._replace(rows=tf.zeros([tf.size(rows), count, 0], tf.int32))


def own_rows(batch: int) -> dict[str, np.ndarray]:
    """`place` and `rows` of a batch whose examples each have a row of their own."""
    return {
        "place": np.zeros([batch], np.int32),
        "rows": np.zeros([batch, 0, 0], np.int32),
    }
