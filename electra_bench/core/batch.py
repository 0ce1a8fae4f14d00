"""The one shape in which examples reach an objective."""

from typing import NamedTuple

import tensorflow as tf

NO_LABEL = -1
# A word whose tag nobody has said: it is predicted, and neither trained on nor scored.
UNKNOWN_LABEL = -2


class Batch(NamedTuple):
    """Padded examples of one step.

    Pre-training fills `labels` and `values` with zero-width tensors.

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
    """

    input_ids: tf.Tensor
    input_mask: tf.Tensor
    segment_ids: tf.Tensor
    labels: tf.Tensor
    values: tf.Tensor
    task_id: tf.Tensor
    example_id: tf.Tensor
