"""Replacing masked tokens by a generator's samples.

Functions of tensors with static shapes; what is random comes in as uniform draws.
"""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench.objectives.losses import probabilities
from electra_bench.objectives.masking import scatter_update


class Corrupted(NamedTuple):
    """A batch with some tokens replaced.

    Attributes:
        input_ids: int32 [batch, seq].
        sampled: 1 where a sample stands, int32 [batch, seq].
        labels: 1 where it differs from the original token, int32 [batch, seq].
    """

    input_ids: tf.Tensor
    sampled: tf.Tensor
    labels: tf.Tensor


def draw(probs: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Samples from distributions: the inverse of the cumulative distribution at a draw.

    First a block of about the square root of all tokens is found, then a token in it, so
    that cumulative sums are short: a draw costs one pass over the probabilities, and one
    random number, where the Gumbel-max trick needs one for every token.

    Args:
        probs: of all tokens, float32 [batch, preds, vocab]; they need not add up to 1. A
            token with the probability 0 is never drawn.
        uniform: draws in [0, 1), float32 [batch, preds].

    Returns:
        int32 [batch, preds].

    Source: google-research/electra pretrain/pretrain_helpers.py `sample_from_softmax`
    draws from the same distribution by the Gumbel-max trick.
    """
    vocab = probs.shape[-1]
    size = math.isqrt(vocab - 1) + 1
    num_blocks = -(-vocab // size)
    slots = tf.shape(uniform)
    padded = tf.pad(probs, [[0, 0], [0, 0], [0, num_blocks * size - vocab]])
    blocks = tf.reshape(padded, tf.concat([slots, [num_blocks, size]], 0))
    # [batch, preds, blocks]
    sums = tf.cumsum(tf.reduce_sum(blocks, -1), axis=-1)
    block, rest = _inverse(sums, uniform * sums[..., -1])
    # [batch, preds, size]
    sums = tf.cumsum(tf.gather(blocks, block, batch_dims=2), axis=-1)
    return block * size + _inverse(sums, rest)[0]


def _inverse(sums: tf.Tensor, wanted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where cumulative sums exceed a value first, and the value less what is before.

    Args:
        sums: they rise, float32 [batch, preds, n].
        wanted: float32 [batch, preds]; what is not below the last sum is put below it.

    Returns:
        int32 and float32 [batch, preds].
    """
    below_all = sums[..., -1] * (1.0 - 2.0**-23)
    wanted = tf.minimum(wanted, below_all)[..., tf.newaxis]
    is_before = sums <= wanted
    before = tf.reduce_max(tf.where(is_before, sums, 0.0), -1)
    return tf.reduce_sum(tf.cast(is_before, tf.int32), -1), wanted[..., 0] - before


def tempered(logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Logits of the distribution that samples are drawn from: softmax(logits / T)."""
    return logits if temperature == 1.0 else logits / temperature


def proposals(
    logits: tf.Tensor,
    ids: tf.Tensor,
    *,
    temperature: float = 1.0,
    disallow_correct: bool = False,
) -> tf.Tensor:
    """What the generator's tokens are drawn from, float32 [batch, preds, vocab].

    Args:
        logits: the generator's, float32 [batch, preds, vocab].
        ids: the original tokens, int32 [batch, preds].
        temperature: divides the logits.
        disallow_correct: never draw the original token.

    Returns:
        Weights for `draw`; no gradient goes through.

    Source: google-research/electra run_pretraining.py `_get_fake_data`. Differs: it makes
    the original token all but impossible.
    """
    probs = probabilities(tempered(logits, temperature), ids)
    if disallow_correct:
        probs *= 1.0 - tf.one_hot(ids, logits.shape[-1])
    return probs


def sample_replacements(
    logits: tf.Tensor,
    ids: tf.Tensor,
    uniform: tf.Tensor,
    **how: Any,
) -> tf.Tensor:
    """Draws the generator's tokens, int32 [batch, preds].

    Args:
        logits: the generator's, float32 [batch, preds, vocab].
        ids: the original tokens, int32 [batch, preds].
        uniform: draws in [0, 1), float32 [batch, preds]; of [batch, preds, vocab], which
            were needed once, the first of each slot is taken.
        **how: `temperature` and `disallow_correct`, see `proposals`.
    """
    probs = proposals(logits, ids, **how)
    return draw(probs, uniform if uniform.shape.rank == 2 else uniform[..., 0])


def corrupt(
    original_ids: tf.Tensor, positions: tf.Tensor, sampled_ids: tf.Tensor
) -> Corrupted:
    """Puts samples into the text; one that hits the original token counts as real.

    Args:
        original_ids: int32 [batch, seq].
        positions: int32 [batch, preds]; 0 for nowhere.
        sampled_ids: int32 [batch, preds].

    Source: Clark et al. 2020, section 2; google-research/electra run_pretraining.py
    `_get_fake_data`.
    """
    input_ids, sampled = scatter_update(original_ids, sampled_ids, positions)
    labels = sampled * tf.cast(input_ids != original_ids, tf.int32)
    return Corrupted(input_ids, sampled, labels)
