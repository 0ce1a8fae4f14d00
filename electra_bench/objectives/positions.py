"""Reading and writing at chosen positions of sequences."""

import tensorflow as tf


def gather_positions(sequence: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """What stands at the positions.

    Args:
        sequence: [batch, seq] or [batch, seq, hidden].
        positions: int32 [batch, preds].

    Returns:
        [batch, preds] or [batch, preds, hidden].
    """
    return tf.gather(sequence, positions, batch_dims=1)


def scatter_update(
    sequence: tf.Tensor, updates: tf.Tensor, positions: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Replaces what stands at the positions.

    Where a position occurs several times, its value is the mean of the updates; for
    integers it is rounded down, so that two different samples for one position become a
    third, unrelated token.

    Args:
        sequence: int32 or float32 [batch, seq] or [batch, seq, hidden].
        updates: same dtype, [batch, preds] or [batch, preds, hidden].
        positions: int32 [batch, preds]; 0 for nowhere: the first token never changes.

    Returns:
        The sequence, and int32 [batch, seq] with 1 where it was updated.

    Source: google-research/electra pretrain/pretrain_helpers.py `scatter_update`.
    """
    batch, seq = tf.unstack(tf.shape(sequence)[:2])
    # [batch, preds] -> [batch * preds, 1], rows of the flattened sequence
    flat = tf.reshape(positions + seq * tf.range(batch)[:, tf.newaxis], [-1, 1])
    rows = tf.reshape(updates, tf.concat([[-1], tf.shape(sequence)[2:]], 0))
    shape = tf.concat([[batch * seq], tf.shape(sequence)[2:]], 0)
    sums = tf.reshape(tf.scatter_nd(flat, rows, shape), tf.shape(sequence))
    ones = tf.ones([tf.shape(flat)[0]], tf.int32)
    counts = tf.reshape(tf.scatter_nd(flat, ones, [batch * seq]), [batch, seq])
    counts *= tf.cast(tf.range(seq) > 0, tf.int32)
    changed = tf.minimum(counts, 1)
    divisor = tf.cast(tf.maximum(counts, 1), sequence.dtype)
    is_changed = changed > 0
    if sequence.shape.rank == 3:
        divisor, is_changed = divisor[..., tf.newaxis], is_changed[..., tf.newaxis]
    means = sums // divisor if sequence.dtype.is_integer else sums / divisor
    updated = tf.where(is_changed, means, sequence)
    return tf.ensure_shape(updated, sequence.shape), changed
