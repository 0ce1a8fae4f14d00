"""Losses of tokens, and how their sums become terms of the loss."""

import tensorflow as tf

from electra_bench.core import LossTerm


def token_losses(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Negative log likelihood of the true tokens, float32 [batch, n].

    Args:
        logits: float32 [batch, n, vocab].
        ids: int32 [batch, n].
    """
    return tf.reshape(_cross_entropy(logits, ids)[0], tf.shape(ids))


def probabilities(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """The softmax of logits, float32 [batch, n, vocab]; without gradient.

    From the same operation as `token_losses` of the same tokens: both together cost what
    one does.

    Args:
        logits: float32 [batch, n, vocab].
        ids: int32 [batch, n].
    """
    # That less 1 for the true tokens.
    residuals = tf.stop_gradient(_cross_entropy(logits, ids)[1])
    true = tf.one_hot(tf.reshape(ids, [-1]), logits.shape[-1])
    return tf.reshape(residuals + true, tf.shape(logits))


def _cross_entropy(logits: tf.Tensor, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Losses, float32 [rows], and what they rise by with the logits, [rows, vocab].

    `tf.nn.sparse_softmax_cross_entropy_with_logits` takes other operations, which keep
    twice as much, where determinism is asked for.
    """
    found = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
        features=tf.reshape(logits, [-1, logits.shape[-1]]),
        labels=tf.reshape(ids, [-1]),
    )
    return found.loss, found.backprop


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
