"""Losses of tokens, and how their sums become terms of the loss."""

import tensorflow as tf

from electra_bench.core import LossTerm


def token_losses(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Negative log likelihood of the true tokens, float32 [batch, n].

    Args:
        logits: float32 [batch, n, vocab].
        ids: int32 [batch, n].
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)


def is_likeliest(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Whether no token is more likely than the given ones, bool [batch, n].

    A maximum takes a fraction of the time of an `argmax`.

    Args:
        logits: float32 [batch, n, vocab].
        ids: int32 [batch, n].
    """
    return tf.gather(logits, ids, batch_dims=2) >= tf.reduce_max(logits, -1)


def mean_term(losses: tf.Tensor, weights: tf.Tensor, coefficient: float) -> LossTerm:
    """A weighted mean of losses; a position that was drawn twice counts twice.

    Args:
        losses: of slots or of positions, float32 [batch, n].
        weights: 1 for those that count and 0 for others, float32 [batch, n].
        coefficient: of this term.
    """
    return LossTerm(
        tf.reduce_sum(losses * weights), tf.reduce_sum(weights), coefficient
    )
