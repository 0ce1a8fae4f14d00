"""Replacing masked tokens by a generator's samples.

Functions of tensors with static shapes; what is random comes in as uniform draws.
"""

from typing import NamedTuple

import tensorflow as tf

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


def gumbel_argmax(logits: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Samples from the softmax of `logits` by the Gumbel-max trick.

    Args:
        logits: float32 [batch, preds, vocab].
        uniform: draws in [0, 1), float32 [batch, preds, vocab].

    Returns:
        int32 [batch, preds].

    Source: google-research/electra pretrain/pretrain_helpers.py `sample_from_softmax`,
    with its two constants. Differs: no softmax before the argmax, which it cannot change.
    """
    noise = -tf.math.log(-tf.math.log(uniform + 1e-9) + 1e-9)
    return tf.argmax(logits + noise, -1, output_type=tf.int32)


def tempered(logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Logits of the distribution that samples are drawn from: softmax(logits / T)."""
    return logits if temperature == 1.0 else logits / temperature


def sample_replacements(
    logits: tf.Tensor,
    ids: tf.Tensor,
    uniform: tf.Tensor,
    *,
    temperature: float = 1.0,
    disallow_correct: bool = False,
) -> tf.Tensor:
    """Draws the generator's tokens, int32 [batch, preds].

    Args:
        logits: the generator's, float32 [batch, preds, vocab].
        ids: the original tokens, int32 [batch, preds].
        uniform: draws in [0, 1), float32 [batch, preds, vocab].
        temperature: divides the logits.
        disallow_correct: make the original token all but impossible.

    Source: google-research/electra run_pretraining.py `_get_fake_data`.
    """
    logits = tempered(tf.stop_gradient(logits), temperature)
    if disallow_correct:
        logits -= 1000.0 * tf.one_hot(ids, logits.shape[-1])
    return gumbel_argmax(logits, uniform)


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
