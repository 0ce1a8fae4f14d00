"""Masked LM with label smoothing (Szegedy et al. 2016, section 7)."""

import tensorflow as tf

from electra_bench.core import EncoderFactory, SpecialIds, Variables
from electra_bench.objectives.generators import MaskedLM, mean_term
from electra_bench.objectives.mlm import MaskedLanguageModelling
from electra_bench.registry import objectives


class SmoothedMlm(MaskedLanguageModelling):
    """`mlm` with a part of every target spread over all tokens."""

    def __init__(self, model, special_ids, mask_prob, smoothing):
        super().__init__(model, special_ids, mask_prob, distinct_positions=True)
        self._smoothing = smoothing

    def terms(self, batch, masked, proposed):
        # [batch, preds, vocab]
        log_probs = tf.nn.log_softmax(proposed.logits)
        true = tf.gather(log_probs, masked.ids, axis=-1, batch_dims=2)
        uniform = tf.reduce_mean(log_probs, -1)
        losses = -(1.0 - self._smoothing) * true - self._smoothing * uniform
        return {"mlm": mean_term(losses, masked.weights, 1.0)}


@objectives.register("mlm_smoothed")
def mlm_smoothed(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    mask_prob: float = 0.15,
    smoothing: float = 0.1,
) -> SmoothedMlm:
    """Builds the objective.

    Args:
        encoders: builds the encoder.
        variables: creates the head's variables.
        special_ids: of the vocabulary.
        mask_prob: fraction of the tokens to predict, in (0, 1).
        smoothing: probability moved from the true token to all, in [0, 1).

    Raises:
        ValueError: `smoothing` is outside [0, 1).
    """
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"smoothing must be in [0, 1), got {smoothing}")
    model = MaskedLM(variables, encoders("encoder"))
    return SmoothedMlm(model, special_ids, mask_prob, smoothing)
